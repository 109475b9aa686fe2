"""The province and its communes: what is inside, and in which commune. Pure.

Until a boundary file is imported the outline is the shipped one, whose line is off by a kilometre
or so, and the commune is that of the nearest seat: both are then approximate, and everything that
follows from them says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc.domain.location import KM_PER_DEGREE, NEAR_KM
from ioc.domain.naming import fold

_NEAR_KM: Final = 0.5  # beyond a legal boundary: bridges, and the width of a GPS
_TITLES: Final = re.compile(r"^(xa|phuong|thi_tran|tt|p|x|dac_khu)_(?=[a-z0-9])")


@dataclass(frozen=True, slots=True)
class Commune:
    """One unit; `old_names` are names and codes of the units that became it."""

    code: str
    name: str
    old_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Boundary:
    """`shapes` are the communes' areas, or their seats where `approximate`.

    `outline` is the area, `near` the area within which a row is still taken.
    """

    outline: Any
    near: Any
    communes: tuple[Commune, ...]
    shapes: NDArray[Any]
    approximate: bool
    tree: Any  # of the shapes; of seats on a local scale, where east and north weigh the same
    names: Mapping[str, frozenset[int]]  # folded name or code, old or new -> which communes

    def join(self, geometry: NDArray[Any]) -> NDArray[np.intp]:
        """Return the index of each geometry's commune, -1 for none. Lines by their middle."""
        found = np.full(len(geometry), -1, dtype=np.intp)
        if not len(self.shapes) or not len(geometry):
            return found
        places = representative(geometry)
        if self.approximate:
            near = shapely.contains(self.near, places)
            found[near] = self.tree.nearest(_levelled(places[near], self.outline))
            return found
        rows, units = self.tree.query(places, predicate="intersects")
        found[rows[::-1]] = units[::-1]  # a point on a border goes to the first of its communes
        return found

    def named(self, text: str) -> frozenset[int]:
        """Return the communes that a name or code means, old ones included."""
        return self.names.get(_bare(text), frozenset())


def representative(geometry: NDArray[Any]) -> NDArray[Any]:
    """Return one point of each geometry: itself, the middle of a line, a point within an area."""
    found: NDArray[Any] = np.array(geometry, dtype=object)
    kinds = shapely.get_dimensions(geometry)
    lines = kinds == 1
    longest = [max(shapely.get_parts(line), key=shapely.length) for line in geometry[lines]]
    found[lines] = shapely.line_interpolate_point(
        np.array(longest, dtype=object), 0.5, normalized=True
    )
    areas = kinds == 2  # noqa: PLR2004
    found[areas] = shapely.point_on_surface(geometry[areas])
    many = shapely.get_type_id(found) == shapely.GeometryType.MULTIPOINT
    found[many] = shapely.get_geometry(found[many], 0)
    return found


def approximate(province: str, outlines: Iterable[bytes], seats: bytes) -> Boundary:
    """Return the boundary of a province by its code, of the shipped outlines and seats (GeoJSON).

    An unknown province has no outline: nothing is then outside.
    """
    found = [
        shape
        for document in outlines
        for code, shape in zip(_codes(document), _shapes(document), strict=True)
        if code == province
    ]
    area = found[0] if found else shapely.box(-180, -90, 180, 90)
    places = _shapes(seats)
    inside = shapely.contains(shapely.buffer(area, NEAR_KM / KM_PER_DEGREE), places)
    communes = tuple(
        Commune(str(one["properties"]["code"]), one["properties"]["name"])
        for one, ours in zip(orjson.loads(seats)["features"], inside, strict=True)
        if ours
    )
    return _boundary(area, NEAR_KM, communes, places[inside], approximate=True)


def exact(outline: Any, communes: Sequence[Commune], areas: NDArray[Any]) -> Boundary:  # noqa: ANN401
    """Return the boundary of imported areas; without an outline it is their union."""
    area = shapely.union_all(areas) if outline is None else outline
    return _boundary(area, _NEAR_KM, tuple(communes), areas, approximate=False)


def with_outline(boundary: Boundary, outline: Any) -> Boundary:  # noqa: ANN401
    """Return an approximate boundary with an imported outline in place of the shipped one."""
    shapely.prepare(outline)
    near = shapely.buffer(outline, _NEAR_KM / KM_PER_DEGREE)
    shapely.prepare(near)
    return replace(boundary, outline=outline, near=near)


def _boundary(
    outline: Any,  # noqa: ANN401
    near_km: float,
    communes: tuple[Commune, ...],
    shapes: NDArray[Any],
    *,
    approximate: bool,
) -> Boundary:
    near = shapely.buffer(shapely.simplify(outline, near_km / 1000), near_km / KM_PER_DEGREE)
    shapely.prepare(outline)
    shapely.prepare(near)
    tree = shapely.STRtree(_levelled(shapes, outline) if approximate else shapes)
    return Boundary(outline, near, communes, shapes, approximate, tree, _index(communes))


def _levelled(places: NDArray[Any], outline: Any) -> NDArray[Any]:  # noqa: ANN401
    _, south, _, north = shapely.bounds(outline)
    scale = np.array([cos(radians((south + north) / 2)), 1.0])
    moved: NDArray[Any] = shapely.transform(places, lambda xy: xy * scale)
    return moved


def _codes(document: bytes) -> list[str]:
    return [one["properties"].get("code", "") for one in orjson.loads(document)["features"]]


def _shapes(document: bytes) -> NDArray[Any]:
    features = orjson.loads(document)["features"]
    texts = [orjson.dumps(feature["geometry"]).decode() for feature in features]
    return np.asarray(shapely.from_geojson(texts), dtype=object)


def _index(communes: Sequence[Commune]) -> dict[str, frozenset[int]]:
    """Return what each name means; an old unit that was split means several."""
    found: dict[str, set[int]] = {}
    for index, commune in enumerate(communes):
        for name in (commune.code, commune.name, *commune.old_names):
            found.setdefault(_bare(name), set()).add(index)
    found.pop("", None)
    return {name: frozenset(units) for name, units in found.items()}


def _bare(name: str) -> str:
    """Return a folded name without the unit's title: "Xã Gia Kiệm" is "gia_kiem"."""
    return _TITLES.sub("", fold(name)).lstrip("0")
