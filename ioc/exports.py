"""Features handed over as files: GeoJSON, GeoPackage, CSV and XLSX.

Column names are the layer's own fields, so that a file comes back through the import as it left.
No cell of a table is a formula, whatever somebody wrote into a name.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc import vn2000

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = "\ufeff"  # Excel takes a CSV file for UTF-8 by it
_LONGEST: Final = 32_000  # characters of an Excel cell
_METRES: Final = 3  # decimals: a millimetre
_DEGREES: Final = 8


class Format(StrEnum):
    """What a file can be."""

    GEOJSON = "geojson"
    GPKG = "gpkg"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA: Final[Mapping[Format, str]] = {
    Format.GEOJSON: "application/geo+json",
    Format.GPKG: "application/geopackage+sqlite3",
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Given:
    """What is handed over: shapes in WGS 84, longitude first, and one value a row by column."""

    name: str
    shapes: NDArray[Any]
    columns: dict[str, list[Any]]


def given(name: str, rows: Iterable[tuple[bytes, bytes]]) -> Given:
    """Return features of their WKB and their properties (a JSON object), lists as one text."""
    shapes, objects = [], []
    for shape, properties in rows:
        shapes.append(shape)
        objects.append(orjson.loads(properties))
    names = dict.fromkeys(key for one in objects for key in one)
    columns = {key: [_plain(one.get(key)) for one in objects] for key in names}
    return Given(name, np.asarray(shapely.from_wkb(shapes), dtype=object), columns)


def write(form: Format, what: Given, path: Path, system: vn2000.System) -> None:
    """Write a file; GeoJSON is always in WGS 84, as its standard says."""
    match form:
        case Format.GEOJSON:
            path.write_bytes(_geojson(what))
        case Format.GPKG:
            _geopackage(what, path, system)
        case Format.CSV:
            path.write_bytes(_csv(what, system))
        case Format.XLSX:
            _workbook(what, path, system)


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def harmful(text: str) -> str:
    """Return a text as it was before `harmless`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value


def _geojson(what: Given) -> bytes:
    rounded = shapely.transform(what.shapes, lambda xy: xy.round(_DEGREES))
    features = []
    for index, text in enumerate(shapely.to_geojson(rounded)):
        own = {name: values[index] for name, values in what.columns.items()}
        features.append(
            b'{"type":"Feature","geometry":%s,"properties":%s}' % (text.encode(), orjson.dumps(own))
        )
    return b'{"type":"FeatureCollection","features":[' + b",\n".join(features) + b"]}"


def _geopackage(what: Given, path: Path, system: vn2000.System) -> None:
    from pyogrio import raw  # noqa: PLC0415  it brings pandas: 0.4 s of every process's start

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio's, of a column without a single value
        raw.write(
            path,
            geometry=shapely.to_wkb(_moved(what.shapes, system)),
            field_data=[_typed(values) for values in what.columns.values()],
            fields=list(what.columns),
            geometry_type="Unknown",
            crs=f"EPSG:{system.epsg}",
            driver="GPKG",
            layer=what.name,
        )


def _csv(what: Given, system: vn2000.System) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    names, rows = _table(what, system)
    writer.writerow(names)
    writer.writerows(rows)
    return (_BOM + out.getvalue()).encode()


def _workbook(what: Given, path: Path, system: vn2000.System) -> None:
    from openpyxl import Workbook  # noqa: PLC0415  0.15 s of every process's start

    book = Workbook(write_only=True)
    sheet = book.create_sheet(what.name[:31])
    names, rows = _table(what, system)
    sheet.append(names)
    for row in rows:
        sheet.append([one[:_LONGEST] if isinstance(one, str) else one for one in row])
    book.save(path)


def _table(what: Given, system: vn2000.System) -> tuple[list[str], Iterable[list[Any]]]:
    """Return names and rows; points have two columns, other shapes one of text (WKT)."""
    shapes = _moved(what.shapes, system)
    points = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all()
    degrees = system.epsg in (vn2000.WGS84, vn2000.GEOGRAPHIC)
    places: list[Sequence[Any]]
    if points:
        names = ["kinh_do", "vi_do"] if degrees else ["x", "y"]
        places = [shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist()]
    else:
        names = ["wkt"]
        places = [shapely.to_wkt(shapes, rounding_precision=_DEGREES if degrees else _METRES)]
    cells = [[_cell(value) for value in values] for values in what.columns.values()]
    rows = (list(row) for row in zip(*cells, *places, strict=True))
    return [harmless(name) for name in (*what.columns, *names)], rows


def _cell(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value


def _moved(shapes: NDArray[Any], system: vn2000.System) -> NDArray[Any]:
    if system.definition == "":
        return shapes
    degrees = system.epsg == vn2000.GEOGRAPHIC
    there: Callable[[Any], Any] = lambda xy: system.from_lonlat(xy).round(  # noqa: E731
        _DEGREES if degrees else _METRES
    )
    moved: NDArray[Any] = shapely.transform(shapes, there)
    return moved


def _typed(values: list[Any]) -> NDArray[Any]:
    """Return a column as GDAL takes it: numbers, or texts where anything else is in it."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        if None not in values and kinds == {int}:
            return np.array(values, dtype=np.int64)
        return np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    found = np.empty(len(values), dtype=object)
    found[:] = [one if one is None else str(_cell_text(one)) for one in values]
    return found


def _cell_text(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
