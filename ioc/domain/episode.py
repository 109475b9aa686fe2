"""Late and out-of-order samples: refold a bounded window and say what that changes.

A `Track` keeps, for one (rule, level, datastream), the samples of the last `late_horizon` and the
state before them. A sample in order costs one step. One that comes late is inserted, the window is
folded again, and the difference of the two logs says what must be announced: an alert that is
still open is raised with "late", one already over is only recorded, one disproved is corrected,
one whose start moved stays the same alert.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from typing import Final, NamedTuple

from ioc.domain.alert import (
    START,
    Event,
    Events,
    Kind,
    Rule,
    Sample,
    Severity,
    State,
    reached,
    step,
    tick,
)
from ioc.domain.instant import Micros

# A 24 h horizon at 15 s, or 15 min at 4 Hz; beyond it the horizon shrinks instead of the memory
# of the process growing without end (100 B a sample).
MAX_WINDOW: Final = 6000


class Reason(StrEnum):
    """Why an alert returned, when the values themselves did not return."""

    CORRECTED = "corrected"
    RULE_CHANGED = "rule_changed"
    DISABLED = "disabled"


class Episode(NamedTuple):
    """One stay in alarm."""

    raised_at: Micros
    returned_at: Micros | None
    result: float | None  # the value that held when it was raised
    peak: float | None = None
    peak_at: Micros | None = None


class Change(NamedTuple):
    """What must be announced or recorded about one (rule, datastream).

    `over` is set for an episode found late that has already ended: record it, sound nothing.
    """

    kind: Kind
    time: Micros
    result: float | None = None
    late: bool = False
    reason: Reason | None = None
    was: Micros | None = None  # MOVED, CORRECTED: the start that had been announced
    over: Episode | None = None
    severity: Severity | None = None  # of a rule with levels: the highest one in alarm
    limit: float | None = None  # that level's


Changes = list[Change]


@dataclass(slots=True)
class Track:
    """The fold of one (rule, level, datastream) with what late data may still change."""

    rule: Rule
    checkpoint: State = START
    state: State = START
    window: list[Sample] = field(default_factory=list)  # sorted; all newer than the checkpoint
    ticked: Micros | None = None  # just after the last timer that a tick fired
    dropped: int = 0  # samples that came beyond the horizon

    def take(self, sample: Sample) -> Changes:
        """Take one sample in order of arrival; return what changed for the outside."""
        if self._beyond_horizon(sample.time):
            self.dropped += 1
            return []
        if self._behind(sample.time):
            return self._take_late(sample)
        before = self.state
        self.state, events = step(before, self.rule, sample)
        self.window.append(sample)
        self._trim()
        return announced(before, events) if events else []

    def tick(self, instant: Micros) -> Changes:
        """Fire the timers due before `instant`: all that reached us before it was taken."""
        before = self.state
        self.state, events = tick(before, self.rule, instant)
        if not events:
            return []
        self.ticked = Micros(events[-1].time + 1)
        return announced(before, events)

    def _behind(self, time: Micros) -> bool:
        """Tell whether the fold has already decided about this instant."""
        done = reached(self.state)
        return (done is not None and time <= done) or (
            self.ticked is not None and time < self.ticked
        )

    def _take_late(self, sample: Sample) -> Changes:
        place = bisect_left(self.window, sample.time, key=_time)
        known = place < len(self.window) and self.window[place].time == sample.time
        if known and _same(self.window[place], sample):
            return []
        old_state, old = self._refold()
        self.window[place : place + known] = [sample]
        self.state, new = self._refold()
        changes = difference(episodes(self.checkpoint, old), self._folded(new), sample.time)
        changes += _stale_difference(old_state, self.state, sample.time)
        self._trim()
        return changes

    def _refold(self) -> tuple[State, Events]:
        return refold(self.checkpoint, self.rule, self.window, self.ticked)

    def _folded(self, events: Events) -> list[Episode]:
        """Return the new log's episodes; the open one carries the peak of the state."""
        found = episodes(self.checkpoint, events)
        if found and found[-1].returned_at is None:
            found[-1] = found[-1]._replace(peak=self.state.peak, peak_at=self.state.peak_at)
        return found

    def _beyond_horizon(self, time: Micros) -> bool:
        newest = self.state.last_time
        if newest is None:
            return False
        floor = self.checkpoint.last_time
        return time <= newest - self.rule.late_horizon or (floor is not None and time <= floor)

    def _trim(self) -> None:
        """Move what can no longer change from the window into the checkpoint."""
        window = self.window
        floor = window[-1].time - self.rule.late_horizon
        while window[0].time <= floor or len(window) > MAX_WINDOW:
            self.checkpoint, _ = step(self.checkpoint, self.rule, window.pop(0))


def _time(sample: Sample) -> Micros:
    return sample.time


