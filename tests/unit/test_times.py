"""Which device times are believed, and what stands in for the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.errors import PayloadError
from ioc.domain.instant import DAY, MINUTE, SECOND, Micros
from ioc.domain.observation import Flag
from ioc.domain.times import FUTURE_LIMIT, NEVER_SET, judge

NOW = Micros(1_795_507_200 * SECOND)
WEEK = 7 * DAY


def test_no_time_takes_the_arrival() -> None:
    """A message without a time is stored at its arrival and says so."""
    assert judge(None, NOW, past_limit=WEEK) == (NOW, Flag.TIME_RECEIVED)


@pytest.mark.parametrize("device", [0, -1, -(10**15), 86_400_000_000, NEVER_SET - 1])
def test_clock_that_was_never_set_is_corrected(device: int) -> None:
    """Boot counters and times before 1971 become the arrival, flagged as corrected."""
    assert judge(Micros(device), NOW, past_limit=WEEK) == (NOW, Flag.TIME_CORRECTED)


@pytest.mark.parametrize("off", [0, FUTURE_LIMIT, -WEEK, SECOND, -SECOND])
def test_time_within_the_limits_is_kept(off: int) -> None:
    """Up to five minutes ahead and to the feed's past limit a time is the device's own."""
    assert judge(Micros(NOW + off), NOW, past_limit=WEEK) == (NOW + off, Flag.NONE)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (NOW + FUTURE_LIMIT + 1, "time_future"),
        (NOW + 10 * 365 * DAY, "time_future"),
        (NOW - WEEK - 1, "time_past"),
        (NEVER_SET, "time_past"),
        (10**30, "time_future"),  # beyond any calendar: named all the same
    ],
)
def test_wild_time_is_refused_with_its_reason(device: int, reason: str) -> None:
    """A lie is refused under its own reason, with the time it claimed."""
    with pytest.raises(PayloadError) as refusal:
        judge(Micros(device), NOW, past_limit=WEEK)
    assert refusal.value.reason == reason
    assert refusal.value.detail


def test_past_limit_is_the_feeds() -> None:
    """A station file may be ninety days old where its feed says so."""
    old = Micros(NOW - 80 * DAY)
    assert judge(old, NOW, past_limit=90 * DAY)[0] == old
    with pytest.raises(PayloadError):
        judge(old, NOW, past_limit=WEEK)


@given(st.integers(-(10**17), 10**17), st.integers(MINUTE, 90 * DAY))
def test_what_is_stored_lies_within_the_limits(device: int, limit: int) -> None:
    """Whatever a device claims, no stored time is beyond the limits."""
    try:
        time, _ = judge(Micros(device), NOW, past_limit=limit)
    except PayloadError:
        return
    assert NOW - limit <= time <= NOW + FUTURE_LIMIT
