"""The measurements of `bench.ingest`: each returns some figures of one round."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bench import ingest_runs as runs
from bench.ingest_rig import Ingest, Services, fresh_database
from bench.ingest_tables import History, Table, psql_copy, text_file
from bench.load import Plan
from bench.machine import ROOT, BenchError, say
from ioc.domain.errors import ConfigError
from ioc.embedded import programs
from ioc.embedded.child import Child, choose_port

DEVICES: Final = 2000
MANY: Final = 100_000
GOLDEN: Final = ROOT / "tests" / "golden"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured; counts are messages."""

    rounds: int
    saturated: int
    backlog: int
    copied: int  # rows of the psql COPY
    naive: int
    at_rate_s: float
    many: int
    mixed: int
    batches: int  # of 5,000 rows, for the write statement
    deep: int  # rows of the deep table
    fill_s: float  # at most, to fill it


# The whole stays below 12 minutes on two cores.
FULL: Final = Scale(
    rounds=3, saturated=150_000, backlog=250_000, copied=500_000, naive=4000, at_rate_s=7,
    many=200_000, mixed=40_000, batches=40, deep=50_000_000, fill_s=200,
)  # fmt: skip
QUICK: Final = Scale(
    rounds=1, saturated=20_000, backlog=30_000, copied=50_000, naive=500, at_rate_s=3,
    many=20_000, mixed=3000, batches=4, deep=2_000_000, fill_s=30,
)  # fmt: skip
SHALLOW: Final = 500_000  # rows of the table that the deep one is compared with
QUICK_SHALLOW: Final = 200_000
ONCE_RUNS: Final = 3  # of what is set up once


