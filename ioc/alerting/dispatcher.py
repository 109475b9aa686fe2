"""The dispatcher process: `python -m ioc.alerting.dispatcher`. Tells people what the outbox holds.

One thread decides (mask, dedup, order, limit, digest: `ioc.domain.grouping`), several send. Each
message is sent in the transaction that marks it, so a process that dies gives it free at once and
it is sent again under the same key. Several dispatchers may run: rows and targets are locked.

Standard error: structured events. Exit 0 after SIGTERM or SIGINT, 2 for a configuration that must
not be started with. Anything else that fails is waited for, for ever.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import Any, Final

import redis
import structlog

from ioc import log as logs
from ioc import policies
from ioc import settings as configuration
from ioc.alerting import delivery
from ioc.alerting.cuts import Watch
from ioc.alerting.delivery import Browser, Delivery
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.grouping import Why, decide
from ioc.domain.instant import HOUR, SECOND, Micros
from ioc.domain.notification import Attempt, Never, settle
from ioc.live import stream
from ioc.policies import Arranged
from ioc.settings import Settings
from ioc.storage import notifications, notify_retention, outbox, pool, push, suppression
from ioc.storage.notifications import Db
from ioc.storage.script import run as run_script

log: Final = structlog.get_logger()

ACTOR: Final = "config"
NAME: Final = "dispatcher"  # in the heartbeat's hash
SENDERS: Final = 4  # one target that hangs holds one of them for ten seconds
_TURN_S: Final = 1.0  # how often the outbox and the desk are looked at
_IDLE_S: Final = 0.5  # how often a sender looks when there was nothing
_BEAT: Final = 2 * SECOND  # sign of life; screens call 15 s of silence a failure
_TIDY: Final = 1 * HOUR  # how often what is too old is removed
_STEADY: Final = 30 * SECOND
_BACK_OFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

Tick = Callable[[Db, Micros], bool]  # whether alerts changed


@dataclass(slots=True)
class Arrangement:
    """The plan that holds, for all threads; read again when the database has a newer one."""

    settings: Settings
    _lock: Lock = field(default_factory=Lock)
    _delivery: Delivery | None = None

    def delivery(self, conn: Db) -> Delivery:
        arranged = outbox.plan(conn) or policies.arrange(policies.NotifyFile(), outbox.ZONE)
        with self._lock:
            if self._delivery is None or self._delivery.arranged is not arranged:
                self._delivery = Delivery(self.settings, arranged)
            return self._delivery


# ---------------------------------------------------------------- deciding


def gather(conn: Db, target: str, arranged: Arranged, now: Micros) -> None:
    """Decide what waits for one target, unless another dispatcher is doing so."""
    with conn.transaction():
        if not notifications.lock(conn, target):
            return
        items = notifications.waiting(conn, target)
        if not items:
            return
        known = arranged.targets.get(target.partition("#")[0])
        if known is None:
            ids = [item.id for item in items]
            notifications.withhold(conn, ids, Why.NO_TARGET, now)
            return
        found = decide(items, notifications.recent(conn, target, now), now)
        if not found.empty:
            notifications.decided(conn, target, known.channel, found, now)


@dataclass(slots=True)
class Gatherer:
    """The deciding thread: the outbox, the desk's timers, the sign of life."""

    settings: Settings
    arrangement: Arrangement
    stop: Event
    clock: Clock
    client: redis.Redis
    tick: Tick | None
    _beat_at: int = 0
    _tidy_at: int = 0
    _redis_down: bool = False

    def run(self, conn: Db) -> None:
        log.info("dispatcher_ready")
        while not self.stop.is_set():
            arranged = self.arrangement.delivery(conn).arranged
            changed = self._gather(conn, arranged, self.clock.now())
            # Last, so that a fault in it cannot hold back what waits to be told.
            if self.tick is not None:
                changed |= self.tick(conn, self.clock.now())
            now = self.clock.now()
            if changed or now >= self._beat_at:
                self._tell(now, alerts_changed=changed)
            self._tidy(conn, now)
            self.stop.wait(_TURN_S)

    def _gather(self, conn: Db, arranged: Arranged, now: Micros) -> bool:
        """Decide what waited at `now`, after the last word on what hangs on something down."""
        changed = suppression.hold_back(conn, now)
        for target in notifications.targets(conn):
            gather(conn, target, arranged, now)
        return changed

    def alerts_changed(self, now: Micros) -> None:
        """Say so for another thread of this process."""
        self._tell(now, alerts_changed=True)

    def _tidy(self, conn: Db, now: Micros) -> None:
        if now < self._tidy_at:
            return
        self._tidy_at = now + _TIDY
        gone = notify_retention.drop_old(conn, now)
        if gone:
            log.info("old_news_dropped", rows=gone)

    def _tell(self, now: Micros, *, alerts_changed: bool) -> None:
        self._beat_at = now + _BEAT
        prefix = self.settings.redis_prefix
        try:
            stream.tell(self.client, prefix, now=now, alerts_changed=alerts_changed, process=NAME)
        except redis.RedisError as error:
            if not self._redis_down:
                log.warning("redis_away", error=str(error))
            self._redis_down = True
        else:
            self._redis_down = False


