"""The fold's invariants I1 to I10, each for any series hypothesis can think of."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alert import (
    START,
    Condition,
    Event,
    Kind,
    Op,
    Rule,
    Sample,
    Severity,
    due,
    step,
    tick,
)
from ioc.domain.episode import Change, Episode, Track, episodes, refold
from ioc.domain.instant import Micros
from ioc.storage import evaluation

FEW = settings(max_examples=100, deadline=None)
FULL = settings(max_examples=3000, deadline=None)

# Small integers as times and values, so that ties of samples, timers and limits are common.
values = st.sampled_from([0.0, 4.0, 5.0, 6.0, 8.0, 10.0, 11.0, 15.0, float("nan")])
delays = st.integers(0, 12)
rules = st.builds(
    Rule,
    id=st.just("r"),
    version=st.just(1),
    op=st.sampled_from(list(Op)),
    limit=st.just(10.0),
    severity=st.just(Severity.HIGH),
    stale_after=st.integers(1, 30),
    late_horizon=st.just(10**9),
    deadband=st.sampled_from([0.0, 2.0, 5.0]),
    on_delay=delays,
    off_delay=delays,
    min_samples=st.integers(1, 4),
)


@st.composite
def series(draw: st.DrawFn, *, silent: bool = True) -> list[Sample]:
    gaps = draw(st.lists(st.integers(1, 40 if silent else 6), min_size=1, max_size=40))
    time, found = 0, []
    for gap in gaps:
        time += gap
        found.append(Sample(Micros(time), draw(values), draw(st.integers(0, 9)) > 0))
    return found


def fold(rule: Rule, samples: list[Sample]) -> list[Event]:
    return list(refold(START, rule, samples)[1])


def check_ticks(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I1."""
    choose = random.Random(seed)
    state, log = START, list[Event]()
    for sample in samples:
        last = state.last_time or 0
        for instant in sorted(
            choose.randint(last, sample.time) for _ in range(choose.randint(0, 4))
        ):
            state, events = tick(state, rule, Micros(instant))
            log += events
        state, events = step(state, rule, sample)
        log += events
    assert log == fold(rule, samples)


