"""What lies around a place and along a line with a direction."""

from __future__ import annotations

import pytest

from ioc.domain.vicinity import along, around, away_from_area, chained
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


def test_a_straight_piece_of_any_length_is_looked_up_whole() -> None:
    """A line of two corners 60 km apart tells what stands beside its middle, and how far."""
    found = along(at(0), (at(0), at(60)), [(1, at(29, 0.2)), (2, at(30, 2)), (3, at(60))])
    assert found is not None
    assert [one.key for one in found] == [1, 3]
    assert found[0].along_km == pytest.approx(29 / 60 * found[1].along_km, rel=0.01)


def test_the_pieces_of_a_river_are_one() -> None:
    """What flows in and out at the ends is added in its direction; what only touches is not."""
    whole = chained(
        (at(2), at(3)), [(at(3), at(5)), (at(0), at(2)), (at(9), at(8)), (at(5), at(6))]
    )
    assert whole == (at(0), at(2), at(3), at(5), at(6))
    assert chained((at(2), at(3)), [(at(4), at(3))]) == (at(2), at(3))


def test_an_area_is_as_far_as_its_border() -> None:
    """Within it is 0, a hole is not within, outside counts the nearest side and not the middle."""
    outline = (at(0), at(10), at(10, 10), at(0, 10), at(0))
    hole = (at(4, 4), at(6, 4), at(6, 6), at(4, 6), at(4, 4))
    assert away_from_area(at(2, 2), (outline, hole)) == 0
    assert away_from_area(at(5, 5), (outline, hole)) == pytest.approx(1.1, abs=0.05)
    assert away_from_area(at(-1, 5), (outline, hole)) == pytest.approx(1.1, abs=0.05)
    assert away_from_area(at(1), ()) is None
