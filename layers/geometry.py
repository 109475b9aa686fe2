"""Geometries made fit for a layer: valid, of its kind, within limits, inside the province. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ioc.layer_schema import Shape
from layers.boundary import Boundary, representative

MAX_VERTICES: Final = 500_000  # of one geometry; the finest official commune has 20,000
_DECIMALS: Final = 8  # of a degree: 1 mm
_POINT, _LINE, _AREA = 0, 1, 2

Shapes = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fit:
    """`reason` is a code for each row that is not taken, "" for one that is.

    `mended`: areas that crossed themselves; `stacked`: points that lie on another row's point.
    """

    shapes: Shapes
    reasons: NDArray[Any]
    mended: int
    stacked: int


def sound(shapes: Shapes) -> NDArray[Any]:
    """Return why a geometry is no geometry, before any reprojection; "" where it is one."""
    reasons = np.full(len(shapes), "", dtype=object)
    bounds = shapely.bounds(shapes)
    reasons[~np.isfinite(bounds).all(axis=1)] = "bad_coordinates"
    reasons[shapely.is_missing(shapes) | shapely.is_empty(shapes)] = "no_geometry"
    reasons[shapely.get_num_coordinates(shapes) > MAX_VERTICES] = "too_many_vertices"
    return reasons


def fit(shapes: Shapes, kind: Shape, boundary: Boundary, *, anywhere: bool) -> Fit:
    """Return the geometries of a layer (WGS 84) and why some are not taken."""
    reasons = np.full(len(shapes), "", dtype=object)
    shapes = np.array(shapes, dtype=object)
    bounds = shapely.bounds(shapes)
    on_globe = np.isfinite(bounds).all(axis=1) & (np.abs(bounds) <= [180, 90, 180, 90]).all(axis=1)
    reasons[~on_globe] = "bad_coordinates"
    good = np.flatnonzero(on_globe)
    rounded = shapely.transform(shapes[good], lambda xy: np.round(xy, _DECIMALS))
    broken = ~shapely.is_valid(rounded)
    rounded[broken] = shapely.make_valid(rounded[broken], method="structure")
    shapes[good], reasons[good] = _of_kind(rounded, kind)
    if not anywhere:
        good = np.flatnonzero(reasons == "")
        outside = ~_touches(boundary.near, shapes[good])
        reasons[good[outside]] = "outside"
    return Fit(shapes, reasons, int(broken.sum()), _stacked(shapes[reasons == ""]))


def is_coverage(shapes: Shapes) -> bool:
    """Say whether areas neither overlap nor cross: each border is the same line on both sides."""
    return bool(shapely.coverage_is_valid(shapes))


def outside_outline(shapes: Shapes, boundary: Boundary) -> int:
    """Return how many lie outside the outline proper, though near enough to be taken."""
    return int(np.count_nonzero(~_touches(boundary.outline, shapes)))


def _touches(area: Any, shapes: Shapes) -> Mask:  # noqa: ANN401
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    found = np.zeros(len(shapes), dtype=bool)
    found[points] = shapely.contains_xy(
        area, shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
    )
    # An area of the size of the province touches it anyway: what counts is where its middle is.
    flat = shapely.get_dimensions(shapes) == _AREA
    found[flat] = shapely.intersects(area, representative(shapes[flat]))
    rest = ~points & ~flat
    found[rest] = shapely.intersects(area, shapes[rest])
    return found


def _stacked(shapes: Shapes) -> int:
    points = shapes[shapely.get_type_id(shapes) == shapely.GeometryType.POINT]
    places = np.column_stack((shapely.get_x(points), shapely.get_y(points)))
    return len(places) - len(np.unique(places, axis=0)) if len(places) else 0


def _of_kind(shapes: Shapes, kind: Shape) -> tuple[Shapes, NDArray[Any]]:
    """Return each geometry as the kind asks for it, and the reason where it cannot be."""
    reasons = np.full(len(shapes), "", dtype=object)
    shapes = np.array(shapes, dtype=object)
    unpack: Callable[[Any], tuple[Any, str]] = {
        "point": _one_point,
        "line": _lines,
        "area": _areas,
        "any": lambda shape: (shape, ""),
    }[kind]
    simple = {"point": shapely.GeometryType.POINT, "line": shapely.GeometryType.LINESTRING}
    usual = shapely.get_type_id(shapes) == simple.get(kind, shapely.GeometryType.POLYGON)
    for index in np.flatnonzero(~usual):
        shapes[index], reasons[index] = unpack(shapes[index])
    if kind == "line":
        reasons[(reasons == "") & (shapely.length(shapes) == 0)] = "no_length"
    return shapes, reasons


def _one_point(shape: Any) -> tuple[Any, str]:  # noqa: ANN401
    parts = shapely.get_parts(shape)
    if len(parts) == 1 and shapely.get_dimensions(parts[0]) == _POINT:
        return parts[0], ""
    several = bool(len(parts)) and bool((shapely.get_dimensions(parts) == _POINT).all())
    return shape, "several_points" if several else "wrong_kind"


def _lines(shape: Any) -> tuple[Any, str]:  # noqa: ANN401
    parts = shapely.get_parts(shape)
    lines = parts[shapely.get_dimensions(parts) == _LINE]
    if not len(lines):
        return shape, "wrong_kind"
    merged = shapely.line_merge(shapely.multilinestrings(lines))
    return merged, ""


def _areas(shape: Any) -> tuple[Any, str]:  # noqa: ANN401
    """Keep what is area of a shape that making it valid left with lines and points."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    areas = parts[shapely.get_dimensions(parts) == _AREA]
    if not len(areas):
        return shape, "wrong_kind"
    return areas[0] if len(areas) == 1 else shapely.multipolygons(areas), ""
