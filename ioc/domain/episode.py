"""Late and out-of-order samples: refold a bounded window and say what that changes.

A `Track` keeps, for one (rule, datastream), the samples of the last `late_horizon` and the
state before them. A sample in order costs one step. One that comes late is inserted, the window is
folded again, and the difference of the two logs says what must be announced: an alert that is
still open is raised with "late", one already over is only recorded, one disproved is corrected,
one whose start moved stays the same alert.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from typing import Final, NamedTuple

from ioc.domain import levels
from ioc.domain.alert import Kind, Sample, Severity, Silence
from ioc.domain.instant import Micros
from ioc.domain.levels import Ladder, Rules, Turn, Turns

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
    severity: Severity | None = None  # of the highest level: now, or once over, ever
    limit: float | None = None  # that level's
    graded_at: Micros | None = None  # since when it has been the highest, if the log tells


class Change(NamedTuple):
    """What must be announced or recorded about one (rule, datastream).

    `over` is set for an episode that has already ended: found late (RAISE) or with other bounds
    than were recorded (CORRECTED). Record it, sound nothing. What late data overlaps is the same
    alert, so `ioc.domain.record` reads one log, in whatever order the samples came.
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
    """The fold of one (rule, datastream) with what late data may still change."""

    rules: Rules  # one a level
    checkpoint: Ladder = field(init=False)
    state: Ladder = field(init=False)
    window: list[Sample] = field(default_factory=list)  # sorted; all newer than the checkpoint
    ticked: Micros | None = None  # just after the last timer that a tick fired
    dropped: int = 0  # samples that came beyond the horizon

    def __post_init__(self) -> None:
        self.checkpoint = self.state = levels.start(self.rules)

    def take(self, sample: Sample) -> Changes:
        """Take one sample in order of arrival; return what changed for the outside."""
        if self.passes(sample):
            return []
        if self._beyond_horizon(sample.time):
            self.dropped += 1
            return []
        if self._behind(sample.time):
            return self._revise([sample], sample.time)
        before = self.state
        self.state, turns = levels.step(before, self.rules, sample)
        self.window.append(sample)
        self._trim()
        return announced(before, turns) if turns else []

    def passes(self, sample: Sample) -> bool:
        """Take a sample that changes nothing but contact; False: it is not one, nothing was done.

        What is stored and when the next timer may fire at the earliest stay as they were.
        """
        if self.ticked is not None and sample.time < self.ticked:
            return False
        after = levels.calm(self.state, self.rules, sample)
        if after is None:
            return False
        self.state = after
        self.window.append(sample)
        self._trim()
        return True

    def revise(self, samples: Sequence[Sample]) -> Changes:
        """Take samples that one value made together, in order of time: late ones at once."""
        kept = [sample for sample in samples if not self._beyond_horizon(sample.time)]
        self.dropped += len(samples) - len(kept)
        late = [sample for sample in kept if self._behind(sample.time)]
        changes = self._revise(late, late[0].time) if late else []
        for sample in kept[len(late) :]:
            changes += self.take(sample)
        return changes

    def tick(self, instant: Micros) -> Changes:
        """Fire the timers due before `instant`: all that reached us before it was taken."""
        before = self.state
        self.state, turns = levels.tick(before, self.rules, instant)
        if self.state == before:
            return []
        done = levels.reached(self.state)
        if done is not None:  # a timer without news, such as the end of PENDING, has fired, too
            self.ticked = Micros(done + 1)
        return announced(before, turns)

    def _behind(self, time: Micros) -> bool:
        """Tell whether the fold has already decided about this instant."""
        done = levels.reached(self.state)
        return (done is not None and time <= done) or (
            self.ticked is not None and time < self.ticked
        )

    def _revise(self, samples: Sequence[Sample], at: Micros) -> Changes:
        """Put late samples in their places and fold the window again; `at` is their time."""
        old_state, old = self._refold()
        if not self._insert(samples):
            return []
        self.state, new = self._refold()
        before = episodes(self.checkpoint, self.rules, old)
        changes = difference(before, self._folded(new), at)
        changes += self._stale_difference(old_state, at)
        self._trim()
        return changes

    def _insert(self, samples: Sequence[Sample]) -> bool:
        """Return whether the window is another one now: a redelivery changes nothing."""
        changed = False
        for sample in samples:
            place = bisect_left(self.window, sample.time, key=_time)
            known = place < len(self.window) and self.window[place].time == sample.time
            if known and _same(self.window[place], sample):
                continue
            self.window[place : place + known] = [sample]
            changed = True
        return changed

    def _refold(self) -> tuple[Ladder, list[Turn]]:
        return levels.fold(self.checkpoint, self.rules, self.window, self.ticked)

    def _folded(self, turns: Turns) -> list[Episode]:
        """Return the new log's episodes; the open one carries the peak of the state."""
        found = episodes(self.checkpoint, self.rules, turns)
        peak = levels.peak(self.state, self.rules)
        if found and found[-1].returned_at is None and peak is not None:
            found[-1] = found[-1]._replace(peak=peak[0], peak_at=peak[1])
        return found

    def _stale_difference(self, old: Ladder, at: Micros) -> Changes:
        new = self.state
        since = new.states[0].since
        if not new.in_alarm or since is None or (old.in_alarm and old.stale) == new.stale:
            return []
        if self.rules[0].silence is Silence.BREACHES:
            return []
        if new.stale:
            return [Change(Kind.STALE, since, new.last_result, late=True)]
        return [Change(Kind.FRESH, at, new.last_result, late=True)]

    def _beyond_horizon(self, time: Micros) -> bool:
        newest = self.state.last_time
        if newest is None:
            return False
        floor = self.checkpoint.last_time
        return time <= newest - self.rules[0].late_horizon or (floor is not None and time <= floor)

    def _trim(self) -> None:
        """Move what can no longer change from the window into the checkpoint."""
        window = self.window
        floor = window[-1].time - self.rules[0].late_horizon
        while window[0].time <= floor or len(window) > MAX_WINDOW:
            self.checkpoint, _ = levels.step(self.checkpoint, self.rules, window.pop(0))


