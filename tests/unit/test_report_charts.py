"""Charts of reports and of the tablet: what is known is drawn, what is not is said."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ioc.reports import charts
from ioc.text.numbers import vietnamese

HOUR = 3_600_000
BEGIN = 1_795_500_000_000  # 12:00 of a day in Vietnam
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def axis(**more: object) -> charts.Axis:
    given = {
        "since": BEGIN,
        "until": BEGIN + 24 * HOUR,
        "zone": ZONE,
        "number": lambda value: vietnamese(value, 1),
        "missing": "không có số liệu",
    }
    return charts.Axis(**{**given, **more})  # type: ignore[arg-type]


def test_a_spark_breaks_where_nothing_is_known() -> None:
    """A hole in the values is a hole in the line, not a straight one across it."""
    drawn = charts.spark([1, 2, None, 3, 4])
    assert drawn.count("M") == 2
    assert drawn.count("L") == 2
    assert charts.spark([None, 5]) == ""
    assert charts.last_point([1, None]) is None
    assert charts.last_point([1, 5], 100, 30) == (95.0, 5.0)


def test_a_constant_spark_is_level() -> None:
    """No division by a span of zero; the line lies in the middle."""
    assert charts.last_point([7, 7, 7], 100, 30) == (95.0, 15.0)


def test_a_gap_is_hatched_and_named() -> None:
    """A stretch without values is hatched, the line does not cross it, and words say why."""
    times = [BEGIN + index * HOUR for index in range(24) if not 6 < index < 18]
    series = charts.Line(times, [float(n) for n in range(len(times))], gap_ms=1.5 * HOUR)
    drawn = charts.line(series, axis())
    assert drawn.count('class="ink"') == 2
    assert drawn.count("url(#missing)") == 1
    assert "không có số liệu" in drawn


def test_an_empty_chart_says_so() -> None:
    """Without any value the whole field is hatched and named."""
    drawn = charts.line(charts.Line([], [], gap_ms=HOUR), axis())
    assert drawn.count("url(#missing)") == 1
    assert "không có số liệu" in drawn


def test_the_limit_is_inside_the_picture() -> None:
    """A limit far above the values widens the axis and stands in words beside its line."""
    series = charts.Line([BEGIN, BEGIN + HOUR], [1.0, 2.0], gap_ms=30 * HOUR)
    drawn = charts.line(series, axis(limit=80.0, limit_words="QCVN 80"))
    assert "stroke-dasharray" in drawn
    assert "QCVN 80" in drawn
    assert ">50,0<" in drawn


def test_hours_are_those_of_the_province() -> None:
    """Ticks stand at round hours of the zone; midnight carries the date."""
    drawn = charts.line(charts.Line([], []), axis())
    assert ">18:00<" in drawn
    assert ">25/11<" in drawn


def test_a_state_holds_until_the_next_word() -> None:
    """A category is a staircase with its words on the axis."""
    series = charts.Line([BEGIN, BEGIN + HOUR], [0.0, 2.0], gap_ms=30 * HOUR)
    drawn = charts.line(series, axis(states={0: "hoạt động", 2: "mất kết nối"}))
    assert ">mất kết nối<" in drawn
    assert "V" in drawn.split('class="ink"')[1].split('"')[1]


def test_words_of_a_device_stay_words() -> None:
    """Nothing that a name contains becomes markup."""
    evil = '<script>"&'
    drawn = charts.line(charts.Line([], []), axis(title=evil, unit=evil))
    drawn += charts.bars([(evil, 1)], evil)
    assert "<script" not in drawn


def test_columns_carry_their_numbers() -> None:
    """Each column has its words and its number; the highest reaches the top."""
    drawn = charts.bars([("T2", 3), ("T3", 0), ("T4", 6)], "Cảnh báo")
    for words in (">3<", ">0<", ">6<", ">T4<"):
        assert words in drawn
    assert drawn.count("<rect class") == 3
