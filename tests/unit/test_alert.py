"""The process axis: what raises, what returns, and what silence does."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from ioc.domain.alert import (
    START,
    Condition,
    Event,
    Kind,
    Op,
    Rule,
    Sample,
    Severity,
    State,
    due,
    step,
    tick,
)
from ioc.domain.instant import SECOND, Micros

RULE = Rule(
    id="r",
    version=1,
    op=Op.GT,
    limit=50.0,
    severity=Severity.HIGH,
    stale_after=600 * SECOND,
    late_horizon=900 * SECOND,
)


def at(seconds: float) -> Micros:
    return Micros(round(seconds * SECOND))


def fold(rule: Rule, *samples: tuple[float, float]) -> tuple[State, list[tuple[Kind, float]]]:
    """Return the last state and the log as (kind, second)."""
    state, log = START, []
    for second, value in samples:
        state, events = step(state, rule, Sample(at(second), value))
        log += [(event.kind, event.time / SECOND) for event in events]
    return state, log


@pytest.mark.parametrize(
    ("op", "breach", "inside", "clear"),
    [
        (Op.GT, 50.1, 50.0, 45.0),
        (Op.GE, 50.0, 45.0, 44.9),
        (Op.LT, 49.9, 50.0, 55.0),
        (Op.LE, 50.0, 55.0, 55.1),
    ],
)
def test_each_operator_has_its_deadband(op: Op, breach: float, inside: float, clear: float) -> None:
    """An alert begins beyond the limit and ends only behind the deadband."""
    rule = replace(RULE, op=op, deadband=5.0)
    assert rule.breached(breach)
    assert not rule.cleared(breach)
    assert not rule.cleared(inside)
    assert rule.cleared(clear)
    assert not rule.breached(clear)


@pytest.mark.parametrize(
    ("op", "breaches", "held", "clear"),
    [
        (Op.OUTSIDE, (5.9, 9.1), (6.0, 9.0, 6.4, 8.6), (6.5, 7.0, 8.5)),
        (Op.INSIDE, (6.0, 7.0, 9.0), (5.9, 9.1, 5.5, 9.5), (5.4, 9.6)),
    ],
)
def test_a_two_sided_limit_has_a_deadband_on_both_sides(
    op: Op, breaches: tuple[float, ...], held: tuple[float, ...], clear: tuple[float, ...]
) -> None:
    """The bounds themselves are inside; between breach and clear an alert goes on."""
    rule = replace(RULE, op=op, low=6.0, limit=9.0, deadband=0.5)
    assert all(rule.breached(v) and not rule.cleared(v) for v in breaches)
    assert not any(rule.breached(v) or rule.cleared(v) for v in held)
    assert all(rule.cleared(v) and not rule.breached(v) for v in clear)


def test_the_peak_of_a_two_sided_limit_is_the_furthest_outside() -> None:
    """A pH of 4 is worse than pH 10 when 6 to 9 is allowed; each names the bound it broke."""
    rule = replace(RULE, op=Op.OUTSIDE, low=6.0, limit=9.0)
    assert rule.worse(4.0, 10.0)
    assert not rule.worse(10.0, 4.0)
    assert (rule.bound(4.0), rule.bound(10.0)) == (6.0, 9.0)


def test_without_delays_an_alert_lives_exactly_as_long_as_the_breach() -> None:
    """RAISE stands at the first breaching sample, RTN at the first that is back."""
    _, log = fold(RULE, (0, 10), (60, 60), (120, 70), (180, 40))
    assert log == [(Kind.RAISE, 60), (Kind.RTN, 180)]


def test_the_on_delay_fires_at_its_own_time() -> None:
    """A breach that holds is raised at since + delay, whichever sample shows it."""
    rule = replace(RULE, on_delay=90 * SECOND)
    assert fold(rule, (0, 60), (60, 60), (400, 60))[1] == [(Kind.RAISE, 90)]
    assert fold(rule, (0, 60), (400, 10))[1] == [(Kind.RAISE, 90), (Kind.RTN, 400)]


def test_a_breach_shorter_than_the_on_delay_is_no_alert() -> None:
    """A sample at the due instant precedes the timer."""
    rule = replace(RULE, on_delay=60 * SECOND)
    assert fold(rule, (0, 60), (60, 10))[1] == []
    assert fold(rule, (0, 60), (61, 10))[1] == [(Kind.RAISE, 60), (Kind.RTN, 61)]


def test_min_samples_are_waited_for() -> None:
    """The alert is raised when both the delay is over and enough samples breach."""
    rule = replace(RULE, on_delay=60 * SECOND, min_samples=3)
    assert fold(rule, (0, 60), (100, 60))[1] == []
    assert fold(rule, (0, 60), (100, 60), (200, 60))[1] == [(Kind.RAISE, 200)]
    assert fold(replace(rule, on_delay=0), (0, 60), (1, 60), (2, 60))[1] == [(Kind.RAISE, 2)]


def test_the_off_delay_returns_at_its_own_time_or_not_at_all() -> None:
    """A short dip keeps the same occurrence; a long one ends at since + off-delay."""
    rule = replace(RULE, off_delay=120 * SECOND, deadband=5.0)
    assert fold(rule, (0, 60), (60, 40), (120, 47), (300, 47))[1] == [(Kind.RAISE, 0)]
    state, log = fold(rule, (0, 60), (60, 40), (300, 40))
    assert log == [(Kind.RAISE, 0), (Kind.RTN, 180)]
    assert state.condition is Condition.NORMAL


def test_silence_never_resolves() -> None:
    """A series that stops while clearing is in alarm again, stale, for ever."""
    rule = replace(RULE, off_delay=900 * SECOND)
    state, _ = fold(rule, (0, 60), (60, 40))
    state, events = tick(state, rule, at(10**6))
    assert events == (Event(Kind.STALE, at(660), 40),)
    assert (state.condition, state.stale, state.in_alarm) == (Condition.ACTIVE, True, True)
    assert due(state, rule) is None


def test_silence_never_raises() -> None:
    """What was pending when the series stopped does not ripen."""
    rule = replace(RULE, on_delay=700 * SECOND)
    state, _ = fold(rule, (0, 60))
    state, events = tick(state, rule, at(10**6))
    assert [event.kind for event in events] == [Kind.STALE]
    assert state.condition is Condition.NORMAL
    assert fold(rule, (0, 60), (10**6, 60))[1] == [(Kind.STALE, 600), (Kind.FRESH, 10**6)]


def test_a_timer_due_with_the_end_of_the_value_is_silence() -> None:
    """A value holds on [t, t + stale_after): at its end nothing is known any more."""
    rule = replace(RULE, on_delay=600 * SECOND)
    state, _ = fold(rule, (0, 60))
    _, events = tick(state, rule, at(601))
    assert [event.kind for event in events] == [Kind.STALE]


def test_a_sample_at_the_end_of_the_value_is_contact() -> None:
    """The sample precedes the timer of its instant, so there is no silence."""
    assert fold(RULE, (0, 10), (600, 10))[1] == []
    assert fold(RULE, (0, 10), (600.000001, 10))[1][0] == (Kind.STALE, 600)


@pytest.mark.parametrize("sample", [Sample(at(60), nan), Sample(at(60), 10.0, good=False)])
def test_a_bad_value_neither_breaches_nor_clears(sample: Sample) -> None:
    """It is contact: the alert goes on and the series is not silent."""
    state, _ = fold(RULE, (0, 60))
    state, events = step(state, RULE, sample)
    assert events == ()
    assert state.condition is Condition.ACTIVE
    assert state.last_time == at(60)
    state, events = step(START, RULE, sample._replace(result=99.0, good=False))
    assert (state.condition, events) == (Condition.NORMAL, ())


def test_a_bad_value_still_fires_what_is_due() -> None:
    """Promptness: a timer that ran out is not left for the next good value."""
    rule = replace(RULE, on_delay=30 * SECOND)
    state, _ = fold(rule, (0, 60))
    _, events = step(state, rule, Sample(at(30), nan))
    assert events == (Event(Kind.RAISE, at(30), 60),)


def test_a_bad_value_ends_staleness() -> None:
    """FRESH comes with any contact, good or not."""
    _, log = fold(RULE, (0, 60), (1000, nan))
    assert log == [(Kind.RAISE, 0), (Kind.STALE, 600), (Kind.FRESH, 1000)]


def test_a_tick_leaves_its_own_instant_open() -> None:
    """A sample at the tick's instant may still come and precedes the timer."""
    rule = replace(RULE, on_delay=60 * SECOND)
    state, _ = fold(rule, (0, 60))
    assert tick(state, rule, at(60)) == (state, ())
    assert tick(state, rule, at(60.000001))[1] == (Event(Kind.RAISE, at(60), 60),)


