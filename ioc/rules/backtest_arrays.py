"""A datastream's history as arrays, and with numpy the samples at which a level can change.

The fold itself stays `ioc.domain.backtest.fold`; what is here only finds where it must look.
An `Arrays` is kept for a whole session of the editor: each move of a limit costs a few masks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ioc.domain.alert import Condition, Op, Rule, Sample, Silence, State
from ioc.domain.backtest import Episode, Result, Told, alerts, fold
from ioc.domain.instant import Micros

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

_CALMEST: Final = -np.inf
_TIMED: Final = (Condition.PENDING, Condition.CLEARING)


@dataclass(frozen=True)
class Arrays:
    """Samples of one datastream; times (µs) strictly rise."""

    times: Integers
    results: Floats
    good: Mask
    outside: frozenset[int] = frozenset()  # positions outside the rule's schedule

    @classmethod
    def of(cls, times: ArrayLike, results: ArrayLike, good: ArrayLike) -> Arrays:
        """Take sorted columns of one length; of equal times the last stands, as a correction does.

        ValueError when they are not sorted.
        """
        when = np.asarray(times, np.int64)
        step = np.diff(when)
        if (step < 0).any():
            raise ValueError("times must not fall")
        last = np.append(step > 0, True)[: len(when)]
        found, trusted = np.asarray(results, np.float64), np.asarray(good, np.bool_)
        if last.all():
            return cls(when, found, trusted)
        return cls(when[last], found[last], trusted[last])

    @classmethod
    def of_samples(cls, samples: Iterable[Sample]) -> Arrays:
        """Take samples in order of time; of equal times the last stands."""
        rows = list({sample.time: sample for sample in samples}.values())
        found = cls.of([s.time for s in rows], [s.result for s in rows], [s.good for s in rows])
        return replace(found, outside=frozenset(n for n, s in enumerate(rows) if not s.applies))

    def __len__(self) -> int:
        return len(self.times)

    def samples(self) -> Iterable[Sample]:
        """Return the samples in order."""
        if self.outside:
            return map(self.sample, range(len(self)))
        return map(Sample, self.moments, self.values, self.good.tolist())

    def sample(self, index: int) -> Sample:
        """Return one sample as the fold takes it."""
        applies = index not in self.outside
        return Sample(self.moments[index], self.values[index], bool(self.good[index]), applies)

    @cached_property
    def moments(self) -> list[Micros]:
        """Return the times as plain integers, which the fold computes with."""
        found: list[Micros] = self.times.tolist()
        return found

    @cached_property
    def values(self) -> list[float]:
        found: list[float] = self.results.tolist()
        return found

    @cached_property
    def judged(self) -> Mask:
        """Return where a value may breach or clear (`Sample.judged`)."""
        return self.good & np.isfinite(self.results)

    @cached_property
    def judged_at(self) -> list[int]:
        return _positions(self.judged)

    def coverage(self, start: Micros, end: Micros, stale_after: int) -> float:
        """Return the share of [start, end) during which a good value held."""
        when = np.clip(self.times[self.judged], start, end)
        held = np.minimum(np.diff(when, append=end), stale_after)
        return float(held.sum() / (end - start))


def _positions(mask: Mask) -> list[int]:
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


class Level:
    """`Arrays` as one level sees them (`ioc.domain.backtest.Series`).

    Outside an alarm only a run of breaching samples matters that is long enough to raise, in one
    only a run of cleared samples long enough to return; whatever is shorter ends where it began.
    "Long enough" errs on the safe side: the fold walks through such a run and decides.
    """

    def __init__(self, arrays: Arrays, rule: Rule) -> None:
        self._arrays = arrays
        self._rule = rule
        # With a schedule, or where silence means something, each sample is looked at.
        self._each = bool(arrays.outside) or rule.silence is not Silence.HOLDS
        judged = arrays.judged
        breached, cleared = _judgements(arrays.results, rule)
        self._breached, self._held = judged & breached, judged & ~cleared
        self._badness = np.where(self._held, _badness(arrays.results, rule), _CALMEST)
        self._breached_at = _positions(self._breached)
        silence = np.zeros(len(arrays), np.bool_)
        silence[1:] = np.diff(arrays.times) > rule.stale_after
        runs = _Runs(arrays.times, judged | silence, silence)
        self._stops = {
            Condition.NORMAL: runs.of(self._breached, rule.on_delay, rule.min_samples),
            Condition.PENDING: _positions((judged & ~breached) | silence),
            Condition.ACTIVE: runs.of(judged & cleared, rule.off_delay, 1),
            Condition.CLEARING: _positions(self._held | silence),
        }

    def __len__(self) -> int:
        return len(self._arrays)

    def sample(self, index: int) -> Sample:
        return self._arrays.sample(index)

    def next(self, state: State, index: int, timer: Micros | None) -> int:
        """Return the first index >= `index` that may change an episode."""
        if state.stale or self._each:
            return index
        stop = _at(self._stops[state.condition], index, len(self))
        if state.condition in _TIMED and timer is not None:
            stop = min(stop, bisect_left(self._arrays.moments, timer, index))
        if state.condition is Condition.PENDING and state.min_sample_time is None:
            enough = bisect_left(self._breached_at, index) + self._rule.min_samples - state.samples
            stop = min(stop, _item(self._breached_at, enough - 1, len(self)))
        return stop

    def skip(self, state: State, first: int, end: int) -> State:
        """Return the state after [first, end): contact, the value that holds, and the peak."""
        arrays, condition = self._arrays, state.condition
        place = bisect_left(arrays.judged_at, end) - 1
        known = place >= 0 and arrays.judged_at[place] >= first
        samples, worst = state.samples, (state.peak, state.peak_at)
        if condition is Condition.PENDING:
            samples += bisect_left(self._breached_at, end) - bisect_left(self._breached_at, first)
        if condition in (Condition.PENDING, Condition.ACTIVE):
            worst = self._peak(state, first, end)
        return state._replace(
            samples=samples,
            last_time=arrays.moments[end - 1],
            last_result=arrays.values[arrays.judged_at[place]] if known else state.last_result,
            peak=worst[0],
            peak_at=worst[1],
        )

    def _peak(self, state: State, first: int, end: int) -> tuple[float | None, Micros | None]:
        worst = first + int(self._badness[first:end].argmax())
        value = self._arrays.values[worst]
        if self._held[worst] and self._rule.worse(value, state.peak):
            return value, self._arrays.moments[worst]
        return state.peak, state.peak_at

    def near_misses(self, episodes: Sequence[Episode]) -> int:
        """Count the stays inside the deadband that breached nothing and belong to no episode."""
        judged = self._arrays.judged_at
        held = self._held[judged]
        edges = np.diff(held, prepend=False)
        begins = np.flatnonzero(edges & held)
        if not len(begins):
            return 0
        calm = ~np.logical_or.reduceat(self._breached[judged] & held, begins)
        when = self._arrays.times[judged][begins[calm]]
        starts = np.array([one.start for one in episodes], np.int64)
        ends = np.array([_FAR if one.end is None else one.end for one in episodes], np.int64)
        place = np.searchsorted(starts, when, side="right") - 1
        inside = (place >= 0) & (when <= np.append(ends, 0)[place])
        return int((~inside).sum())


_FAR: Final = (1 << 63) - 1


class _Runs:
    """Runs of samples of one kind; a sample of another kind ends them, and so does a silence."""

    def __init__(self, times: Integers, told: Mask, silence: Mask) -> None:
        self._at = np.flatnonzero(told)  # samples that say something, or come after a silence
        self._times = times[self._at]
        self._silence = silence[self._at]

    def of(self, members: Mask, delay: int, least: int) -> list[int]:
        """Return where the runs begin that last `delay` and hold `least` samples, or more."""
        held = members[self._at]
        first = np.flatnonzero(held & (np.diff(held, prepend=False) | self._silence))
        borders = np.append(np.flatnonzero(~held | self._silence), len(held))
        after = borders[np.searchsorted(borders, first, side="right")]
        lasted = np.append(self._times, _FAR)[after] - self._times[first]
        found: list[int] = self._at[first[(lasted >= delay) & (after - first >= least)]].tolist()
        return found


def _at(positions: Sequence[int], index: int, end: int) -> int:
    return _item(positions, bisect_left(positions, index), end)


def _item(positions: Sequence[int], place: int, end: int) -> int:
    return positions[place] if place < len(positions) else end


def _judgements(values: Floats, rule: Rule) -> tuple[Mask, Mask]:
    """Return `Rule.breached` and `Rule.cleared` of every value."""
    with np.errstate(invalid="ignore"):  # NaN: neither
        return _beyond(values, rule, 0.0), ~_beyond(values, rule, rule.deadband)


def _beyond(values: Floats, rule: Rule, slack: float) -> Mask:
    match rule.op:
        case Op.GT:
            return values > rule.limit - slack
        case Op.GE:
            return values >= rule.limit - slack
        case Op.LT:
            return values < rule.limit + slack
        case Op.LE:
            return values <= rule.limit + slack
        case Op.OUTSIDE:
            return (values < rule.low + slack) | (values > rule.limit - slack)
        case _:
            return (rule.low - slack <= values) & (values <= rule.limit + slack)


def _badness(values: Floats, rule: Rule) -> Floats:
    """Return what is greater exactly where `Rule.worse` says so."""
    with np.errstate(invalid="ignore"):
        match rule.op:
            case Op.GT | Op.GE:
                return values
            case Op.LT | Op.LE:
                return -values
            case Op.OUTSIDE:
                return np.maximum(rule.low - values, values - rule.limit)
            case _:
                return np.minimum(values - rule.low, rule.limit - values)


def run(levels: Sequence[Rule], arrays: Arrays, start: Micros, end: Micros) -> Result:
    """Fold one datastream's samples of [start, end) under every level of a rule."""
    told = [_tell(rule, arrays, end) for rule in levels]
    coverage = arrays.coverage(start, end, levels[0].stale_after)
    return Result(start, end, alerts(told), tuple(told), coverage, len(arrays))


def _tell(rule: Rule, arrays: Arrays, end: Micros) -> Told:
    level = Level(arrays, rule)
    episodes = fold(rule, level, end)
    return Told(rule, episodes, level.near_misses(episodes))