# ---------------------------------------------------------------- sending


@dataclass(slots=True)
class Sender:
    """A sending thread: one message at a time, each in a transaction of its own."""

    arrangement: Arrangement
    stop: Event
    clock: Clock

    def run(self, conn: Db) -> None:
        while not self.stop.is_set():
            if not self.send_one(conn):
                self.stop.wait(_IDLE_S)

    def send_one(self, conn: Db) -> bool:
        """Send the next message that is due; False when there is none."""
        with conn.transaction():
            began = self.clock.now()
            due = notifications.take(conn, began)
            if due is None:
                return False
            receipt = self.arrangement.delivery(conn).deliver(due, _browsers(conn))
            now = self.clock.now()
            chance = random.random()  # noqa: S311  spreads retries, guards nothing
            settled = settle(receipt, due.attempts + 1, now, chance)
            notifications.record(conn, due, Attempt(now, now - began, receipt, settled))
            _, _, number = due.target.partition("#")
            if isinstance(receipt, Never) and number:
                notifications.unsubscribe(conn, int(number))
        if not settled.sent:
            log.warning("not_sent", key=due.key, target=due.target, reason=settled.reason,
                        dead=settled.dead)  # fmt: skip
        return True


def _browsers(conn: Db) -> delivery.Browsers:
    def find(number: int) -> Browser | None:
        found = notifications.subscription(conn, number)
        return None if found is None else Browser(*found)

    return find


# ---------------------------------------------------------------- the process


def _live(url: str, stop: Event, clock: Clock, work: Callable[[Db], None]) -> None:
    """Do the work on one connection, through every outage, until the stop."""
    failures = 0
    while not stop.is_set():
        began = clock.now()
        try:
            with pool.connect(url, name=NAME) as conn:
                work(conn)
        except Exception as error:  # the loop that must live; nothing of it is in memory
            failures = failures + 1 if clock.now() - began < _STEADY else 1
            reason = " ".join(str(error).split())
            log.warning("session_failed", error=reason, exc_info=failures == 1)
            stop.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S)) - 1])


def run(settings: Settings, stop: Event, clock: Clock) -> None:
    """Dispatch until `stop` is set. Raises ConfigError before it begins."""
    settings.require("database_url", "redis_url")
    found = policies.load(settings.config_dir, outbox.ZONE)
    delivery.check(found)
    arrangement = Arrangement(settings)
    client = stream.connect(settings.redis_url)
    gatherer = Gatherer(settings, arrangement, stop, clock, client, _desk())
    watch = Watch(stop, clock, gatherer.alerts_changed)

    def decide_all(conn: Db) -> None:
        outbox.sync_plan(conn, found.file, ACTOR)
        # The web needs the public half of a key whose private one only this process may read.
        run_script(conn, push.put_public_key(arrangement.delivery(conn).push_key()))
        gatherer.run(conn)

    sender = Sender(arrangement, stop, clock)
    threads = [
        Thread(
            target=_live, args=(settings.database_url, stop, clock, sender.run), name=f"send-{n}"
        )
        for n in range(SENDERS)
    ]
    threads.append(Thread(target=_live, args=(settings.database_url, stop, clock, watch.run)))
    for thread in threads:
        thread.start()
    _live(settings.database_url, stop, clock, decide_all)
    for thread in threads:
        thread.join()
    client.close()


def _desk() -> Tick | None:
    """Return the timers of the operators' desk (escalation, re-alarm, end of a shelf)."""
    if find_spec("ioc.storage.desk") is None:
        return None
    module: Any = import_module("ioc.storage.desk")
    return module.tick  # type: ignore[no-any-return]


def main() -> int:
    """Run the process; return its exit code."""
    logs.configure(NAME)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(configuration.load(), stop, SystemClock())
    except ConfigError as error:
        sys.stderr.write(f"ioc.alerting.dispatcher: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
