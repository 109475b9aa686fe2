"""The live state of one worker: one Redis subscription, one picture, a mailbox for each client.

Redis brings deltas and notices; the database is the truth behind them: registry, open alerts and
layers are read from it, newest values too after a start or an outage of Redis. Every loop recovers
by itself, however long its server was away, and gives each client a new snapshot afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ioc.clock import Clock
from ioc.domain.errors import Refusal
from ioc.exposition import Report
from ioc.settings import Settings
from ioc.storage.walls import Wall
from ioc.web.database import Database, DatabaseAwayError
from ioc.web.hub import stored, walls
from ioc.web.mailbox import Mailbox
from ioc.web.picture import Picture, Sample

log = structlog.get_logger()

# 300 clients took 1.2 % of a core; beyond this the worker's memory, not its CPU, is at stake.
MOST_CLIENTS: Final = 500
_REDIS_ANSWER_S: Final = 2.0  # a frozen Redis is noticed within this and one turn of the loop
_REDIS_TURN_S: Final = 1.0
_RETRY_S: Final = 1.0
_DATABASE_EVERY_S: Final = 5.0  # alerts and writers are read again without any notice
_REGISTRY_EVERY_S: Final = 60.0  # as long as a lost notice may hide a new thing
_REGISTRY_PAUSE_S: Final = 1.0  # a burst of unknown things costs one read a second
_SAMPLES_AT_ONCE: Final = 5000  # applied between two breaths of the event loop

_SECTIONS: Final = ("alerts", "counts", "feeds", "layers", "health", "simulated", "walls")


class TooManyClientsError(Refusal):
    """The worker has as many open streams as it may have."""


@dataclass(slots=True)
class _Signs:
    """Last signs of life, µs."""

    database: bool = False
    redis: bool = False
    ingest: int | None = None
    ingest_stored: int | None = None
    evaluator: int | None = None
    dispatcher: int | None = None
    broker: int | None = None
    partitions: dict[int, str | None] = field(default_factory=dict)  # by evaluator


class Hub:
    """See the module. `start` returns at once; nothing needs to be reachable."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        most_clients: int = MOST_CLIENTS,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._most_clients = most_clients
        self._picture = Picture()
        self._signs = _Signs()
        self._mailboxes: set[Mailbox] = set()
        self._sections: dict[str, bytes] = {}
        self._alerts = stored.NO_ALERTS.section
        self._layers: dict[str, str] = {}
        self._walls: list[Wall] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ask_database = asyncio.Event()
        self._registry_due = 0.0  # monotonic; 0: now
        self._newest_due = True
        self._last_delta: int | None = None
        self._client: redis.Redis | None = None
        self.seq = 0
        self.loop_errors = 0

    # ------------------------------------------------------------------ life

    async def start(self) -> None:
        """Start the three loops."""
        self._refresh_sections()
        loops = (self._redis_turn, self._database_turn, self._tick_turn)
        self._tasks = [asyncio.create_task(self._live(turn)) for turn in loops]

    async def stop(self) -> None:
        """End the loops and every stream."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for mailbox in self._mailboxes:
            mailbox.close()

    async def _live(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Repeat one loop's turn for ever; a bug in it is logged, counted and shown, not fatal."""
        while True:
            try:
                await turn()
            except (RedisError, OSError, DatabaseAwayError) as error:
                log.warning("hub_waits", loop=turn.__name__, error=repr(error)[:200])
                await asyncio.sleep(_RETRY_S)
            except Exception:  # the one loop of this process that must live
                self.loop_errors += 1
                log.exception("hub_loop_failed", loop=turn.__name__)
                await asyncio.sleep(_RETRY_S)

    # ------------------------------------------------------------------ clients

    @property
    def clients(self) -> int:
        return len(self._mailboxes)

    async def within(self, limits: Mapping[str, object]) -> frozenset[int]:
        """Return the things within a scope. Raises DatabaseAwayError."""
        async with self._database.connection() as conn:
            return await stored.read_within(conn, limits)

    def join(self, sees: frozenset[int] | None = None, *, things: bool = True) -> Mailbox:
        """Return a mailbox that starts with a snapshot. Raises TooManyClientsError.

        `sees`: the client learns of these things alone. Without `things` it hears of sections only.
        """
        if len(self._mailboxes) >= self._most_clients:
            raise TooManyClientsError
        mailbox = Mailbox(sees, things=things)
        self._mailboxes.add(mailbox)
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        self._mailboxes.discard(mailbox)

    def snapshot(self, sees: frozenset[int] | None = None) -> bytes:
        """Return the whole state as the JSON of a `snapshot` event."""
        return self._message(self._picture.shown(), _SECTIONS, sees)

    def sections(
        self, names: Iterable[str] | None = None, sees: frozenset[int] | None = None
    ) -> bytes:
        """Return sections, all by default, without any thing's state: for a small screen."""
        return self._message(None, _SECTIONS if names is None else names, sees)

    def delta(self, mailbox: Mailbox) -> bytes:
        """Return what the client has not seen as the JSON of a `delta` event."""
        things, sections = mailbox.take()
        return self._message(things, sections, mailbox.sees)

    def heartbeat(self) -> bytes:
        """Return the JSON of a `heartbeat` event: time and health."""
        return self._message(None, ("health",))

    def _message(
        self,
        things: Iterable[int] | None,
        sections: Iterable[str],
        sees: frozenset[int] | None = None,
    ) -> bytes:
        parts = [b'"seq":%d,"t":%d' % (self.seq, self._clock.now() // 1000)]
        if things is not None:
            shown = things if sees is None else [thing for thing in things if thing in sees]
            parts.append(b'"states":' + self._picture.states(shown))
        parts += [b'"%b":%b' % (name.encode(), self._section(name, sees)) for name in sections]
        return b"{" + b",".join(parts) + b"}"

    def _section(self, name: str, sees: frozenset[int] | None) -> bytes:
        """Return a section's JSON; what counts or names things, of those the client sees."""
        if sees is not None and name == "counts":
            return orjson.dumps(self._picture.counts(sees))
        if sees is not None and name == "alerts":
            return orjson.dumps(stored.alerts_of(self._alerts, sees))
        return self._sections[name]

    def _publish(self, things: set[int], sections: Iterable[str] = ()) -> None:
        names = tuple(sections)
        if things or names:
            self.seq += 1
            for mailbox in self._mailboxes:
                mailbox.put(things, names)

    def _restart_all(self) -> None:
        self._refresh_sections()
        self.seq += 1
        for mailbox in self._mailboxes:
            mailbox.restart()

    def _refresh_sections(self) -> list[str]:
        """Make the sections' JSON anew; return the names of those that changed."""
        now = self._clock.now()
        values = {
            "alerts": self._alerts,
            "counts": self._picture.counts(),
            "feeds": self._picture.feed_entries(now),
            "layers": self._layers,
            "health": self.health(),
            "simulated": self._picture.simulated,
            "walls": walls.section(self._walls, self._alerts, now),
        }
        made = {name: orjson.dumps(value) for name, value in values.items()}
        changed = [name for name, text in made.items() if self._sections.get(name) != text]
        self._sections = made
        return changed

    async def notify(self, kind: str) -> None:
        """Tell every worker to read the database again, this one even without Redis."""
        self._on_notice(kind)
        if self._client is not None:
            try:
                channel = f"{self._settings.redis_prefix}notice"
                await self._client.publish(channel, orjson.dumps({"kind": kind}))
            except (RedisError, OSError) as error:  # others read again within _DATABASE_EVERY_S
                log.warning("notice_lost", kind=kind, error=repr(error)[:200])

    def health(self) -> dict[str, object]:
        """Return the health section of `/live`; instants in ms."""
        signs = self._signs
        heard = max(signs.ingest or 0, signs.ingest_stored or 0)
        return {
            "database": signs.database,
            "redis": signs.redis,
            "ingest": heard // 1000 if heard else None,
            "evaluator": None if signs.evaluator is None else signs.evaluator // 1000,
            "dispatcher": None if signs.dispatcher is None else signs.dispatcher // 1000,
            "broker": None if signs.broker is None else signs.broker // 1000,
            "trial": self._settings.trial_broker,
        }

    def partitions(self) -> dict[int, str | None]:
        """Return the evaluator that holds each partition; None: nobody does."""
        return self._signs.partitions

    def open_alerts(self) -> dict[int, int]:
        """Return how many alerts are open, by severity."""
        counts = cast("dict[str, int]", self._alerts["counts"])
        return {int(severity): n for severity, n in counts.items()}

    def silent(self) -> int:
        """Return how many things are silent."""
        counts = cast("dict[str, dict[str, int]]", self._picture.counts())
        return counts["things"]["silent"]

    def layers(self) -> dict[str, str]:
        """Return the current version of each layer."""
        return dict(self._layers)

    async def reports(self) -> dict[str, Report]:
        """Return what processes last said of themselves; empty while Redis is away."""
        if self._client is None:
            return {}
        try:
            return await stored.read_reports(self._client, self._settings.redis_prefix)
        except (RedisError, OSError) as error:
            log.warning("reports_unread", error=repr(error)[:200])
            return {}

    # ------------------------------------------------------------------ silence

    async def _tick_turn(self) -> None:
        await asyncio.sleep(1.0)
        changed = self._picture.tick(self._clock.now())
        self._publish(changed, self._refresh_sections())
        if self._picture.unknown:
            self._picture.unknown = False
            self._registry_due = min(self._registry_due, time.monotonic() + _REGISTRY_PAUSE_S)
            self._newest_due = True  # the value that told us of it was not kept
            self._ask_database.set()

    # ------------------------------------------------------------------ Redis

    async def _redis_turn(self) -> None:
        """Subscribe, take the whole state, then follow; returns only by an error."""
        client = self._connect()
        prefix = self._settings.redis_prefix
        try:
            async with client.pubsub() as bus:
                await bus.subscribe(f"{prefix}delta", f"{prefix}notice")
                await self._take_state(client)
                self._client, self._signs.redis = client, True
                self._restart_all()
                await self._follow(client, bus)
        finally:
            self._client, self._signs.redis = None, False
            self._newest_due = True
            await client.aclose()

    def _connect(self) -> redis.Redis:
        return redis.from_url(
            self._settings.redis_url,
            socket_connect_timeout=_REDIS_ANSWER_S,
            socket_timeout=_REDIS_ANSWER_S,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # this loop is the retry
            client_name="ioc-web",
        )

    async def _take_state(self, client: redis.Redis) -> None:
        """Lay Redis' newest values over what is known; the newest phenomenon time wins."""
        prefix = self._settings.redis_prefix
        self._last_delta = None
        # What Redis lost, or never got while it was away, is in the database.
        self._newest_due = True
        self._ask_database.set()
        state = await client.hgetall(f"{prefix}state")
        await self._apply([stored.from_state(key, value) for key, value in state.items()])

    async def _follow(self, client: redis.Redis, bus: Any) -> None:  # noqa: ANN401  untyped in redis
        prefix = self._settings.redis_prefix
        heard = 0.0
        while True:
            message = await bus.get_message(ignore_subscribe_messages=True, timeout=_REDIS_TURN_S)
            if message is not None:
                await self._on_message(client, message["channel"], message["data"])
            if time.monotonic() - heard >= _REDIS_TURN_S:
                heard = time.monotonic()
                self._hear(await client.hgetall(f"{prefix}heartbeat"))

    async def _on_message(self, client: redis.Redis, channel: bytes, data: bytes) -> None:
        body = orjson.loads(data)
        if channel.endswith(b"notice"):
            self._on_notice(body["kind"])
            return
        number = int(body["seq"])
        missed = self._last_delta is not None and number != self._last_delta + 1
        self._last_delta = number
        await self._apply([Sample(*row) for row in body["obs"]], publish=True)
        if missed:
            log.warning("delta_missed", seq=number)
            await self._take_state(client)
            self._last_delta = number
            self._restart_all()

    async def _apply(self, samples: Sequence[Sample], *, publish: bool = False) -> None:
        """Take samples in without holding the event loop for long."""
        for start in range(0, len(samples), _SAMPLES_AT_ONCE):
            part = samples[start : start + _SAMPLES_AT_ONCE]
            changed = self._picture.apply(part, self._clock.now())
            if publish:
                self._publish(changed)
            if len(samples) > _SAMPLES_AT_ONCE:
                await asyncio.sleep(0)

    def _on_notice(self, kind: str) -> None:
        if kind in ("registry", "layer"):
            soon = time.monotonic() + _REGISTRY_PAUSE_S
            self._registry_due = min(self._registry_due, soon)
        self._ask_database.set()

    def _hear(self, beats: dict[Any, Any]) -> None:
        self._signs.ingest = int(beats.get(b"ingest", 0)) or None
        self._signs.evaluator = int(beats.get(b"evaluator", 0)) or None
        self._signs.dispatcher = int(beats.get(b"dispatcher", 0)) or None

    # ------------------------------------------------------------------ database

    async def _database_turn(self) -> None:
        """Read what is due; wait for a notice or the next pass."""
        try:
            whole = await self._read()
        except DatabaseAwayError:
            self._signs.database = False
            self._registry_due, self._newest_due = 0.0, True
            raise
        self._signs.database = True
        if whole:
            self._restart_all()
        pause = min(_DATABASE_EVERY_S, max(self._registry_due - time.monotonic(), 0.05))
        try:
            async with asyncio.timeout(pause):
                await self._ask_database.wait()
        except TimeoutError:
            pass
        self._ask_database.clear()

    async def _read(self) -> bool:
        """Read alerts and writers, and what is due; tell whether the whole picture was renewed."""
        whole = False
        async with self._database.connection(patient=True) as conn:
            if time.monotonic() >= self._registry_due:
                feeds, things = await stored.read_registry(conn)
                self._picture.register(feeds, things, self._clock.now())
                self._layers = await stored.read_layers(conn)
                self._registry_due = time.monotonic() + _REGISTRY_EVERY_S
                whole = True
            if self._newest_due:
                self._newest_due = False
                await self._apply(await stored.read_newest(conn))
                whole = True
            found = await stored.read_alerts(conn)
            writers = await stored.read_writers(conn)
            self._walls = await walls.read(conn)
            self._signs.partitions = await stored.read_partitions(conn)
        self._alerts = found.section
        self._signs.ingest_stored = writers.heartbeat
        self._signs.broker = writers.connected_since
        self._publish(self._picture.urge(found.urgencies), self._refresh_sections())
        return whole
