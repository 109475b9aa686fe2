"""What lies around a place and along a line with a direction."""

from __future__ import annotations

import pytest

from ioc.domain.vicinity import along, around
from tests.unit.network_plans import at

RIVER = (at(0), at(5), at(5, 5))
PLACES = [(1, at(1)), (2, at(3, 0.1)), (3, at(5, 4)), (4, at(2, 3))]


def test_what_is_within_reach_is_told_nearest_first() -> None:
    """Only what lies within the radius is told, the nearest first, with its distance."""
    found = around(at(2), PLACES, 1.3)
    assert [one.key for one in found] == [1, 2]
    assert found[0].away_km == pytest.approx(1.09, abs=0.02)


def test_a_line_tells_what_is_before_and_behind() -> None:
    """Upstream is below zero, downstream above, around the bend too; nothing else is told."""
    found = along(at(3), RIVER, PLACES)
    assert found is not None
    assert [one.key for one in found] == [1, 2, 3]
    assert [round(one.along_km, 1) for one in found] == [-2.2, 0.0, 6.6]
    against = along(at(3), RIVER, PLACES, against=True)
    assert against is not None
    assert [one.key for one in against] == [3, 2, 1]


def test_a_line_elsewhere_says_nothing() -> None:
    """A line that does not pass the place has no upstream for it."""
    assert along(at(0, 3), RIVER, PLACES) is None
