"""CSV and XLSX: rows of cells under a header, wherever in the sheet the header is."""

from __future__ import annotations

import csv
import io
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import openpyxl

from ioc.domain.errors import LayerFileError
from ioc.exports import harmful
from layers.sources import MAX_COLUMNS, MAX_ROWS, Table, packed

_HEAD: Final = 30  # lines that may hold titles before the header
_DELIMITERS: Final = (",", ";", "\t", "|")
_FIELD: Final = 1 << 20  # characters of one CSV cell; a commune's outline as WKT fits

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A text table; bytes that are not UTF-8 are kept one by one for layers.encoding."""

    path: Path

    def inner(self) -> list[str]:
        return [self.path.stem]

    def read(self, name: str) -> Table:
        text = _text(self.path.read_bytes())
        csv.field_size_limit(_FIELD)
        try:
            return table(
                name, csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
            )
        except csv.Error as error:
            raise LayerFileError("unreadable", reason=str(error)) from error


@dataclass(frozen=True, slots=True)
class XlsxFile:
    """A workbook; each sheet with cells is an inner layer. Formulas count as their last result."""

    path: Path

    def inner(self) -> list[str]:
        book = self._open()
        try:
            return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        finally:
            book.close()

    def read(self, name: str) -> Table:
        book = self._open()
        try:
            return table(name, book[name].iter_rows(values_only=True, max_col=MAX_COLUMNS))
        except (KeyError, ValueError, TypeError, SyntaxError) as error:
            raise LayerFileError("unreadable", reason=str(error)) from error
        finally:
            book.close()

    def _open(self) -> Any:  # noqa: ANN401  openpyxl has no types
        packed.check(self.path)  # openpyxl unpacks without a limit
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of features like data validation, unused here
                return openpyxl.load_workbook(self.path, read_only=True, data_only=True)
        except (BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
            raise LayerFileError("unreadable", reason=str(error)) from error


def table(name: str, rows: Iterable[Row]) -> Table:
    """Return rows as columns; the header is the first row as full as any, all of it text."""
    numbered = enumerate(rows, start=1)
    head = [(number, list(row)) for number, row in islice(numbered, _HEAD)]
    at = _header(head)
    if at is None:
        raise LayerFileError("no_header")
    number, titles = head[at]
    width = max((i + 1 for i, title in enumerate(titles) if _filled(title)), default=0)
    if width > MAX_COLUMNS:
        raise LayerFileError("too_many_columns", limit=MAX_COLUMNS)
    body = [row for _, row in head[at + 1 :]] + [list(row) for _, row in _bounded(numbered)]
    while body and not any(_filled(cell) for cell in body[-1]):
        body.pop()
    columns = list(islice(zip_longest(*body), width)) or [()] * width
    return Table(
        name,
        {
            title: _array(values)
            for title, values in zip(_titles(titles[:width]), columns, strict=False)
        },
        geometry=None,
        row=number + 1,
    )


def _bounded(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    for number, row in rows:
        if number > MAX_ROWS:
            raise LayerFileError("too_many_rows", limit=MAX_ROWS)
        yield number, row


def _header(head: list[tuple[int, list[Any]]]) -> int | None:
    """Return the index of the header: a title line above it fills fewer cells."""
    filled = [sum(map(_filled, row)) for _, row in head]
    most = max(filled, default=0)
    for index, (_, row) in enumerate(head):
        texts = all(isinstance(cell, str) and not _number(cell) for cell in row if _filled(cell))
        if most > 1 and filled[index] >= max(2, 0.6 * most) and texts:
            return index
    return None


def _number(cell: str) -> bool:
    return cell.strip().replace(".", "").replace(",", "").replace("-", "").isdecimal()


def _filled(cell: object) -> bool:
    return cell is not None and str(cell).strip() != ""


def _titles(titles: Sequence[Any]) -> list[str]:
    """Return distinct column names, the letter of the sheet's column where there is none."""
    seen: Counter[str] = Counter()
    found = []
    for index, title in enumerate(titles):
        name = str(title).strip() if _filled(title) else f"#{index + 1}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found


def _array(values: Sequence[Any]) -> Any:  # noqa: ANN401
    found = np.empty(len(values), dtype=object)
    # A text that an export kept from being a formula is what it was.
    plain = [harmful(value) if isinstance(value, str) else value for value in values]
    found[:] = [value if _filled(value) else None for value in plain]
    return found


def _text(content: bytes) -> str:
    """Return the text; ISO-8859-1 keeps the bytes of what is not Unicode."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _delimiter(text: str) -> str:
    """Return what splits the first lines into the most cells, alike in most of them."""
    lines = [line for line in text[:20_000].splitlines()[:_HEAD] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        counts = Counter(line.count(delimiter) for line in lines)
        cells, times = max(counts.items(), key=lambda one: (one[0] > 0, one[1], one[0]))
        return (times if cells else 0, cells)

    return max(_DELIMITERS, key=score)
