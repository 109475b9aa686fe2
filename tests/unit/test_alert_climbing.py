"""Alerts that climb and fall all the time: a rise is told as a rise, in whatever order data comes.

Ladders of any shape rarely change their severity within a short series; these do nearly always.
"""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain import levels
from ioc.domain.alert import Kind, Op, Rule, Sample, Severity
from ioc.domain.episode import announced
from ioc.domain.instant import Micros
from ioc.domain.levels import Rules
from tests.unit.full_counts import examples
from tests.unit.test_alert_properties import Outside, check_any_order

STEPS = {Severity.LOW: 6.0, Severity.MEDIUM: 8.0, Severity.HIGH: 10.0, Severity.CRITICAL: 12.0}


@st.composite
def steep(draw: st.DrawFn) -> Rules:
    """Return two to four levels, the worse the further out, with short delays or none."""
    chosen = draw(st.lists(st.sampled_from(list(STEPS)), min_size=2, max_size=4, unique=True))
    on, off = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    return tuple(
        Rule(
            "r",
            1,
            Op.GT,
            STEPS[severity],
            severity,
            60,
            10**9,
            level=number,
            on_delay=on,
            off_delay=off,
            min_samples=1,
        )
        for number, severity in enumerate(chosen, 1)
    )


climbing = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([5.0, 7.0, 9.0, 11.0, 13.0])),
    min_size=6,
    max_size=30,
)


def samples_of(steps: list[tuple[int, float]]) -> list[Sample]:
    time, found = 0, []
    for gap, value in steps:
        time += gap
        found.append(Sample(Micros(time), value))
    return found


@examples(100, 3000)
@given(steep(), climbing)
def test_a_rise_is_told_as_a_rise(ladder: Rules, steps: list[tuple[int, float]]) -> None:
    """Every SEV_UP raises and every SEV_DOWN lowers what was told before, to the highest level."""
    state, outside = levels.start(ladder), Outside()
    for sample in samples_of(steps):
        before = state
        state, turns = levels.step(state, ladder, sample)
        for change in announced(before, turns):
            outside.hear(change)
        on = [r.severity for s, r in zip(state.states, ladder, strict=True) if s.in_alarm]
        assert not on or outside.severity == min(on)


@examples(100, 3000)
@given(steep(), climbing, st.integers(0, 2**32))
def test_late_rises_are_told_as_rises(
    ladder: Rules, steps: list[tuple[int, float]], seed: int
) -> None:
    """I9 for alerts that change their severity: what is on the wall is the sorted truth."""
    check_any_order(ladder, samples_of(steps), seed)


def test_these_series_do_climb() -> None:
    """The strategy is worth its name: in random ones of it both kinds are common."""
    choose = random.Random(1)
    rules = tuple(
        Rule("r", 1, Op.GT, limit, severity, 60, 10**9, level=n)
        for n, (severity, limit) in enumerate(STEPS.items(), 1)
    )
    kinds = []
    state = levels.start(rules)
    for n in range(200):
        sample = Sample(Micros(n), choose.choice([5.0, 7.0, 9.0, 11.0, 13.0]))
        state, turns = levels.step(state, rules, sample)
        kinds += [turn.kind for turn in turns]
    assert kinds.count(Kind.SEV_UP) > 10
    assert kinds.count(Kind.SEV_DOWN) > 10
