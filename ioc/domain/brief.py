"""What a leader is told in one minute: how much is wrong, and how that compares with the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from ioc.domain.alert import Severity
from ioc.domain.instant import DAY, Micros

DAYS: Final = 7  # of the line below a count: the same hour of each day


class Spell(NamedTuple):
    """One alert as the past sees it: when it began, when it closed, until when it was owed."""

    severity: int
    begin: Micros
    end: Micros | None
    due: Micros | None = None
    handled: Micros | None = None  # when its handling was done; None: it is not

    def open_at(self, instant: Micros) -> bool:
        return self.begin <= instant and (self.end is None or self.end > instant)

    def overdue_at(self, instant: Micros) -> bool:
        """Tell whether nobody had finished handling it by its deadline."""
        if self.due is None or self.due > instant:
            return False
        return self.handled is None or self.handled > instant


@dataclass(frozen=True, slots=True)
class Trend:
    """One count; a past one is None where the centre did not watch yet.

    `days` are the same hour of the last DAYS days and now, oldest first.
    """

    now: int
    days: tuple[int | None, ...]

    def with_now(self, count: int) -> Trend:
        """Return the trend with a newer present."""
        return Trend(count, (*self.days[:-1], count))

    @property
    def yesterday(self) -> int | None:
        return self.days[-2]

    @property
    def last_week(self) -> int | None:
        return self.days[0]


@dataclass(frozen=True, slots=True)
class Counts:
    """The four counts of the brief."""

    critical: Trend
    high: Trend
    overdue: Trend
    silent: Trend


def moments(now: Micros) -> tuple[Micros, ...]:
    """Return the instants that a trend looks at, oldest first, `now` the last."""
    return tuple(Micros(now - back * DAY) for back in range(DAYS, -1, -1))


def counts(
    spells: Sequence[Spell], silent: Sequence[int], now: Micros, began: Micros | None
) -> Counts:
    """Return the counts with their trends.

    `silent` are the silent things at each of `moments(now)`; `began` is when the centre began to
    watch, None when it has not.
    """
    at = moments(now)

    def trend(found: Iterable[int]) -> Trend:
        numbers = list(found)
        known = [began is not None and began <= one for one in at]
        days = [n if seen else None for n, seen in zip(numbers, known, strict=True)]
        return Trend(numbers[-1], (*days[:-1], numbers[-1]))

    def severe(severity: Severity) -> Trend:
        return trend(sum(s.severity == severity and s.open_at(one) for s in spells) for one in at)

    return Counts(
        critical=severe(Severity.CRITICAL),
        high=severe(Severity.HIGH),
        overdue=trend(sum(s.overdue_at(one) for s in spells) for one in at),
        silent=trend(silent),
    )


@dataclass(frozen=True, slots=True)
class Worst:
    """One alert as a leader reads it."""

    id: UUID
    thing: int
    code: str  # of the datastream
    place: str
    short: str
    commune: str | None
    name: str
    property: str
    kind: str
    states: dict[str, int] | None
    unit: str
    decimals: int
    severity: int
    active: bool
    stale: bool
    simulated: bool
    result: float | None
    limit: float | None
    op: str | None
    law: str | None
    raised: datetime
    returned: datetime | None
    acked_at: datetime | None
    acked_by: str | None
    assignee: str | None
    handling: str
    due: datetime | None
    closed: datetime | None
    peak: float | None
    direction: str | None  # the newest one that was given


@dataclass(frozen=True, slots=True)
class Commune:
    """The worst that is on in a commune."""

    code: str
    name: str
    severity: int
    alerts: int
    owed: bool  # somebody still has to answer for one of them


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything open, as it stands; `levels` counts it by severity: (open, unanswered)."""

    worst: list[Worst]
    communes: list[Commune]
    levels: dict[int, tuple[int, int]]
    simulated: bool


@dataclass(frozen=True, slots=True)
class Given:
    """A direction that was given."""

    at: datetime
    by: str
    place: str
    note: str


class Period(StrEnum):
    """What a report is about: the day before, or the seven days before, in the province's time."""

    DAY = "day"
    WEEK = "week"

    @property
    def days(self) -> int:
        return 1 if self is Period.DAY else DAYS


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days, from the begin of the first to the begin of the day after the last."""

    period: Period
    first: date
    since: datetime
    until: datetime

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.period.days)]


def window(period: Period, now: datetime, zone: tzinfo) -> Window:
    """Return the last whole days of a period that are over at `now`."""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=period.days)
    return Window(
        period,
        first,
        datetime.combine(first, time(), zone),
        datetime.combine(today, time(), zone),
    )


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report says; `raises` by (ISO date, severity), `pasts` of `open_now`."""

    window: Window
    made: datetime
    counts: Counts
    levels: dict[int, tuple[int, int]]
    raises: dict[tuple[str, int], int]
    alerts: list[Worst]  # critical and high ones of the period
    open_now: list[Worst]
    pasts: list[Sequence[float | None]]  # the 24 hours before it was made, by half hours
    directions: list[Given]
    simulated: bool
