"""The chart of one datastream, as data: what is drawn, where it breaks, how numbers are written."""

from __future__ import annotations

from typing import Any

from ioc.web.figures.history import Frame, Limit, Series, history
from ioc.web.figures.numbers import vietnamese
from ioc.web.figures.style import config

MINUTE = 60_000
START = 1_780_000_020_000  # 2026-05-28 20:27:00 UTC, 03:27 the next day in Vietnam
WORDS = {"mean": "trung bình", "band": "thấp nhất – cao nhất", "missing": "không có số liệu"}


def frame(minutes: int) -> Frame:
    """Return the window from START on."""
    return Frame(
        since=START,
        until=START + minutes * MINUTE,
        zone="Asia/Ho_Chi_Minh",
        number=lambda value: vietnamese(value, 1),
        words=WORDS,
    )


def series(minutes: list[int], values: list[float | None], **more: Any) -> Series:
    """Return a series whose band is one below and above."""
    return Series(
        times=[START + minute * MINUTE for minute in minutes],
        mean=values,
        low=[None if value is None else value - 1 for value in values],
        high=[None if value is None else value + 1 for value in values],
        unit="µg/m³",
        gap_s=90,
        **more,
    )


def line(figure: dict[str, Any]) -> dict[str, Any]:
    """Return the trace of the mean."""
    return next(trace for trace in figure["data"] if "hovertemplate" in trace)


def hatched(figure: dict[str, Any]) -> dict[str, Any]:
    """Return the trace of what is missing."""
    return next(trace for trace in figure["data"] if "fillpattern" in trace)


def test_times_are_vietnam_time() -> None:
    """The axis shows Asia/Ho_Chi_Minh, whatever the browser's own zone."""
    figure = history(series([0, 1], [1.0, 2.0]), frame(1))
    assert line(figure)["x"][0] == "2026-05-29T03:27:00"
    assert figure["layout"]["xaxis"]["range"] == ["2026-05-29T03:27:00", "2026-05-29T03:28:00"]


def test_line_breaks_where_steps_are_missing() -> None:
    """A gap longer than gap_s breaks the line and is hatched; a step of usual distance does not."""
    figure = history(series([0, 1, 10, 11], [1.0, 2.0, 3.0, 4.0]), frame(11))
    assert line(figure)["y"] == [1.0, 2.0, None, 3.0, 4.0, None]
    assert hatched(figure)["x"][:2] == ["2026-05-29T03:28:00", "2026-05-29T03:37:00"]
    assert len(hatched(figure)["x"]) == 6


def test_line_breaks_where_no_value_is_good() -> None:
    """A step without a good value is no zero and no bridge."""
    figure = history(series([0, 1, 2, 3, 4], [1.0, 2.0, None, 3.0, 4.0]), frame(4))
    assert line(figure)["y"] == [1.0, 2.0, None, 3.0, 4.0, None]


def test_end_without_data_is_hatched() -> None:
    """Silence up to now is shown as missing, as is a window with nothing in it."""
    late = history(series([0, 1], [1.0, 2.0]), frame(30))
    assert hatched(late)["x"][:2] == ["2026-05-29T03:28:00", "2026-05-29T03:57:00"]
    empty = history(series([], []), frame(30))
    assert hatched(empty)["x"][:2] == ["2026-05-29T03:27:00", "2026-05-29T03:57:00"]


def test_a_wide_gap_says_in_words_what_it_is() -> None:
    """Whoever sees a hatched field for the first time reads that there are no data."""
    late = history(series([0, 1], [1.0, 2.0]), frame(30))
    (said,) = late["layout"]["annotations"]
    assert (said["text"], said["x"]) == (WORDS["missing"], "2026-05-29T03:42:30")
    narrow = history(series([0, 1, 4, 5, 30], [1.0] * 5), frame(30))
    assert len(narrow["layout"]["annotations"]) == 1  # of its two gaps the wide one


def test_single_values_are_visible() -> None:
    """A value alone between two gaps gets a dot, which a line would not show."""
    figure = history(series([0, 10, 20, 21], [1.0, 9.0, 3.0, 4.0]), frame(21))
    dots = next(trace for trace in figure["data"] if trace["mode"] == "markers")
    assert dots["y"] == [1.0, 9.0]


def test_band_closes_for_each_run() -> None:
    """The min–max band never crosses a gap."""
    figure = history(series([0, 1, 10, 11], [1.0, 2.0, 3.0, 4.0]), frame(11))
    band = figure["data"][1]
    assert band["y"] == [2.0, 3.0, 1.0, 0.0, None, 4.0, 5.0, 3.0, 2.0, None]


def test_limit_is_always_inside_the_picture() -> None:
    """A limit far above the data widens the axis; law is dashed, our own is solid."""
    own = history(series([0, 1], [1.0, 2.0]), frame(1), Limit(150.0, "ngưỡng 150", legal=False))
    assert own["layout"]["yaxis"]["range"][1] > 150
    assert own["layout"]["shapes"][0]["line"]["dash"] == "solid"
    law = history(series([0, 1], [1.0, 2.0]), frame(1), Limit(150.0, "ngưỡng 150", legal=True))
    assert law["layout"]["shapes"][0]["line"]["dash"] == "dash"
    assert law["layout"]["annotations"][0]["text"] == "ngưỡng 150"


def test_category_speaks_words() -> None:
    """A state is a step line with the state's name on the axis and under the pointer."""
    words = {0: "hoạt động", 2: "ngừng"}
    figure = history(series([0, 1], [0.0, 2.0], states=words), frame(1))
    assert line(figure)["line"]["shape"] == "hv"
    assert line(figure)["text"][:2] == ["hoạt động", "ngừng"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["hoạt động", "ngừng"]


def test_pointer_says_band_and_unit() -> None:
    """What is under the pointer is Vietnamese: decimal comma, unit on the same line."""
    figure = history(series([0, 1], [1234.5, 2.0]), frame(1))
    said = "trung bình 1.234,5\u00a0µg/m³<br>thấp nhất – cao nhất 1.233,5 – 1.235,5\u00a0µg/m³"
    assert line(figure)["text"][0] == said


def test_numbers_are_written_as_in_vietnam() -> None:
    """Decimal comma, points between thousands, a true minus sign."""
    assert vietnamese(-1234567.891, 2) == "\u22121.234.567,89"
    assert vietnamese(0.0, 0) == "0"


def test_nothing_is_coloured_like_an_alert() -> None:
    """No severity colour is in a chart: lines are grey or white."""
    text = repr(history(series([0, 1], [1.0, 2.0]), frame(1), Limit(1.0, "x", legal=True))).upper()
    assert not any(colour in text for colour in ("#D7263D", "#FF9F1C", "#FFD60A", "#4CC9F0"))


def test_plotly_speaks_vietnamese() -> None:
    """Day and month names and separators come with the chart: nothing is fetched for them."""
    made = config()["locales"]["vi"]["format"]
    assert made["days"][0] == "Chủ nhật"
    assert (made["decimal"], made["thousands"]) == (",", ".")
