"""A writer of batches and an evaluator process, for tests of the evaluator on real services."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import redis
from psycopg import Connection

from ioc.domain import levels
from ioc.domain.alert import Kind, Sample
from ioc.domain.episode import Change, announced
from ioc.domain.evaluation import GRACE
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.domain.levels import Rules
from ioc.domain.partition import PARTITIONS
from ioc.live.state import entry
from ioc.rows import Rows
from tests.awaiting import wait_for

Db = Connection[tuple[Any, ...]]
REPOSITORY = Path(__file__).parents[2]

Value = tuple[int, int, float]  # datastream, µs, result


@dataclass
class World:
    """One database, one Redis prefix, one writer; the things of a small feed."""

    conn: Db
    database_url: str
    client: redis.Redis
    redis_url: str
    prefix: str
    config: Path
    writer: int = 0
    number: int = 0
    streams: list[int] = field(default_factory=list)
    written: dict[int, list[Sample]] = field(default_factory=dict)
    announce: bool = True

    def prepare(self, things: int, *, period_s: float = 10, stale_after_s: float = 60) -> None:
        self.conn.execute(
            "insert into feed (name, title_vi, title_en, expected_period_s)"
            " values ('f', 'f', 'f', 10) on conflict do nothing"
        )
        self.conn.execute(
            "insert into observed_property (code, name_vi, name_en, unit, kind)"
            " values ('pm25', 'Bụi mịn', 'PM2.5', 'µg/m³', 'quantity') on conflict do nothing"
        )
        for number in range(things):
            self.streams.append(self.add_thing(f"t{number}", period_s, stale_after_s))
        self.writer = self.one("insert into ingest_writer (client_id) values ('w') returning id")

    def add_thing(self, name: str, period_s: float = 10, stale_after_s: float = 60) -> int:
        thing = self.one(
            "insert into thing (feed, external_id, name, short_name, kind, state)"
            " values ('f', %s, %s, %s, 'environment', 'admitted') returning id",
            (name, name, name),
        )
        stream: int = self.one(
            "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
            " stale_after_s) values (%s, 'v', 'pm25', 'pm25', 'µg/m³', %s, %s) returning id",
            (thing, period_s, stale_after_s),
        )
        return stream

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        row = self.conn.execute(query.encode(), values).fetchone()
        assert row is not None
        return row[0]

    def write(self, rows: Iterable[Value], *, announce: bool = True, flags: int = 0) -> int:
        """Commit one batch, then announce it as ingest does; return its number."""
        self.number += 1
        held = list(rows)
        with self.conn.transaction(), self.conn.cursor() as cursor:
            self.conn.execute(
                "insert into ingest_batch (writer, batch_no, n_messages, n_inserted, n_absorbed,"
                " n_corrected, n_refused, oldest, newest) values (%s, %s, %s, %s, 0, 0, 0, %s, %s)",
                (
                    self.writer,
                    self.number,
                    len(held),
                    len(held),
                    to_datetime(Micros(min(t for _, t, _ in held))),
                    to_datetime(Micros(max(t for _, t, _ in held))),
                ),
            )
            cursor.executemany(
                "insert into observation values (%s, %s, %s, 0, %s, now(), %s, %s)",
                [
                    (d, to_datetime(Micros(t)), v, flags, self.writer, self.number)
                    for d, t, v in held
                ],
            )
        for datastream, time, value in held:
            if not flags:
                self.written.setdefault(datastream, []).append(Sample(Micros(time), value))
        if announce and self.announce:
            self.publish(self.number, held, flags)
        return self.number

    def publish(self, number: int, rows: Sequence[Value], flags: int = 0) -> None:
        body = entry(Rows.of((d, t, v, 0, flags, t) for d, t, v in rows))
        fields: Any = {"w": str(self.writer), "n": str(number), "d": body}
        self.client.xadd(f"{self.prefix}stream", fields)

    def sign(self, watermark: int, connected_since: int | None) -> None:
        self.conn.execute(
            "update ingest_writer set watermark = %s, connected_since = %s, heartbeat = now()"
            " where id = %s",
            (
                to_datetime(Micros(watermark)),
                None if connected_since is None else to_datetime(Micros(connected_since)),
                self.writer,
            ),
        )

    def notice(self, kind: str) -> None:
        self.client.publish(f"{self.prefix}notice", orjson.dumps({"kind": kind}))

    def heartbeats(self, count: int, after: int = 0) -> int:
        """Wait until the evaluator has lived through `count` more rounds; return the last sign."""

        def beat() -> int:
            found: Any = self.client.hget(f"{self.prefix}heartbeat", "evaluator")
            return int(found or 0)

        def later(known: int) -> int | None:
            found = beat()
            return found if found > known else None

        last = after or beat()
        for _ in range(count):
            last = wait_for(partial(later, last), 10) or last
        return last

    # ------------------------------------------------------------ what came of it

    def offset(self) -> int:
        """Return the batch up to which every partition is evaluated."""
        rows = self.conn.execute(
            "select batch_no from consumer_offset where writer = %s", (self.writer,)
        ).fetchall()
        return min(int(row[0]) for row in rows) if len(rows) == PARTITIONS else 0

    def caught_up(self) -> bool:
        return self.offset() == self.number

    def log(self) -> dict[int, list[tuple[str, Micros]]]:
        """Return (kind, event time) of all process events, by datastream, in event time."""
        rows = self.conn.execute(
            "select a.datastream_id, e.kind, e.event_time from alert_event e"
            " join alert a on a.id = e.alert_id where e.kind in"
            " ('RAISE', 'RTN', 'STALE', 'FRESH', 'SEV_UP', 'SEV_DOWN')"
            " order by a.datastream_id, e.event_time, e.recorded_at, e.kind = 'RTN'"
        ).fetchall()
        found: dict[int, list[tuple[str, Micros]]] = {}
        for datastream, kind, time in rows:
            found.setdefault(datastream, []).append((kind, from_datetime(time)))
        return found

    def expected(self, rules: Rules, watermark: int) -> dict[int, list[tuple[str, Micros]]]:
        """Return what the pure fold over the whole history says."""
        found = {}
        for datastream, samples in self.written.items():
            begin = levels.start(rules)
            end = Micros(watermark - GRACE)
            _, turns = levels.fold(begin, rules, sorted(samples), end)
            changes: list[Change] = announced(begin, turns)
            if changes:
                found[datastream] = [(c.kind.value, c.time) for c in changes]
        return found

    def at_most_one_open(self) -> bool:
        return not self.one(
            "select count(*) from (select 1 from alert where closed_at is null"
            " group by rule_id, datastream_id having count(*) > 1) x"
        )


def kinds(log: list[tuple[str, Micros]]) -> list[str]:
    return [kind for kind, _ in log if kind in (Kind.RAISE, Kind.RTN)]


RULE_FILE = """
- id: over
  name: {vi: Vượt, en: Over}
  observed_property: pm25
  selector: {feed: f}
  op: ">"
  levels: [{severity: high, limit: 50, deadband: 5}]
  on_delay: 20s
  off_delay: 30s
  min_samples: 2
  late_horizon: 2m
  operator_action: {vi: Gọi, en: Call}
