"""Reading points and lines out of well-known binary."""

from __future__ import annotations

import pytest
import shapely

from ioc.domain.wkb import parts, rings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POINT (1 2)", (((1, 2),),)),
        ("LINESTRING (1 2, 3 4, 5 6)", (((1, 2), (3, 4), (5, 6)),)),
        ("MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))", (((1, 2), (3, 4)), ((5, 6), (7, 8)))),
        ("MULTIPOINT (1 2, 3 4)", (((1, 2),), ((3, 4),))),
        ("POINT Z (1 2 9)", (((1, 2),),)),
        ("LINESTRING Z (1 2 9, 3 4 9)", (((1, 2), (3, 4)),)),
        ("POLYGON ((0 0, 1 0, 1 1, 0 0))", ()),
    ],
)
@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("order", [0, 1])
def test_points_and_lines_come_out(text: str, expected: object, flavor: str, order: int) -> None:
    """Every kind of point and line comes out as its positions, in both orders and dialects."""
    shape = shapely.to_wkb(
        shapely.from_wkt(text), output_dimension=4, byte_order=order, flavor=flavor
    )
    assert parts(shape) == expected


def test_bytes_that_end_too_soon_are_refused() -> None:
    """A shape cut short is a ValueError, not a crash of its own kind."""
    whole = shapely.to_wkb(shapely.from_wkt("LINESTRING (1 2, 3 4)"))
    with pytest.raises(ValueError, match="too soon"):
        parts(whole[:-3])


@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("order", [0, 1])
def test_the_rings_of_areas_come_out(flavor: str, order: int) -> None:
    """Outline and hole of each part, with heights or without; points and lines have none."""
    text = (
        "MULTIPOLYGON Z (((0 0 1, 4 0 1, 4 4 1, 0 0 1), (1 1 1, 2 1 1, 2 2 1, 1 1 1)),"
        " ((9 9 1, 9 8 1, 8 8 1, 9 9 1)))"
    )
    shape = shapely.to_wkb(
        shapely.from_wkt(text), output_dimension=4, byte_order=order, flavor=flavor
    )
    found = rings(shape)
    assert [ring[0] for ring in found] == [(0, 0), (1, 1), (9, 9)]
    assert [len(ring) for ring in found] == [4, 4, 4]
    assert rings(shapely.to_wkb(shapely.from_wkt("LINESTRING (1 2, 3 4)"))) == ()
    with pytest.raises(ValueError, match="ends too soon"):
        rings(shape[:-20])
