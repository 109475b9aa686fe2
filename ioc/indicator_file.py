"""Figures of indicators from a CSV or XLSX, as an office keeps them; or everything that is wrong.

One row a figure: `indicator` (its id in the catalogue), `date` (2025, 2025-Q2, 2025-06, 2025-06-30
or 30/06/2025: a period means its last day), `value` (with a comma or a point). Other columns are
ignored, so that a register may be given as it is.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from typing import Any, Final, NamedTuple

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ioc.domain.errors import Refusal
from ioc.text import say

MOST_BYTES: Final = 8 << 20
MOST_UNPACKED: Final = 64 << 20  # a workbook is a ZIP: what it says it holds is bounded too
MOST_ROWS: Final = 40_000  # 300 indicators of ten years by month
MOST_CELLS: Final = 64  # of one row
COLUMNS: Final = {
    "indicator": ("indicator", "id", "ma", "mã", "mã chỉ số", "chỉ số"),
    "date": ("date", "ky", "kỳ", "ngày", "thời điểm"),
    "value": ("value", "gia tri", "giá trị"),
}
_QUARTER: Final = re.compile(r"(\d{4})-?Q([1-4])", re.IGNORECASE)
_MONTH: Final = re.compile(r"(\d{4})-(\d{1,2})|(\d{1,2})/(\d{4})")
_YEAR: Final = re.compile(r"\d{4}")
_DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y")
_NUMBER: Final = re.compile(r"-?\d+([.,]\d+)?")
_THOUSANDS: Final = re.compile(r"-?\d{1,3}(\.\d{3})+,\d+|-?\d{1,3}(\.\d{3}){2,}")
_FIRST_YEAR: Final = 1990


class FileError(Refusal):
    """The file cannot be read as a table at all; its words are for whoever sent it."""


class Row(NamedTuple):
    """One figure of a file; `row` is its number there."""

    row: int
    indicator: str
    at: date
    value: float


class Refused(NamedTuple):
    """A row that is not taken, and why in words."""

    row: int
    words: str


@dataclass(slots=True)
class Found:
    """What a file says."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def read(name: str, body: bytes, known: Collection[str], today: date) -> Found:
    """Return the figures of a file. FileError for what is no table of figures."""
    if len(body) > MOST_BYTES:
        raise FileError(say("indicators.file.too_large", most=MOST_BYTES >> 20))
    table = _xlsx(body) if name.lower().endswith(".xlsx") else _csv(body)
    lines = enumerate(table, 1)
    columns: dict[str, int] = {}
    for _, cells in lines:
        if any(_text(cell) for cell in cells):
            columns = _columns(cells)
            break
    if len(columns) < len(COLUMNS):
        raise FileError(say("indicators.file.header"))
    found, seen = Found(), dict[tuple[str, date], int]()
    for number, cells in lines:
        if not any(_text(cell) for cell in cells):
            continue
        if len(found.rows) + len(found.refused) >= MOST_ROWS:
            raise FileError(say("indicators.file.too_long", most=MOST_ROWS))
        _take(number, cells, columns, found, seen, known=known, today=today)
    if not found.rows and not found.refused:
        raise FileError(say("indicators.file.no_rows"))
    return found


def _take(  # noqa: PLR0913  the row, and what it is held against
    number: int,
    cells: Sequence[Any],
    columns: dict[str, int],
    found: Found,
    seen: dict[tuple[str, date], int],
    *,
    known: Collection[str],
    today: date,
) -> None:
    def refuse(code: str, detail: object = "") -> None:
        words = say(f"indicators.file.refused.{code}", detail=detail)
        found.refused.append(Refused(number, words))

    code, when, what = (_cell(cells, columns[name]) for name in ("indicator", "date", "value"))
    at, value = _date(when), _number(what)
    if _text(code) not in known:
        refuse("indicator", detail=_text(code)[:64])
    elif at is None:
        refuse("date", detail=_text(when)[:40])
    elif at > today or at.year < _FIRST_YEAR:
        refuse("future", detail=f"{at:%d/%m/%Y}")
    elif value is None:
        refuse("number", detail=_text(what)[:40])
    elif (before := seen.setdefault((_text(code), at), number)) != number:
        refuse("twice", detail=before)
    else:
        found.rows.append(Row(number, _text(code), at, value))


def _csv(body: bytes) -> Iterable[Sequence[Any]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(say("indicators.file.not_utf8")) from error
    head = text.split("\n", 1)[0]

    class _Found(csv.excel):
        delimiter = max(",;\t", key=head.count)

    try:
        return list(csv.reader(io.StringIO(text, newline=""), _Found))
    except csv.Error as error:
        raise FileError(say("indicators.file.no_table")) from error


def _xlsx(body: bytes) -> Iterator[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MOST_UNPACKED:
                raise FileError(say("indicators.file.too_large", most=MOST_BYTES >> 20))
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        yield from sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 100, max_col=MOST_CELLS)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise FileError(say("indicators.file.no_table")) from error


def _columns(cells: Sequence[Any]) -> dict[str, int]:
    heads = [_text(cell).lower() for cell in cells]
    return {
        name: place
        for name, words in COLUMNS.items()
        if (place := next((i for i, head in enumerate(heads) if head in words), None)) is not None
    }


def _cell(cells: Sequence[Any], place: int) -> Any:  # noqa: ANN401  whatever a spreadsheet holds
    return cells[place] if place < len(cells) else None


def _text(cell: Any) -> str:  # noqa: ANN401
    return "" if cell is None else str(cell).strip()


def _date(cell: Any) -> date | None:  # noqa: ANN401
    """Return the day a figure holds for; of a period its last one."""
    if isinstance(cell, datetime):
        return cell.date()
    text = _text(cell)
    if _YEAR.fullmatch(text):
        return _last(int(text), 12)
    if quarter := _QUARTER.fullmatch(text):
        return _last(int(quarter[1]), 3 * int(quarter[2]))
    if month := _MONTH.fullmatch(text):
        return _last(int(month[1] or month[4]), int(month[2] or month[3]))
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a date has no zone
        except ValueError:
            continue
    return None


def _last(year: int, month: int) -> date | None:
    if not (1 <= month <= 12 and year >= 1):  # noqa: PLR2004  months
        return None
    return date(year, month, monthrange(year, month)[1])


def _number(cell: Any) -> float | None:  # noqa: ANN401
    """Return a number; "1.234,5" and "1.234.567" are written as Vietnamese offices do.

    "1.234" alone could be either and is what every program takes it for: 1,234 with a point.
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell) if isfinite(cell) else None
    text = _text(cell).replace("\u00a0", "").removesuffix("%").strip()
    if _THOUSANDS.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) and len(text) < 40 else None  # noqa: PLR2004  digits no office writes