def _time(sample: Sample) -> Micros:
    return sample.time


def _same(one: Sample, other: Sample) -> bool:
    """Tell whether two samples of one instant say the same; NaN is equal to NaN here."""
    alike = one.result == other.result or (isnan(one.result) and isnan(other.result))
    return alike and one.good == other.good


def episodes(start: Ladder, rules: Rules, turns: Turns) -> list[Episode]:
    """Return the stays in alarm that a log tells, beginning in state `start`."""
    found: list[Episode] = []
    worst: tuple[Severity, float] | None = None
    top = levels.highest(start, rules)
    if top is not None and start.raised_at is not None:
        peak, peak_at = levels.peak(start, rules) or (None, None)
        worst = rules[top].severity, rules[top].bound(start.last_result)
        found.append(
            Episode(start.raised_at, None, start.last_result, peak, peak_at, worst[0], worst[1])
        )
    for turn in turns:
        if turn.kind in (Kind.STALE, Kind.FRESH):
            continue
        said = turn.severity, turn.limit
        if turn.kind is Kind.RAISE:
            worst = said
            found.append(Episode(turn.time, None, turn.result, None, None, *said, turn.time))
        elif turn.kind is Kind.RTN:
            said = worst or said
            found[-1] = found[-1]._replace(returned_at=turn.time, severity=said[0], limit=said[1])
        else:
            worst = said if worst is None or said[0] < worst[0] else worst
            found[-1] = found[-1]._replace(severity=said[0], limit=said[1], graded_at=turn.time)
    return found


def announced(before: Ladder, turns: Turns) -> Changes:
    """Return what a log in order means outside: silence is news only of what is in alarm."""
    active = before.in_alarm
    changes: Changes = []
    for turn in turns:
        if turn.kind is Kind.RAISE:
            active = True
        if active:
            kind, time, result, severity, limit = turn
            changes.append(Change(kind, time, result, severity=severity, limit=limit))
        if turn.kind is Kind.RTN:
            active = False
    return changes


