"""The layers worker: `python -m layers`. The only module here that holds connections."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import orjson
import psycopg
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from ioc import layer_schema
from ioc import log as logs
from ioc import settings as config
from ioc.clock import SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.layer import LayerJob, PointFeature, Published
from ioc.settings import Settings
from ioc.storage import features, layer_uploads, pool
from ioc.storage import layers as store
from layers import ground, importing, preview, publish, undoing
from layers.report import Report, refused_csv
from layers.shipped import shipped
from layers.uploads import FOLDER, Uploads
from layers.worker import JobStoppedError, Worker

log = structlog.get_logger()

TURN_S: Final = 0.5  # an asked-for job waits at most this long; SIGTERM is heard as soon
BACKOFF_S: Final = (1, 2, 5, 10, 30)  # before the n-th try in a row
REDIS_ANSWER_S: Final = 1.0  # a dead Redis must not hold up publishing
REDIS_PAUSE: Final = 5 * SECOND  # before a Redis that failed is asked again

_T = TypeVar("_T")


@dataclass(slots=True)
class Database:
    """One connection, opened at the first use and again after it broke."""

    url: str
    conn: store.Db | None = None
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)  # fields, by layer

    def _use(self) -> store.Db:
        if self.conn is None or self.conn.closed:
            self.conn = pool.connect(self.url, name="layers")
        return self.conn

    def close(self) -> None:
        if self.conn is not None:
            self.conn.close()
            self.conn = None

    def points(self, *, bts: bool) -> list[PointFeature]:
        return store.points(self._use(), bts=bts)

    def fingerprint(self) -> str:
        return store.fingerprint(self._use())

    def put(self, layer: str, made: Published) -> bool:
        conn = self._use()
        if features.imported(conn, layer):
            return False  # by a person: neither what ships nor the registry's points replace it
        return store.put(conn, layer, made)

    def rejoined(self) -> list[tuple[str, str]]:
        conn = self._use()
        made = [(layer, self._rejoin(conn, layer)) for layer in features.stale(conn)]
        return [(layer, version) for layer, version in made if version is not None]

    def _rejoin(self, conn: store.Db, layer: str) -> str | None:
        shelf = features.Shelf(conn)
        number = shelf.standing(layer).number
        hidden = self.hidden.get(layer, frozenset())
        made = publish.features(shelf.features(layer), shelf.things(), hidden, layer)
        return made.version if features.rejoin(conn, layer, number, made) else None

    def claim(self) -> LayerJob | None:
        return store.claim(self._use())

    def finish(self, job: LayerJob, result: Mapping[str, object] | None = None) -> None:
        store.finish(self._use(), job, result)
        store.prune_jobs(self._use())

    def shelf(self) -> features.Shelf:
        return features.Shelf(self._use())

    def give_back(self, job: LayerJob, error: str, *, final: bool) -> None:
        store.give_back(self._use(), job, error, final=final)


@dataclass(frozen=True, slots=True)
class ImportDesk:
    """Takes files in by the same function as the command; an uploaded one asks first."""

    settings: Settings
    database: Database
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.settings.data_dir / FOLDER)

    def take_in(self, job: LayerJob) -> Report:
        # A boundary may have been imported since the last job: the ground is laid anew.
        argument = dict(job.argument)
        if "upload" in argument:
            argument["path"] = str(self.uploads.path(str(argument["upload"])))
        config, shelf = self.settings.config_dir, self.database.shelf()
        base = ground.of(config, self.settings.province.code, shelf, partial(self._tell, job))
        return importing.run(importing.asked(argument), base)

    def undo(self, job: LayerJob) -> Published | None:
        layer, by = str(job.argument["layer"]), str(job.argument["by"])
        known = layer_schema.load(self.settings.config_dir / "layers")
        hidden = known[layer].hidden if layer in known else frozenset()
        return undoing.undo(self.database.shelf(), layer, hidden, by)

    def answer(self, job: LayerJob, report: Report) -> None:
        refused = refused_csv(report.refused) if report.refused else b""
        shown = preview.document(report.shown) if report.shown else b""
        layer_uploads.answer(self.database.shelf().conn, job, report.told(), shown, refused)

    def cancelled(self, job: LayerJob) -> None:
        layer_uploads.cancelled(self.database.shelf().conn, job)

    def over(self, job: LayerJob) -> None:
        if "upload" in job.argument:
            self.uploads.drop(str(job.argument["upload"]))

    def sweep(self) -> None:
        kept = layer_uploads.kept(self.database.shelf().conn)
        self.uploads.sweep(kept, self.clock.now() / SECOND)

    def _tell(self, job: LayerJob, stage: str) -> None:
        if not layer_uploads.progress(self.database.shelf().conn, job, stage):
            raise JobStoppedError(job.id)


@dataclass(slots=True)
class RedisBus:
    """Notices and signs of life. A Redis that does not answer is left alone for REDIS_PAUSE."""

    client: redis.Redis
    prefix: str
    clock: SystemClock = field(default_factory=SystemClock)
    ears: redis.client.PubSub | None = None
    quiet_until: int = 0

    def layer(self, layer: str, version: str) -> None:
        notice = orjson.dumps({"kind": "layer", "layer": layer, "version": version})
        self._try(lambda: self.client.publish(f"{self.prefix}notice", notice))

    def heartbeat(self, now: Micros) -> None:
        self._try(lambda: self.client.hset(f"{self.prefix}heartbeat", "layers", str(now)))

    def registry_changed(self) -> bool:
        """Drain what was heard since the last call; True when the registry changed, or may have."""
        listening = self.ears is not None
        heard = self._try(self._drain)
        # Whatever was said before we listened is unknown, so it counts as said.
        return bool(heard) or (not listening and self.ears is not None)

    def close(self) -> None:
        if self.ears is not None:
            self.ears.close()
        self.client.close()

    def _drain(self) -> bool:
        if self.ears is None:
            ears = self.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            ears.subscribe(f"{self.prefix}notice")
            self.ears = ears
        changed = False
        while (message := self.ears.get_message(timeout=0)) is not None:
            changed |= _kind(message["data"]) == "registry"
        return changed

    def _try(self, action: Callable[[], _T]) -> _T | None:
        now = self.clock.now()
        if now < self.quiet_until:
            return None
        try:
            return action()
        except redis.RedisError as error:
            log.warning("redis_away", error=str(error)[:200])
            self.quiet_until = now + REDIS_PAUSE
            if self.ears is not None:
                self.ears.close()
                self.ears = None
            return None


def _kind(data: bytes) -> object:
    try:
        notice = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return notice.get("kind") if isinstance(notice, dict) else None


def run(settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set; a database or Redis that is away is waited for."""
    clock = SystemClock()
    database = Database(settings.database_url, hidden=_hidden(settings))
    client = redis.Redis.from_url(
        settings.redis_url,
        socket_timeout=REDIS_ANSWER_S,
        socket_connect_timeout=REDIS_ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )
    bus = RedisBus(client, settings.redis_prefix)
    worker = Worker(database, database, database, bus, shipped, ImportDesk(settings, database))
    failures, started = 0, False
    try:
        while not stop.is_set():
            try:
                if not started:
                    worker.start()
                    started = True
                if bus.registry_changed():
                    worker.registry_changed(clock.now())
                worker.turn(clock.now())
                failures = 0
                pause = TURN_S
            except psycopg.Error as error:
                log.warning("database_away", error=" ".join(str(error).split())[:200])
                failures, pause = _broken(database, failures)
            except Exception:
                log.exception("worker_failed")
                failures, pause = _broken(database, failures)
            stop.wait(pause)
    finally:
        bus.close()
        database.close()


def _hidden(settings: Settings) -> dict[str, frozenset[str]]:
    schemas = layer_schema.load(settings.config_dir / "layers")
    return {name: schema.hidden for name, schema in schemas.items()}


def _broken(database: Database, failures: int) -> tuple[int, float]:
    """Drop the connection; return the failures in a row and how long to wait."""
    database.close()
    step = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
    return failures + 1, step * random.uniform(0.5, 1)  # noqa: S311  jitter, no secret


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logs.configure("layers")
    try:
        settings = config.load()
        settings.require("database_url", "redis_url")
    except ConfigError as error:
        raise SystemExit(f"layers: {error}") from None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("layers_started")
    run(settings, stop)
    log.info("layers_stopped")


if __name__ == "__main__":
    main()
