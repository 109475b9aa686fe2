"""Formats that GDAL reads: GPKG, Shapefile, GeoJSON, KML, DXF, MapInfo, FlatGeobuf."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio import raw
from pyogrio.errors import DataLayerError, DataSourceError, FieldError, GeometryError

from ioc.domain.errors import LayerFileError
from layers.sources import MAX_COLUMNS, MAX_ROWS, Table

# These hold bytes of an unknown encoding: ISO-8859-1 keeps every one for layers.encoding.
_OLD: Final = frozenset({"ESRI Shapefile", "MapInfo File"})
_NO_SYSTEM: Final = frozenset({"DXF"})
# What GDAL's KML reader adds to every row.
_KML_EXTRA: Final = frozenset(
    "id timestamp begin end altitudeMode tessellate extrude visibility drawOrder icon".split()  # noqa: SIM905
)
_BROKEN: Final = (
    DataSourceError, DataLayerError, FieldError, GeometryError,
    UnicodeDecodeError, ValueError, shapely.errors.GEOSException,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file by GDAL's driver of this name; the caller has looked that the content is its."""

    path: Path
    driver: str

    def inner(self) -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said again when the layer is read
            try:
                names = [str(name) for name, kind in pyogrio.list_layers(self.path) if kind]
                return [name for name in names if self._count(name)]
            except (DataSourceError, DataLayerError) as error:
                raise LayerFileError("unreadable", reason=_said(error)) from error

    def _count(self, name: str) -> int:
        """Return how many features a layer has: a KMZ has one more, of nothing but links."""
        return int(pyogrio.read_info(self.path, layer=name, force_feature_count=True)["features"])

    def read(self, name: str) -> Table:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                meta, _, wkb, data = raw.read(
                    self.path,
                    layer=name,
                    encoding="ISO-8859-1" if self.driver in _OLD else None,
                    max_features=MAX_ROWS + 1,
                    datetime_as_string=True,
                )
                geometry = shapely.from_wkb(wkb, on_invalid="ignore")
            except _BROKEN as error:
                raise LayerFileError("unreadable", reason=_said(error)) from error
        if wkb is None:
            raise LayerFileError("no_geometry", name=name)
        if len(wkb) > MAX_ROWS:
            raise LayerFileError("too_many_rows", limit=MAX_ROWS)
        if len(meta["fields"]) > MAX_COLUMNS:
            raise LayerFileError("too_many_columns", limit=MAX_COLUMNS)
        columns = {
            str(field): _objects(values)
            for field, values in zip(meta["fields"], data, strict=True)
            if not (self.driver == "LIBKML" and field in _KML_EXTRA)
        }
        wkt = None if self.driver in _NO_SYSTEM else meta["crs"]
        notes = tuple(dict.fromkeys(str(one.message) for one in told))
        return Table(name, columns, geometry, wkt, notes=notes)


def _objects(values: NDArray[Any]) -> NDArray[Any]:
    """Return Python objects; None where the file has nothing."""
    if values.dtype.kind == "f":
        found = values.astype(object)
        found[np.isnan(values)] = None
        return found
    return values if values.dtype == object else values.astype(object)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
