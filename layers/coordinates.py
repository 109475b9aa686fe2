"""Coordinates in columns of a table: which columns, and what their texts mean. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf, nan
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ioc.domain.naming import fold

Floats = NDArray[np.float64]

_LON: Final = ("lon", "long", "longitude", "lng", "kinh_do", "kinhdo", "kinh_do_e", "kd")
_LAT: Final = ("lat", "latitude", "vi_do", "vido", "vi_do_n", "vd")
_X: Final = ("x", "toa_do_x", "toado_x", "x_m", "x_coord", "coord_x", "pointx", "point_x", "td_x")
_Y: Final = ("y", "toa_do_y", "toado_y", "y_m", "y_coord", "coord_y", "pointy", "point_y", "td_y")
_EAST: Final = ("e", "east", "easting", "dong", "toa_do_dong", "y_dong")
_NORTH: Final = ("n", "north", "northing", "bac", "toa_do_bac", "x_bac")
_PAIR: Final = (
    "toa_do",
    "toado",
    "vi_tri",
    "coordinates",
    "location",
    "lat_long",
    "latlong",
    "gps",
)
_WKT: Final = ("wkt", "geom", "geometry", "the_geom")
_DEGREES: Final = 180.0
_DMS: Final = re.compile(
    r"""^\s*(?P<d>\d{1,3})\s*[°ºd:\s]\s*(?P<m>\d{1,2})\s*['’\u2032:\s]\s*
    (?P<s>\d{1,2}(?:[.,]\d+)?)?\s*(?:["”″]|''|’’)?\s*(?P<h>[NSEWĐBnsew]?)\s*$""",
    re.VERBOSE,
)
_THOUSANDS: Final = re.compile(r"^-?\d{1,3}([.,])\d{3}(\1\d{3})*$")


@dataclass(frozen=True, slots=True)
class Placed:
    """The geometry that columns tell. `degrees`: the columns are named longitude and latitude."""

    geometry: NDArray[Any]
    columns: dict[str, str]  # the file's column -> "x", "y", "x y" or "wkt"
    degrees: bool


def place(columns: dict[str, NDArray[Any]], given: dict[str, str]) -> Placed | None:
    """Return points, or shapes of a WKT column; None where no column holds coordinates.

    `given`: columns that a person named as x, y.
    """
    by = {fold(name): name for name in reversed(columns)}
    for xs, ys, degrees in ((_LON, _LAT, True), (_EAST, _NORTH, False), (_X, _Y, False)):
        x, y = _named(given, "x") or _first(by, xs), _named(given, "y") or _first(by, ys)
        if x and y:
            points = _points(numbers(columns[x]), numbers(columns[y]))
            return Placed(points, {x: "x", y: "y"}, degrees and "x" not in given.values())
    pair = _first(by, _PAIR)
    if pair is not None and (both := _pairs(columns[pair])) is not None:
        return Placed(_points(both[:, 1], both[:, 0]), {pair: "x y"}, degrees=True)
    wkt = _first(by, _WKT)
    if wkt is None:
        return None
    texts = [None if text is None else str(text) for text in columns[wkt]]
    return Placed(shapely.from_wkt(texts, on_invalid="ignore"), {wkt: "wkt"}, degrees=False)


def numbers(values: NDArray[Any]) -> Floats:
    """Return what the cells mean: numbers, Vietnamese or English texts, degrees with minutes."""
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: object) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    text = str(value or "").replace("\xa0", "").strip()
    angle = _DMS.match(text)
    if angle:
        second = float((angle["s"] or "0").replace(",", "."))
        found = float(angle["d"]) + float(angle["m"]) / 60 + second / 3600
        return -found if angle["h"].upper() in ("S", "W") else found
    return _decimal(text.replace(" ", "").rstrip("°ºmNE"))


def _decimal(text: str) -> float:
    """Return the number of "106,823", "1.210.496,97", "398.482" (no coordinate is 398 m)."""
    if _THOUSANDS.match(text):
        plain = text.replace(",", ".")
        if plain.count(".") == 1 and abs(float(plain)) <= _DEGREES:
            return float(plain)
        return float(plain.replace(".", ""))
    if "," in text and "." in text:
        thousands = "," if text.rindex(".") > text.rindex(",") else "."
        text = text.replace(thousands, "")
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return nan
    return found if abs(found) < inf else nan


def _points(x: Floats, y: Floats) -> NDArray[Any]:
    """Return points; None where a number is missing."""
    found: NDArray[Any] = np.full(len(x), None, dtype=object)
    sound = np.isfinite(x) & np.isfinite(y)
    found[sound] = shapely.points(x[sound], y[sound])
    return found


def _pairs(values: NDArray[Any]) -> Floats | None:
    """Return the two numbers of cells like "10.944, 106.823"; None where it is no such column."""
    found = np.full((len(values), 2), nan)
    for index, value in enumerate(values):
        parts = re.split(r"[,;\s]+", str(value or "").strip(" ()[]"))
        if len(parts) == 2:  # noqa: PLR2004
            found[index] = [_decimal(part) for part in parts]
    return None if np.isnan(found).all() else found


def _first(by: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((by[name] for name in names if name in by), None)


def _named(given: dict[str, str], role: str) -> str | None:
    return next((column for column, field in given.items() if field == role), None)
