"""Files of figures: what offices write is understood, what is wrong is named row by row."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from ioc import indicator_file
from ioc.indicator_file import FileError, Found

KNOWN = {"fibre", "phones"}
TODAY = date(2026, 11, 24)


def read(text: str, name: str = "a.csv") -> Found:
    """Read a CSV."""
    return indicator_file.read(name, text.encode(), KNOWN, TODAY)


def workbook(*rows: tuple[object, ...]) -> bytes:
    """Return an XLSX of these rows."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2025", date(2025, 12, 31)),
        ("2026-Q2", date(2026, 6, 30)),
        ("2026-02", date(2026, 2, 28)),
        ("02/2026", date(2026, 2, 28)),
        ("2026-06-15", date(2026, 6, 15)),
        ("15/06/2026", date(2026, 6, 15)),
    ],
)
def test_a_period_means_its_last_day(written: str, day: date) -> None:
    """Years, quarters, months and days, as people write them."""
    assert [one.at for one in read(f"indicator,date,value\nfibre,{written},1").rows] == [day]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("85,6", 85.6),
        ("85.6", 85.6),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0),
        ("-3", -3.0),
        ("98,6%", 98.6),
        ("1.234", 1.234),
    ],
)
def test_numbers_as_offices_write_them(written: str, value: float) -> None:
    """A comma or a point before decimals, points between thousands where nothing else is meant."""
    assert [one.value for one in read(f"mã;kỳ;giá trị\nfibre;2025;{written}").rows] == [value]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("copper,2025,1", "copper"),
        ("fibre,25,1", "25"),
        ("fibre,2026-13,1", "2026-13"),
        ("fibre,2027,1", "31/12/2027"),
        ("fibre,1890,1", "31/12/1890"),
        ("fibre,2024,nan", "nan"),
        ("fibre,2024,", "số"),
        ("fibre,2024,1e400", "1e400"),
        ("fibre,2025,1", "dòng 2"),
    ],
)
def test_a_wrong_row_is_named(row: str, words: str) -> None:
    """Its number and why; the rows beside it are still read."""
    found = read(f"indicator,date,value\nfibre,2025,1\n{row}\nphones,2025,2\n")
    assert [one.row for one in found.rows] == [2, 4]
    [(number, why)] = found.refused
    assert number == 3
    assert words in why


def test_a_workbook_says_the_same() -> None:
    """Empty lines above the head, other columns, dates and numbers as cells."""
    body = workbook(
        (), ("Ghi chú", "Mã chỉ số", "Kỳ", "Giá trị"),
        ("x", "fibre", datetime(2026, 6, 30), 99.5),  # noqa: DTZ001  as a cell holds it
        (None, "phones", 2025, "85,6"),
    )  # fmt: skip
    found = indicator_file.read("a.xlsx", body, KNOWN, TODAY)
    assert found.refused == []
    assert [(r.indicator, r.at, r.value) for r in found.rows] == [
        ("fibre", date(2026, 6, 30), 99.5),
        ("phones", date(2025, 12, 31), 85.6),
    ]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", b""),
        ("a.csv", b"x,y\n1,2\n"),
        ("a.csv", b"indicator,date,value\n"),
        ("a.csv", "mã,kỳ,giá trị\n".encode("utf-16")),
        ("a.xlsx", b"PK no"),
        ("a.xlsx", b""),
    ],
)
def test_what_is_no_table_of_figures(name: str, body: bytes) -> None:
    """One sentence for whoever sent it."""
    with pytest.raises(FileError, match=r"\w+ \w+"):
        indicator_file.read(name, body, KNOWN, TODAY)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook that says it holds more than MOST_UNPACKED is refused before it is read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"\0" * (1 << 20))
    monkeypatch.setattr(indicator_file, "MOST_UNPACKED", 1000)
    with pytest.raises(FileError, match="MB"):
        indicator_file.read("a.xlsx", out.getvalue(), KNOWN, TODAY)


def test_a_long_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than MOST_ROWS rows, or more than MOST_BYTES, and nothing is taken."""
    monkeypatch.setattr(indicator_file, "MOST_ROWS", 2)
    with pytest.raises(FileError, match="dòng"):
        read("indicator,date,value\n" + "fibre,2024-01,1\n" * 3)
    monkeypatch.setattr(indicator_file, "MOST_BYTES", 10)
    with pytest.raises(FileError, match="MB"):
        read("indicator,date,value\n")


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.xlsx"]))
def test_any_bytes_are_figures_or_a_refusal(body: bytes, name: str) -> None:
    """Whatever somebody sends, nothing else comes out."""
    with suppress(FileError):
        indicator_file.read(name, body, KNOWN, TODAY)
    with suppress(FileError):
        indicator_file.read("a.csv", b"indicator,date,value\n" + body, KNOWN, TODAY)