"""


def configuration(folder: Path, rules: str = RULE_FILE) -> Path:
    """Return a configuration folder with these rules."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / "config" / "ioc.toml", folder / "ioc.toml")
    (folder / "rules" / "rules.yaml").write_text(rules, encoding="utf-8")
    return folder


class Process:
    """The evaluator as a real process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log = world.config / f"evaluator-{uuid4()}.log"
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        world = self._world
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(REPOSITORY),
            "IOC_DATABASE_URL": world.database_url,
            "IOC_REDIS_URL": world.redis_url,
            "IOC_REDIS_PREFIX": world.prefix,
            "IOC_CONFIG_DIR": str(world.config),
        }
        with self._log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "ioc.alerting"], env=environment, stderr=log
            )

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.popen is not None
        self.popen.send_signal(number)
        return self.popen.wait(60)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""


@contextmanager
def evaluator(world: World) -> Iterator[Process]:
    """Run the evaluator for a while; show its log when the test fails."""
    process = Process(world)
    process.start()
    try:
        yield process
    finally:
        if process.popen is not None and process.popen.poll() is None:
            process.end()
        print(process.said())  # noqa: T201  pytest shows it with a failure


def until_caught_up(world: World, timeout: float = 20) -> None:
    wait_for(world.caught_up, timeout)


def seconds(value: float) -> int:
    return round(value * SECOND)
