"""Several levels as one alert: what is told when the highest one changes."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from ioc.domain import levels
from ioc.domain.alert import Condition, Kind, Op, Rule, Sample, Severity, Silence, State, step
from ioc.domain.instant import SECOND, Micros
from ioc.domain.levels import Ladder

MEDIUM = Rule("r", 1, Op.GT, 50.0, Severity.MEDIUM, 600 * SECOND, 900 * SECOND)
HIGH = replace(MEDIUM, level=2, limit=100.0, severity=Severity.HIGH)
RULES = (MEDIUM, HIGH)


def told(*values: float) -> list[tuple[Kind, Severity, float]]:
    """Return (kind, severity, limit) for one value a second."""
    samples = [Sample(Micros(n * SECOND), value) for n, value in enumerate(values)]
    _, log = levels.fold(levels.start(RULES), RULES, samples)
    return [(turn.kind, turn.severity, turn.limit) for turn in log]


def test_up_and_down_with_the_level_that_speaks() -> None:
    """Each change names the highest level in alarm after it; RTN the last one."""
    assert told(60, 110, 60, 10) == [
        (Kind.RAISE, Severity.MEDIUM, 50.0),
        (Kind.SEV_UP, Severity.HIGH, 100.0),
        (Kind.SEV_DOWN, Severity.MEDIUM, 50.0),
        (Kind.RTN, Severity.MEDIUM, 50.0),
    ]


def test_a_jump_over_both_limits_is_one_raise_and_one_return() -> None:
    """Two levels at one instant are one event, of the higher one."""
    assert told(110, 10) == [
        (Kind.RAISE, Severity.HIGH, 100.0),
        (Kind.RTN, Severity.HIGH, 100.0),
    ]


def test_what_any_level_has_decided_is_behind_all() -> None:
    """A timer of one level after the last sample makes an earlier sample late for the others."""
    quiet = State(last_time=Micros(10), since=Micros(5))
    raised = State(last_time=Micros(10), since=Micros(20), condition=Condition.ACTIVE)
    assert levels.reached(Ladder((quiet, raised))) == 20


def test_in_the_profile_of_prometheus_a_bad_value_does_not_breach() -> None:
    """A value of bad quality counts as NaN, whatever its number."""
    rule = replace(MEDIUM, silence=Silence.CLEARS)
    state, _ = step(State(), rule, Sample(Micros(1), 99.0))
    state, events = step(state, rule, Sample(Micros(2), 99.0, good=False))
    assert [event.kind for event in events] == [Kind.RTN]
    assert step(state, rule, Sample(Micros(3), nan))[0].condition is Condition.NORMAL


def test_outside_its_hours_no_profile_breaches() -> None:
    """A value that does not apply clears, also where absence would."""
    rule = replace(MEDIUM, silence=Silence.CLEARS)
    state, _ = step(State(), rule, Sample(Micros(1), 99.0))
    state, events = step(state, rule, Sample(Micros(2), 99.0, applies=False))
    assert [event.kind for event in events] == [Kind.RTN]
