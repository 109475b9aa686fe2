"""A list of alerts as a table to take away: what the filter shows, as CSV or XLSX.

Both hold the same columns with Vietnamese heads; times are the province's. A text that a
spreadsheet would run as a formula is marked as text: names come from devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from ioc.domain.instant import Micros, to_datetime
from ioc.text import say
from ioc.web import spreadsheet

MOST: Final = 10_000  # rows of one file; whoever needs more narrows the time
# Columns in their order; words under `alerts.file.`.
COLUMNS: Final = (
    "severity", "name", "place", "commune", "property", "result", "peak", "limit", "unit",
    "state", "raised", "returned", "acked_at", "acked_by", "assignee", "handling", "mask",
    "closed", "legal_ref", "id",
)  # fmt: skip
_TIMES: Final = frozenset({"raised", "returned", "acked_at", "closed"})


def limit_words(row: Mapping[str, Any]) -> Any:  # noqa: ANN401  a number, or a band in words
    """Return the limit; of a two-sided rule both."""
    if row.get("low") is None or row.get("high") is None:
        return row["limit"]
    side = "alerts.limit_inside" if row["op"] == "inside" else "alerts.limit_outside"
    return say(side, low=_plain(row["low"]), high=_plain(row["high"]))


def _standing(row: Mapping[str, Any]) -> str:
    if row["closed"] is not None:
        return "alerts.state.closed"
    if row["mask"]:
        return f"alert.mask.{row['mask']}"
    if row["acked"]:
        return "alerts.state.acked"
    return f"alerts.state.{'unacked' if row['active'] else 'returned'}"


def _plain(value: float) -> str:
    return f"{value:g}".replace(".", ",")


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "severity": lambda row: say(f"severity.{row['severity']}"),
    "property": lambda row: row["property_name"],
    "limit": limit_words,
    "state": lambda row: say(_standing(row)),
    "mask": lambda row: say(f"alert.mask.{row['mask']}") if row["mask"] else None,
    "handling": lambda row: say(f"alert.handling.{row['handling']}"),
}


def heads() -> list[str]:
    """Return the column heads."""
    return [say(f"alerts.file.{name}") for name in COLUMNS]


def table(rows: Iterable[Mapping[str, Any]], zone: tzinfo) -> list[list[Any]]:
    """Return rows of the desk as cells: text, number, local time without zone, or None."""
    return [[_cell(row, name, zone) for name in COLUMNS] for row in rows]


def as_csv(cells: Sequence[Sequence[Any]]) -> bytes:
    """Return a CSV that spreadsheets open as UTF-8."""
    return spreadsheet.as_csv(heads(), cells)


def as_xlsx(cells: Sequence[Sequence[Any]]) -> bytes:
    """Return a workbook with one sheet, its head frozen."""
    return spreadsheet.as_xlsx(say("alerts.sheet"), heads(), cells)


def _cell(row: Mapping[str, Any], name: str, zone: tzinfo) -> Any:  # noqa: ANN401  see table
    value: Any = _WORDS[name](row) if name in _WORDS else row[name]
    if name in _TIMES and value is not None:
        local = to_datetime(Micros(int(value) * 1000)).astimezone(zone)
        return local.replace(tzinfo=None, microsecond=0)
    return spreadsheet.harmless(value)
