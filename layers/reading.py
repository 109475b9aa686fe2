"""A table as a file has it to fields with values and geometries in the file's own system. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ioc.domain.errors import LayerFileError
from ioc.layer_schema import Field, Schema
from layers import coordinates, mapping
from layers.encoding import Encoding, Guess, decode, detect
from layers.sources import Table

_SAMPLE: Final = 3_000  # rows whose texts tell the encoding


@dataclass(slots=True)
class Rows:
    """`values`: field -> one value a row. `reasons` and `fields`: why a row is not taken, where.

    `chosen`: the file's column -> field. `degrees`: the columns say longitude and latitude.
    """

    first: int
    values: dict[str, list[Any]]
    geometry: NDArray[Any]
    chosen: dict[str, str | None]
    reasons: NDArray[Any]
    fields: NDArray[Any]
    degrees: bool

    def __len__(self) -> int:
        return len(self.geometry)

    def refuse(self, rows: NDArray[Any], reasons: NDArray[Any] | str, field: str = "") -> None:
        """Note why rows are not taken; the first reason of a row stays."""
        told = np.full(len(self), "", dtype=object)
        told[rows] = reasons
        fresh = (self.reasons == "") & (told != "")
        self.reasons[fresh] = told[fresh]
        self.fields[fresh] = field

    @property
    def taken(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.reasons == "")


def translated(table: Table, asked: str) -> tuple[dict[str, NDArray[Any]], Guess]:
    """Return the columns in Unicode, and which encoding that took; LayerFileError for none such."""
    if asked == "auto":
        guess = detect(_texts(table))
    else:
        try:
            guess = Guess(Encoding(asked.lower()), 1.0, "given")
        except ValueError:
            known = ", ".join(Encoding)
            raise LayerFileError("no_encoding", name=asked, known=known) from None
    seen: dict[str, str] = {}

    def unicode(cell: Any) -> Any:  # noqa: ANN401
        if not isinstance(cell, str) or cell.isascii():
            return cell
        if cell not in seen:
            seen[cell] = decode(cell, guess.name)
        return seen[cell]

    columns: dict[str, NDArray[Any]] = {}
    for name, values in table.columns.items():
        cells = np.empty(len(values), dtype=object)
        cells[:] = [unicode(cell) for cell in values]
        columns[str(unicode(name))] = cells
    return columns, guess


def rows(
    table: Table,
    columns: dict[str, NDArray[Any]],
    schema: Schema,
    given: Mapping[str, str],
    remembered: Mapping[str, str],
) -> Rows:
    """Return the rows with typed values; LayerFileError where nothing tells place or code."""
    geometry, places, degrees = table.geometry, {}, False
    if geometry is None:
        placed = coordinates.place(columns, {**remembered, **given})
        if placed is None:
            raise LayerFileError("no_coordinates", known=", ".join(columns))
        geometry, places, degrees = placed.geometry, placed.columns, placed.degrees
    empty = {name for name, cells in columns.items() if name not in given and not _any(cells)}
    left = [name for name in columns if name not in places and name not in empty]
    said = {c: f for c, f in given.items() if c not in places}
    chosen = mapping.columns(schema, left, given=said, remembered=remembered)
    if "code" not in chosen.values() and "name" not in chosen.values():
        raise LayerFileError("no_code", known=", ".join(columns))
    found = Rows(
        first=table.row,
        values={},
        geometry=geometry,
        chosen={name: places.get(name, chosen.get(name)) for name in columns},
        reasons=np.full(len(geometry), "", dtype=object),
        fields=np.full(len(geometry), "", dtype=object),
        degrees=degrees,
    )
    for column, name in chosen.items():
        field = None if name is None else schema.field(name)
        if field is not None:
            found.values[field.name] = _read(found, field, columns[column])
    return found


def coded(found: Rows) -> bool:
    """Give each row its code, by name where no column has one; say whether a column has.

    Rows without a code, and those whose code an earlier row has, are refused.
    """
    own = "code" in found.values
    codes = [mapping.text(code) for code in found.values.get("code", found.values.get("name", []))]
    found.values["code"] = codes
    found.values.setdefault("name", list(codes))
    field = "code" if own else "name"
    missing = np.array([code is None for code in codes], dtype=bool)
    found.refuse(missing, "no_code", field)
    seen: set[str] = set()
    twice = np.zeros(len(codes), dtype=bool)
    for index, code in enumerate(codes):
        twice[index] = code in seen
        if code is not None:
            seen.add(code)
    found.refuse(twice, "same_code", field)
    return own


def _read(found: Rows, field: Field, cells: NDArray[Any]) -> list[Any]:
    """Return the values of a column; a cell that does not fit refuses its row."""
    read = _remembering(mapping.reader(field))
    values: list[Any] = []
    bad = np.full(len(cells), "", dtype=object)
    for index, cell in enumerate(cells):
        value, reason = read(cell)
        values.append(value)
        if reason:
            bad[index] = reason
    found.refuse(bad != "", bad[bad != ""], field.name)
    return values


def _remembering(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, str]]:
    """Return a reader that does the work once for each distinct text."""
    seen: dict[str, tuple[Any, str]] = {}

    def attempt(cell: Any) -> tuple[Any, str]:  # noqa: ANN401
        try:
            return read(cell), ""
        except mapping.BadValueError as error:
            return None, str(error)

    def cached(cell: Any) -> tuple[Any, str]:  # noqa: ANN401
        if not isinstance(cell, str):
            return attempt(cell)
        if cell not in seen:
            seen[cell] = attempt(cell)
        return seen[cell]

    return cached


def _any(cells: NDArray[Any]) -> bool:
    """Say whether a column has a value: an empty one must not take the field of a full one."""
    return any(cell is not None and cell != "" for cell in cells)


def _texts(table: Table) -> list[str]:
    step = max(1, len(table) // _SAMPLE)
    cells = [cell for values in table.columns.values() for cell in values[::step]]
    return [*table.columns, *(cell for cell in cells if isinstance(cell, str))]
