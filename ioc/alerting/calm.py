"""The quick way to fill a track: a stretch of history that leaves NORMAL as it is.

Nearly all series are such when an evaluator starts. What the samples of a stretch have in common is
found once for all rules of a datastream; the track then gets what taking them one by one gives it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ioc.domain.alert import Condition, Op, Rule, Sample, Silence, State
from ioc.domain.episode import MAX_WINDOW, Track
from ioc.domain.instant import Micros
from ioc.domain.levels import Ladder


class Stretch(NamedTuple):
    """Samples in the order of arrival that is also that of time."""

    rows: Sequence[Sample]
    times: Sequence[Micros]
    low: float  # of the judged values
    high: float
    gap: int  # the longest between two samples


def stretch(rows: Sequence[Sample]) -> Stretch | None:
    """Return what samples have in common; None when one is out of order or none is judged."""
    values = [row.result for row in rows if row.judged]
    steps = [later.time - earlier.time for earlier, later in pairwise(rows)]
    if not values or min(steps, default=1) <= 0 or not all(row.applies for row in rows):
        return None
    times = [row.time for row in rows]
    return Stretch(rows, times, min(values), max(values), max(steps, default=0))


def fill(track: Track, base: Ladder, found: Stretch) -> bool:
    """Fill a track from `base` on; False, and nothing is done, where a sample says more."""
    if len(found.rows) > MAX_WINDOW or not all(
        _stays(state, rule, found) for state, rule in zip(base.states, track.rules, strict=True)
    ):
        return False
    times = found.times
    kept = bisect_right(times, times[-1] - track.rules[0].late_horizon)
    track.window = list(found.rows[kept:])
    track.checkpoint = _noted(base, found.rows[:kept])
    track.state = _noted(track.checkpoint, track.window)
    return True


def _stays(state: State, rule: Rule, found: Stretch) -> bool:
    last, first = state.last_time, found.times[0]
    return (
        state.condition is Condition.NORMAL
        and not state.stale
        and rule.silence is Silence.HOLDS
        and rule.op is not Op.INSIDE  # of the others the two ends speak for all between
        and found.gap <= rule.stale_after
        and (last is None or last < first <= last + rule.stale_after)
        and (state.since is None or state.since < first)
        and not rule.breached(found.low)
        and not rule.breached(found.high)
    )


def _noted(ladder: Ladder, rows: Sequence[Sample]) -> Ladder:
    """Return the state after contact by every row."""
    if not rows:
        return ladder
    held = next((row.result for row in reversed(rows) if row.judged), None)
    last = rows[-1].time

    def note(state: State) -> State:
        result = state.last_result if held is None else held
        return state._replace(last_time=last, last_result=result)

    return ladder._replace(states=tuple(note(state) for state in ladder.states))
