"""A rule tried on history is what the live evaluator would have done with the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.alerting.binding import Bound
from ioc.domain.alert import Kind, Sample
from ioc.domain.announcement import Subject
from ioc.domain.episode import Track
from ioc.domain.errors import ConfigError
from ioc.domain.instant import DAY, MINUTE, Micros
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import definition, trial
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import RuleFile
from ioc.rules.inputs import inputs
from ioc.rules.trial import Pace
from tests.unit.full_counts import examples
from tests.unit.test_window import MIDNIGHT, series

PACE = Pace(600.0, 1800.0)
HORIZON = 3600

SHAPES: list[dict[str, Any]] = [
    {},
    {"window": {"function": "mean", "length": 3600, "min_coverage": 0.25}},
    {"window": {"function": "max", "length": 3 * 3600, "min_coverage": 0.1}},
    {"window": {"function": "sum", "length": 3600, "min_coverage": 0.1}},
    {"window": {"function": "increase", "length": 3600, "min_coverage": 0.1}, "on_delay": 1200},
    {"window": {"function": "mean", "length": 86400, "every": 86400, "min_coverage": 0.01}},
    {"input": "rate", "window": {"length": 1800}},
    {"input": "deviation", "window": {"function": "mean", "length": 3600, "min_coverage": 0.1}},
    {"schedule": {"hours": [{"from": "22:00", "to": "06:00"}]}, "off_delay": 600},
    {
        "window": {"function": "max", "length": 3600, "min_coverage": 0.1},
        "schedule": {"hours": [{"from": "06:00", "to": "22:00"}]},
    },
]


def rule(shape: dict[str, Any], **more: object) -> RuleFile:
    words = {"vi": "w", "en": "w"}
    written = {
        "id": "r",
        "name": words,
        "operator_action": words,
        "observed_property": "pm25",
        "op": ">",
        "levels": [{"severity": "high", "limit": 0.5, "deadband": 0.1}],
        "late_horizon": HORIZON,
    }
    return definition.parse({**written, **shape, **more})


def live(one: RuleFile, samples: list[Sample], end: Micros) -> list[tuple[Micros, Micros | None]]:
    """Return start and end of the alerts that a bound datastream announces."""
    track = Track(trial.levels_of(one, 1, PACE))
    subject = Subject(DatastreamId(1), ThingId(1))
    bound = Bound(track, subject, 600, inputs(one, PACE))
    found: list[tuple[Micros, Micros | None]] = []
    changes = [change for sample in samples for change in bound.take(sample)]
    for change in changes + bound.tick(end):
        if change.kind is Kind.RAISE:
            found.append((change.time, None))
        elif change.kind is Kind.RTN:
            found[-1] = (found[-1][0], change.time)
    return found


@examples(100, 400)
@given(st.sampled_from(SHAPES), series())
def test_a_trial_is_what_the_evaluator_does(shape: dict[str, Any], samples: list[Sample]) -> None:
    """Windows, rates, deviations and schedules stand before the same fold in both."""
    one = rule(shape)
    end = Micros(samples[-1].time + DAY + MINUTE)
    prepared = trial.prepare(one, PACE, Arrays.of_samples(samples), Micros(0), end)
    result = trial.run(trial.levels_of(one, 1, PACE), prepared, Micros(0), end)
    assert [(e.start, e.end) for e in result.episodes] == live(one, samples, end)


def test_a_period_begins_with_whole_windows() -> None:
    """Values before the period fill its first window, and no window before it is judged."""
    one = rule(SHAPES[1])
    start = Micros(MIDNIGHT + DAY)
    assert trial.needed_from(one, PACE, start) <= start - 3600 * 1_000_000
    values = [Sample(Micros(start + n * 10 * MINUTE), 9.0) for n in range(-12, 6)]
    end = Micros(start + 2 * 3600 * 1_000_000)
    prepared = trial.prepare(one, PACE, Arrays.of_samples(values), start, end)
    assert prepared.moments == [start, start + 60 * MINUTE]
    assert prepared.values == [9.0, 9.0]


def test_the_silence_of_a_window_begins_when_the_next_one_should_close() -> None:
    """A value that closes every hour is not silent ten minutes later."""
    assert trial.levels_of(rule({}), 1, PACE)[0].stale_after == 30 * MINUTE
    assert trial.levels_of(rule(SHAPES[1]), 1, PACE)[0].stale_after == 90 * MINUTE


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"function": "mean", "length": 5400}, "multiple of 1 h"),
        ({"function": "mean", "length": 7 * 3600, "every": 7 * 3600}, "same times every day"),
        ({"function": "sum", "length": 40 * 86400}, "at most 31 days"),
        ({"function": "sum", "length": 700}, "multiple of 10 min"),
    ],
)
def test_a_window_no_clock_can_close_is_refused(window: dict[str, Any], said: str) -> None:
    """The rule file is refused with what to write, before anything is evaluated."""
    with pytest.raises(ConfigError, match=said):
        rule({"window": window})
