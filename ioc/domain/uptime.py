"""Is a camera working, since when, and how well did its owner keep the promise? Never what it sees.

A recorder that is gone makes its cameras unknown, and so does silence: unknown is neither up nor
down, but it is counted and shown, so that nobody improves a figure by switching a recorder off.
What was announced (a mask of kind maintenance, or the device's own word) is left out of the sum.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ioc.domain.instant import Micros
from ioc.domain.observation import STATE_CODES, DeviceState


class CameraState(StrEnum):
    """What a wall says of a camera, in the order of how loud it says it."""

    OFFLINE = "offline"
    NO_SIGNAL = "no_signal"
    NOT_RECORDING = "not_recording"
    UNKNOWN = "unknown"
    PLANNED = "planned"  # switched off or in maintenance: announced, so no fault
    ONLINE = "online"


FAULTS: Final = frozenset({CameraState.OFFLINE, CameraState.NO_SIGNAL, CameraState.NOT_RECORDING})
# Of signal_status: nothing arrives, or the lens is covered. Blur and darkness are still a picture.
_NO_PICTURE: Final = frozenset({1, 2})
_BY_WORD: Final = {
    STATE_CODES[DeviceState.OFFLINE]: CameraState.OFFLINE,
    STATE_CODES[DeviceState.UNKNOWN]: CameraState.UNKNOWN,
    STATE_CODES[DeviceState.DISABLED]: CameraState.PLANNED,
    STATE_CODES[DeviceState.MAINTENANCE]: CameraState.PLANNED,
}


def camera_state(status: int | None, signal: int | None, recording: int | None) -> CameraState:
    """Return what three words come to: codes of the catalogue, None where nothing counts now.

    The device's own life first: of a camera that cannot be reached the other words are old.
    """
    if status is None:
        return CameraState.UNKNOWN
    if status in _BY_WORD:
        return _BY_WORD[status]
    if signal in _NO_PICTURE:
        return CameraState.NO_SIGNAL
    return CameraState.NOT_RECORDING if recording else CameraState.ONLINE


class Run(NamedTuple):
    """One word said from `first` to `last` without a silence between."""

    first: Micros
    last: Micros
    code: int


class Span(NamedTuple):
    """What counted from `begin` on, until `end`."""

    begin: Micros
    end: Micros
    state: CameraState


@dataclass(frozen=True, slots=True)
class Axis:
    """One datastream's runs, oldest first; a word counts for `stale_after` µs after its last."""

    runs: Sequence[Run]
    stale_after: int

    def edges(self) -> Iterable[Micros]:
        """Yield the instants at which what counts may change."""
        for run in self.runs:
            yield run.first
            yield Micros(run.last + self.stale_after)

    def at(self, moment: Micros) -> int | None:
        """Return the code that counts at an instant; None: silence."""
        place = bisect_right(self.runs, moment, key=lambda run: run.first) - 1
        if place < 0 or moment >= self.runs[place].last + self.stale_after:
            return None
        return self.runs[place].code


NO_AXIS: Final = Axis((), 0)


@dataclass(frozen=True, slots=True)
class Words:
    """The three words of one camera; a camera without a signal or recording word has one."""

    status: Axis
    signal: Axis = NO_AXIS
    recording: Axis = NO_AXIS

    def at(self, moment: Micros) -> CameraState:
        return camera_state(
            self.status.at(moment), self.signal.at(moment), self.recording.at(moment)
        )


def spans(words: Words, begin: Micros, end: Micros) -> list[Span]:
    """Return what counted in [begin, end) without holes, neighbours always of two states."""
    axes = (words.status, words.signal, words.recording)
    edges = sorted({edge for axis in axes for edge in axis.edges() if begin < edge < end} | {begin})
    found: list[Span] = []
    for start, stop in zip(edges, [*edges[1:], end], strict=True):
        state = words.at(start)
        if found and found[-1].state is state:
            found[-1] = found[-1]._replace(end=stop)
        elif stop > start:
            found.append(Span(start, stop, state))
    return found


@dataclass(frozen=True, slots=True)
class Uptime:
    """µs of one camera, or of many; `repairs` are outages that ended within the period."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    left_out: int = 0  # announced work
    repairs: int = 0
    repair_time: int = 0

    def __add__(self, other: Uptime) -> Uptime:
        return Uptime(
            self.up + other.up,
            self.down + other.down,
            self.unknown + other.unknown,
            self.left_out + other.left_out,
            self.repairs + other.repairs,
            self.repair_time + other.repair_time,
        )

    @property
    def share(self) -> float | None:
        """Return the share of the known time in which it worked; None: nothing is known."""
        known = self.up + self.down
        return self.up / known if known else None

    @property
    def mttr(self) -> float | None:
        """Return the mean time to repair, µs; None: nothing was repaired."""
        return self.repair_time / self.repairs if self.repairs else None


def uptime(found: Sequence[Span], work: Sequence[tuple[Micros, Micros]]) -> Uptime:
    """Count spans, announced `work` ([begin, end), any order, may overlap) left out."""
    total = Uptime()
    announced = merged(work)
    for span in found:
        length = span.end - span.begin
        out = sum(max(0, min(span.end, e) - max(span.begin, b)) for b, e in announced)
        total += _counted(span.state, length - out, out)
    for outage in outages(found):
        if outage.end < found[-1].end:  # the one that goes on is not repaired yet
            total += Uptime(repairs=1, repair_time=outage.end - outage.begin)
    return total


def outages(found: Sequence[Span]) -> list[Span]:
    """Return the faults, each from its first state to its end, whatever it turned into between."""
    made: list[Span] = []
    for span in found:
        if span.state not in FAULTS:
            continue
        if made and made[-1].end == span.begin:
            made[-1] = made[-1]._replace(end=span.end)
        else:
            made.append(span)
    return made


def merged(pieces: Iterable[tuple[Micros, Micros]]) -> list[tuple[Micros, Micros]]:
    """Return the union of intervals, in order and apart."""
    made: list[tuple[Micros, Micros]] = []
    for begin, end in sorted(pieces):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        elif begin < end:
            made.append((begin, end))
    return made


def _counted(state: CameraState, length: int, out: int) -> Uptime:
    match state:
        case CameraState.ONLINE:
            return Uptime(up=length, left_out=out)
        case CameraState.UNKNOWN:
            return Uptime(unknown=length, left_out=out)
        case CameraState.PLANNED:
            return Uptime(left_out=length + out)
        case _:
            return Uptime(down=length, left_out=out)
