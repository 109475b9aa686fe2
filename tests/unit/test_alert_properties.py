"""The fold's invariants I1 to I10, each for any series hypothesis can think of."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain import levels
from ioc.domain.alert import (
    START,
    Condition,
    Event,
    Kind,
    Op,
    Rule,
    Sample,
    Severity,
    Silence,
    due,
    step,
    tick,
)
from ioc.domain.episode import Change, Episode, Track, announced, episodes
from ioc.domain.instant import Micros
from ioc.domain.levels import Rules
from ioc.storage import alert_states

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
    low=st.sampled_from([0.0, 4.0, 5.0]),
    silence=st.sampled_from(list(Silence)),
)
ours = rules.map(lambda rule: replace(rule, silence=Silence.HOLDS))
limits = st.sampled_from([6.0, 8.0, 10.0, 11.0])


@st.composite
def ladders(draw: st.DrawFn) -> Rules:
    """Return one to four levels, of limits and deadbands in no order at all."""
    base = draw(rules)
    deadbands = st.sampled_from([0.0, 2.0, 5.0])
    many = draw(st.lists(st.tuples(st.sampled_from(list(Severity)), limits, deadbands), max_size=3))
    others = [
        replace(base, level=number, severity=severity, limit=limit, deadband=deadband)
        for number, (severity, limit, deadband) in enumerate(many, 2)
    ]
    return (base, *others)


@st.composite
def series(draw: st.DrawFn, *, silent: bool = True) -> list[Sample]:
    gaps = draw(st.lists(st.integers(1, 40 if silent else 6), min_size=1, max_size=40))
    time, found = 0, []
    for gap in gaps:
        time += gap
        found.append(Sample(Micros(time), draw(values), draw(st.integers(0, 9)) > 0))
    return found


def fold(rule: Rule, samples: list[Sample]) -> list[Event]:
    state, log = START, list[Event]()
    for sample in samples:
        state, events = step(state, rule, sample)
        log += events
    return log


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
            alert_states.state_of_json(alert_states.state_to_json(state)), rule, sample
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
        self.severity: Severity | None = None
        self.stale = False

    def hear(self, change: Change) -> None:
        if change.over is not None:
            return
        if change.kind is Kind.RAISE:
            assert self.open_since is None, "a second alert of one series"
            self.open_since, self.stale = change.time, False
            self.severity = change.severity
        elif change.kind in (Kind.SEV_UP, Kind.SEV_DOWN):
            assert self.severity is not None
            assert change.severity is not None
            assert (change.severity < self.severity) == (change.kind is Kind.SEV_UP)
            assert change.severity != self.severity
            self.severity = change.severity
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


def check_any_order(ladder: Rules, samples: list[Sample], seed: int) -> None:
    """I9, with duplicates, ticks, and the checkpoint anywhere inside the horizon."""
    choose = random.Random(seed)
    reach = choose.randint(1, 60)
    ladder = tuple(replace(rule, late_horizon=reach * 2) for rule in ladder)
    loud = ladder[0].silence is not Silence.BREACHES  # of the others STALE is told
    arrivals = sorted(samples, key=lambda s: s.time + choose.randint(0, reach))
    track, outside, seen = Track(ladder), Outside(), list[Sample]()
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
        settled, _ = levels.fold(levels.start(ladder), ladder, sorted(seen), track.ticked)
        assert track.state == settled, "not the fold of what is known"
        assert outside.open_since == settled.raised_at, "the wall does not show the truth"
        if settled.in_alarm:
            assert outside.severity == levels.standing(settled, ladder).severity
            assert not loud or outside.stale == settled.stale


def check_episodes_are_recorded(ladder: Rules, samples: list[Sample], seed: int) -> None:
    """Every episode of the sorted fold was announced or recorded, whatever the order."""
    choose = random.Random(seed)
    arrivals = list(samples)
    choose.shuffle(arrivals)
    ladder = tuple(replace(rule, late_horizon=10**9) for rule in ladder)
    track, told = Track(ladder), list[Episode]()
    for sample in arrivals:
        for change in track.take(sample):
            _record(told, change)
    begin = levels.start(ladder)
    expected = episodes(begin, ladder, levels.fold(begin, ladder, samples)[1])
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
@given(ladders(), series())
def test_i5_backtest_is_the_live_fold(ladder: Rules, samples: list[Sample]) -> None:
    """I5: a whole array folded at once gives the log of the live track."""
    track, live = Track(ladder), list[Change]()
    for sample in samples:
        live += track.take(sample)
    begin = levels.start(ladder)
    assert live == announced(begin, levels.fold(begin, ladder, samples)[1])


@FEW
@given(ladders(), series(), st.integers(0, 2**32))
def test_a_ladder_is_the_sum_of_its_levels(ladder: Rules, samples: list[Sample], seed: int) -> None:
    """One alert is on exactly while any level is; its severity is the highest one's, always."""
    choose = random.Random(seed)
    state, outside = levels.start(ladder), Outside()
    for sample in samples:
        before = state
        state, turns = levels.step(state, ladder, sample)
        for change in announced(before, turns):
            outside.hear(change)
        before = state
        instant = Micros(sample.time + choose.randint(0, 50))
        ticked, turns = levels.tick(state, ladder, instant)
        if choose.random() < 0.3:
            state = ticked
            for change in announced(before, turns):
                outside.hear(change)
        on = [r.severity for s, r in zip(state.states, ladder, strict=True) if s.in_alarm]
        assert state.in_alarm == bool(on)
        assert outside.open_since == state.raised_at
        assert not on or outside.severity == min(on)


@FEW
@given(ours, series(silent=False), st.integers(1, 10))
def test_i6_i7_i8_wider_is_calmer(rule: Rule, samples: list[Sample], more: int) -> None:
    """I6 to I8: a wider deadband, a longer off-delay or on-delay never adds alarms."""
    check_wider_is_calmer(rule, samples, more)


@FEW
@given(ladders(), series(), st.integers(0, 2**32))
def test_i9_any_order_of_arrival(ladder: Rules, samples: list[Sample], seed: int) -> None:
    """I9: any order inside the horizon converges; at most one open; the wall shows the truth."""
    check_any_order(ladder, samples, seed)


@FEW
@given(ladders(), series(), st.integers(0, 2**32))
def test_late_episodes_are_recorded(ladder: Rules, samples: list[Sample], seed: int) -> None:
    """No episode of the sorted history stays unknown, in whatever order it arrived."""
    check_episodes_are_recorded(ladder, samples, seed)


@FEW
@given(rules, series())
def test_i10_promptness(rule: Rule, samples: list[Sample]) -> None:
    """I10: after a sample nothing is left that was due at or before it."""
    check_promptness(rule, samples)


@pytest.mark.rig
@pytest.mark.skipif(not os.getenv("IOC_RIG"), reason="full counts: make rig")
@FULL
@given(ladders(), series(), st.integers(0, 2**32), st.integers(1, 10))
def test_all_invariants_full(ladder: Rules, samples: list[Sample], seed: int, more: int) -> None:
    """I1 to I10 with full counts."""
    rule = ladder[0]
    check_ticks(rule, samples, seed)
    check_restart_and_redelivery(rule, samples, seed)
    check_alternation(rule, samples)
    check_promptness(rule, samples)
    check_any_order(ladder, samples, seed)
    check_episodes_are_recorded(ladder, samples, seed)
    start = samples[0].time
    dense = [s._replace(time=Micros(start + i)) for i, s in enumerate(samples)]
    check_wider_is_calmer(replace(rule, silence=Silence.HOLDS), dense, more)
