"""Indicators: what is claimed of a target, and when nothing is claimed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import indicators
from ioc.domain.errors import ConfigError
from ioc.domain.indicator import (
    Aim,
    Direction,
    How,
    Period,
    Point,
    Standing,
    after,
    forecast,
    judge,
    target,
)

CONFIG = Path(__file__).parents[2] / "config" / "indicators"
TODAY = date(2026, 11, 24)
UP = Aim("%", Direction.UP, {2025: 80, 2030: 100}, Period.MONTH, 15)


def months(first: float, step: float, n: int = 10, last: date = date(2026, 10, 31)) -> list[Point]:
    """Return the ends of `n` months up to `last`, each `step` more than the one before."""
    found = [Point(last, first + step * (n - 1))]
    while len(found) < n:
        day = found[0].at.replace(day=1) - timedelta(days=1)
        found.insert(0, Point(day, found[0].value - step))
    return found


@pytest.mark.parametrize(
    ("points", "standing"),
    [
        ([], Standing.NO_SOURCE),
        (months(60, 1), Standing.ON_TRACK),  # 69 in October, 1 a month: beyond 100 in 2030
        (months(60, 0.1), Standing.OFF_TRACK),
        (months(60, -1), Standing.OFF_TRACK),
        (months(100, 0), Standing.MET),
        (months(60, 1, n=2), Standing.UNKNOWN),
        (months(60, 1, last=date(2026, 9, 30)), Standing.STALE),
        (months(100, 0, last=date(2025, 9, 30)), Standing.STALE),
    ],
)
def test_the_verdict(points: list[Point], standing: Standing) -> None:
    """Each thing that can be said of an indicator; an old figure proves nothing, met or not."""
    assert judge(UP, points, TODAY).standing is standing


def test_less_is_better_where_the_catalogue_says_so() -> None:
    """A count that ought to fall is on track when it falls and met at its target or below."""
    aim = Aim("hồ sơ", Direction.DOWN, {2026: 10}, Period.MONTH, 15)
    assert judge(aim, months(80, -7), TODAY).standing is Standing.ON_TRACK
    assert judge(aim, months(80, 1), TODAY).standing is Standing.OFF_TRACK
    assert judge(aim, months(10, 0), TODAY).standing is Standing.MET


def test_a_target_whose_year_is_over_is_met_or_missed() -> None:
    """No forecast for the past; the next target is the one that counts while there is one."""
    past = Aim("%", Direction.UP, {2025: 80}, Period.MONTH, 15)
    verdict = judge(past, months(60, 1), TODAY)
    assert (verdict.standing, verdict.forecast) == (Standing.MISSED, None)
    assert verdict.wrong
    assert target({2025: 80, 2030: 100, 2027: 90}, TODAY) == (2027, 90)
    assert target({}, TODAY) == (None, None)
    assert judge(Aim("%", Direction.UP, {}, Period.MONTH, 1), months(1, 0), TODAY).target is None


def test_the_day_a_figure_is_late() -> None:
    """October's figure stands until November's is due: 30 November and 15 days."""
    points = months(60, 1)
    assert judge(UP, points, date(2026, 12, 15)).standing is Standing.ON_TRACK
    late = judge(UP, points, date(2026, 12, 16))
    assert (late.standing, late.due) == (Standing.STALE, date(2026, 12, 15))


@pytest.mark.parametrize(
    ("day", "period", "then"),
    [
        (date(2026, 1, 31), Period.MONTH, date(2026, 2, 28)),
        (date(2026, 2, 28), Period.MONTH, date(2026, 3, 31)),
        (date(2026, 9, 30), Period.QUARTER, date(2026, 12, 31)),
        (date(2024, 2, 29), Period.YEAR, date(2025, 2, 28)),
        (date(2026, 5, 15), Period.MONTH, date(2026, 6, 15)),
        (date(2026, 12, 31), Period.DAY, date(2027, 1, 1)),
    ],
)
def test_one_period_later(day: date, period: Period, then: date) -> None:
    """The end of a month leads to the end of a month."""
    assert after(day, period) == then


def test_one_mistyped_figure_does_not_bend_the_forecast() -> None:
    """Ten times the value in one month leaves the line where it was."""
    points = months(60, 1, n=12)
    wrong = [p._replace(value=p.value * 10) if n == 4 else p for n, p in enumerate(points)]
    right, bent = forecast(points, date(2026, 12, 31)), forecast(wrong, date(2026, 12, 31))
    assert right is not None
    assert bent is not None
    assert abs(right - bent) < 0.2


@given(st.lists(st.floats(0, 100), min_size=3, max_size=12))
def test_a_share_is_forecast_as_a_share(values: list[float]) -> None:
    """No forecast above 100 % or below 0 %, whatever the past was."""
    points = [p._replace(value=v) for p, v in zip(months(0, 0, len(values)), values, strict=True)]
    found = judge(UP, points, TODAY).forecast
    assert found is not None
    assert 0 <= found <= 100


def test_the_shipped_catalogue() -> None:
    """At least sixty indicators of five fields, each with an owner, a source and both names."""
    found = indicators.load(CONFIG)
    assert len(found) >= 60
    assert len({one.topic for one in found}) == 5
    assert {How.UPLOAD, How.FEED, How.COMPUTED} == {one.how for one in found}
    assert all(one.owner and one.source and one.name_vi and one.name_en for one in found)
    assert all(
        one.denominator
        for one in found
        if one.aim.unit == "%"
        and one.id.endswith("_pct")
        and one.id != "productivity_growth_pct"
        and one.how is not How.FEED
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{vi: A, en: A, unit: x, period: week}", "week"),
        ("{vi: A, en: A, unit: x, period: day, how: computed}", "method"),
        ("{vi: A, en: A, unit: x, period: day, colour: red}", "colour"),
        ("{vi: A, en: A, unit: x, period: day, targets: {20: 1}}", "20"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: str, words: str) -> None:
    """ConfigError says which file, where in it and what."""
    text = f"topic: T\nowner: O\nsource: S\nindicators:\n  an_id: {entry}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"a\.yaml.*(an_id|{words})"):
        indicators.load(tmp_path)


def test_one_id_stands_for_one_indicator(tmp_path: Path) -> None:
    """A second file with an id of the first is refused."""
    text = (
        "topic: T\nowner: O\nsource: S\nindicators:\n  one: {vi: A, en: A, unit: x, period: day}\n"
    )
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="one is defined twice"):
        indicators.load(tmp_path)
