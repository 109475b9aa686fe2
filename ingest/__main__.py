"""The ingest process: the only module that holds its connections.

SIGTERM ends it after the batch in hand; kill -9 costs nothing that was acknowledged.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol

import psycopg
import redis
import structlog

from ingest import feeds, maintenance, mqtt, retained, retrying, session, topics
from ingest.codec import Presence
from ingest.grading import Grader
from ingest.inbox import Inbox
from ingest.maintenance import Periodic
from ingest.metrics import Counters, Page
from ingest.pipeline import Pipeline, Stopped
from ingest.preparing import Preparer
from ingest.publisher import Publisher
from ingest.store import FAILURES, registry
from ioc import limits as regulations
from ioc import settings as configuration
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import to_datetime
from ioc.domain.intake import Arrival
from ioc.exposition import Family, Report, pack
from ioc.live import state
from ioc.log import configure
from ioc.rows import Rows
from ioc.settings import Settings
from ioc.storage import (
    audit,
    batches,
    computed_indicators,
    derived,
    indicators,
    observations,
    pool,
    retention,
    rollups,
    source_days,
    things,
)
from ioc.storage.batches import Recorder
from ioc.storage.legal_limits import seed as seed_limits

# One process does the periodic work of a database; the others find the lock taken.
HOUSEKEEPER: Final = 7_501_003
BOARDS: Final = 7_501_022  # who keeps the boards of indicators and of data quality
INDEXER: Final = 7_501_006  # who computes indices: nobody waits behind the hours of 100,000 series

# How often a process that stands by tries for the writer's lock: take-over within two seconds of
# the moment at which the database knows that the other is gone.
STANDBY_S: Final = 1.0
STATEFUL: Final = 7_501_004  # who reads the feeds whose codecs remember, of processes that share

log = structlog.get_logger()


class _Part(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Ingest:
    """One ingest process, startable and stoppable."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        settings.require("database_url", "redis_url", "mqtt_url")
        self._settings = settings
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._owner: batches.Db | None = None  # holds the lock of the feeds with a memory
        self._given_up = False  # the feeds with a memory
        self._sources = feeds.load(settings.config_dir / "feeds")
        if not self._sources:
            raise ConfigError(f"{settings.config_dir / 'feeds'}: no feed file (*.yaml)")
        self._registry = registry(settings, self._sources)
        self._counters = Counters(self._clock, self._registry)
        self._standing_by: bool | None = None  # another has our client id; None: not yet known
        self.reader = self._reader()
        self._preparer = Preparer(self._sources, self._retained)
        self._recorder = Recorder(
            settings.database_url, settings.ingest.client_id, self._registry, Grader
        )
        self._live = state.Live(state.connect(settings.redis_url), settings.redis_prefix)

    def stop(self) -> None:
        """Ask `run` to finish the batch in hand and return."""
        self._stop.set()

    def run(self) -> None:
        """Take in messages until `stop`; waits for a database that is away.

        Of several processes with one client id only the one that holds the writer's lock is
        connected to the broker; the others try for the lock every second.
        """
        publisher = Publisher(
            self._live, state.newest, (redis.RedisError,), self._clock, self._counters
        )
        with ExitStack() as stack:
            stack.callback(self._recorder.close)
            _run_parts(stack, [publisher, self._reporting(), *self._pages()])
            while self._await_turn():
                self._active(publisher)

    def _active(self, publisher: Publisher) -> None:
        """Be the one that reads, until asked to stop or another has taken over."""
        self.reader, self._standing_by = self._reader(), False
        self._owner, self._given_up = None, False
        self._preparer = Preparer(self._sources, self._retained)
        pipeline = Pipeline(
            self._preparer,
            self.reader,
            self._recorder,
            FAILURES,
            publisher.offer,
            self._counters,
            self._stop.wait,
        )
        with ExitStack() as stack:
            _run_parts(stack, [self.reader, *self._jobs()])
            try:
                self._turn_for_ever(pipeline)
            except Stopped:
                log.info("stopped_without_database")
            except batches.Standby:
                log.warning("displaced", why="another process holds the writer's lock")
        self._recorder.close()

    def _turn_for_ever(self, pipeline: Pipeline) -> None:
        while not self._stop.is_set():
            pipeline.turn()
            if self.reader.displaced:
                log.warning("displaced", why="the broker gave our session to another client")
                return

    def _await_turn(self) -> bool:
        """Register feeds and the writer; False when asked to stop before our turn came."""
        while not self._stop.is_set():
            try:
                with pool.connect(self._settings.database_url, name="ingest-start") as conn:
                    things.upsert_feeds(conn, [s.spec for s in self._sources.values()])
                self._recorder.open()
            except psycopg.errors.UndefinedTable as error:
                raise ConfigError("the database has no tables yet: run `ioc migrate`") from error
            except batches.Standby:
                if not self._standing_by:
                    log.info("standing_by", client_id=self._settings.ingest.client_id)
                self._standing_by = True
            except psycopg.OperationalError as error:
                log.warning("store_away", error=str(error).splitlines()[:1])
            else:
                return True
            self._stop.wait(STANDBY_S)
        return False

    def _reader(self) -> mqtt.Reader:
        wanted = self._settings.ingest
        inbox = Inbox(self._clock, linger_s=wanted.linger_ms / 1000, batch_cap=wanted.batch_cap)
        return mqtt.Reader(self._session(), inbox, self._clock)

    def _session(self) -> mqtt.Session:
        wanted = self._settings.ingest
        plain = self._filters(stateful=False)
        return mqtt.Session(
            url=self._settings.mqtt_url,
            client_id=wanted.client_id,
            subscriptions=[f"$share/{wanted.share}/{f}" for f in plain]
            if wanted.share
            else topics.subscriptions(self._patterns()),
            receive_maximum=wanted.receive_maximum,
            expiry_s=wanted.session_expiry_s,
            stock_reader=wanted.reader == "stock",
            presence=self._presence(),
        )

    def _patterns(self, *, stateful: bool | None = None) -> list[topics.Pattern]:
        return [
            pattern
            for source in self._sources.values()
            for pattern in source.patterns
            if stateful is None or source.codec.stateful is stateful
        ]

    def _filters(self, *, stateful: bool) -> list[str]:
        return topics.subscriptions(self._patterns(stateful=stateful))

    def _retained(self) -> Iterator[Arrival]:
        """Return what the broker keeps of the feeds whose codecs remember."""
        remembering = [s for s in self._sources.values() if s.codec.recalls]
        filters = topics.subscriptions(p for s in remembering for p in s.patterns)
        name = f"{self._settings.ingest.client_id}-retained"
        failed = self._counters.retained_unread
        return retained.read(self._settings.mqtt_url, name, filters, self._clock, failed=failed)

    def _own_stateful(self, conn: batches.Db) -> None:
        """With a shared subscription: be the one process that reads the feeds with a memory.

        The lock lasts as long as this job's connection; without it the feeds are given up.
        """
        if conn is self._owner:
            return
        filters = self._filters(stateful=True)
        try:
            batches.take_lock(conn, STATEFUL, 1)
        except batches.Standby:
            if not self._given_up:  # also what a kept session still asks for
                self.reader.unsubscribe(filters)
            self._owner, self._given_up = None, True
        else:
            self._preparer.missed()
            self.reader.subscribe(filters)
            self._owner, self._given_up = conn, False

    def _presence(self) -> Presence | None:
        """Return how the first format that wants to know is told that we listen."""
        tellers = [s.codec.presence for s in self._sources.values() if s.codec.presence]
        return tellers[0](self._clock.now()) if tellers else None

    def _jobs(self) -> list[Periodic]:
        wanted: list[tuple[str, float, Callable[[batches.Db], None]]] = [
            ("sign", maintenance.LIFE_S, self._sign),
            ("refill", maintenance.LIVE_S, self._refill),
            ("hours", maintenance.HOURS_S, self._hours),
            ("indices", maintenance.INDICES_S, self._indices),
            ("boards", maintenance.BOARDS_S, self._boards),
            ("retention", maintenance.RETENTION_S, self._age),
            ("letters", maintenance.LETTERS_S, self._letters),
        ]
        if self._settings.ingest.share:
            wanted.append(("stateful", STANDBY_S, self._own_stateful))
        held = [(n, s, _Connected(self._settings.database_url, n, job)) for n, s, job in wanted]
        return [Periodic(name, every_s, one, one.close) for name, every_s, one in held]

    def _pages(self) -> Iterator[Page]:
        if self._settings.ingest.metrics_port:
            yield Page(self._settings.ingest.metrics_port, self._numbers)

    def _numbers(self) -> list[Family]:
        return [
            *self._counters.families(),
            *session.families(self.reader, standing_by=bool(self._standing_by)),
        ]

    def _reporting(self) -> Periodic:
        """Leave our numbers where the web's /metrics finds them; active or not, database or not."""

        def report() -> None:
            if self._standing_by is None:  # else we would cover the active one's numbers
                return
            name = self._settings.ingest.client_id + ("/standby" if self._standing_by else "")
            self._live.report(name, pack(Report(self._clock.now(), self._numbers())))

        return Periodic("report", maintenance.REPORT_S, report)

    def _sign(self, conn: batches.Db) -> None:
        client = self._settings.ingest.client_id
        batches.sign(conn, client, self.reader.inbox.watermark(), self.reader.connected_since)
        self._live.beat(self._clock.now())

    def _refill(self, conn: batches.Db) -> None:
        """Rebuild the live state where Redis lost it, or a part of it."""
        if self._live.is_whole():
            return
        rows = state.newest(Rows.of(observations.latest(conn)))
        if len(rows):
            self._live.publish(self._recorder.writer, 0, None, rows, self._clock.now())
            log.info("live_rebuilt", datastreams=len(rows))
        self._live.made_whole()

    def _hours(self, conn: batches.Db) -> None:
        with _housekeeper(conn) as mine:
            if not mine:
                return
            conn.execute("set statement_timeout = '5min'")
            if derived.register(conn):
                self._live.registry_changed()
            rollups.build_closed_hours(conn)
            while rollups.build_dirty_hours(conn) == rollups.DIRTY_SLICE:
                pass

    def _indices(self, conn: batches.Db) -> None:
        """Compute again what a late or corrected value changed, and show it."""
        with _housekeeper(conn, INDEXER) as mine:
            while mine and not self._stop.is_set():
                rollups.build_dirty_inputs(conn)
                written = derived.recompute(conn, self._clock.now())
                if written is None:
                    return
                rows, stamp = written.rows, written.stamp
                if len(rows):
                    newest = state.newest(rows)
                    self._live.publish(stamp.writer, stamp.number, rows, newest, self._clock.now())

    def _boards(self, conn: batches.Db) -> None:
        """Keep what the boards of indicators and of data quality are drawn from."""
        with _housekeeper(conn, BOARDS) as mine:
            if mine:
                conn.execute("set statement_timeout = '5min'")
                zone, now = self._settings.province.zone, to_datetime(self._clock.now())
                indicators.collect(conn, zone, now)
                computed_indicators.compute(conn, zone, now)
                source_days.build(conn, zone)

    def _letters(self, conn: batches.Db) -> None:
        """Try dead letters again that somebody asked for on the page of the feeds."""
        retrying.work(conn, self._settings, self._sources, self._stop.is_set)

    def _age(self, conn: batches.Db) -> None:
        with _housekeeper(conn) as mine:
            if not mine:
                return
            conn.execute("set statement_timeout = '10min'")
            limits = self._settings.retention
            seed_limits(conn, regulations.load(self._settings.config_dir / "limits"))
            if retention.expire_pending(conn, limits.pending_days):
                self._live.registry_changed()
            retention.drop_old_observations(conn)
            retention.drop_old_rollups(conn)
            retention.drop_old_letters(conn, limits.dead_letter_days)
            source_days.prune(conn, to_datetime(self._clock.now()))
            audit.prune(conn, to_datetime(self._clock.now()))


