"""Where a thing lies: inside, near or outside the province, and at which commune."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.demo import geography
from ioc.domain.errors import PayloadError
from ioc.domain.location import (
    KM_PER_DEGREE,
    NEAR_KM,
    Outline,
    Province,
    Seat,
    contains,
    distance_km,
    nearest,
)

# A degree's square on the equator, with a hole: distances there are easy.
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0))
HOLE = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.4))
WEST, EAST = Seat("1", "Xã Tây", 0.25, 0.5), Seat("2", "Xã Đông", 0.75, 0.5)
HOME = Province((SQUARE,), (WEST, EAST))
STEP = 0.1 / KM_PER_DEGREE  # a hundred metres


@pytest.mark.parametrize(
    ("lon", "lat", "outline", "commune"),
    [
        (0.1, 0.5, Outline.INSIDE, WEST),
        (0.9, 0.5, Outline.INSIDE, EAST),
        (1 + NEAR_KM / KM_PER_DEGREE - STEP, 0.5, Outline.NEAR, EAST),
        (1 + NEAR_KM / KM_PER_DEGREE + STEP, 0.5, Outline.OUTSIDE, None),
        (0.5, -NEAR_KM / KM_PER_DEGREE + STEP, Outline.NEAR, WEST),
        (-120.0, 45.0, Outline.OUTSIDE, None),
        (0.0, 0.0, Outline.INSIDE, WEST),
    ],
)
def test_place(lon: float, lat: float, outline: Outline, commune: Seat | None) -> None:
    """Within 7 km of the outline is near; a commune is named there too, beyond it none."""
    place = HOME.place(lon, lat)
    assert (place.outline, place.commune) == (outline, commune)


@pytest.mark.parametrize(
    ("lon", "lat"), [(nan, 0), (0, inf), (180.1, 0), (-181, 0), (0, 90.1), (107, 1e300)]
)
def test_what_is_not_on_the_globe_is_refused(lon: float, lat: float) -> None:
    """Numbers that name no place are a refusal of the message, with both in it."""
    with pytest.raises(PayloadError) as refusal:
        HOME.place(lon, lat)
    assert refusal.value.reason == "bad_location"
    assert str(lon) in refusal.value.detail


def test_without_an_outline_everything_is_inside() -> None:
    """A centre that has no boundary yet refuses nothing, and names no commune without seats."""
    place = Province().place(107, 11)
    assert (place.outline, place.commune) == (Outline.INSIDE, None)


def test_holes_are_outside() -> None:
    """An inner ring cuts an area out (even-odd)."""
    assert contains((SQUARE,), 0.5, 0.5)
    assert not contains((SQUARE, HOLE), 0.5, 0.5)
    assert contains((SQUARE, HOLE), 0.3, 0.5)


def test_distance_is_to_the_nearest_edge() -> None:
    """The distance counts to the inside of an edge as to its ends; without rings it is infinite."""
    assert distance_km((SQUARE,), 2.0, 0.5) == pytest.approx(KM_PER_DEGREE, rel=1e-3)
    assert distance_km((SQUARE,), 0.5, 0.25) == pytest.approx(KM_PER_DEGREE / 4, rel=1e-3)
    corner = distance_km((SQUARE,), 1.03, 1.04)
    assert corner == pytest.approx(0.05 * KM_PER_DEGREE, rel=1e-3)
    assert distance_km((((5.0, 5.0), (5.0, 5.0)),), 5.0, 6.0) == pytest.approx(KM_PER_DEGREE)
    assert distance_km((), 0, 0) == inf


def test_a_degree_of_longitude_shrinks_with_latitude() -> None:
    """At 60° north the seat that is nearer on the ground wins, not the one in degrees."""
    east, north = Seat("e", "Đông", 1.5, 60.0), Seat("n", "Bắc", 0.0, 61.0)
    assert nearest((east, north), 0.0, 60.0) is east
    assert nearest((), 0.0, 60.0) is None


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_every_inner_point_is_inside(lon: float, lat: float) -> None:
    """No point of the square is lost to rounding."""
    assert HOME.place(lon, lat).outline is Outline.INSIDE


def test_the_shipped_province_holds_its_seats() -> None:
    """Each of the 95 commune seats lies in or near the outline and is its own nearest."""
    home = geography.shipped().province
    for seat in home.seats:
        place = home.place(seat.lon, seat.lat)
        assert place.outline is not Outline.OUTSIDE
        assert place.commune == seat
