"""The backtest: the live fold, faster, and what it says about a period."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alert import START, Condition, Kind, Op, Rule, Sample, Severity, State, due, step
from ioc.domain.backtest import Episode, Result, alerts, difference, fold, together
from ioc.domain.episode import Track
from ioc.domain.instant import DAY, HOUR, MINUTE, Micros
from ioc.domain.levels import Rules
from ioc.rules.backtest_arrays import Arrays, Level, run
from tests.unit.test_alert_properties import ladders, rules, series

FEW = settings(max_examples=100, deadline=None)
FULL = settings(max_examples=20_000, deadline=None)


Alert = tuple[Micros, Micros | None, Severity]


class EverySample:
    """A series that skips nothing: the fold as it is written down."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def sample(self, index: int) -> Sample:
        return self._samples[index]

    def next(self, _state: State, index: int, _timer: Micros | None) -> int:
        return index

    def skip(self, state: State, _first: int, _end: int) -> State:
        return state


def live(rule: Rule, samples: list[Sample], end: Micros) -> list[Episode]:
    """Return the episodes that the live track announced, with the peak it would have stored."""
    track, found = Track((rule,)), list[Episode]()
    peak: tuple[float | None, Micros | None] = (None, None)

    def hear(changes: list[tuple[Kind, Micros]]) -> None:
        for kind, time in changes:
            if kind is Kind.RAISE:
                found.append(Episode(time, None, rule.level, rule.severity, None, None))
            elif kind is Kind.RTN:
                found[-1] = found[-1]._replace(end=time, peak=peak[0], peak_at=peak[1])

    for sample in samples:
        peak = track.state.states[0].peak, track.state.states[0].peak_at
        hear([(c.kind, c.time) for c in track.take(sample)])
    peak = track.state.states[0].peak, track.state.states[0].peak_at
    hear([(c.kind, c.time) for c in track.tick(end)])
    state = track.state.states[0]
    if state.in_alarm:
        found[-1] = found[-1]._replace(peak=state.peak, peak_at=state.peak_at)
    return found


def live_alerts(levels: Rules, samples: list[Sample], end: Micros) -> list[Alert]:
    """Return start, end and highest severity of each alert that the live track announced."""
    track, found = Track(levels), list[Alert]()
    changes = [change for sample in samples for change in track.take(sample)]
    for change in changes + track.tick(end):
        if change.kind is Kind.RAISE:
            assert change.severity is not None
            found.append((change.time, None, change.severity))
        elif change.kind is Kind.RTN:
            found[-1] = (found[-1][0], change.time, found[-1][2])
        elif change.kind is Kind.SEV_UP:
            assert change.severity is not None
            found[-1] = (*found[-1][:2], min(found[-1][2], change.severity))
    return found


def check_levels(levels: Rules, samples: list[Sample], after: int) -> None:
    end = Micros(samples[-1].time + after)
    result = run(levels, Arrays.of_samples(samples), Micros(0), end)
    assert [(e.start, e.end, e.severity) for e in result.episodes] == live_alerts(
        levels, samples, end
    )


def check_equal(rule: Rule, samples: list[Sample], after: int) -> None:
    end = Micros(samples[-1].time + after)
    found = list(fold(rule, Level(Arrays.of_samples(samples), rule), end))
    assert found == live(rule, samples, end)
    assert found == list(fold(rule, EverySample(samples), end))


def check_states(rule: Rule, samples: list[Sample]) -> None:
    """Compare the states themselves after every sample that the shortcut looks at."""
    level, state, plain, index = Level(Arrays.of_samples(samples), rule), START, START, 0
    while index < len(samples):
        place = level.next(state, index, due(state, rule))
        for sample in samples[index:place]:
            plain, _ = step(plain, rule, sample)
        if place > index:
            state = level.skip(state, index, place)
        if place < len(samples):  # else what is pending has too few samples for ever
            state, _ = step(state, rule, samples[place])
            plain, _ = step(plain, rule, samples[place])
            assert essence(state) == essence(plain)
        index = place + 1


def essence(state: State) -> State:
    """Return what the next samples depend on: when NORMAL and ACTIVE began is no part of it."""
    steady = state.condition in (Condition.NORMAL, Condition.ACTIVE)
    return state._replace(since=None, began=None) if steady else state


@FEW
@given(rules, series(), st.integers(0, 60))
def test_backtest_is_the_live_fold(rule: Rule, samples: list[Sample], after: int) -> None:
    """I5: an array folded with the shortcut gives the live track's episodes and peaks."""
    check_equal(rule, samples, after)


@FEW
@given(ladders(), series(), st.integers(0, 60))
def test_levels_are_the_live_ladder(levels: Rules, samples: list[Sample], after: int) -> None:
    """I5 for levels: start, end and highest severity of every alert are the live track's."""
    check_levels(levels, samples, after)


@FEW
@given(rules, series())
def test_the_shortcut_keeps_the_whole_state(rule: Rule, samples: list[Sample]) -> None:
    """Wherever the shortcut lands, the state is what step by step gives."""
    check_states(rule, samples)


@pytest.mark.rig
@pytest.mark.skipif(not os.getenv("IOC_RIG"), reason="full counts: make rig")
@FULL
@given(ladders(), series(), st.integers(0, 60))
def test_backtest_is_the_live_fold_full(levels: Rules, samples: list[Sample], after: int) -> None:
    """I5 with full counts."""
    check_levels(levels, samples, after)
    check_equal(levels[0], samples, after)
    check_states(levels[0], samples)