def check_restart_and_redelivery(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I2 and I3."""
    choose = random.Random(seed)
    state, log = START, list[Event]()
    for index, sample in enumerate(samples):
        state, events = step(
            evaluation.state_of_json(evaluation.state_to_json(state)), rule, sample
        )
        log += events
        for _ in range(choose.randint(0, 2)):
            assert step(state, rule, samples[choose.randint(0, index)]) == (state, ())
    assert log == fold(rule, samples)


def check_alternation(rule: Rule, samples: list[Sample]) -> None:
    """I4."""
    log = fold(rule, samples)
    for pair in ({Kind.RAISE, Kind.RTN}, {Kind.STALE, Kind.FRESH}):
        kinds = [event.kind for event in log if event.kind in pair]
        assert all(one is not other for one, other in pairwise(kinds))
        assert kinds[:1] in ([], [Kind.RAISE], [Kind.STALE])
    times = [event.time for event in log]
    assert times == sorted(times)


def check_promptness(rule: Rule, samples: list[Sample]) -> None:
    """I10: after a sample, and after a tick, nothing that is due is left."""
    state = START
    for sample in samples:
        state, _ = step(state, rule, sample)
        left = due(state, rule)
        assert left is None or left > sample.time
        assert state.in_alarm == (state.condition in (Condition.ACTIVE, Condition.CLEARING))
        instant = Micros(sample.time + 7)
        left = due(tick(state, rule, instant)[0], rule)
        assert left is None or left >= instant


def check_wider_is_calmer(rule: Rule, samples: list[Sample], more: int) -> None:
    """I6, I7, I8: per series, without silence, which begins episodes of its own."""
    calm = replace(rule, stale_after=10**9)

    def raises(candidate: Rule) -> int:
        return sum(event.kind is Kind.RAISE for event in fold(candidate, samples))

    base = raises(calm)
    assert raises(replace(calm, deadband=calm.deadband + more)) <= base
    assert raises(replace(calm, off_delay=calm.off_delay + more)) <= base
    assert raises(replace(calm, on_delay=calm.on_delay + more)) <= base


class Outside:
    """What an operator would hold true from the announcements alone."""

    def __init__(self) -> None:
        self.open_since: Micros | None = None
        self.stale = False

    def hear(self, change: Change) -> None:
        if change.over is not None:
            return
        if change.kind is Kind.RAISE:
            assert self.open_since is None, "a second alert of one series"
            self.open_since, self.stale = change.time, False
        elif change.kind is Kind.RTN:
            assert self.open_since is not None, "a return of what was never raised"
            self.open_since = None
        elif change.kind in (Kind.STALE, Kind.FRESH):
            assert self.open_since is not None
            assert self.stale != (change.kind is Kind.STALE)
            self.stale = change.kind is Kind.STALE
        elif change.kind is Kind.MOVED:
            assert self.open_since == change.was
            self.open_since = change.time


def check_any_order(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I9, with duplicates, ticks, and the checkpoint anywhere inside the horizon."""
    choose = random.Random(seed)
    reach = choose.randint(1, 60)
    rule = replace(rule, late_horizon=reach * 2)
    arrivals = sorted(samples, key=lambda s: s.time + choose.randint(0, reach))
    track, outside, seen = Track(rule), Outside(), list[Sample]()
    for sample in arrivals:
        seen.append(sample)
        dropped = track.dropped
        for change in track.take(sample):
            outside.hear(change)
        assert track.dropped == dropped
        assert track.take(choose.choice(seen[-3:])) == []
        if choose.random() < 0.3:
            for change in track.tick(Micros(sample.time + choose.randint(0, 30))):
                outside.hear(change)
        settled, _ = refold(START, rule, sorted(seen), track.ticked)
        assert track.state == settled, "not the fold of what is known"
        assert outside.open_since == settled.raised_at, "the wall does not show the truth"
        assert settled.raised_at is None or outside.stale == settled.stale


def check_episodes_are_recorded(rule: Rule, samples: list[Sample], seed: int) -> None:
    """Every episode of the sorted fold was announced or recorded, whatever the order."""
    choose = random.Random(seed)
    arrivals = list(samples)
    choose.shuffle(arrivals)
    track, told = Track(rule), list[Episode]()
    for sample in arrivals:
        for change in track.take(sample):
            _record(told, change)
    expected = episodes(START, fold(rule, samples))
    for episode in expected:
        assert any(_meets(episode, other) for other in told), "an episode nobody heard of"


def _record(told: list[Episode], change: Change) -> None:
    if change.over is not None:
        told.append(change.over)
    elif change.kind is Kind.RAISE:
        told.append(Episode(change.time, None, None))
    elif change.kind is Kind.RTN and change.reason is None:
        told[-1:] = [told[-1]]
        index = max(i for i, one in enumerate(told) if one.returned_at is None)
        told[index] = told[index]._replace(returned_at=change.time)
    elif change.kind is Kind.RTN:
        index = max(i for i, one in enumerate(told) if one.returned_at is None)
        del told[index]
    elif change.kind is Kind.MOVED:
        index = max(i for i, one in enumerate(told) if one.returned_at is None)
        told[index] = told[index]._replace(raised_at=change.time)


def _meets(one: Episode, other: Episode) -> bool:
    end_one = 10**12 if one.returned_at is None else one.returned_at
    end_other = 10**12 if other.returned_at is None else other.returned_at
    return one.raised_at <= end_other and other.raised_at <= end_one


@FEW
@given(rules, series(), st.integers(0, 2**32))
def test_i1_ticks_change_nothing(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I1: timer ticks at any moment never change the log."""
    check_ticks(rule, samples, seed)


@FEW
@given(rules, series(), st.integers(0, 2**32))
def test_i2_i3_restart_and_redelivery(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I2, I3: the state is all there is to know; a seen sample has no effect."""
    check_restart_and_redelivery(rule, samples, seed)


@FEW
@given(rules, series())
def test_i4_alternation(rule: Rule, samples: list[Sample]) -> None:
    """I4: RAISE and RTN, STALE and FRESH alternate; times never go back."""
    check_alternation(rule, samples)


@FEW
@given(rules, series())
def test_i5_backtest_is_the_live_fold(rule: Rule, samples: list[Sample]) -> None:
    """I5: a whole array folded at once gives the log of the live track."""
    track, live = Track(rule), list[Change]()
    for sample in samples:
        live += track.take(sample)
    whole = [event for event in fold(rule, samples) if event.kind in (Kind.RAISE, Kind.RTN)]
    assert [(c.kind, c.time) for c in live if c.kind in (Kind.RAISE, Kind.RTN)] == [
        (event.kind, event.time) for event in whole
    ]


@FEW
@given(rules, series(silent=False), st.integers(1, 10))
def test_i6_i7_i8_wider_is_calmer(rule: Rule, samples: list[Sample], more: int) -> None:
    """I6 to I8: a wider deadband, a longer off-delay or on-delay never adds alarms."""
    check_wider_is_calmer(rule, samples, more)


@FEW
@given(rules, series(), st.integers(0, 2**32))
def test_i9_any_order_of_arrival(rule: Rule, samples: list[Sample], seed: int) -> None:
    """I9: any order inside the horizon converges; at most one open; the wall shows the truth."""
    check_any_order(rule, samples, seed)


@FEW
@given(rules, series(), st.integers(0, 2**32))
def test_late_episodes_are_recorded(rule: Rule, samples: list[Sample], seed: int) -> None:
    """No episode of the sorted history stays unknown, in whatever order it arrived."""
    check_episodes_are_recorded(rule, samples, seed)


@FEW
@given(rules, series())
def test_i10_promptness(rule: Rule, samples: list[Sample]) -> None:
    """I10: after a sample nothing is left that was due at or before it."""
    check_promptness(rule, samples)


@pytest.mark.rig
@pytest.mark.skipif(not os.getenv("IOC_RIG"), reason="full counts: make rig")
@FULL
@given(rules, series(), st.integers(0, 2**32), st.integers(1, 10))
def test_all_invariants_full(rule: Rule, samples: list[Sample], seed: int, more: int) -> None:
    """I1 to I10 with full counts."""
    check_ticks(rule, samples, seed)
    check_restart_and_redelivery(rule, samples, seed)
    check_alternation(rule, samples)
    check_promptness(rule, samples)
    check_any_order(rule, samples, seed)
    check_episodes_are_recorded(rule, samples, seed)
    start = samples[0].time
    dense = [s._replace(time=Micros(start + i)) for i, s in enumerate(samples)]
    check_wider_is_calmer(rule, dense, more)
