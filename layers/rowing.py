"""Rows that are taken to features: commune, properties, digest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc import vn2000
from ioc.domain.layer import Feature
from ioc.layer_schema import Schema
from layers import crs
from layers.boundary import Boundary, Commune, representative
from layers.reading import Rows

# What has a column of its own, and is no property; the commune that a file names is kept apart
# from the one by position.
_OWN: Final = frozenset({"code", "name", "commune_code", "commune_name"})
_UNITS: Final = frozenset({"communes", "province"})  # lie in no commune
_SAMPLE: Final = 500  # rows that name a commune; zones are 27 km apart
_ENOUGH: Final = 5  # contradictions of which half must vanish before a shift explains them


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Rows whose own commune is not where they lie; `shift_explains`: most are once shifted."""

    count: int = 0
    shift_explains: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    features: list[Feature]
    notes: dict[str, int]  # warnings by key, with how many rows each is about
    contradictions: Contradictions


def features(rows: Rows, boundary: Boundary, schema: Schema) -> Built:
    """Return a feature for each row that is taken, in the order of the file."""
    taken = rows.taken
    shapes = rows.geometry[taken]
    joined = boundary.join(shapes)
    if schema.name in _UNITS:
        joined[:] = -1
    notes: dict[str, int] = {}
    told = _told(rows, taken, boundary)
    contradictions = _contradictions(shapes, joined, told, boundary)
    if contradictions.count:
        notes["contradictions"] = contradictions.count
    how = np.full(len(taken), "nearest_seat" if boundary.approximate else "boundary", dtype=object)
    if boundary.approximate:
        # The nearest seat is right for 70 % of places; who wrote the file knew better.
        for position, units in enumerate(told):
            if len(units) == 1 and schema.name not in _UNITS:
                joined[position], how[position] = next(iter(units)), "file"
    guessed = int(np.count_nonzero((how == "nearest_seat") & (joined >= 0)))
    if guessed:
        notes["approximate"] = guessed
    wkb = shapely.to_wkb(shapes)
    bounds = shapely.bounds(shapes).tolist()
    found = []
    for position, index in enumerate(taken):
        unit = boundary.communes[joined[position]] if joined[position] >= 0 else None
        values = {name: values[index] for name, values in rows.values.items()}
        found.append(_feature(values, wkb[position], tuple(bounds[position]), unit, how[position]))
    return Built(found, notes, contradictions)


def agreement(
    rows: Rows, sound: NDArray[np.intp], xy: vn2000.Coordinates, boundary: Boundary
) -> Callable[[crs.Candidate], float]:
    """Return what tells how many rows name the commune where a system puts them, 0 to 1.

    `sound`: rows that have a place, at `xy` in the file's own system.
    """
    told = _told(rows, sound, boundary)
    naming = [position for position, units in enumerate(told) if units]
    sample = naming[:: max(1, len(naming) // _SAMPLE)]

    def share(candidate: crs.Candidate) -> float:
        if not sample:
            return 0.0
        lonlat = candidate.system.lonlat(crs.ordered(xy[sample], candidate.axes))
        joined = boundary.join(np.asarray(shapely.points(lonlat), dtype=object))
        wrong = _wrong(joined, [told[position] for position in sample])
        return round(1 - wrong / len(sample), 1)

    return share


def _feature(
    values: Mapping[str, Any],
    shape: bytes,
    bounds: tuple[float, float, float, float],
    unit: Commune | None,
    how: str,
) -> Feature:
    own = {name: value for name, value in values.items() if name not in _OWN and value is not None}
    if stated := values.get("commune_name") or values.get("commune_code"):
        own["commune_stated"] = stated
    # Copied: orjson leaves each text in a buffer of a kilobyte, half a gigabyte for a large layer.
    properties = bytes(memoryview(orjson.dumps(own, option=orjson.OPT_SORT_KEYS)))
    code, name = values["code"], values.get("name") or values["code"]
    unit_code, unit_name = (None, None) if unit is None else (unit.code, unit.name)
    unit_how = "none" if unit is None else how
    content = orjson.dumps([code, name, unit_code, unit_name, unit_how])
    digest = blake2b(content + b"\0" + properties + b"\0" + shape, digest_size=16).digest()
    return Feature(code, name, shape, bounds, properties, unit_code, unit_name, unit_how, digest)


def _told(rows: Rows, taken: NDArray[np.intp], boundary: Boundary) -> list[frozenset[int]]:
    """Return the communes that the file's own columns mean, empty where they tell nothing known."""
    codes = rows.values.get("commune_code")
    names = rows.values.get("commune_name")
    found = []
    for index in taken:
        units: frozenset[int] = frozenset()
        if codes is not None and codes[index]:
            units = boundary.named(codes[index])
        if not units and names is not None and names[index]:
            units = boundary.named(names[index])
        found.append(units)
    return found


def _contradictions(
    shapes: NDArray[Any],
    joined: NDArray[np.intp],
    told: list[frozenset[int]],
    boundary: Boundary,
) -> Contradictions:
    if boundary.approximate:
        return Contradictions()  # the nearest seat contradicts nobody
    wrong = _wrong(joined, told)
    if wrong < _ENOUGH:
        return Contradictions(wrong)
    places = representative(shapes)
    xy = np.column_stack((shapely.get_x(places), shapely.get_y(places)))
    datum = vn2000.of_epsg(4756)
    moved = (datum.lonlat(xy), datum.from_lonlat(xy))  # forgotten, and made twice

    after = min(
        _wrong(boundary.join(np.asarray(shapely.points(one), dtype=object)), told) for one in moved
    )
    return Contradictions(wrong, shift_explains=after * 2 <= wrong)


def _wrong(joined: NDArray[np.intp], told: list[frozenset[int]]) -> int:
    return sum(
        bool(units) and commune not in units for units, commune in zip(told, joined, strict=True)
    )
