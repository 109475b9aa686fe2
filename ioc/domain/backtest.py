"""What a rule would have done: the live fold over one datastream's history, and what to say of it.

`fold` is the very `step` and `tick` of the live engine. Where a sample could change nothing but
"there was contact" and the peak, a `Series` says so and the fold goes on behind it: thirty days of
minutes hold a few hundred samples that matter. That the shortcut changes nothing is a property the
tests prove against the live track. Terms and contents: the team's alerting decision, backtest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from ioc.domain.alert import START, Events, Kind, Rule, Sample, Severity, State, due, step, tick
from ioc.domain.instant import DAY, HOUR, Micros
from ioc.domain.window import LOCAL_OFFSET

# EEMUA 191: what one operator can answer in the long run is one alert in ten minutes.
OPERATOR_LOAD_PER_DAY: Final = DAY / (600 * 1_000_000)


class Series(Protocol):
    """One datastream's history as one level sees it; times strictly rise."""

    def __len__(self) -> int: ...

    def sample(self, index: int) -> Sample:
        """Return a sample."""
        ...

    def next(self, state: State, index: int, timer: Micros | None) -> int:
        """Return the first index >= `index` that may change more than contact and peak.

        `timer` is when the state's next timer fires: the first sample at or after it matters.
        """
        ...

    def skip(self, state: State, first: int, end: int) -> State:
        """Return the state after the samples [first, end) that `next` passed over, end > first."""
        ...


class Episode(NamedTuple):
    """One stay in alarm; of a level, or of the alert with the worst level it reached."""

    start: Micros
    end: Micros | None  # None: still in alarm when the period ended
    level: int
    severity: Severity
    peak: float | None
    peak_at: Micros | None

    def lasted(self, until: Micros) -> int:
        """Return its length in µs, of an open one up to `until`."""
        return (until if self.end is None else self.end) - self.start


@dataclass(frozen=True, slots=True)
class Told:
    """What one level says about a period."""

    rule: Rule
    episodes: tuple[Episode, ...]
    near_misses: int  # visits to the deadband that neither began nor belonged to an episode


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule would have done on one datastream, or on several together."""

    start: Micros
    end: Micros
    episodes: tuple[Episode, ...]  # of the alert: a stay in any level, level = the worst reached
    levels: tuple[Told, ...]
    coverage: float  # share of the period during which a value held
    samples: int
    datastreams: int = 1

    @property
    def count(self) -> int:
        return len(self.episodes)

    @property
    def total(self) -> int:
        """Return the time in alarm, µs; of several datastreams their sum."""
        return sum(one.lasted(self.end) for one in self.episodes)

    @property
    def longest(self) -> int:
        """Return the longest episode, µs; 0 without any."""
        return max((one.lasted(self.end) for one in self.episodes), default=0)

    @property
    def alerts_a_day(self) -> float:
        return self.count * DAY / (self.end - self.start)

    @property
    def share(self) -> float:
        """Return the share of the period in alarm, averaged over the datastreams."""
        return self.total / ((self.end - self.start) * self.datastreams)

    @property
    def load(self) -> float:
        """Return the alerts as a share of what one operator can answer."""
        return self.alerts_a_day / OPERATOR_LOAD_PER_DAY

    @property
    def near_misses(self) -> int:
        return sum(level.near_misses for level in self.levels)

    @property
    def hours(self) -> tuple[int, ...]:
        """Return how many episodes began in each hour of the day, Asia/Ho_Chi_Minh."""
        found = [0] * 24
        for one in self.episodes:
            found[(one.start + LOCAL_OFFSET) // HOUR % 24] += 1
        return tuple(found)


class Difference(NamedTuple):
    """Which alerts a draft adds to the current version and which it spares."""

    new: tuple[Episode, ...]
    gone: tuple[Episode, ...]


def fold(rule: Rule, series: Series, end: Micros) -> tuple[Episode, ...]:
    """Fold a whole series up to `end` (exclusive, as the live clock) as one level sees it."""
    state, index, size = START, 0, len(series)
    found: list[Episode] = []
    while index < size:
        place = min(series.next(state, index, due(state, rule)), size)
        if place > index:
            state, index = series.skip(state, index, place), place
            continue
        before = state
        state, events = step(state, rule, series.sample(index))
        _note(found, rule, before, events)
        index += 1
    before = state
    state, events = tick(state, rule, end)
    _note(found, rule, before, events)
    if state.in_alarm:
        found[-1] = found[-1]._replace(peak=state.peak, peak_at=state.peak_at)
    return tuple(found)


def _note(found: list[Episode], rule: Rule, before: State, events: Events) -> None:
    """Keep what began and ended; an episode's peak is that of the state before it ended."""
    for kind, time, _ in events:
        if kind is Kind.RAISE:
            found.append(Episode(time, None, rule.level, rule.severity, None, None))
        elif kind is Kind.RTN:
            found[-1] = found[-1]._replace(end=time, peak=before.peak, peak_at=before.peak_at)


def alerts(levels: Sequence[Told]) -> tuple[Episode, ...]:
    """Return the stays in any level: what touches is one alert, its level the worst reached."""
    rules = {level.rule.level: level.rule for level in levels}
    found: list[Episode] = []
    for one in sorted((e for level in levels for e in level.episodes), key=_start):
        last = found[-1] if found else None
        if last is not None and (last.end is None or one.start <= last.end):
            found[-1] = _joined(last, one, rules)
        else:
            found.append(one)
    return tuple(found)


def _start(one: Episode) -> tuple[Micros, int]:
    return one.start, one.level


def _joined(one: Episode, other: Episode, rules: Mapping[int, Rule]) -> Episode:
    end = None if one.end is None or other.end is None else max(one.end, other.end)
    worst = min(one, other, key=lambda e: (e.severity, e.level))
    peak = one
    if other.peak is not None and rules[other.level].worse(other.peak, one.peak):
        peak = other
    return worst._replace(start=one.start, end=end, peak=peak.peak, peak_at=peak.peak_at)


def together(results: Sequence[Result]) -> Result:
    """Return the sum over several datastreams of one rule and one period, at least one."""
    first = results[0]
    episodes = sorted((e for one in results for e in one.episodes), key=_start)
    levels = tuple(
        Told(
            rows[0].rule,
            tuple(sorted((e for row in rows for e in row.episodes), key=_start)),
            sum(row.near_misses for row in rows),
        )
        for rows in zip(*(one.levels for one in results), strict=True)
    )
    many = sum(one.datastreams for one in results)
    held = sum(one.coverage * one.datastreams for one in results)
    samples = sum(one.samples for one in results)
    return Result(first.start, first.end, tuple(episodes), levels, held / many, samples, many)


def difference(old: Result, new: Result) -> Difference:
    """Return the episodes of one that overlap nothing of the other, of one datastream."""
    return Difference(
        _alone(new.episodes, old.episodes, new.end), _alone(old.episodes, new.episodes, new.end)
    )


def _alone(ones: Iterable[Episode], others: Sequence[Episode], end: Micros) -> tuple[Episode, ...]:
    """Return what meets none of `others`; both are in order and free of overlaps."""
    found: list[Episode] = []
    place = 0
    for one in ones:
        until = end if one.end is None else one.end
        while place < len(others) and _ended_before(others[place], one.start):
            place += 1
        if place == len(others) or others[place].start > until:
            found.append(one)
    return tuple(found)


def _ended_before(one: Episode, time: Micros) -> bool:
    return one.end is not None and one.end < time
