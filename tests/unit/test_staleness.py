"""How old a value may be: live within its period, late after it, silent past its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.instant import HOUR, SECOND, Micros
from ioc.domain.staleness import Freshness, freshness

PERIOD, LIMIT = 60 * SECOND, 300 * SECOND
NOW = Micros(10**15)


def judged(age: int) -> Freshness:
    return freshness(Micros(NOW - age), expected_period=PERIOD, stale_after=LIMIT, now=NOW)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, Freshness.LIVE),
        (-5 * SECOND, Freshness.LIVE),  # a device whose clock is ahead
        (90 * SECOND, Freshness.LIVE),
        (90 * SECOND + 1, Freshness.LATE),
        (300 * SECOND, Freshness.LATE),
        (300 * SECOND + 1, Freshness.SILENT),
        (24 * HOUR, Freshness.SILENT),
    ],
)
def test_age_decides(age: int, expected: Freshness) -> None:
    """One lost message is no news, the silence limit is."""
    assert judged(age) is expected


def test_never_is_not_silent() -> None:
    """A thing that never spoke is told apart from one that stopped."""
    found = freshness(None, expected_period=PERIOD, stale_after=LIMIT, now=NOW)
    assert found is Freshness.NEVER


def test_limit_shorter_than_the_period_wins() -> None:
    """Where a rule of law asks for less than a period and a half, silence comes first."""
    short = freshness(
        Micros(NOW - 50 * SECOND), expected_period=PERIOD, stale_after=40 * SECOND, now=NOW
    )
    assert short is Freshness.SILENT


@given(st.integers(0, 10 * LIMIT), st.integers(0, 10 * LIMIT))
def test_older_is_never_fresher(one: int, other: int) -> None:
    """Freshness only falls with age."""
    order = [Freshness.LIVE, Freshness.LATE, Freshness.SILENT]
    young, old = sorted((one, other))
    assert order.index(judged(young)) <= order.index(judged(old))
