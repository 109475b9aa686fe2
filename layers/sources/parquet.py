"""GeoParquet 1.0 and 1.1: columns by pyarrow, geometry as WKB, the system from its metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from ioc.domain.errors import LayerFileError
from layers.sources import MAX_COLUMNS, MAX_ROWS, Table

MAX_UNPACKED: Final = 2 << 30  # bytes of all column chunks, as the file itself counts them
_CRS84: Final = "OGC:CRS84"  # what a file means that says no system


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """One file, which is one layer."""

    path: Path

    def inner(self) -> list[str]:
        return [self.path.stem]

    def read(self, name: str) -> Table:
        try:
            with pq.ParquetFile(self.path) as file:
                return _table(name, file)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise LayerFileError("unreadable", reason=" ".join(str(error).split())[:200]) from error


def _table(name: str, file: Any) -> Table:  # noqa: ANN401  pyarrow has no types
    about = file.metadata
    groups = (about.row_group(index) for index in range(about.num_row_groups))
    if sum(group.total_byte_size for group in groups) > MAX_UNPACKED:
        raise LayerFileError("zip_bomb", limit=MAX_UNPACKED >> 30)
    if about.num_rows > MAX_ROWS:
        raise LayerFileError("too_many_rows", limit=MAX_ROWS)
    if about.num_columns > MAX_COLUMNS:
        raise LayerFileError("too_many_columns", limit=MAX_COLUMNS)
    geo = json.loads((about.metadata or {}).get(b"geo", b"null"))
    if geo is None:
        raise LayerFileError("no_geometry", name=name)
    primary = geo["primary_column"]
    told = geo["columns"][primary]
    if told["encoding"] != "WKB":
        raise LayerFileError("unreadable", reason=f"encoding {told['encoding']}")
    table = file.read()
    columns = {
        field.name: _objects(table.column(index))
        for index, field in enumerate(table.schema)
        if field.name not in geo["columns"] and not pa.types.is_struct(field.type)
    }
    geometry = shapely.from_wkb(table.column(primary).to_pylist(), on_invalid="ignore")
    return Table(name, columns, np.asarray(geometry, dtype=object), _system(told))


def _objects(column: Any) -> Any:  # noqa: ANN401
    found = np.empty(len(column), dtype=object)
    found[:] = [
        ",".join(map(str, cell)) if isinstance(cell, list) else cell for cell in column.to_pylist()
    ]
    return found


def _system(told: dict[str, Any]) -> str | None:
    """Return what declares the system; a null one is unknown, which a person is asked about."""
    if "crs" not in told:
        return _CRS84
    return None if told["crs"] is None else json.dumps(told["crs"])