def _same(one: Sample, other: Sample) -> bool:
    """Tell whether two samples of one instant say the same; NaN is equal to NaN here."""
    alike = one.result == other.result or (isnan(one.result) and isnan(other.result))
    return alike and one.good == other.good


def refold(
    checkpoint: State, rule: Rule, window: Iterable[Sample], ticked: Micros | None = None
) -> tuple[State, Events]:
    """Fold sorted samples from a checkpoint, then let `ticked` fire what it had fired."""
    state = checkpoint
    log: list[Event] = []
    for sample in window:
        state, events = step(state, rule, sample)
        log += events
    if ticked is not None:
        state, events = tick(state, rule, ticked)
        log += events
    return state, tuple(log)


def episodes(start: State, events: Iterable[Event]) -> list[Episode]:
    """Return the stays in alarm that a log tells, beginning in state `start`."""
    found: list[Episode] = []
    if start.raised_at is not None:
        found.append(Episode(start.raised_at, None, start.last_result, start.peak, start.peak_at))
    for event in events:
        if event.kind is Kind.RAISE:
            found.append(Episode(event.time, None, event.result))
        elif event.kind is Kind.RTN:
            found[-1] = found[-1]._replace(returned_at=event.time)
    return found


def announced(before: State, events: Events) -> Changes:
    """Return what a log in order means outside: silence is news only of what is in alarm."""
    active = before.in_alarm
    changes: Changes = []
    for event in events:
        if event.kind is Kind.RAISE:
            active = True
        if active:
            changes.append(Change(event.kind, event.time, event.result))
        if event.kind is Kind.RTN:
            active = False
    return changes


def difference(old: Sequence[Episode], new: Sequence[Episode], at: Micros) -> Changes:
    """Return what turns the announced episodes `old` into `new`; `at` is the late sample's time.

    Episodes that overlap are the same alert. Source: the team's alerting decision on late data.
    """
    left = list(old)
    changes: Changes = []
    for episode in reversed(new):  # the open one first: it continues the announced open one
        partner = next((o for o in reversed(left) if _overlap(o, episode)), None)
        if partner is not None:
            left.remove(partner)
        changes += _compare(partner, episode)
    gone = [o for o in left if not any(_overlap(o, n) for n in new)]  # the others were merged
    return [_disproved(episode, at) for episode in gone] + changes[::-1]


def _overlap(one: Episode, other: Episode) -> bool:
    return (other.returned_at is None or one.raised_at <= other.returned_at) and (
        one.returned_at is None or other.raised_at <= one.returned_at
    )


def _compare(old: Episode | None, new: Episode) -> Changes:
    if old is None:
        if new.returned_at is None:
            return [Change(Kind.RAISE, new.raised_at, new.result, late=True)]
        return [Change(Kind.RAISE, new.raised_at, new.result, late=True, over=new)]
    if old.returned_at is None and new.returned_at is not None:
        return [Change(Kind.RTN, new.returned_at, late=True)]
    if old.returned_at is not None and new.returned_at is None:
        return [Change(Kind.RAISE, new.raised_at, new.result, late=True)]
    if old.returned_at is None and old.raised_at != new.raised_at:
        return [Change(Kind.MOVED, new.raised_at, new.result, late=True, was=old.raised_at)]
    return []


def _disproved(gone: Episode, at: Micros) -> Change:
    if gone.returned_at is None:
        when = max(gone.raised_at, at)
        return Change(Kind.RTN, when, late=True, reason=Reason.CORRECTED, was=gone.raised_at)
    return Change(Kind.CORRECTED, at, late=True, was=gone.raised_at)


def _stale_difference(old: State, new: State, at: Micros) -> Changes:
    if not new.in_alarm or new.since is None or (old.in_alarm and old.stale) == new.stale:
        return []
    if new.stale:
        return [Change(Kind.STALE, new.since, new.last_result, late=True)]
    return [Change(Kind.FRESH, at, new.last_result, late=True)]


def under_new_rule(old: State, new: State) -> Changes:
    """Return what a rule edit means; `new` is the same history folded under the new version."""
    if not old.in_alarm:
        return _raised(new)
    if new.in_alarm:
        return [Change(Kind.RULE_CHANGED, new.since or Micros(0), new.last_result)]
    return ended(old, new, Reason.RULE_CHANGED)


def ended(old: State, new: State, reason: Reason) -> Changes:
    """Return the RTN of an alert that ends for another reason than its values; [] if none is on."""
    if old.raised_at is None:
        return []
    when = max(old.raised_at, reached(old) or old.raised_at, reached(new) or old.raised_at)
    return [Change(Kind.RTN, when, new.last_result, reason=reason)]


def _raised(state: State) -> Changes:
    if state.raised_at is None:
        return []
    raised = Change(Kind.RAISE, state.raised_at, state.last_result)
    stale = Change(Kind.STALE, state.since or state.raised_at, state.last_result)
    return [raised, stale] if state.stale else [raised]
