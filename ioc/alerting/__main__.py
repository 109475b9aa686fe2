"""The evaluator process: `python -m ioc.alerting`. Holds the connections, lives through outages.

Standard error: structured events. Exit 0 after SIGTERM or SIGINT, 2 for a configuration that must
not be started with. Anything else that fails is waited for, for ever.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from os import getpid
from secrets import token_hex
from socket import gethostname
from threading import Event
from typing import Final

import redis
import structlog
from redis.client import PubSub

from ioc import log as logs
from ioc import settings as configuration
from ioc.alerting.ports import Past
from ioc.alerting.session import Session
from ioc.alerting.share import Store
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.evaluation import Batch, Candidate, Saved, Verdict, Writer
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DatastreamId
from ioc.domain.partition import fair
from ioc.live import stream
from ioc.rules import definition as rule_files
from ioc.rules.definition import RuleFile
from ioc.settings import Settings
from ioc.storage import alert_states, evaluation, leases, pool, rules
from ioc.storage import verdict as verdicts
from ioc.storage.evaluation import Db

log: Final = structlog.get_logger()

ACTOR: Final = "config"  # who the rule versions name for what configuration files say
_GLANCE_S: Final = 0.1  # a read that waits no longer says nothing about the stream
_RENEW: Final = SECOND  # four times in the life of a lease
_STEADY: Final = 30 * SECOND  # a session that lasted this long had begun well
_BACK_OFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # the last one for ever: back within 5 s


@dataclass(slots=True)
class Database:
    """The database ports over one connection, which holds the leases as long as it lives.

    Whatever is asked renews the leases when it is time, so that long work does not lose them.
    """

    conn: Db
    clock: Clock
    name: str
    held: dict[int, int] = field(default_factory=dict)  # partition -> epoch of its lease
    _renew_at: int = 0

    def settle(self) -> tuple[Collection[int], Collection[int]]:
        leases.renew(self.conn, self.name, self.held)
        more = fair(leases.members(self.conn), self.name) - len(self.held)
        taken = leases.take(self.conn, self.name, more) if more > 0 else {}
        self.held |= taken
        return taken, sorted(self.held)[more:] if more < 0 else ()

    def release(self, partitions: Collection[int]) -> None:
        for partition in partitions:
            del self.held[partition]
        leases.release(self.conn, self.name, partitions)

    def offsets(self, partitions: Collection[int]) -> Mapping[int, dict[int, int]]:
        evaluation.adopt_writers(self._line(), partitions)
        return evaluation.offsets(self.conn, partitions)

    def on(self, partitions: Collection[int]) -> set[DatastreamId]:
        return alert_states.on(self._line(), partitions)

    def states(self, datastreams: Collection[DatastreamId]) -> list[Saved]:
        return alert_states.states(self._line(), datastreams)

    def commit(self, verdict: Verdict, partitions: Collection[int]) -> bool:
        held = {partition: self.held[partition] for partition in sorted(partitions)}
        return verdicts.commit(self._line(), verdict, held, self.clock.now())

    def writers(self) -> tuple[list[Writer], Micros]:
        return evaluation.writers(self._line())

    def read(self, writer: int, after: int, upto: int) -> list[Batch]:
        return evaluation.batches(self._line(), writer, after, upto)

    def newest(
        self, ids: Sequence[DatastreamId], done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Micros]:
        return evaluation.newest(self._line(), ids, done)

    def since(
        self, starts: Mapping[DatastreamId, Micros | None], done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Past]:
        found = evaluation.since(self._line(), starts, done)
        return {datastream: Past(*past) for datastream, past in found.items()}

    def rules(self) -> list[tuple[RuleFile, int]]:
        found = []
        for stored in rules.enabled(self._line()):
            try:
                found.append((rule_files.parse(stored.definition), stored.version))
            except ConfigError as error:  # of an older release: the others go on
                log.warning("rule_unreadable", rule=stored.id, error=str(error))
        return found

    def newest_datastream(self) -> int:
        return evaluation.newest_datastream(self._line())

    def candidates(
        self, properties: Sequence[str], partitions: Collection[int], after: int
    ) -> list[Candidate]:
        return evaluation.candidates(self._line(), properties, partitions, after)

    def _line(self) -> Db:
        now = self.clock.now()
        if now >= self._renew_at:
            self._renew_at = now + _RENEW
            leases.renew(self.conn, self.name, self.held)
        return self.conn


@dataclass(slots=True)
class Bus:
    """Redis as a port: whatever fails there is silence, noted once, and tried again."""

    client: redis.Redis
    prefix: str
    clock: Clock
    stop: Event
    _position: stream.Position | None = None
    _notices: PubSub | None = None
    _down: bool = field(default=False)

    def read(self, timeout_s: float) -> list[Batch]:
        try:
            if self._position is None:
                self._position = stream.tail(self.client, self.prefix)
            found, self._position = stream.read(self.client, self.prefix, self._position, timeout_s)
        except redis.RedisError as error:
            self._fail(error)
            self.stop.wait(timeout_s)
            return []
        if not found and timeout_s > _GLANCE_S:
            self._position = None  # a restored Redis may count anew; the end is found again
        self._recover()
        return found

    def registry_changed(self) -> bool:
        try:
            if self._notices is None:
                self._notices = stream.notices(self.client, self.prefix)
                return True  # what was said before nobody heard
            return not {"registry", "rule"}.isdisjoint(stream.kinds(self._notices))
        except redis.RedisError as error:
            self._fail(error)
            return False

    def tell(self, *, alerts_changed: bool) -> None:
        try:
            stream.tell(
                self.client, self.prefix, now=self.clock.now(), alerts_changed=alerts_changed
            )
        except redis.RedisError as error:
            self._fail(error)

    def close(self) -> None:
        if self._notices is not None:
            self._notices.close()
        self.client.close()

    def _fail(self, error: redis.RedisError) -> None:
        if not self._down:
            log.warning("redis_away", error=str(error))
        self._down = True
        self._position = None
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def _recover(self) -> None:
        if self._down:
            log.info("redis_back")
        self._down = False


def run(settings: Settings, stop: Event, clock: Clock) -> None:
    """Evaluate until `stop` is set, through every outage. Raises ConfigError before it begins."""
    settings.require("database_url", "redis_url")
    found = rule_files.load(settings.config_dir / "rules")
    bus = Bus(stream.connect(settings.redis_url), settings.redis_prefix, clock, stop)
    failures = 0
    while not stop.is_set():
        began = clock.now()
        try:
            _live(settings, found, bus, stop, clock)
        except Exception as error:  # the loop that must live; all its memory is built anew
            failures = failures + 1 if clock.now() - began < _STEADY else 1
            reason = " ".join(str(error).split())
            log.warning("session_failed", error=reason, exc_info=failures == 1)
            stop.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1])
    bus.close()


def _live(
    settings: Settings, found: Sequence[RuleFile], bus: Bus, stop: Event, clock: Clock
) -> None:
    """Hold one connection and its leases as long as everything goes well."""
    with pool.connect(settings.database_url, name="evaluator") as conn:
        rules.sync(conn, found, ACTOR)
        database = Database(conn, clock, f"{gethostname()}-{getpid()}-{token_hex(4)}")
        leases.join(conn, database.name)
        store = Store(database, database, database, database, database)
        session = Session(store, database, bus, clock.now)
        ready = False
        while not stop.is_set():
            session.turn()
            if session.shares and not ready:
                ready = True
                log.info("evaluator_ready", partitions=sorted(database.held))
        leases.leave(conn, database.name)


def main() -> int:
    """Run the process; return its exit code."""
    logs.configure("evaluator")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(configuration.load(), stop, SystemClock())
    except ConfigError as error:
        sys.stderr.write(f"ioc.alerting: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
