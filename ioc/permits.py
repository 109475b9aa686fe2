"""Limits of stations from a CSV, as a department keeps them from permits; or everything wrong.

One row a limit: station (its device's id), parameter (code of the catalogue), unit, low, high,
window (1h, 8h, 24h …; empty: each single value), basis, valid_from, valid_to. A row with neither
low nor high takes over what the regulation named as its basis says (`config/limits`) for that
parameter, or for all of them where no parameter is named.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import isfinite
from typing import Final, NamedTuple

from ioc.catalogue import Catalogue
from ioc.domain.errors import ConfigError
from ioc.domain.legal_limit import Averaging, LegalLimit
from ioc.limits import WINDOWS_S
from ioc.text import say

MOST_ROWS: Final = 20_000  # a province has some hundred stations of twenty limits
COLUMNS: Final = (
    "station",
    "parameter",
    "unit",
    "low",
    "high",
    "window",
    "basis",
    "valid_from",
    "valid_to",
)
_REQUIRED: Final = ("station", "basis")
_NUMBER: Final = re.compile(r"-?\d{1,9}([.,]\d{1,9})?")
_DATES: Final = ("%Y-%m-%d", "%d/%m/%Y")


class Refused(NamedTuple):
    """A row that is not taken: its number, and a code with words in ioc/text."""

    row: int
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """One limit for one station."""

    station: str
    limit: LegalLimit


@dataclass(frozen=True, slots=True)
class Known:
    """What rows may name: stations by their device's id, properties, limits of regulations."""

    stations: Collection[str]
    catalogue: Catalogue
    limits: Sequence[LegalLimit]


def read(text: str, known: Known) -> tuple[list[Put], list[Refused]]:
    """Return the limits of a file and the rows that are refused; ConfigError for no such file."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), _delimiter(text))
    names = [cell.strip().lower() for cell in next(lines, [])]
    if any(name not in COLUMNS for name in names) or any(n not in names for n in _REQUIRED):
        raise ConfigError(say("limits.header", columns=", ".join(COLUMNS)))
    puts: list[Put] = []
    refused: list[Refused] = []
    first: dict[tuple[object, ...], int] = {}
    for number, cells in enumerate(lines, 2):
        if number > MOST_ROWS + 1:
            raise ConfigError(say("limits.too_long", most=MOST_ROWS))
        row = {n: c.strip() for n, c in zip(names, cells, strict=False) if c.strip()}
        if not row:
            continue
        try:
            puts += _new(_puts(row, known), number, first)
        except _BadRowError as error:
            refused.append(Refused(number, error.code, error.detail))
    if not puts and not refused:
        refused.append(Refused(1, "no_rows"))
    return puts, refused


def explain(one: Refused) -> str:
    """Return in words why a row is not taken."""
    words = say(f"limits.refused.{one.code}", detail=one.detail)
    return say("limits.row", row=one.row, words=words)


class _BadRowError(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def _new(puts: Iterator[Put], number: int, first: dict[tuple[object, ...], int]) -> Iterator[Put]:
    for put in list(puts):
        before = first.setdefault(_key(put), number)
        if before != number:
            raise _BadRowError("twice", str(before))
        yield put


def _puts(row: Mapping[str, str], known: Known) -> Iterator[Put]:
    for name in _REQUIRED:
        if name not in row:
            raise _BadRowError("empty", name)
    if row["station"] not in known.stations:
        raise _BadRowError("station", row["station"])
    if "parameter" in row and row["parameter"] not in known.catalogue:
        raise _BadRowError("parameter", row["parameter"])
    begins, ends = _date(row, "valid_from"), _date(row, "valid_to")
    if begins and ends and ends < begins:
        raise _BadRowError("ends_first", row["valid_to"])
    if "low" in row or "high" in row:
        yield Put(row["station"], _own(row, known, begins, ends))
        return
    wanted = row.get("parameter")
    found = [
        within
        for one in known.limits
        if one.standard == row["basis"] and wanted in (None, one.observed_property)
        if (within := _within(one, begins, ends)) is not None
    ]
    if not found:
        raise _BadRowError("basis", row["basis"])
    for one in found:
        yield Put(row["station"], one)


def _within(one: LegalLimit, begins: date | None, ends: date | None) -> LegalLimit | None:
    """Return a regulation's limit for as long as it and the row both hold."""
    since = max((day for day in (one.valid_from, begins) if day), default=None)
    until = min((day for day in (one.valid_to, ends) if day), default=None)
    if since and until and until < since:
        return None
    return replace(one, valid_from=since, valid_to=until)


def _own(
    row: Mapping[str, str], known: Known, begins: date | None, ends: date | None
) -> LegalLimit:
    """Return the limit of a permit: its own number is as sure as the permit itself."""
    if "parameter" not in row:
        raise _BadRowError("empty", "parameter")
    unit = known.catalogue[row["parameter"]].unit
    if row.get("unit", unit) != unit:
        raise _BadRowError("unit", unit)
    window = row.get("window")
    if window is not None and window not in WINDOWS_S:
        raise _BadRowError("window", ", ".join(WINDOWS_S))
    low, high = _number(row, "low"), _number(row, "high")
    if low is not None and high is not None and low >= high:
        raise _BadRowError("low_high")
    return LegalLimit(
        id="|".join((row["basis"], row["parameter"], window or "value", str(begins or ""))),
        standard=row["basis"],
        observed_property=row["parameter"],
        unit=unit,
        low=low,
        high=high,
        averaging=None if window is None else Averaging("mean", WINDOWS_S[window]),
        min_coverage=0.75,
        source=row["basis"],
        title_vi=row["basis"],
        title_en=row["basis"],
        confidence="A",
        valid_from=begins,
        valid_to=ends,
    )


def _key(put: Put) -> tuple[object, ...]:
    one = put.limit
    window = one.averaging and one.averaging.length_s
    return put.station, one.observed_property, window, one.standard, one.valid_from


def _number(row: Mapping[str, str], name: str) -> float | None:
    cell = row.get(name)
    if cell is None:
        return None
    if not _NUMBER.fullmatch(cell) or not isfinite(value := float(cell.replace(",", "."))):
        raise _BadRowError("number", cell)
    return value


def _date(row: Mapping[str, str], name: str) -> date | None:
    cell = row.get(name)
    if cell is None:
        return None
    for form in _DATES:
        try:
            return datetime.strptime(cell, form).date()  # noqa: DTZ007  a date has no zone
        except ValueError:
            continue
    raise _BadRowError("date", cell)


def _delimiter(text: str) -> type[csv.Dialect]:
    """Return how cells are separated: spreadsheets in Vietnamese write semicolons."""
    head = text.split("\n", 1)[0]

    class _Found(csv.excel):
        delimiter = max(",;\t", key=head.count)

    return _Found
