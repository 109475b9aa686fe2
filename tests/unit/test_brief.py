"""The leaders' brief: what is counted, what is said, and what the map and the workbook hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from ioc.domain import operator
from ioc.domain.alert import Kind
from ioc.domain.announcement import Alert
from ioc.domain.brief import (
    Counts,
    Given,
    Period,
    Report,
    Spell,
    Trend,
    Worst,
    counts,
    moments,
    window,
)
from ioc.domain.instant import DAY, HOUR, Micros, from_datetime
from ioc.domain.observation import DatastreamId, ThingId
from ioc.reports import brief, overview, page, said, workbook

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 12:00 in the province
NOW = from_datetime(NOON)
NBSP = "\u00a0"
ALERT = Alert(
    UUID(int=1), "flood", 1, DatastreamId(1), ThingId(1), 1, NOW, NOW, result=2.27, limit=2.2
)


def ago(days: float) -> Micros:
    return Micros(NOW - round(days * DAY))


def worst(**more: Any) -> Worst:
    made = Worst(
        id=UUID(int=1), thing=1, code="level", place="Sông Đồng Nai tại Biên Hòa", short="Biên Hòa",
        commune="Biên Hòa", name="Lũ", property="Mực nước", kind="quantity", states=None, unit="m",
        decimals=2, severity=1, active=True, stale=False, simulated=False, result=2.27, limit=2.2,
        op=">", law=None, raised=NOON, returned=None, acked_at=None, acked_by=None, assignee=None,
        handling="new", due=None, closed=None, peak=2.3, direction=None,
    )  # fmt: skip
    return replace(made, **more)


def report(**more: Any) -> Report:
    level = Trend(1, (0, 0, 1, 1, 2, 2, 0, 1))
    made = Report(
        window=window(Period.WEEK, NOON, ZONE),
        made=NOON,
        counts=Counts(level, level, level, level),
        levels={1: (1, 1)},
        raises={("2026-11-17", 1): 2, ("2026-11-23", 3): 5},
        alerts=[worst()],
        open_now=[worst()],
        pasts=[[1.0, 2.0] * 24],
        directions=[Given(NOON, "Chủ tịch", "Biên Hòa", '=HYPERLINK("http://x")')],
        simulated=True,
    )
    return replace(made, **more)


def test_a_count_looks_back_at_the_same_hour() -> None:
    """An alert counts on each day on which it was open at this hour, by its severity."""
    spells = [
        Spell(1, ago(0.1), None),
        Spell(1, ago(1.5), ago(0.5)),  # open yesterday at this hour, closed since
        Spell(2, ago(8), ago(6.5)),
        Spell(1, ago(0.9), ago(0.2)),  # between two looks
    ]
    found = counts(spells, [0] * 8, NOW, ago(30))
    assert found.critical == Trend(1, (0, 0, 0, 0, 0, 0, 1, 1))
    assert found.high.last_week == 1
    assert found.high.now == 0
    assert moments(NOW)[-1] == NOW


def test_overdue_is_what_nobody_had_handled_by_its_deadline() -> None:
    """A handling that was done late was overdue until it was done, whatever the sensor said."""
    done = Spell(1, ago(3), ago(2.9), ago(2.5), ago(0.5))
    owed = Spell(2, ago(3), ago(2.9), ago(0.2))
    found = counts([done, owed], [0] * 8, NOW, ago(30))
    assert found.overdue == Trend(1, (0, 0, 0, 0, 0, 1, 1, 1))


def test_before_the_centre_watched_nothing_is_known() -> None:
    """A young centre has no yesterday: neither zero nor a comparison, but the present counts."""
    found = counts([Spell(1, ago(0.1), None)], [3] * 8, NOW, ago(1.5))
    assert found.critical.days == (None, None, None, None, None, None, 0, 1)
    assert found.silent.last_week is None
    assert counts([], [4] * 8, NOW, None).silent == Trend(4, (None,) * 7 + (4,))


def test_a_period_is_whole_days_of_the_province() -> None:
    """The day ends at midnight in Vietnam, which is 17:00 UTC of the day before."""
    late = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # 01:00 on the 24th
    found = window(Period.DAY, late, ZONE)
    assert found.first == date(2026, 11, 23)
    assert found.since == datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert found.until == datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert window(Period.WEEK, late, ZONE).dates[0] == date(2026, 11, 17)


@pytest.mark.parametrize(
    ("levels", "places", "words"),
    [
        ({}, [], "Không có cảnh báo đang mở."),
        ({4: (3, 3)}, [], "Không có việc nghiêm trọng hay cao, ba việc ở mức thấp hơn."),
        ({2: (5, 2)}, [], "Năm việc cao, hai chưa ai nhận."),
        ({1: (1, 0)}, ["A"], "Một việc nghiêm trọng: A. "),
        (
            {1: (2, 2), 2: (12, 0)},
            ["A", "B"],
            "Hai việc nghiêm trọng: A và B. 12 việc cao.",
        ),
        ({1: (4, 1)}, ["A", "B", "C"], "Bốn việc nghiêm trọng: A, B và hai việc khác. "),
    ],
)
def test_the_sentence(levels: Any, places: list[str], words: str) -> None:
    """Critical ones by name, then high ones, then what nobody took; nothing soothes."""
    assert "".join(text for text, _ in said.sentence(levels, places)) == words


def test_a_value_is_written_as_people_read_it() -> None:
    """Decimal comma, a unit that does not part from its number, a state by its word."""
    assert said.detail(worst()) == f"Mực nước 2,27{NBSP}m, ngưỡng 2,20{NBSP}m"
    assert said.detail(worst(limit=None)) == f"Mực nước 2,27{NBSP}m"
    assert said.detail(worst(states={"offline": 2}, name="Camera mất kết nối")) == (
        "Camera mất kết nối"
    )
    assert "mất tín hiệu" in said.detail(worst(stale=True))
    assert said.difference(3, 5) == "\u22122 so với hôm qua"
    assert said.difference(3, 3) == "như hôm qua"
    assert said.difference(3, None) == ""


def test_a_direction_is_told_and_keeps_its_own_time() -> None:
    """A word written without a line has both times in the log; a comment calls nobody."""
    written = Micros(NOW - 3 * HOUR)
    outcome = operator.direct(ALERT, "lanh-dao", operator.Word(" Báo cáo ", written), NOW)
    assert [(e.kind, e.time, e.payload) for e in outcome.entries] == [
        (Kind.DIRECTION, written, {"note": "Báo cáo"})
    ]
    assert [notice.kind for notice in outcome.notices] == [Kind.DIRECTION]
    word = operator.Word("Đã rõ", Micros(NOW + HOUR), asks=False)
    comment = operator.direct(ALERT, "lanh-dao", word, NOW)
    assert comment.entries[0].time == NOW, "a clock that runs ahead does not write into the future"
    assert comment.notices == ()


SQUARE = [[106.0, 11.0], [107.0, 11.0], [107.0, 12.0], [106.0, 12.0], [106.0, 11.0]]


def feature(ring: list[list[float]], **facts: str) -> dict[str, Any]:
    return {"properties": facts, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_the_map_has_a_place_for_each_commune() -> None:
    """North is up, each commune can be found by its code, and a name is no markup."""
    north = [[106.0, 11.5], [107.0, 11.5], [107.0, 12.0], [106.0, 12.0], [106.0, 11.5]]
    south = [[106.0, 11.0], [107.0, 11.0], [107.0, 11.5], [106.0, 11.5], [106.0, 11.0]]
    areas = [feature(north, code="1", name='"><script>'), feature(south, code="2", name="Nam")]
    drawn = overview.draw([feature(SQUARE)], areas, "Bản đồ")
    assert "<script" not in drawn
    places = {
        code: float(y)
        for code, y in re.findall(r'data-sign="(\d)".*?translate\([\d.]+ ([\d.]+)\)', drawn)
    }
    assert places["1"] < places["2"]
    assert drawn.count('class="commune"') == 2
    assert overview.draw([], [], "x") == ""


def test_the_printed_brief_says_everything() -> None:
    """Sentence, counts, days, the worst with its chart, alerts and directions; texts escaped."""
    made = page.html(brief.document(report(), "Trung tâm", ZONE))
    for words in ("Bản tin tuần 17/11/2026 – 23/11/2026", "<b>Biên Hòa</b>", "+1 so với hôm qua",
                  "Có số liệu mô phỏng", "đang tiếp diễn", "chưa ai xác nhận", "<svg"):  # fmt: skip
        assert words in made, words
    assert "=HYPERLINK(&quot;" in made
    empty = report(alerts=[], open_now=[], pasts=[], raises={}, directions=[], levels={})
    assert "Không có cảnh báo nào phát sinh." in page.html(brief.document(empty, "x", ZONE))


def test_the_workbook_has_numbers_charts_and_no_formula() -> None:
    """Counts are numbers, charts stand beside them, and a device's text is never a formula."""
    book = load_workbook(BytesIO(workbook.make(report(), "Trung tâm", ZONE)))
    assert book.sheetnames == ["Tóm tắt", "Theo ngày", "Cảnh báo", "Chỉ đạo"]
    assert [len(sheet._charts) for sheet in book] == [1, 1, 0, 0]
    assert book["Theo ngày"]["B2"].value == 2
    cells = [cell for sheet in book for row in sheet for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert workbook.safe("a\x00b") == "ab"
