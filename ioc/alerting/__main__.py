"""The evaluator process: `python -m ioc.alerting`. Holds the connections, lives through outages.

Standard error: structured events. Exit 0 after SIGTERM or SIGINT, 2 for a configuration that must
not be started with. Anything else that fails is waited for, for ever.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final

import redis
import structlog
from redis.client import PubSub

from ioc import log as logs
from ioc import settings as configuration
from ioc.alerting.ports import Past
from ioc.alerting.session import Session
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.evaluation import Batch, Candidate, Saved, Verdict, Writer
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DatastreamId
from ioc.live import stream
from ioc.rules import definition as rule_files
from ioc.rules.definition import RuleFile
from ioc.settings import Settings
from ioc.storage import alert_states, evaluation, pool, rules
from ioc.storage import verdict as verdicts
from ioc.storage.evaluation import Db

log: Final = structlog.get_logger()

ACTOR: Final = "config"  # who the rule versions name for what configuration files say
_PARTITION: Final = 0  # this cut has one
_LEASE_S: Final = 1.0  # how often a second evaluator asks whether the first is gone
_STEADY: Final = 30 * SECOND  # a session that lasted this long had begun well
_BACK_OFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # the last one for ever: back within 5 s


@dataclass(slots=True)
class Database:
    """The database ports over one connection, which holds the lease as long as it lives."""

    conn: Db
    clock: Clock

    def offsets(self) -> dict[int, int]:
        evaluation.adopt_writers(self.conn, _PARTITION)
        return evaluation.offsets(self.conn, _PARTITION)

    def states(self) -> list[Saved]:
        return alert_states.states(self.conn)

    def commit(self, verdict: Verdict) -> bool:
        return verdicts.commit(self.conn, verdict, _PARTITION, self.clock.now())

    def writers(self) -> tuple[list[Writer], Micros]:
        return evaluation.writers(self.conn)

    def read(self, writer: int, after: int, upto: int) -> list[Batch]:
        return evaluation.batches(self.conn, writer, after, upto)

    def newest(self, ids: Sequence[DatastreamId]) -> Mapping[DatastreamId, Micros]:
        return evaluation.newest(self.conn, ids, evaluation.offsets(self.conn, _PARTITION))

    def since(self, starts: Mapping[DatastreamId, Micros | None]) -> Mapping[DatastreamId, Past]:
        done = evaluation.offsets(self.conn, _PARTITION)
        found = evaluation.since(self.conn, starts, done)
        return {datastream: Past(*past) for datastream, past in found.items()}

    def rules(self) -> list[tuple[RuleFile, int]]:
        found = []
        for stored in rules.enabled(self.conn):
            try:
                found.append((rule_files.parse(stored.definition), stored.version))
            except ConfigError as error:  # of an older release: the others go on
                log.warning("rule_unreadable", rule=stored.id, error=str(error))
        return found

    def newest_datastream(self) -> int:
        return evaluation.newest_datastream(self.conn)

    def candidates(self, properties: Sequence[str]) -> list[Candidate]:
        return evaluation.candidates(self.conn, properties)


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
        if not found:
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
    """Hold one connection and its lease as long as everything goes well."""
    with pool.connect(settings.database_url, name="evaluator") as conn:
        while not evaluation.try_lease(conn, _PARTITION):
            if stop.wait(_LEASE_S):
                return
        rules.sync(conn, found, ACTOR)
        database = Database(conn, clock)
        session = Session(database, database, database, database, bus, clock.now)
        session.begin()
        log.info("evaluator_ready", bound=len(session.evaluator.bounds))
        while not stop.is_set():
            session.turn()


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
