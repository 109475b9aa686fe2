"""The province as one small SVG: outline, communes to be coloured, a place for a sign in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, radians
from typing import Any, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

WIDTH: Final = 420.0  # of the drawing, in its own units; its height follows the province
_MARGIN: Final = 10.0
_FINEST: Final = 0.6  # units: below it nobody sees a corner; boundaries of a survey become 60 kB
Features = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _View:
    """Degrees to units: one parallel's scale for a whole province errs by less than a line."""

    west: float
    north: float
    scale: float  # units a degree of latitude
    squeeze: float  # of a degree of longitude at the middle

    def move(self, geometry: BaseGeometry) -> BaseGeometry:
        moved: BaseGeometry = shapely.transform(geometry, self._points)
        return moved

    def _points(self, points: Any) -> Any:  # noqa: ANN401  numpy, untyped by shapely
        found = points.copy()
        found[:, 0] = _MARGIN + (points[:, 0] - self.west) * self.squeeze * self.scale
        found[:, 1] = _MARGIN + (self.north - points[:, 1]) * self.scale
        return found


def draw(province: Features, communes: Features, title: str) -> str:
    """Return the map; "" without any geometry.

    A commune is `<path data-code>` and has `<g data-sign>` in its middle, empty: whoever shows the
    map puts the sign and the name there.
    """
    outlines = [shape(one["geometry"]) for one in province]
    areas = [(one["properties"], shape(one["geometry"])) for one in communes]
    everything = shapely.union_all([*outlines, *(area for _, area in areas)])
    if everything.is_empty:
        return ""
    view, height = _fit(everything)
    drawn = _simple([view.move(area) for _, area in areas])
    parts = [f'<path class="province" d="{_path(view.move(one), _FINEST)}"/>' for one in outlines]
    parts += [
        f'<path class="commune" data-code="{_code(facts)}" d="{_path(area)}"/>'
        for (facts, _), area in zip(areas, drawn, strict=True)
    ]
    parts += [f'<path class="outline" d="{_path(view.move(one), _FINEST)}"/>' for one in outlines]
    parts += [
        _sign(facts, area) for (facts, _), area in zip(areas, drawn, strict=True) if area.area
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:.0f}" role="img"'
        f' aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
    )


def _fit(everything: BaseGeometry) -> tuple[_View, float]:
    west, south, east, north = everything.bounds
    squeeze = cos(radians((south + north) / 2))
    scale = (WIDTH - 2 * _MARGIN) / max((east - west) * squeeze, 1e-6)
    return _View(west, north, scale, squeeze), (north - south) * scale + 2 * _MARGIN


def _simple(areas: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return areas with fewer corners; neighbours keep their common border."""
    if not areas:
        return []
    try:
        return list(shapely.coverage_simplify(areas, _FINEST))
    except shapely.errors.GEOSException:  # no clean coverage: each by itself, with slivers
        return [area.simplify(_FINEST) for area in areas]


def _path(area: BaseGeometry, finest: float = 0.0) -> str:
    simple = area.simplify(finest) if finest else area
    polygons: Iterable[Any] = getattr(simple, "geoms", (simple,))
    rings = (ring for one in polygons if hasattr(one, "exterior") for ring in _rings(one))
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
    )


def _rings(polygon: Any) -> list[Any]:  # noqa: ANN401  shapely's own
    return [polygon.exterior, *polygon.interiors]


def _sign(facts: dict[str, Any], area: BaseGeometry) -> str:
    middle = area.representative_point()
    name = escape(str(facts.get("name", "")), quote=True)
    return (
        f'<g data-sign="{_code(facts)}" data-name="{name}"'
        f' transform="translate({middle.x:.1f} {middle.y:.1f})"></g>'
    )


def _code(facts: dict[str, Any]) -> str:
    return escape(str(facts.get("code", "")), quote=True)
