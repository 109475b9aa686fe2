"""What the worker does next, given what it was told and what time it is. No I/O of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from ioc.domain.errors import LayerFileError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.layer import BASE_LAYERS, POINT_LAYERS, LayerJob, PointFeature, Published
from ioc.text import DEFAULT, say
from layers import publish
from layers.report import Outcome, Report

log = structlog.get_logger()

POLL: Final = 30 * SECOND  # the registry is looked at even when no notice came
DEBOUNCE: Final = SECOND  # an import of a thousand things is one publication, seen within 2 s
HEARTBEAT: Final = 4 * SECOND  # screens expect a sign every 5 s
SWEEP: Final = 600 * SECOND  # files that nobody waits for any more


class Registry(Protocol):
    """Admitted things that have a place."""

    def points(self, *, bts: bool) -> list[PointFeature]: ...

    def fingerprint(self) -> str: ...


class Versions(Protocol):
    """Where published layers go; True when the content was new."""

    def put(self, layer: str, made: Published) -> bool: ...

    def rejoined(self) -> list[tuple[str, str]]:
        """Publish imported layers anew whose features are the places of other things by now."""
        ...


class Queue(Protocol):
    """Jobs by lease."""

    def claim(self) -> LayerJob | None: ...

    def finish(self, job: LayerJob, result: Mapping[str, object] | None = None) -> None: ...

    def give_back(self, job: LayerJob, error: str, *, final: bool) -> None: ...


class Desk(Protocol):
    """Uploaded files, whose jobs ask a person before anything changes."""

    def take_in(self, job: LayerJob) -> Report: ...

    def undo(self, job: LayerJob) -> Published | None: ...

    def answer(self, job: LayerJob, report: Report) -> None: ...

    def cancelled(self, job: LayerJob) -> None: ...

    def over(self, job: LayerJob) -> None: ...

    def sweep(self) -> None: ...


class Bus(Protocol):
    """Tells the others; never fails, losing a notice loses nothing."""

    def layer(self, layer: str, version: str) -> None: ...

    def heartbeat(self, now: Micros) -> None: ...


class JobStoppedError(Exception):
    """Somebody wants the job to end, or another worker has it."""


class _RefusedJobError(Exception):
    """A job that can never succeed as it stands."""


@dataclass(slots=True)
class Worker:
    """One worker; `shipped` returns the GeoJSON document of a base layer by name."""

    registry: Registry
    versions: Versions
    queue: Queue
    bus: Bus
    shipped: Callable[[str], bytes]
    desk: Desk
    dirty_since: Micros | None = None
    seen: str = ""
    polled: Micros | None = None
    beat: Micros | None = field(default=None)
    swept: Micros | None = None

    def start(self) -> None:
        """Publish everything once: a fresh database shows its map at the first look.

        A base layer whose file is broken costs the map that layer and no other.
        """
        self.seen = self.registry.fingerprint()
        for layer in (*BASE_LAYERS, *POINT_LAYERS):
            try:
                self.publish(layer)
            except (ValueError, OSError) as error:
                log.warning("layer_refused", layer=layer, reason=str(error))
        self._rejoin()

    def registry_changed(self, now: Micros) -> None:
        """Note that somebody said so; the layers follow after the debounce."""
        if self.dirty_since is None:
            self.dirty_since = now

    def turn(self, now: Micros) -> None:
        """Do what is due at `now`: sign of life, registry, one job."""
        if self.beat is None or now - self.beat >= HEARTBEAT:
            self.beat = now
            self.bus.heartbeat(now)
        self._watch_registry(now)
        if self.swept is None or now - self.swept >= SWEEP:
            self.swept = now
            self.desk.sweep()
        job = self.queue.claim()
        if job is not None:
            self._run(job)

    def publish(self, layer: str) -> None:
        """Bring one layer up to date and say so if its content is new."""
        made = self._make(layer)
        if self.versions.put(layer, made):
            log.info("layer_published", layer=layer, version=made.version, features=made.features)
            self.bus.layer(layer, made.version)

    def _rejoin(self) -> None:
        for layer, version in self.versions.rejoined():
            log.info("layer_rejoined", layer=layer, version=version)
            self.bus.layer(layer, version)

    def _make(self, layer: str) -> Published:
        if layer in BASE_LAYERS:
            return publish.base(self.shipped(layer))
        if layer in POINT_LAYERS:
            return publish.points(self.registry.points(bts=layer == "bts"))
        raise _RefusedJobError(f"no layer named {layer!r}")

    def _watch_registry(self, now: Micros) -> None:
        if self.polled is None or now - self.polled >= POLL:
            self.polled = now
            if self.registry.fingerprint() != self.seen:
                self.registry_changed(now)
        if self.dirty_since is not None and now - self.dirty_since >= DEBOUNCE:
            # Read before the points: a change in between is then seen by the next poll.
            self.seen = self.registry.fingerprint()
            for layer in POINT_LAYERS:
                self.publish(layer)
            self._rejoin()
            self.dirty_since = None

    def _run(self, job: LayerJob) -> None:
        try:
            self._do(job)
        except JobStoppedError:
            log.info("layer_job_stopped", job=job.id)
            self.desk.cancelled(job)
            self.desk.over(job)
        except (_RefusedJobError, ValueError) as error:
            log.warning("layer_job_refused", job=job.id, reason=str(error))
            self.queue.give_back(job, str(error), final=True)
        except LayerFileError as error:
            self.queue.give_back(job, _sentence(error), final=True)
        except OSError as error:
            log.warning("layer_job_failed", job=job.id, reason=str(error), attempts=job.attempts)
            self.queue.give_back(job, str(error), final=False)

    def _do(self, job: LayerJob) -> None:
        if job.kind == "import":
            self._import(job)
        elif job.kind == "undo":
            made = self.desk.undo(job)
            if made is not None:
                self.bus.layer(str(job.argument["layer"]), made.version)
            self.queue.finish(job)
        else:
            for layer in _layers_of(job):
                self.publish(layer)
            self.queue.finish(job)

    def _import(self, job: LayerJob) -> None:
        """Import, and say so if it made a version; a refused file is a result, not a failure."""
        report = self.desk.take_in(job)
        if "upload" in job.argument and report.outcome is not Outcome.COMMITTED:
            self.desk.answer(job, report)
            return
        if report.outcome is Outcome.COMMITTED and report.version is not None:
            log.info("layer_imported", layer=report.layer, version=report.version)
            self.bus.layer(report.layer, report.version)
        self.queue.finish(job, report.told())
        self.desk.over(job)


def _sentence(error: LayerFileError) -> str:
    return say(f"layers.refused.{error.reason}", DEFAULT, **error.values)


def _layers_of(job: LayerJob) -> tuple[str, ...]:
    """Return what a job publishes; without a layer it is all of them."""
    if job.kind != "publish":
        raise _RefusedJobError(f"no job kind {job.kind!r}")
    layer = job.argument.get("layer")
    return (*BASE_LAYERS, *POINT_LAYERS) if layer is None else (str(layer),)
