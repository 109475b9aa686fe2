"""Runs through the broker: the relay alone, ingest saturated, a backlog, latency at a rate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import psycopg

from bench.ingest_rig import LOOK_S, Ingest, Services, Totals
from bench.line import forget_session, leave_session
from bench.load import Plan, Result
from bench.machine import BenchError, Tool, cpu_seconds, percentile
from bench.relay import Received

# A run is void unless the relay shows a broker at its limit: a slow load measures the load.
RELAY_AT_LEAST: Final = 30_000.0
CORE_AT_LEAST: Final = 0.90
PATIENCE_S: Final = 240.0  # for the whole of a run to be committed, at a tenth of the goal's rate
QUIET_S: Final = 2.0  # nothing was committed for so long: nothing more comes
WARM_S: Final = 1  # of a run at a rate: not counted

_LATENCIES: Final = """
select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from
    pg_xact_commit_timestamp(b.xmin) - o.phenomenon_time) * 1000), count(*)
from ingest_writer w join ingest_batch b on b.writer = w.id
join observation o on o.writer = b.writer and o.batch_no = b.batch_no
where w.client_id = %s and b.batch_no > %s
  and o.phenomenon_time >= to_timestamp(%s)
"""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What the broker can do by itself."""

    rate: float  # messages a second
    broker_core: float  # share of a core that the broker used
    subscriber_us: float  # CPU of our subscriber for each message

    @property
    def valid(self) -> bool:
        return self.rate >= RELAY_AT_LEAST or self.broker_core >= CORE_AT_LEAST


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ingest, from the first message published to the last committed and published."""

    rate: float  # messages a second
    cpu_us: float  # of ingest for each message
    rows: int
    missing: int  # rows that should be there and are not
    live: bool  # the last batch reached Redis too


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from publishing; `bus`: until the batch was in the Redis stream, if it was."""

    p50: float
    p99: float
    bus: tuple[float, float] | None
    behind_ms: float


def load(plan: Plan) -> Tool:
    """Start the load generator."""
    return Tool("bench.load", *plan.arguments())


def relay(where: Services, plan: Plan) -> Relayed:
    """Measure the broker's own QoS 1 rate with the same load."""
    plan = replace(plan, prefix="relay")
    words = (f"--url={where.mqtt}", "--filter=relay/#", f"--count={plan.count}")
    subscriber = Tool("bench.relay", *words, ready=True)
    broker = where.broker_processes()
    before = cpu_seconds(broker)
    sent = Result(**load(plan).result())
    found = Received(**subscriber.result())
    seconds = (found.last - sent.started) / 1e6
    if found.count < sent.acknowledged:
        raise BenchError(f"the broker relayed {found.count} of {sent.acknowledged} messages")
    used = (cpu_seconds(broker) - before) / seconds if broker else 0.0
    return Relayed(found.count / seconds, used, found.cpu_s * 1e6 / found.count)


def relay_backlog(where: Services, plan: Plan) -> float:
    """Return the rate at which the broker hands over a queue to a subscriber that came back."""
    plan = replace(plan, prefix="relay")
    session = "bench-relay-backlog"
    leave_session(where.mqtt, session, "relay/#")
    try:
        sent = Result(**load(plan).result())
        words = (f"--url={where.mqtt}", f"--session={session}", f"--count={sent.acknowledged}")
        found = Received(**Tool("bench.relay", *words, ready=True).result())
    finally:
        forget_session(where.mqtt, session)
    return found.count * 1e6 / max(1, found.last - found.first)


def saturated(ingest: Ingest, plan: Plan, *, all_come: bool = True) -> Run:
    """Publish as fast as the broker takes it, with ingest running and subscribed.

    `all_come` False: some topics may be nobody's; it ends when nothing more comes, and `missing`
    counts messages.
    """
    before, cpu = ingest.totals(), ingest.cpu_s()
    sent = Result(**load(plan).result())
    if all_come:
        ingest.await_messages(before.messages + sent.acknowledged, PATIENCE_S)
    else:
        ingest.settle(QUIET_S)
    cpu = ingest.cpu_s() - cpu
    after = ingest.totals()
    messages, rows = after.messages - before.messages, after.rows - before.rows
    if not messages:
        raise BenchError("not one message was committed")
    committed = ingest.commits(after.batch - 1)[-1][0] * 1e6
    published = ingest.published(after.batch)
    seconds = (max(committed, published or 0) - sent.started) / 1e6
    return Run(
        rate=messages / seconds,
        cpu_us=cpu * 1e6 / messages,
        rows=rows,
        missing=sent.acknowledged * (plan.values if all_come else 1)
        - (rows if all_come else messages),
        live=published is not None,
    )