def test_of_equal_times_the_last_stands() -> None:
    """A correction of one instant replaces what was there, as late data does in the live track."""
    arrays = Arrays.of([1, 2, 2, 3], [1.0, 20.0, 5.0, 5.0], [True] * 4)
    assert list(arrays.samples()) == [
        Sample(Micros(1), 1.0),
        Sample(Micros(2), 5.0),
        Sample(Micros(3), 5.0),
    ]
    with pytest.raises(ValueError, match="fall"):
        Arrays.of([2, 1], [0, 0], [True, True])


RULE = Rule(
    "r", 1, Op.GT, 10.0, Severity.HIGH, stale_after=10 * MINUTE, late_horizon=HOUR, deadband=2.0
)


def minutes(*values: float, start: int = 0) -> Arrays:
    times = [start + MINUTE * n for n in range(len(values))]
    return Arrays.of(times, values, [True] * len(values))


def over(arrays: Arrays, *levels: Rule, end: int) -> Result:
    return run(levels or (RULE,), arrays, Micros(0), Micros(end))


def test_what_is_told_of_a_period() -> None:
    """Count, total, longest, alerts a day and share come from the episodes, by hand here."""
    result = over(minutes(5, 11, 15, 9, 7, 5, 12, 5, 5, 5), end=10 * MINUTE)
    assert [(e.start, e.end, e.peak, e.peak_at) for e in result.episodes] == [
        (MINUTE, 4 * MINUTE, 15, 2 * MINUTE),
        (6 * MINUTE, 7 * MINUTE, 12, 6 * MINUTE),
    ]
    assert (result.count, result.total, result.longest) == (2, 4 * MINUTE, 3 * MINUTE)
    assert result.alerts_a_day == 2 * 144
    assert result.load == 2.0
    assert result.share == 0.4
    assert result.coverage == 1.0
    assert result.samples == 10


def test_an_episode_that_goes_on_counts_up_to_the_end() -> None:
    """What is still in alarm at the end has no end and counts until there."""
    result = over(minutes(5, 11, 13), end=5 * MINUTE)
    assert result.episodes == (
        Episode(Micros(MINUTE), None, 1, Severity.HIGH, 13, Micros(2 * MINUTE)),
    )
    assert result.total == 4 * MINUTE


def test_coverage_is_the_time_a_good_value_held() -> None:
    """A value holds until the next, at most for `stale_after`; bad ones hold nothing."""
    nan = float("nan")
    arrays = Arrays.of([0, 5 * MINUTE, 40 * MINUTE], [1, nan, 2], [True, True, True])
    assert over(arrays, end=100 * MINUTE).coverage == 0.2
    assert over(Arrays.of([], [], []), end=100 * MINUTE).coverage == 0.0


def test_hours_are_those_of_viet_nam() -> None:
    """The histogram tells at what hour of Asia/Ho_Chi_Minh alerts begin."""
    result = over(minutes(11, 5, start=18 * HOUR), end=DAY)
    assert result.hours[1] == 1
    assert sum(result.hours) == 1


def test_near_misses_touch_the_deadband_and_nothing_more() -> None:
    """A visit to the deadband is a near miss unless it breaches or belongs to an episode."""
    result = over(minutes(5, 9, 9, 5, 9, 11, 9, 5, 9, 5), end=HOUR)
    assert (result.count, result.near_misses) == (1, 2)
    assert over(minutes(5, 5), end=HOUR).near_misses == 0


def test_levels_are_one_alert() -> None:
    """An alert lasts as long as any level; its level is the worst reached, its peak the worst."""
    high = replace(RULE, limit=20.0, level=2, severity=Severity.CRITICAL)
    result = over(minutes(5, 11, 25, 11, 5, 5, 12, 5), RULE, high, end=10 * MINUTE)
    assert [(e.start, e.end, e.level, e.severity, e.peak) for e in result.episodes] == [
        (MINUTE, 4 * MINUTE, 2, Severity.CRITICAL, 25),
        (6 * MINUTE, 7 * MINUTE, 1, Severity.HIGH, 12),
    ]
    assert [len(level.episodes) for level in result.levels] == [2, 1]
    assert alerts([]) == ()


def test_difference_names_what_overlaps_nothing() -> None:
    """A draft's new episodes and those it spares; what overlaps is neither."""
    arrays = minutes(5, 11, 5, 5, 16, 5, 5, 11, 5)
    loose = over(arrays, replace(RULE, limit=15.0), end=10 * MINUTE)
    tight = over(arrays, end=10 * MINUTE)
    assert [e.start for e in difference(loose, tight).new] == [MINUTE, 7 * MINUTE]
    assert difference(loose, tight).gone == ()
    assert [e.start for e in difference(tight, loose).gone] == [MINUTE, 7 * MINUTE]


def test_several_datastreams_are_added_up() -> None:
    """Together: episodes and time are sums, coverage and share are averages."""
    one = over(minutes(11, 5), end=10 * MINUTE)
    other = over(minutes(5, 11, 5), end=10 * MINUTE)
    both = together([one, other])
    assert (both.count, both.total, both.datastreams) == (2, 2 * MINUTE, 2)
    assert both.share == pytest.approx(0.1)
    assert len(both.levels[0].episodes) == 2
