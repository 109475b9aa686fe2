"""A table to take away, as CSV or XLSX, that a spreadsheet opens without running anything in it.

Names come from devices and files: a text that a spreadsheet would run as a formula is marked as
text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Cells = Sequence[Sequence[Any]]


def harmless(value: Any) -> Any:  # noqa: ANN401  whatever a cell holds
    """Return a cell's value; a text that would be run as a formula marked as text."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def as_csv(heads: Sequence[str], cells: Cells) -> bytes:
    """Return a CSV that spreadsheets open as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    for row in cells:
        writer.writerow([one.isoformat(" ") if isinstance(one, datetime) else one for one in row])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(title: str, heads: Sequence[str], cells: Cells) -> bytes:
    """Return a workbook with one sheet, its head frozen."""
    # Not at the top: 0.15 s of every process's start, for what few ever ask.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    bold = []
    for words in heads:
        cell = WriteOnlyCell(sheet, value=words)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in cells:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
