"""What an evaluator reads and what it decides, as values: batches, writers, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ioc.domain.alert import Rule, Sample
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change
from ioc.domain.instant import SECOND, Micros
from ioc.domain.levels import Ladder
from ioc.domain.observation import DatastreamId, ThingId

Key = tuple[str, DatastreamId]  # rule id, datastream

# A writer sends a sign of life every 2 s; 15 s is when screens, too, call a link lost.
HEARTBEAT_LIMIT = 15 * SECOND
# Longer than any restart: a writer that is gone for good must not stop the clock of the others.
FORGOTTEN_AFTER = 3600 * SECOND
# Messages of one instant take this long from the device to the commit, on a good line.
GRACE = 5 * SECOND


class Row(NamedTuple):
    """One stored value to evaluate."""

    datastream: DatastreamId
    sample: Sample


@dataclass(frozen=True, slots=True)
class Batch:
    """What one ingest transaction wrote, without what is recorded only; numbers have no holes."""

    writer: int
    number: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """One ingest process, read in one snapshot: all up to `head` was committed at `watermark`."""

    id: int
    head: int  # its last batch, 0 before the first
    connected_since: Micros | None
    watermark: Micros | None  # everything that reached it before this instant is committed
    heartbeat: Micros


@dataclass(frozen=True, slots=True)
class Candidate:
    """An admitted thing's datastream, with all a selector may ask for."""

    datastream: DatastreamId
    thing: ThingId
    observed_property: str
    kind: str
    feed: str
    external_id: str
    simulated: bool
    expected_period_s: float
    stale_after_s: float


@dataclass(frozen=True, slots=True)
class Saved:
    """One (rule, datastream) as stored at its last transition, all levels of one moment."""

    rule_id: str
    datastream: DatastreamId
    version: int
    state: Ladder
    checkpoint: Ladder

    @property
    def key(self) -> Key:
        return self.rule_id, self.datastream


@dataclass(frozen=True, slots=True)
class Peak:
    """The worst value of an alert that is on."""

    rule_id: str
    datastream: DatastreamId
    result: float
    time: Micros


@dataclass(frozen=True, slots=True)
class Announcement:
    """One change with all that deciding about its alert needs."""

    rule: Rule
    subject: Subject
    change: Change


@dataclass(slots=True)
class Verdict:
    """Everything one transaction writes."""

    announcements: list[Announcement] = field(default_factory=list)
    states: list[Saved] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.announcements or self.states or self.gone or self.peaks or self.offsets)


class Judgement(NamedTuple):
    """How far the clock of silence may go: to `instant`, for what was connected long enough."""

    instant: Micros
    connected_since: Micros
    heads: Mapping[int, int]  # valid once the consumer has read this far of each writer


def judgement(writers: list[Writer], now: Micros) -> Judgement | None:
    """Return how far silence may be judged, or None while a line is down.

    `now` is the database's clock, which wrote the heartbeats. As long as one writer is away its
    things would look silent, so nothing is judged; one that is gone for long is forgotten.
    """
    heads = {w.id: w.head for w in writers}
    present = [w for w in writers if now - w.heartbeat <= FORGOTTEN_AFTER]
    marks: list[Micros] = []
    since: list[Micros] = []
    for writer in present:
        if writer.connected_since is None or writer.watermark is None:
            return None
        if now - writer.heartbeat > HEARTBEAT_LIMIT:
            return None
        marks.append(writer.watermark)
        since.append(writer.connected_since)
    if not marks:
        return None
    return Judgement(Micros(min(marks) - GRACE), max(since), heads)
