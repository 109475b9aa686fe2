"""One ingest process from outside: its configuration, its database, its broker session, its CPU.

Nothing of `ingest` is imported. What it did is read where everybody may read it: `ingest_batch` and
`observation` in the database, the stream in Redis, /proc.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, cast
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import Connection, sql

from bench.line import Line, forget_session
from bench.load import topic
from bench.machine import ROOT, BenchError, cpu_seconds
from ioc import provision
from ioc import settings as configuration
from ioc.domain.errors import ConfigError
from tests.services.places import NAMES, URLS, recall
from tests.services.processes import listeners

Db = Connection[tuple[Any, ...]]
Entries = list[tuple[bytes, dict[bytes, bytes]]]  # of a Redis stream, as the client returns them

READY_S: Final = 60.0  # a process that starts on a busy machine, with 100,000 datastreams to read
LOOK_S: Final = 0.01  # how often the database is asked while a load runs
# Ten that every catalogue of ours has; the first is the one of one-value messages.
PROPERTIES: Final = (
    "pm25", "pm10", "temperature", "humidity", "noise",
    "rain_1h", "rain_10min", "water_level", "inflow", "ph",
)  # fmt: skip

_FEED: Final = """
- name: {name}
  title: {{vi: Đo, en: Bench}}
  codec: json
  topic: "{name}/{{thing}}/data"
  expected_period_s: 60
  admit: true
  kind: environment
  options:
    time: t
    time_format: epoch_us
    values:
"""

_TOTALS: Final = """
select coalesce(sum(b.n_messages), 0), coalesce(sum(b.n_inserted), 0), coalesce(max(b.batch_no), 0)
from ingest_writer w left join ingest_batch b on b.writer = w.id where w.client_id = %s
"""


@dataclass(frozen=True, slots=True)
class Services:
    """Where the real services are."""

    database: str
    redis: str
    mqtt: str
    kind: str  # debian, embedded or given

    def broker_processes(self) -> set[int]:
        """Return the broker's processes; empty when it is not of this machine."""
        return listeners(urlsplit(self.mqtt).port or 1883) - {0}


class Totals(NamedTuple):
    """What a writer has committed so far."""

    messages: int
    rows: int
    batch: int


def services() -> Services:
    """Return the running services of `tests.services`. Raises BenchError with the remedy."""
    known = recall(URLS)
    found = {n: os.environ.get(f"IOC_TEST_{n.upper()}_URL") or known.get(n) for n in NAMES}
    if not all(found.values()):
        raise BenchError("no services: make services")
    return Services(**{n: str(url) for n, url in found.items()}, kind=str(known.get("kind", "?")))


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """Yield the URL of an empty database of a server, dropped afterwards."""
    name = f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            drop = sql.SQL("drop database if exists {} with (force)")
            conn.execute(drop.format(sql.Identifier(name)))


def feeds() -> str:
    """Return the feed file: one value a message on bench/…, ten on bench10/…."""
    text = ""
    for name, codes in (("bench", PROPERTIES[:1]), ("bench10", PROPERTIES)):
        values = "".join(f"      {code}: {{path: v{n}}}\n" for n, code in enumerate(codes))
        text += _FEED.format(name=name) + values
    return text


def copy_devices(conn: Db, feed: str, number: int) -> None:
    """Copy the thing d000000 of a feed and its datastreams, whatever columns these have."""
    thing, stream = _columns(conn, "thing"), _columns(conn, "datastream")
    things = sql.SQL(
        "insert into thing (external_id, {columns}) select 'd' || lpad(n::text, 6, '0'), {columns}"
        " from thing, generate_series(1, %s) n where feed = %s and external_id = 'd000000'"
    )
    streams = sql.SQL(
        "insert into datastream (thing_id, {columns}) select t.id, {values} from thing t,"
        " thing f join datastream d on d.thing_id = f.id where f.feed = %s and t.feed = f.feed"
        " and f.external_id = 'd000000' and t.id <> f.id"
    )
    columns = sql.SQL(", ")
    thing_columns = columns.join(map(sql.Identifier, sorted(thing - {"id", "external_id"})))
    wanted = sorted(stream - {"id", "thing_id"})
    with conn.transaction():
        conn.execute(things.format(columns=thing_columns), (number - 1, feed))
        conn.execute(
            streams.format(
                columns=columns.join(map(sql.Identifier, wanted)),
                values=columns.join(sql.Identifier("d", name) for name in wanted),
            ),
            (feed,),
        )


