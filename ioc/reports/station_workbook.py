"""A station's month as a workbook: the printed report's tables, all rows, numbers as numbers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font

from ioc.domain import station_month
from ioc.domain.station_month import Month
from ioc.reports import station
from ioc.reports import station_words as words
from ioc.reports.station import Station
from ioc.reports.workbook import safe, table
from ioc.text import say

Rows = list[tuple[Any, ...]]


def make(month: Month, about: Station, issuer: str) -> bytes:
    """Return the XLSX of a station's month."""
    book = Workbook()
    summary: Any = book.active
    summary.title = say("station.sheet.summary")
    title = words.title(about.name, month)
    for line in (issuer, title, *station.lines(month, about), words.sentence(month)):
        summary.append([safe(line)])
    summary["A2"].font = Font(bold=True, size=16)
    summary.column_dimensions["A"].width = 100
    sheets: tuple[tuple[str, tuple[str, ...], Rows], ...] = (
        ("parameters", _PARAMETERS, _parameters(month)),
        ("limits", _LIMITS, _limits(month, about)),
        ("breaches", _RUNS, _runs(month, about, "breaches")),
        ("early", _RUNS, _runs(month, about, "early")),
        ("days", ("parameter", "unit", "day", "mean"), _days(month)),
        ("interruptions", ("since", "until", "length", "duty"), _gaps(month, about)),
        ("indices", ("index_of", "time", "index", "category"), _indices(month, about)),
    )
    for name, columns, rows in sheets:
        head = tuple(say(f"station.column.{column}") for column in columns)
        table(book.create_sheet(say(f"station.sheet.{name}")), head, rows)
    found = BytesIO()
    book.save(found)
    return found.getvalue()


_PARAMETERS = (
    "parameter", "unit", "mean", "low", "high", "share", "valid", "over", "calibrating", "fault",
    "enough",
)  # fmt: skip
_LIMITS = (
    "parameter", "low_limit", "high_limit", "unit", "window", "basis", "validity", "sure",
    "judged_only", "unjudged", "beyond",
)  # fmt: skip
_RUNS = ("parameter", "span", "worst", "unit", "limit", "window", "basis", "windows")


def _parameters(month: Month) -> Rows:
    kept = month.statuses
    return [
        (
            one.stream.name,
            one.stream.unit,
            _round(one.mean),
            _round(one.low),
            _round(one.high),
            None if there.share is None else round(100 * there.share, 1),
            there.valid,
            there.hours,
            round(there.calibrating, 2) if kept else None,
            round(there.fault, 2) if kept else None,
            say("station.enough" if there.enough else "station.not_enough"),
        )
        for one in month.parameters
        for there in (one.availability,)
    ]


def _limits(month: Month, about: Station) -> Rows:
    return [
        (
            one.stream.name,
            limit.low,
            limit.high,
            limit.unit,
            words.window(limit),
            limit.standard,
            words.validity(limit),
            words.confidence(limit, about.given_by.get(limit.id, "")),
            verdict.judged,
            verdict.unjudged,
            verdict.beyond,
        )
        for one in month.parameters
        for verdict in one.verdicts
        for limit in (verdict.limit,)
    ]


def _runs(month: Month, about: Station, kind: str) -> Rows:
    return [
        (
            one.stream.name,
            words.span(run, about.zone),
            _round(run.worst),
            one.stream.unit,
            words.limit(verdict.limit),
            words.window(verdict.limit),
            verdict.limit.standard,
            run.windows,
        )
        for one, verdict, run in station.runs(month, kind)
    ]


def _days(month: Month) -> Rows:
    return [
        (one.stream.name, one.stream.unit, station_month.day(day), _round(value))
        for one in month.parameters
        for day, value in one.days(month.period)
    ]


def _gaps(month: Month, about: Station) -> Rows:
    end = int(about.made.timestamp())
    return [
        (
            words.second(gap.since, about.zone),
            words.second(gap.until, about.zone) if gap.until else say("station.lasts"),
            round(((gap.until or end) - gap.since) / 3600, 2),
            say("station.notice", hours=12) if gap.notice else "",
        )
        for gap in month.interruptions
    ]


def _indices(month: Month, about: Station) -> Rows:
    return [
        (
            say(f"indices.{one.of}"),
            words.at(one.hour + 1, about.zone),
            one.index,
            words.category(one.of, one.category),
        )
        for one in month.indices
    ]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
