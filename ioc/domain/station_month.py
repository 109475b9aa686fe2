"""What a station is answerable for in one month, as a department reports it; pure.

Values against the limits of their own time, each by its own window; what could only be warned of;
how much there was, and how long the station was silent, calibrating or out of order; its indices.
Hours are counted since the epoch, as in `ioc.domain.compliance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ioc.domain import aqi, compliance, wqi
from ioc.domain.compliance import Availability, Exceedance, Hour, Interruption, Period
from ioc.domain.indices import SHARE, Derived, day_of, hours_of
from ioc.domain.instant import HOUR, Micros
from ioc.domain.legal_limit import LegalLimit

_EPOCH: Final = date(1970, 1, 1)
LOOK_BACK: Final = 23  # hours before the month that its first windows reach into


@dataclass(frozen=True, slots=True)
class Stream:
    """One measured datastream. `promised`: values an hour."""

    id: int
    code: str
    observed_property: str
    name: str
    unit: str
    decimals: int
    promised: float


@dataclass(frozen=True, slots=True)
class Run:
    """Windows beyond a limit that follow each other: hours `first` to `last`, the worst value."""

    limit: LegalLimit
    first: int
    last: int
    worst: float
    windows: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one limit in the month."""

    limit: LegalLimit
    judged: int
    unjudged: int
    breaches: tuple[Run, ...]
    early: tuple[Run, ...]

    @property
    def beyond(self) -> int:
        """Return how many windows lay beyond the limit."""
        return sum(run.windows for run in self.breaches)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its valid one-hour means, how much there was, and its limits."""

    stream: Stream
    availability: Availability
    means: Mapping[int, float]
    verdicts: tuple[Verdict, ...]
    without_limit: bool  # no limit of it is known at all, also of another time

    @property
    def mean(self) -> float | None:
        return sum(self.means.values()) / len(self.means) if self.means else None

    @property
    def low(self) -> float | None:
        return min(self.means.values(), default=None)

    @property
    def high(self) -> float | None:
        return max(self.means.values(), default=None)

    def days(self, period: Period) -> list[tuple[int, float | None]]:
        """Return (day since the epoch, mean of its valid hours) of the days that are over.

        None where fewer than 75 % of the hours are valid.
        """
        found: list[tuple[int, float | None]] = []
        for day in range(day_of(period.first), day_of(period.end - 1) + 1):
            hours = hours_of(day)
            if hours.stop > period.now:
                break
            there = [self.means[h] for h in hours if h in self.means]
            enough = len(there) >= SHARE * len(hours)
            found.append((day, sum(there) / len(there) if enough else None))
        return found


@dataclass(frozen=True, slots=True)
class IndexAt:
    """An index as it was published; `time` is the end of its hour or day."""

    of: Derived
    time: Micros
    index: int | None
    reason: str | None

    @property
    def category(self) -> str | None:
        if self.index is None:
            return None
        return str(wqi.category(self.index) if self.of is Derived.WQI else aqi.category(self.index))

    @property
    def hour(self) -> int:
        """Return its last hour."""
        return self.time // HOUR - 1


@dataclass(frozen=True, slots=True)
class Given:
    """What a month is made of. `received`: seconds of all messages, sorted."""

    streams: Sequence[Stream]
    hours: Mapping[int, Mapping[int, Hour]]  # datastream -> hour -> what there was
    limits: Sequence[LegalLimit]
    received: Sequence[int]
    indices: Sequence[IndexAt]
    statuses: bool  # whether calibration and fault are still kept for the whole month


@dataclass(frozen=True, slots=True)
class Month:
    """The report. `first`: its first day."""

    first: date
    period: Period
    parameters: tuple[Parameter, ...]
    interruptions: tuple[Interruption, ...]
    indices: tuple[IndexAt, ...]
    statuses: bool

    @property
    def running(self) -> bool:
        """Tell whether the month is not over yet."""
        return self.period.now < self.period.end

    def categories(self, of: Derived) -> dict[str | None, int]:
        """Return how many days (or hours) of an index had each category; None: no index."""
        return dict(Counter(one.category for one in self.indices if one.of is of))


def period_of(first: date, now: Micros) -> Period:
    """Return the hours of the month that begins with day `first`."""
    following = (first + timedelta(days=31)).replace(day=1)
    begin, end = ((day - _EPOCH).days for day in (first, following))
    return Period(hours_of(begin).start, hours_of(end).start, now // HOUR)


def day(number: int) -> date:
    """Return the date of a day since the epoch."""
    return _EPOCH + timedelta(days=number)


def month(first: date, given: Given, now: Micros) -> Month:
    """Return the report of the month that begins with day `first`, as far as it is over."""
    period = period_of(first, now)
    parameters = tuple(_parameter(stream, given, period) for stream in given.streams)
    gaps = compliance.interruptions(
        given.received, period.first * 3600, period.end * 3600, now // 1_000_000
    )
    return Month(first, period, parameters, tuple(gaps), tuple(given.indices), given.statuses)


def _parameter(stream: Stream, given: Given, period: Period) -> Parameter:
    hours = given.hours.get(stream.id, {})
    needed = max(1.0, SHARE * stream.promised)
    means = {
        h: one.mean
        for h, one in hours.items()
        if period.first <= h < min(period.end, period.now)
        and one.mean is not None
        and one.n_good >= needed
    }
    about = [one for one in given.limits if one.observed_property == stream.observed_property]
    fitting = [one for one in about if one.unit == stream.unit]
    found = (compliance.judge(one, hours, stream.promised, period) for one in fitting)
    verdicts = tuple(
        Verdict(one.limit, one.judged, one.unjudged, _runs(one.breaches), _runs(one.early))
        for one in found
        if one is not None
    )
    availability = compliance.availability(hours, stream.promised, period)
    return Parameter(stream, availability, means, verdicts, not about)


def _runs(found: Iterable[Exceedance]) -> tuple[Run, ...]:
    """Join windows that overlap or follow each other."""
    runs: list[Run] = []
    for one in found:
        last = runs[-1] if runs else None
        if last is None or one.first > last.last + 1:
            runs.append(Run(one.limit, one.first, one.last, one.value, 1))
            continue
        worst = max((last.worst, one.value), key=lambda value: _excess(one.limit, value))
        runs[-1] = Run(one.limit, last.first, one.last, worst, last.windows + 1)
    return tuple(runs)


def _excess(limit: LegalLimit, value: float) -> float:
    """Return by how much a value lies beyond a limit."""
    above = float("-inf") if limit.high is None else value - limit.high
    below = float("-inf") if limit.low is None else limit.low - value
    return max(above, below)
