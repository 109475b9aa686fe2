"""The flood of alerts: more than 10 raises within 10 minutes, until fewer than 5 are left."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.flood import BEGINS_ABOVE, ENDS_BELOW, WINDOW, flood_at, floods
from ioc.domain.instant import MINUTE, SECOND, Micros

TIMES: Final = st.lists(st.integers(0, 60 * 60), max_size=60).map(
    lambda seconds: sorted(Micros(s * SECOND) for s in seconds)
)


def at(*minutes: float) -> list[Micros]:
    return [Micros(round(m * MINUTE)) for m in minutes]


def test_eleven_in_ten_minutes_are_a_flood_ten_are_none() -> None:
    """The eleventh raise within the window begins it, not the tenth."""
    ten = at(*(n * 0.9 for n in range(10)))
    assert not flood_at(ten, Micros(9 * MINUTE)).on
    eleven = [*ten, *at(9)]
    found = flood_at(eleven, Micros(9 * MINUTE))
    assert (found.raises, found.since) == (11, 9 * MINUTE)


def test_a_flood_ends_when_fewer_than_five_are_left() -> None:
    """At the instant the fifth newest raise leaves the window it is over."""
    raises = at(*(n * 0.5 for n in range(12)))
    end = Micros(raises[-ENDS_BELOW] + WINDOW)
    assert list(floods(raises, Micros(60 * MINUTE))) == [(raises[BEGINS_ABOVE], end)]
    assert flood_at(raises, Micros(end - 1)).on
    assert not flood_at(raises, end).on


def test_it_goes_on_while_five_are_left() -> None:
    """One raise in two minutes keeps five in the window, so the flood lasts as long as they do."""
    raises = at(*(n * 0.5 for n in range(12)), *range(7, 40, 2))
    ((_, end),) = floods(raises, Micros(90 * MINUTE))
    assert end == raises[-ENDS_BELOW] + WINDOW


def counted(raises: list[Micros], now: int) -> int:
    return sum(now - WINDOW < at <= now for at in raises)


@given(TIMES)
def test_floods_are_what_a_second_by_second_count_says(raises: list[Micros]) -> None:
    """The intervals equal a walk over every second with the rule as it is written."""
    until = Micros(80 * MINUTE)
    found = list(floods(raises, until))
    on = False
    for now in range(0, until, SECOND):
        n = counted(raises, now)
        on = n > BEGINS_ABOVE or (on and n >= ENDS_BELOW)
        assert on == any(begin <= now < end for begin, end in found)
        if now % (5 * MINUTE) == 0:
            assert flood_at(raises, Micros(now)).on == on