def _columns(conn: Db, table: str) -> set[str]:
    rows = conn.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'public' and table_name = %s and is_generated = 'NEVER'",
        (table,),
    )
    return {name for (name,) in rows}


def set_option(text: str, key: str, value: str) -> str:
    """Return a TOML text with `key` of its [ingest] table set to a string."""
    line = f'{key} = "{value}"'
    changed, found = re.subn(rf"(?m)^{key}\s*=.*$", line, text)
    return changed if found else re.sub(r"(?m)^\[ingest\]$", f"[ingest]\n{line}", text)


class Ingest:
    """`python -m ingest` as a child; use it in a `with`, then `start` it."""

    def __init__(
        self,
        database: str,
        where: Services,
        *,
        feed_file: str = "",
        shipped: bool = False,
        **options: str,
    ) -> None:
        """Make its configuration: a feed file (else `feeds()`), `options` of the table [ingest].

        `shipped`: with the shipped feeds too. Raises ConfigError for an option that this version
        does not know.
        """
        self.client = f"bench-{secrets.token_hex(6)}"
        self.database = database
        self.mqtt = where.mqtt
        self.prefix = f"{self.client}:"
        self._folder = Path(tempfile.mkdtemp(prefix="ioc-bench-"))
        self._redis = redis.Redis.from_url(where.redis)
        self._process: subprocess.Popen[bytes] | None = None
        config = self._folder / "config"
        shutil.copytree(ROOT / "config", config)
        if shipped:
            _switch_on(config / "feeds")
        else:
            shutil.rmtree(config / "feeds")
        (config / "feeds").mkdir(exist_ok=True)
        (config / "feeds" / "bench.yaml").write_text(feed_file or feeds(), encoding="utf-8")
        text = (config / "ioc.toml").read_text(encoding="utf-8")
        for key, value in {"client_id": self.client, **options}.items():
            text = set_option(text, key, value)
        (config / "ioc.toml").write_text(text, encoding="utf-8")
        self.environment = {
            "IOC_CONFIG_DIR": str(config),
            "IOC_DATA_DIR": str(self._folder / "data"),
            "IOC_DATABASE_URL": database,
            "IOC_REDIS_URL": where.redis,
            "IOC_REDIS_PREFIX": self.prefix,
            "IOC_MQTT_URL": where.mqtt,
        }
        try:
            self.settings = configuration.load(self.environment)
        except ConfigError:
            shutil.rmtree(self._folder)
            raise
        self.conn: Db = psycopg.connect(database, autocommit=True)
        self.precise = self._has_commit_times()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        forget_session(self.mqtt, self.client)
        for key in self._redis.scan_iter(f"{self.prefix}*", count=1000):
            self._redis.delete(key)
        self._redis.close()
        self.conn.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def prepare(self, devices: int) -> None:
        """Migrate, and make devices known: meeting them one by one is not what is measured.

        The first device of each feed is met in earnest, the others are copies of its rows.
        """
        provision.prepare(self.settings, demo=False)
        self.start()
        self.await_subscribed()
        self.await_subscribed(topic("bench10", 0), *(f"v{n}" for n in range(10)))
        self.stop()
        copy_devices(self.conn, "bench", devices)
        copy_devices(self.conn, "bench10", min(devices, 2000))
        self.conn.execute("analyze")

    def start(self) -> None:
        """Start the process; it takes up its session with the broker when it has one."""
        log = (self._folder / "ingest.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest"],
                env=os.environ | self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def await_subscribed(self, name: str = topic("bench", 0), *values: str) -> None:
        """Wait until a message gets through: only then the broker has the subscription."""
        before = self.totals().messages
        with Line(self.mqtt) as line:

            def through() -> bool:
                body = dict.fromkeys(values or ("v0",), 20) | {"t": time.time_ns() // 1000}
                line.publish(name, json.dumps(body).encode())
                return self.totals().messages > before

            self._await(through, READY_S, every=0.1)
        self.settle()

    def stop(self) -> None:
        """End the process in its orderly way; the broker keeps its session."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def cpu_s(self) -> float:
        """Return the CPU time that the process has used."""
        if self._process is None or self._process.poll() is not None:
            log = (self._folder / "ingest.log").read_text(encoding="utf-8", errors="replace")
            last = log.strip().splitlines()[-1:] or ["nothing"]
            raise BenchError(f"ingest does not run; it said: {last[0][:300]}")
        return cpu_seconds([self._process.pid])

    def totals(self) -> Totals:
        """Return what is committed."""
        row = self.conn.execute(_TOTALS, (self.client,)).fetchone()
        return Totals(*(int(x) for x in row)) if row else Totals(0, 0, 0)

    def await_messages(self, number: int, timeout: float) -> None:
        """Wait until so many messages of all are committed."""
        self._await(lambda: self.totals().messages >= number, timeout)

    def settle(self, quiet: float = 0.3) -> None:
        """Wait until nothing was committed for `quiet` seconds."""
        seen = -1
        until = time.monotonic() + READY_S
        while (now := self.totals().messages) != seen:
            if time.monotonic() > until:
                raise BenchError("ingest does not come to rest")
            seen = now
            time.sleep(quiet)

    def published(self, batch: int, timeout: float = 5.0) -> int | None:
        """Return when a batch (or a later one) was in the Redis stream, in µs; None: never."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            newest = self._redis.xrevrange(f"{self.prefix}stream", count=1)
            for key, fields in cast("Entries", newest):
                if int(fields.get(b"n", 0)) >= batch:
                    return int(key.split(b"-")[0]) * 1000
            time.sleep(LOOK_S)
        return None

    def stream(self, since_ms: int) -> Iterator[tuple[int, bytes]]:
        """Yield the entries of the Redis stream: when they were added in µs, and their rows."""
        found = self._redis.xrange(f"{self.prefix}stream", min=str(since_ms))
        for key, fields in cast("Entries", found):
            yield int(key.split(b"-")[0]) * 1000, fields.get(b"d", b"[]")

    def commits(self, after: int) -> list[tuple[float, int, int]]:
        """Return (second, messages, rows) of the batches after one, in their order.

        The second is that of the commit where the server keeps it, else of the transaction's start:
        for a rate over many batches the difference is that of one batch.
        """
        moment = "pg_xact_commit_timestamp(b.xmin)" if self.precise else "b.committed_at"
        rows = self.conn.execute(
            f"select extract(epoch from {moment})::float8, b.n_messages, b.n_inserted".encode()
            + b" from ingest_batch b join ingest_writer w on w.id = b.writer"
            b" where w.client_id = %s and b.batch_no > %s order by b.batch_no",
            (self.client, after),
        )
        return [(moment, messages, number) for moment, messages, number in rows]

    def _has_commit_times(self) -> bool:
        row = self.conn.execute("show track_commit_timestamp").fetchone()
        return row == ("on",)

    def _await(
        self, condition: Callable[[], bool], timeout: float, *, every: float = LOOK_S
    ) -> None:
        until = time.monotonic() + timeout
        while not condition():
            self.cpu_s()  # raises with its last words when it is dead
            if time.monotonic() > until:
                raise BenchError(f"ingest was not done within {timeout:.0f} s")
            time.sleep(every)


def _switch_on(feeds_folder: Path) -> None:
    """Enable the worked examples, which ship switched off."""
    for file in feeds_folder.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("enabled: false", "enabled: true"), encoding="utf-8")
