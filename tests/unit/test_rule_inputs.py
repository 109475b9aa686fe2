"""Rate, deviation and schedules: what a rule judges when it is not the value itself."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from math import isnan
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain import levels
from ioc.domain.alert import Op, Rule, Sample, Severity
from ioc.domain.episode import Track
from ioc.domain.inputs import Derived, Input, Quantity
from ioc.domain.instant import MINUTE, Micros, from_datetime
from ioc.domain.schedule import Calendar, Span

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = Span(22 * 60, 6 * 60)


def local(text: str) -> Micros:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def judged(source: Derived, *values: tuple[float, float]) -> list[float]:
    """Return what each (minute, value), in order, is judged as."""
    found = []
    for minute, value in values:
        (sample,) = source.take(Sample(Micros(round(minute * MINUTE)), value))
        found.append(sample.result)
    return found


# ---------------------------------------------------------------- rate and deviation


def test_a_rate_is_the_change_over_the_length() -> None:
    """A level that rises 3 cm in 10 minutes has a rate of 3 each 10 minutes."""
    source = Derived(Quantity.RATE, 10 * MINUTE, 60 * MINUTE)
    seen = judged(source, (0, 1), (5, 2), (10, 4), (15, 4), (20, 9))
    assert all(isnan(value) for value in seen[:2]), "nothing is known that long ago"
    assert seen[2:] == [3, 2, 5]


def test_a_rate_over_a_gap_is_scaled_and_after_a_long_one_unknown() -> None:
    """15 minutes for 3 are 2 each 10; more than twice the length is no rate at all."""
    source = Derived(Quantity.RATE, 10 * MINUTE, 90 * MINUTE)
    seen = judged(source, (0, 0), (15, 3), (36, 100))
    assert seen[1] == 2
    assert isnan(seen[2])


def test_a_bad_value_is_no_base_and_stays_bad() -> None:
    """The rate looks past it; judged itself it is contact."""
    source = Derived(Quantity.RATE, 10 * MINUTE, 60 * MINUTE)
    source.take(Sample(Micros(0), 1.0))
    bad = Sample(Micros(5 * MINUTE), 99.0, good=False)
    assert source.take(bad) == [bad]
    assert judged(source, (15, 4)) == [2]


def test_a_deviation_is_from_the_past_alone() -> None:
    """The newest value does not move the median it is compared with; too little past is NaN."""
    source = Derived(Quantity.MEDIAN_DEVIATION, 10 * MINUTE, 60 * MINUTE)
    seen = judged(source, (0, 5), (5, 6), (8, 100), (10, 7))
    assert all(isnan(value) for value in seen[:2])
    assert seen[2:] == [94.5, 1]
    mean = Derived(Quantity.MEAN_DEVIATION, 10 * MINUTE, 60 * MINUTE)
    assert judged(mean, (0, 5), (5, 6), (10, 7))[2] == 1.5


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(list(Quantity)),
    st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from([0.0, 1.0, 5.0, 9.0])), min_size=1, max_size=30
    ),
    st.integers(0, 2**32),
)
def test_any_order_of_arrival_is_the_fold_of_the_sorted_series(
    quantity: Quantity, steps: list[tuple[int, float]], seed: int
) -> None:
    """Late samples change the judged ones after them; the alert is as if they had been in time."""
    choose, time = random.Random(seed), 0
    samples = []
    for gap, value in steps:
        time += gap
        samples.append(Sample(Micros(time), value))
    rules = (Rule("r", 1, Op.GT, 3.0, Severity.HIGH, 20, 10**6, deadband=1.0, off_delay=4),)

    def folded(order: list[Sample]) -> Track:
        track, source = Track(rules), Derived(quantity, 6, 10**6)
        for sample in order:
            track.revise(source.take(sample))
        return track

    sorted_one = folded(samples)
    late = folded(sorted(samples, key=lambda s: s.time + choose.randint(0, 40)))
    assert late.state == sorted_one.state
    begin = levels.start(rules)
    assert levels.fold(begin, rules, late.window) == levels.fold(begin, rules, sorted_one.window)


# ---------------------------------------------------------------- schedule


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-01-01T21:59:59", False),
        ("2026-01-01T22:00:00", True),
        ("2026-01-01T23:59:59.999999", True),
        ("2026-01-02T00:00:00", True),
        ("2026-01-02T05:59:59.999999", True),
        ("2026-01-02T06:00:00", False),
    ],
)
def test_a_night_crosses_midnight_without_a_hole(moment: str, inside: bool) -> None:  # noqa: FBT001
    """From 22:00 on the dot, through 23:59 and 00:00, to 06:00 exclusive."""
    assert Calendar(ZONE, (NIGHT,)).covers(local(moment)) is inside


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """Friday's night lasts into Saturday morning; Thursday's does not begin on Friday morning."""
    friday = Calendar(ZONE, (NIGHT._replace(days=frozenset({4})),))
    assert friday.covers(local("2026-01-03T05:00:00"))  # Saturday
    assert not friday.covers(local("2026-01-02T05:00:00"))  # Friday
    assert not friday.covers(local("2026-01-03T23:00:00"))


def test_the_zone_is_the_rule_s_and_not_utc() -> None:
    """21:30 UTC is 04:30 in Ho Chi Minh City."""
    utc = datetime(2026, 1, 1, 21, 30, tzinfo=timezone(timedelta()))
    assert Calendar(ZONE, (NIGHT,)).covers(from_datetime(utc))


def test_a_whole_day_and_dates_of_validity() -> None:
    """00:00 to 00:00 is the whole day; the first and the last day are included."""
    day = Calendar(ZONE, (Span(0, 0, frozenset({3})),), date(2026, 1, 1), date(2026, 1, 8))
    assert day.covers(local("2026-01-01T00:00:00"))
    assert not day.covers(local("2026-01-02T00:00:00"))
    assert day.covers(local("2026-01-08T23:59:59"))
    assert not day.covers(local("2025-12-25T12:00:00"))
    assert not day.covers(local("2026-01-15T12:00:00"))


def test_outside_the_schedule_nothing_is_raised_and_what_is_on_returns() -> None:
    """The first value after the end clears, through the off-delay, with its own RTN."""
    rules = (Rule("r", 1, Op.GT, 55.0, Severity.LOW, 60 * MINUTE, 60 * MINUTE, off_delay=MINUTE),)
    track, lane = Track(rules), Input(None, Calendar(ZONE, (NIGHT,)))
    told = []
    for minute in range(0, 40, 5):
        time = Micros(local("2026-01-02T05:45:00") + minute * MINUTE)
        told += track.revise(lane.take(Sample(time, 70.0)))
    assert [(c.kind, c.time) for c in told] == [
        ("RAISE", local("2026-01-02T05:45:00")),
        ("RTN", local("2026-01-02T06:01:00")),
    ]


def test_an_alarm_of_a_silent_series_outlives_its_schedule() -> None:
    """Silence never resolves: without a value after the end it stays, stale."""
    rules = (Rule("r", 1, Op.GT, 55.0, Severity.LOW, 60 * MINUTE, 60 * MINUTE),)
    track, lane = Track(rules), Input(None, Calendar(ZONE, (NIGHT,)))
    track.revise(lane.take(Sample(local("2026-01-02T05:45:00"), 70.0)))
    track.tick(local("2026-01-02T09:00:00"))
    assert (track.state.in_alarm, track.state.stale) == (True, True)