def _run_parts(stack: ExitStack, parts: Sequence[_Part]) -> None:
    for part in parts:
        part.start()
        stack.callback(part.stop)


@contextmanager
def _housekeeper(conn: batches.Db, lock: int = HOUSEKEEPER) -> Iterator[bool]:
    row = conn.execute("select pg_try_advisory_lock(%s)", (lock,)).fetchone()
    mine = bool(row and row[0])
    try:
        yield mine
    finally:
        if mine and not conn.broken:
            conn.execute("select pg_advisory_unlock(%s)", (lock,))


class _Connected:
    """A periodic job with a connection that is kept while it is good."""

    def __init__(self, url: str, name: str, job: Callable[[batches.Db], None]) -> None:
        self._url, self._name, self._job = url, name, job
        self._conn: batches.Db | None = None

    def __call__(self) -> None:
        if self._conn is None or self._conn.closed:
            self._conn = pool.connect(self._url, name=f"ingest-{self._name}")
        self._job(self._conn)

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()


def main() -> int:
    """Run until SIGTERM or SIGINT; a wrong setting is one line and exit 1."""
    configure("ingest")
    try:
        process = Ingest(configuration.load())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: process.stop())
        process.run()
    except ConfigError as error:
        sys.stderr.write(f"ioc ingest: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