def difference(old: Sequence[Episode], new: Sequence[Episode], at: Micros) -> Changes:
    """Return what turns the announced episodes `old` into `new`; `at` is the late sample's time.

    Episodes that overlap are the same alert. What becomes of known ones comes before what is new,
    which may begin where a known one did. Source: the team's alerting decision on late data.
    """
    left = list(old)
    known: Changes = []
    found: Changes = []
    for episode in reversed(new):  # the open one first: it continues the announced open one
        partner = next((o for o in reversed(left) if _overlap(o, episode)), None)
        if partner is None:
            found = [_found(episode), *found]
            continue
        left.remove(partner)
        known = [*_compare(partner, episode, at), *known]
    gone = [o for o in left if not any(_overlap(o, n) for n in new)]  # the others were merged
    return [_disproved(episode, at) for episode in gone] + known + found


def _overlap(one: Episode, other: Episode) -> bool:
    return (other.returned_at is None or one.raised_at <= other.returned_at) and (
        one.returned_at is None or other.raised_at <= one.returned_at
    )


def _found(new: Episode) -> Change:
    """Return what says an episode that nobody knew, or that is on again."""
    over = new if new.returned_at is not None else None
    return _late(Kind.RAISE, new.raised_at, new)._replace(over=over)


def _compare(old: Episode, new: Episode, at: Micros) -> Changes:
    """Return how an announced episode became the new one."""
    moved = old.raised_at != new.raised_at
    if old.returned_at is not None:
        if new.returned_at is None:
            return [_found(new)]
        if not moved and old.returned_at == new.returned_at:
            return []
        return [_late(Kind.CORRECTED, new.raised_at, new)._replace(was=old.raised_at, over=new)]
    changes: Changes = []
    if moved:
        changes.append(_late(Kind.MOVED, new.raised_at, new)._replace(was=old.raised_at))
    if new.returned_at is not None:
        return [*changes, Change(Kind.RTN, new.returned_at, late=True)]
    if old.severity is not None and new.severity is not None and old.severity != new.severity:
        kind = Kind.SEV_UP if new.severity < old.severity else Kind.SEV_DOWN
        changes.append(_late(kind, new.graded_at or max(at, new.raised_at), new))
    return changes


def _late(kind: Kind, time: Micros, of: Episode) -> Change:
    return Change(kind, time, of.result, late=True, severity=of.severity, limit=of.limit)


def _disproved(gone: Episode, at: Micros) -> Change:
    if gone.returned_at is None:
        when = max(gone.raised_at, at)
        return Change(Kind.RTN, when, late=True, reason=Reason.CORRECTED, was=gone.raised_at)
    return Change(Kind.CORRECTED, at, late=True, was=gone.raised_at)


def under_new_rule(old: Ladder, new: Ladder, rules: Rules) -> Changes:
    """Return what a rule edit means; `new` is the same history folded under `rules`, the new ones.

    `old` may have had another number of levels.
    """
    top = levels.highest(new, rules)
    if top is None or new.raised_at is None:
        return ended(old, new, Reason.RULE_CHANGED)
    severity, limit = rules[top].severity, rules[top].bound(new.last_result)
    if old.in_alarm:
        since = max(s.since or Micros(0) for s in new.states)
        said = Change(Kind.RULE_CHANGED, since, new.last_result, severity=severity, limit=limit)
        return [said]
    raised = Change(Kind.RAISE, new.raised_at, new.last_result, severity=severity, limit=limit)
    stale = Change(Kind.STALE, new.states[0].since or new.raised_at, new.last_result)
    silent = new.stale and rules[0].silence is not Silence.BREACHES
    return [raised, stale] if silent else [raised]


def ended(old: Ladder, new: Ladder, reason: Reason) -> Changes:
    """Return the RTN of an alert that ends for another reason than its values; [] if none is on."""
    if old.raised_at is None:
        return []
    known = [time for one in (old, new) if (time := levels.reached(one)) is not None]
    when = max([old.raised_at, *known])
    return [Change(Kind.RTN, when, new.last_result, reason=reason)]