def drain(ingest: Ingest, plan: Plan) -> Run:
    """Let a backlog gather while ingest is away, then let it come back.

    From the first commit to the last: how long a process takes to start is not the question.
    """
    ingest.settle()
    ingest.stop()
    before = ingest.totals()
    sent = Result(**load(plan).result())
    ingest.start()
    looks = _watch(ingest, before, sent.acknowledged)
    (first, cpu_first), (last, cpu_last) = looks[0], looks[-1]
    commits = ingest.commits(before.batch)
    seconds = commits[-1][0] - commits[0][0]
    messages = sum(number for _, number, _ in commits[1:])
    if not seconds or last.messages == first.messages:
        raise BenchError("the backlog is too small to be measured")
    return Run(
        rate=messages / seconds,
        cpu_us=(cpu_last - cpu_first) * 1e6 / (last.messages - first.messages),
        rows=last.rows - before.rows,
        missing=sent.acknowledged - (last.rows - before.rows),
        live=True,
    )


def _watch(ingest: Ingest, before: Totals, number: int) -> list[tuple[Totals, float]]:
    """Return totals and CPU time from the first commit until so many messages more are there."""
    looks: list[tuple[Totals, float]] = []
    until = time.monotonic() + PATIENCE_S
    while not looks or looks[-1][0].messages < before.messages + number:
        cpu, totals = ingest.cpu_s(), ingest.totals()
        if totals.batch > before.batch:
            looks.append((totals, cpu))
        if time.monotonic() > until:
            raise BenchError(f"the backlog was not done within {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)
    return looks


def latency(ingest: Ingest, plan: Plan) -> Latency:
    """Publish at an even rate and compare each payload's stamp with the commit of its batch.

    The stamp is the device's time, so it lies in `phenomenon_time`. The commit is
    `pg_xact_commit_timestamp` of the `ingest_batch` row of the same transaction: `committed_at` is
    now(), the transaction's start. PostgreSQL takes that time stamp when it writes the commit
    record, just before it flushes it, so the flush is missing from it; the calibration holds what
    a flush takes here. The way to the Redis stream includes all: it is the upper bound.
    """
    if not ingest.precise:
        raise BenchError("track_commit_timestamp is off: make services-stop services")
    before = ingest.totals()
    sent = Result(**load(plan).result())
    ingest.await_messages(before.messages + sent.acknowledged, PATIENCE_S)
    after = ingest.totals()
    warm = sent.started + WARM_S * 1_000_000
    row = ingest.conn.execute(_LATENCIES, (ingest.client, before.batch, warm / 1e6)).fetchone()
    if row is None or not row[1]:
        raise BenchError("no row of the run at a rate was found")
    ingest.published(after.batch)
    ways = _ways_to_the_bus(ingest, warm)
    bus = (percentile(ways, 0.5), percentile(ways, 0.99)) if ways else None
    return Latency(float(row[0][0]), float(row[0][1]), bus, sent.behind_ms)


def _ways_to_the_bus(ingest: Ingest, since: int) -> list[float]:
    """Return ms from each row's stamp to the stream entry that holds it."""
    return [
        (added - stamp) / 1000
        for added, rows in ingest.stream(since // 1000)
        for stamp in stream_times(rows)
        if stamp >= since
    ]


def stream_times(entry: bytes) -> list[int]:
    """Return the times (µs) in a stream entry: rows [datastream, time, …], or a column "t"."""
    found: Any = orjson.loads(entry)
    return list(found["t"]) if isinstance(found, dict) else [row[1] for row in found]


def naive(where: Services, database: str, plan: Plan) -> float:
    """Return the rate of the naive subscriber on the same broker and table."""
    plan = replace(plan, prefix="naive")
    words = (f"--url={where.mqtt}", f"--database={database}", f"--count={plan.count}")
    subscriber = Tool("bench.naive", *words, ready=True)
    sent = Result(**load(plan).result())
    found = Received(**subscriber.result())
    if not found.count:
        raise BenchError("the naive subscriber stored nothing")
    return found.count * 1e6 / (found.last - sent.started)


def flushes(database: str, number: int = 200) -> Sequence[float]:
    """Return how long one-row commits take, in ms: what a commit time stamp does not hold."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("create table if not exists bench_flush (n integer)")
        times = []
        for n in range(number):
            begun = time.perf_counter()
            conn.execute("insert into bench_flush values (%s)", (n,))
            times.append((time.perf_counter() - begun) * 1000)
        conn.execute("drop table bench_flush")
    return times