@dataclass(slots=True)
class Round:
    """One round: a database and an ingest of its own, and what its later parts compare with."""

    where: Services
    scale: Scale
    note: Callable[[str], None]
    relay: runs.Relayed | None = None
    base: runs.Run | None = None
    _held: list[Ingest] = field(default_factory=list)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold an ingest with 2,000 devices, not started."""
        with self.ingest(DEVICES) as made:
            self._held = [made]
            yield
        self._held = []

    @property
    def held(self) -> Ingest:
        return self._held[0]

    @contextmanager
    def ingest(self, devices: int, server: str = "", **options: Any) -> Iterator[Ingest]:  # noqa: ANN401
        """Yield an ingest on a fresh database of a server (the tests' own), not started."""
        with (
            fresh_database(server or self.where.database) as database,
            Ingest(database, self.where, **options) as made,
        ):
            made.prepare(devices)
            yield made

    def plan(self, count: int, **more: Any) -> Plan:  # noqa: ANN401
        return replace(Plan(self.where.mqtt, count, topics=DEVICES), **more)

    def checked(self, run: runs.Run, name: str) -> runs.Run:
        """Say where a run lost something: a rate of lost messages is none."""
        if run.missing:
            self.note(f"{name}: {run.missing} rows are missing")
        if not run.live:
            self.note(f"{name}: the last batch did not reach Redis within 5 s")
        return run

    def compared(self) -> runs.Run:
        if self.base is None:
            raise BenchError("there is no end-to-end run to compare with")
        return self.base


Measurement = Callable[[Round], dict[str, float]]
Once = Callable[[Round], list[dict[str, float]]]


def end_to_end(now: Round) -> dict[str, float]:
    """Measure the relay and, in the same minute, ingest with rollup and Redis."""
    plan = now.plan(now.scale.saturated)
    relay = now.relay = runs.relay(now.where, plan)
    now.held.start()
    now.held.await_subscribed()
    base = now.base = now.checked(runs.saturated(now.held, plan), "end_to_end")
    found = {"relay_messages": relay.rate, "e2e_messages": base.rate, "cpu_saturated": base.cpu_us}
    # A void relay is no measure: such a round says nothing about this ratio.
    return found | ({"e2e_over_relay": base.rate / relay.rate} if relay.valid else {})


def ten_values(now: Round) -> dict[str, float]:
    """Measure messages of ten values, 200 bytes as well."""
    plan = now.plan(now.scale.saturated // 4, values=10, prefix="bench10")
    run = now.checked(runs.saturated(now.held, plan), "ten_values")
    return {"ten_values_over_one": run.rate * 10 / now.compared().rate}


def latency(now: Round) -> dict[str, float]:
    """Measure publish -> commit at three rates."""
    found: dict[str, float] = {}
    for name, rate in (("1k", 1000), ("5k", 5000), ("10k", 10_000)):
        seconds = now.scale.at_rate_s
        run = runs.latency(now.held, now.plan(int(rate * seconds), rate=rate, seconds=seconds))
        found |= {f"latency_{name}_p50": run.p50, f"latency_{name}_p99": run.p99}
        if name == "10k" and run.bus:
            found |= {"bus_10k_p50": run.bus[0], "bus_10k_p99": run.bus[1]}
        if run.behind_ms > 5:
            now.note(f"latency_{name}: the generator was up to {run.behind_ms:.0f} ms late")
    return found


def drain(now: Round) -> dict[str, float]:
    """Measure a backlog and, in the same minute, psql COPY into the same hypertable."""
    run = now.checked(runs.drain(now.held, now.plan(now.scale.backlog)), "drain")
    now.held.settle()
    with text_file(now.scale.copied) as file:
        copied = psql_copy(now.held.database, file, now.scale.copied)
    return {
        "drain_messages": run.rate,
        "copy_rows": copied,
        "drain_over_copy": run.rate / copied,
        "cpu_drain": run.cpu_us,
    }


def statement(now: Round) -> dict[str, float]:
    """Measure insert + minute rollup against our own binary COPY, batch by batch in turn."""
    now.held.stop()
    with closing(Table(now.held.database)) as table:
        written, copied = table.statement_and_copy(now.scale.batches)
    return {"statement_rows": written, "statement_over_copy": written / copied}


def naive(now: Round) -> dict[str, float]:
    """Measure the naive subscriber on the same table."""
    now.held.stop()
    rate = runs.naive(now.where, now.held.database, now.plan(now.scale.naive))
    return {"naive_messages": rate, "over_naive": now.compared().rate / rate}


def stock_reader(now: Round) -> dict[str, float]:
    """Measure with paho's own reader, where the setting is known."""
    try:
        with now.ingest(DEVICES, reader="stock") as made:
            made.start()
            made.await_subscribed()
            plan = now.plan(now.scale.saturated // 2)
            run = now.checked(runs.saturated(made, plan), "stock_reader")
    except ConfigError as error:
        raise BenchError(f'there is no [ingest] reader = "stock": {error}') from error
    return {"over_stock_reader": now.compared().rate / run.rate}


def many_datastreams(now: Round) -> dict[str, float]:
    """Measure with 100,000 datastreams, after each of them was seen once."""
    with now.ingest(MANY) as made:
        made.start()
        made.await_subscribed()
        now.checked(runs.saturated(made, now.plan(MANY, topics=MANY)), "many_datastreams, warm")
        made.settle()
        plan = now.plan(max(now.scale.many, MANY), topics=MANY)
        run = now.checked(runs.saturated(made, plan), "many_datastreams")
    return {"many_datastreams_cpu": run.cpu_us / now.compared().cpu_us}


def mixed(now: Round) -> dict[str, float]:
    """Measure real messages of all formats, with the shipped feeds.

    The goal is for what devices send; with the broken ones among them, a quarter of the golden
    messages, most of the time goes into letters.
    """
    taken = _mixed(now, refused=False)
    return {
        "mixed_over_json": taken / now.compared().rate,
        "mixed_with_broken": _mixed(now, refused=True) / taken,
    }


def _mixed(now: Round, *, refused: bool) -> float:
    messages = golden_messages(GOLDEN, refused=refused)
    if not messages:
        raise BenchError(f"skipped: no file of messages below {GOLDEN.relative_to(ROOT)}")
    with (
        tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file,
        now.ingest(DEVICES, shipped=True) as made,
    ):
        for topic, body in messages:
            line = {"topic": topic, "payload_b64": base64.b64encode(body).decode()}
            file.write(json.dumps(line) + "\n")
        file.flush()
        made.start()
        made.await_subscribed()
        plan = now.plan(now.scale.mixed, messages=file.name)
        run = runs.saturated(made, plan, all_come=False)
    if run.missing:
        now.note(f"mixed: {run.missing} of {plan.count} messages have a topic of no shipped feed")
    say(f"    {len(messages)} messages, {run.rows} rows, {run.rate:.0f} msg/s")
    return run.rate


def deep_table(now: Round) -> list[dict[str, float]]:
    """Measure the write statement on a table of 50 M rows and on one of 0.5 M, in turn."""
    scale = now.scale
    with ExitStack() as stack:
        tables = []
        for rows in (SHALLOW if scale is FULL else QUICK_SHALLOW, scale.deep):
            database = stack.enter_context(now.ingest(1)).database
            history = History(database)
            history.fill(rows, scale.fill_s)
            tables.append((stack.enter_context(closing(Table(database))), history.rows))
        (shallow, few), (deep, many) = tables
        now.note(f"deep_table: {many:,} rows against {few:,}")
        found = []
        for _ in range(ONCE_RUNS):
            base = shallow.statement_rate(scale.batches)
            found.append({"deep_table": deep.statement_rate(scale.batches) / base})
    return found


def plain_postgresql(now: Round) -> list[dict[str, float]]:
    """Measure end to end on plain PostgreSQL, as `ioc up` starts it."""
    plan = now.plan(now.scale.saturated // 2)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ioc-bench-pg-")))
        port = choose_port(0, set())
        cluster, log_file = folder / "postgres", folder / "postgres.log"
        server = Child(programs.postgres(cluster, log_file, port, "bench"))
        server.start()
        stack.callback(server.stop)
        server.await_answer()
        url = programs.database_url(port, "bench")
        made = stack.enter_context(now.ingest(DEVICES, server=url))
        made.start()
        made.await_subscribed()
        found = [runs.saturated(made, plan) for _ in range(ONCE_RUNS)]
    return [
        {"plain_postgresql_messages": now.checked(run, "plain_postgresql").rate} for run in found
    ]


def relay_backlog(now: Round) -> list[dict[str, float]]:
    """Measure how fast the broker hands a backlog to a subscriber that only acknowledges."""
    plan = now.plan(now.scale.backlog)
    return [
        {"relay_backlog_messages": runs.relay_backlog(now.where, plan)} for _ in range(ONCE_RUNS)
    ]


def golden_messages(folder: Path, *, refused: bool) -> list[tuple[str, bytes]]:
    """Return (topic, payload) of the messages in the golden files.

    A file is one message, a list, or {"messages": […]}; a message has its payload as `text`, `hex`
    or `payload_b64`. `refused`: also those of which something is refused.
    """
    found: list[tuple[str, bytes]] = []
    for path in sorted(folder.rglob("*.json")):
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            document = document.get("messages", [document])
        found += [
            message for one in document if refused or _taken(one) for message in _message(one)
        ]
    return found


def _taken(one: Any) -> bool:  # noqa: ANN401  JSON
    expected = one.get("expect", []) if isinstance(one, dict) else []
    return all(outcome.get("kind") != "refused" for outcome in expected)


def _message(one: Any) -> list[tuple[str, bytes]]:  # noqa: ANN401  JSON
    match one:
        case {"topic": str(topic), "text": str(text)}:
            return [(topic, text.encode())]
        case {"topic": str(topic), "hex": str(digits)}:
            return [(topic, bytes.fromhex(digits))]
        case {"topic": str(topic), "payload_b64": str(body)}:
            return [(topic, base64.b64decode(body))]
    return []


SHARED: Final[tuple[Measurement, ...]] = (
    end_to_end, ten_values, latency, drain, statement, naive,
)  # fmt: skip
APART: Final[tuple[Measurement, ...]] = (stock_reader, many_datastreams, mixed)
ONCE: Final[tuple[Once, ...]] = (deep_table, plain_postgresql, relay_backlog)
FIGURES: Final[dict[str, tuple[str, ...]]] = {
    "end_to_end": ("relay_messages", "e2e_messages", "e2e_over_relay", "cpu_saturated"),
    "ten_values": ("ten_values_over_one",),
    "latency": (
        "latency_1k_p50", "latency_1k_p99", "latency_5k_p50", "latency_5k_p99",
        "latency_10k_p50", "latency_10k_p99", "bus_10k_p50", "bus_10k_p99",
    ),
    "drain": ("drain_messages", "copy_rows", "drain_over_copy", "cpu_drain"),
    "statement": ("statement_rows", "statement_over_copy"),
    "naive": ("naive_messages", "over_naive"),
    "stock_reader": ("over_stock_reader",),
    "many_datastreams": ("many_datastreams_cpu",),
    "mixed": ("mixed_over_json", "mixed_with_broken"),
    "deep_table": ("deep_table",),
    "plain_postgresql": ("plain_postgresql_messages",),
    "relay_backlog": ("relay_backlog_messages",),
}  # fmt: skip