def test_the_peak_is_the_worst_value_of_the_episode() -> None:
    """Peaks follow the operator's direction and begin anew with each episode."""
    state, _ = fold(RULE, (0, 60), (60, 90), (120, 70))
    assert (state.peak, state.peak_at) == (90, at(60))
    state, _ = fold(replace(RULE, op=Op.LT), (0, 20), (60, 5), (120, 99), (180, 30))
    assert (state.peak, state.peak_at) == (30, at(180))


# Facts of Prometheus' rules/manager_test.go and rules/alerting_test.go (v3), times in minutes;
# `for` = on-delay, `keep_firing_for` = off-delay; the samples are the rule's evaluations.
# Where it is "pending" we are PENDING, "firing" is in alarm.
_FOR_5 = replace(RULE, on_delay=300 * SECOND, min_samples=2, stale_after=10**12)
_KEEP_5 = replace(RULE, off_delay=300 * SECOND, stale_after=10**12)
_BOTH = replace(_FOR_5, off_delay=300 * SECOND)


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        # TestAlertingRule: "http_requests < 100 for 1m", evaluated each 5 min
        (
            replace(_FOR_5, op=Op.LT, limit=100.0, on_delay=60 * SECOND),
            [(0, 75), (5, 85), (10, 95), (15, 105), (20, 80), (25, 90)],
            "paaipa",
        ),
        # a breach that ends before `for` is never firing
        (_FOR_5, [(0, 60), (4, 60), (4.9, 10), (6, 10)], "ppii"),
        # firing begins when `for` has passed, and not before
        (_FOR_5, [(0, 60), (4.99, 60), (5, 60), (6, 10)], "ppai"),
        # TestKeepFiringFor: firing is kept for 5 min after the expression is false
        (_KEEP_5, [(0, 80), (5, 60), (10, 10), (14.9, 10), (15, 10), (20, 10)], "aaaaii"),
        # ... and a breach in between keeps the same alert
        (_KEEP_5, [(0, 80), (5, 10), (9, 80), (13, 10), (17.9, 10), (18, 10)], "aaaaai"),
        # as TestPendingAndKeepFiringFor says, what was only pending is not kept
        (_BOTH, [(0, 80), (1, 10), (2, 10)], "pii"),
        # compliance PendingAndFiringAndResolved
        (_FOR_5, [(0, 10), (1, 60), (5, 60), (6, 60), (12, 60), (12.25, 9), (30, 9)], "ippaaii"),
        # compliance PendingAndResolved_AlwaysInactive
        (_FOR_5, [(0, 10), (1, 60), (4, 60), (5, 9), (30, 9)], "ippii"),
        # compliance ZeroFor_SmallFor
        (replace(_FOR_5, on_delay=0, min_samples=1), [(0, 10), (1, 60), (2, 9)], "iai"),
    ],
)
def test_prometheus_tables(rule: Rule, values: list[tuple[float, float]], expected: str) -> None:
    """Where the semantics agree, every evaluation ends in the state Prometheus has."""
    state, seen = START, ""
    for minute, value in values:
        state, _ = step(state, rule, Sample(at(minute * 60), value))
        pending = state.condition is Condition.PENDING
        seen += "a" if state.in_alarm else "p" if pending else "i"
    assert seen == expected


def test_where_prometheus_differs_ours_is_meant() -> None:
    """A series that vanishes resolves a Prometheus alert; here it stays, marked stale."""
    state, _ = fold(RULE, (0, 60))
    state, _ = tick(state, RULE, at(3600))
    assert state.in_alarm
    assert state.stale
