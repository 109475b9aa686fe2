"""Indicators: is the target reached, will it be, and can the figure be believed at all."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations
from statistics import median
from typing import Final, NamedTuple

# A line through fewer figures, or through a shorter time, says more about chance than about a year.
FEWEST: Final = 3
SHORTEST: Final = timedelta(days=28)
MOST: Final = 24  # the newest figures a forecast looks at: two years of months
_WHOLE: Final = 100.0


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"


class Period(StrEnum):
    """How often a figure is due."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class How(StrEnum):
    """How a figure comes to us."""

    FEED = "feed"
    UPLOAD = "upload"
    COMPUTED = "computed"


class Standing(StrEnum):
    """What can be said of the newest figure and its target."""

    NO_SOURCE = "no_source"  # nobody has ever given a figure
    STALE = "stale"  # the next figure should have come: nothing is claimed from an old one
    NO_TARGET = "no_target"
    MET = "met"
    MISSED = "missed"  # the year of the last target is over
    ON_TRACK = "on_track"
    OFF_TRACK = "off_track"
    UNKNOWN = "unknown"  # too few figures for a forecast


class Point(NamedTuple):
    """A figure as of a day."""

    at: date
    value: float


@dataclass(frozen=True, slots=True)
class Aim:
    """What an indicator is measured against. `due_days`: time to report after a period ends."""

    unit: str
    direction: Direction
    targets: Mapping[int, float]
    period: Period
    due_days: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """`target` and `year` as they hold today; `forecast` for the end of that year.

    `due`: the day by which the next figure must be there; None without any figure.
    """

    standing: Standing
    target: float | None = None
    year: int | None = None
    forecast: float | None = None
    due: date | None = None

    @property
    def wrong(self) -> bool:
        """Tell whether somebody has to answer for it."""
        return self.standing in {Standing.OFF_TRACK, Standing.MISSED}


def judge(aim: Aim, points: Sequence[Point], today: date) -> Judgement:
    """Judge an indicator by its figures, the oldest first."""
    year, goal = target(aim.targets, today)
    if not points:
        return Judgement(Standing.NO_SOURCE, goal, year)
    newest = points[-1]
    due = after(newest.at, aim.period) + timedelta(days=aim.due_days)
    ahead = None
    if year is not None and year >= today.year:
        ahead = _within(aim, newest.value, forecast(points, date(year, 12, 31)))
    standing = _standing(aim, newest.value, ahead, year, goal, today=today)
    return Judgement(Standing.STALE if today > due else standing, goal, year, ahead, due)


def _standing(
    aim: Aim,
    value: float,
    ahead: float | None,
    year: int | None,
    goal: float | None,
    *,
    today: date,
) -> Standing:
    if year is None or goal is None:
        return Standing.NO_TARGET
    if reaches(value, goal, aim.direction):
        return Standing.MET
    if year < today.year:
        return Standing.MISSED
    if ahead is None:
        return Standing.UNKNOWN
    return Standing.ON_TRACK if reaches(ahead, goal, aim.direction) else Standing.OFF_TRACK


def target(targets: Mapping[int, float], today: date) -> tuple[int | None, float | None]:
    """Return the year and the target that hold: the next one, else the last."""
    coming = [year for year in targets if year >= today.year]
    if not targets:
        return None, None
    year = min(coming) if coming else max(targets)
    return year, targets[year]


def reaches(value: float, goal: float, direction: Direction) -> bool:
    """Tell whether a figure is at its target or beyond."""
    return value >= goal if direction is Direction.UP else value <= goal


def forecast(points: Sequence[Point], end: date) -> float | None:
    """Return where the newest MOST figures lead to at `end`; None when they are too few.

    The median of all slopes between two of them (Theil-Sen), drawn from the newest: one mistyped
    figure does not bend it.
    """
    used = points[-MOST:]
    if len(used) < FEWEST or used[-1].at - used[0].at < SHORTEST:
        return None
    # Numbers of days once: 276 slopes of each of 300 indicators are asked for at a time.
    dots = [(point.at.toordinal(), point.value) for point in used]
    slopes = [(late - early) / (b - a) for (a, early), (b, late) in combinations(dots, 2)]
    return used[-1].value + median(slopes) * (end - used[-1].at).days


def _within(aim: Aim, value: float, ahead: float | None) -> float | None:
    """Keep a forecast where figures of its unit can be: no share above the whole, none below 0."""
    if ahead is None:
        return None
    if aim.unit == "%":
        ahead = min(ahead, max(_WHOLE, value))
    return max(ahead, min(0.0, value))


def after(day: date, period: Period) -> date:
    """Return the day one period after `day`; an end of a month stays an end of a month."""
    if period is Period.DAY:
        return day + timedelta(days=1)
    months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[period]
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    ends = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if ends else min(day.day, last))
