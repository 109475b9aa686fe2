"""The leaders' brief as a workbook: the printed one's numbers, with charts that can be changed."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from ioc.domain.brief import Report
from ioc.reports import brief, said
from ioc.text import say

_STRONG: Final = Font(bold=True)
_WIDEST: Final = 60  # characters of a column
# A text of a device that begins so would be read as a formula by whoever opens the file.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def make(report: Report, issuer: str, zone: ZoneInfo) -> bytes:
    """Return the XLSX of a report."""
    book = Workbook()
    summary: Any = book.active
    summary.title = say("brief_report.sheet.summary")
    _summary(summary, report, issuer, zone)
    _days(book.create_sheet(say("brief_report.sheet.days")), report)
    table(
        book.create_sheet(say("brief_report.sheet.alerts")),
        brief.head(),
        [brief.row(alert, zone) for alert in report.alerts],
    )
    columns = tuple(say(f"brief_report.column.{one}") for one in ("at", "by", "place", "note"))
    given = [
        (f"{one.at.astimezone(zone):%H:%M %d/%m/%Y}", one.by, one.place, one.note)
        for one in report.directions
    ]
    table(book.create_sheet(say("brief_report.sheet.directions")), columns, given)
    found = BytesIO()
    book.save(found)
    return found.getvalue()


def _summary(sheet: Any, report: Report, issuer: str, zone: ZoneInfo) -> None:  # noqa: ANN401
    critical = [row.short for row in report.open_now if row.severity == 1]
    sentence = "".join(text for text, _ in said.sentence(report.levels, critical))
    made = say("brief_report.made", time=f"{report.made.astimezone(zone):%H:%M %d/%m/%Y}")
    for words in (issuer, brief.title(report), made, sentence):
        sheet.append([safe(words)])
    if report.simulated:
        sheet.append([say("brief_report.simulated")])
    sheet["A2"].font = Font(bold=True, size=16)
    sheet.append([])
    past = [say("brief_report.days_ago", n=n) for n in range(7, 0, -1)]
    sheet.append([say("brief_report.column.count"), *past, say("brief_report.now")])
    top = sheet.max_row
    for cell in sheet[top]:
        cell.font = _STRONG
    for words, trend in brief.trends(report):
        sheet.append([words, *trend.days])
    chart = LineChart()
    chart.title = say("brief_report.trend")
    rows = Reference(sheet, min_col=1, max_col=9, min_row=top + 1, max_row=top + 4)
    chart.add_data(rows, from_rows=True, titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=2, max_col=9, min_row=top))
    chart.height, chart.width = 8, 20
    sheet.add_chart(chart, f"A{top + 7}")
    _fit(sheet, skip=top - 1)


def _days(sheet: Any, report: Report) -> None:  # noqa: ANN401
    columns = [say("brief_report.column.day"), *(say(f"severity.{s}") for s in brief.SEVERITIES)]
    rows = brief.days(report)
    table(sheet, tuple(columns), [(day, *counts) for day, counts in rows])
    chart = BarChart()
    chart.type, chart.grouping, chart.overlap = "col", "stacked", 100
    chart.title = say("brief_report.by_day")
    chart.add_data(
        Reference(sheet, min_col=2, max_col=5, min_row=1, max_row=len(rows) + 1),
        titles_from_data=True,
    )
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=len(rows) + 1))
    chart.height, chart.width = 8, 20
    sheet.add_chart(chart, "G2")


def table(sheet: Any, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:  # noqa: ANN401
    """Fill a sheet with a table; texts that a spreadsheet would run are made harmless."""
    sheet.append(list(head))
    for cell in sheet[1]:
        cell.font = _STRONG
    for row in rows:
        sheet.append([safe(value) if isinstance(value, str) else value for value in row])
    sheet.freeze_panes = "A2"
    _fit(sheet)


def _fit(sheet: Any, skip: int = 0) -> None:  # noqa: ANN401
    """Widen columns to their words and let long ones wrap; the first `skip` rows do not count."""
    for column in range(1, sheet.max_column + 1):
        cells = [sheet.cell(row, column) for row in range(skip + 1, sheet.max_row + 1)]
        longest = max((len(str(cell.value or "")) for cell in cells), default=0)
        sheet.column_dimensions[get_column_letter(column)].width = min(longest + 2, _WIDEST)
        for cell in cells:
            cell.alignment = Alignment(wrap_text=longest > _WIDEST, vertical="top")


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula and whose letters XML can hold."""
    plain = "".join(c for c in text if c in "\n\t" or ord(c) >= 32)  # noqa: PLR2004  control codes
    return f"'{plain}" if plain.startswith(_FORMULA) else plain
