"""A station's values against the limits that hold for it, over a period, as pure functions.

A breach is a mean (or what the limit says) over the limit's own, complete window with enough valid
hours. A value beyond the number in a window that still runs is an early warning, never a breach.
Each window is compared with the limits in force on its own day, so that history keeps the limit of
its time. Hours are counted since the epoch and named by their beginning.

Sources: QCVN 05:2023/BTNMT (windows, 75 %), TT 10/2021/TT-BTNMT (status, transmission), TT 24/2017
Điều 58 (comparison, warning of interruptions).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from math import ceil
from typing import Final

from ioc.domain.indices import SHARE, ZONE_HOURS, day_of, hours_of
from ioc.domain.legal_limit import LegalLimit

_HOUR_S: Final = 3600
_DAY: Final = 24
AVAILABLE: Final = 0.8  # of a month's hours: what practice asks of a station
INTERRUPTED_S: Final = 3600  # longer without a message counts as an interruption
NOTICE_S: Final = 12 * 3600  # longer than this the owner writes to the department


@dataclass(frozen=True, slots=True)
class Hour:
    """What one datastream had in an hour. `low`, `high`, `mean`: of good values; None: none."""

    n: int  # all values
    n_good: int
    mean: float | None
    low: float | None
    high: float | None
    calibrating: int = 0
    fault: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """The hours from `first` up to, not including, `end`; `now` is the first that still runs."""

    first: int
    end: int
    now: int


@dataclass(frozen=True, slots=True)
class Exceedance:
    """A window beyond its limit: hours `first` to `last`, both included."""

    limit: LegalLimit
    first: int
    last: int
    value: float
    share: float  # of its hours that are valid


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one limit: windows judged, windows without enough data, what lay beyond it."""

    limit: LegalLimit
    judged: int
    unjudged: int
    breaches: tuple[Exceedance, ...]
    early: tuple[Exceedance, ...]


@dataclass(frozen=True, slots=True)
class Availability:
    """How much of a period there is. `hours` counts those that are over."""

    hours: int
    valid: int
    calibrating: float  # hours' worth of values, as the station called them
    fault: float

    @property
    def share(self) -> float | None:
        """Return the share of valid hours; None before the first hour is over."""
        return self.valid / self.hours if self.hours else None

    @property
    def enough(self) -> bool:
        return self.share is not None and self.share >= AVAILABLE


@dataclass(frozen=True, slots=True)
class Interruption:
    """A time without any message, in seconds since the epoch; `until` None: it lasts."""

    since: int
    until: int | None
    notice: bool  # so long that the owner must write to the department


def judge(
    limit: LegalLimit, hours: Mapping[int, Hour], promised: float, period: Period
) -> Judged | None:
    """Compare a datastream with one limit; None where it was in force in no window.

    `promised`: values an hour, from which an hour's validity is told.
    """
    judged = unjudged = 0
    breaches: list[Exceedance] = []
    early: list[Exceedance] = []
    for window in _windows(limit, period):
        if not limit.in_force(_date(window[-1])):
            continue
        if window[-1] >= period.now:
            early += _early(limit, hours, window)
            continue
        share = sum(_valid(hours.get(h), promised) for h in window) / len(window)
        if share < limit.min_coverage:
            unjudged += 1
            early += _early(limit, hours, window)
            continue
        judged += 1
        good = [hours[h] for h in window if _valid(hours.get(h), promised)]
        found = _beyond(limit, _compared(limit, good))
        if found is not None:
            breaches.append(Exceedance(limit, window[0], window[-1], found, share))
    if not judged and not unjudged and not early:
        return None
    return Judged(limit, judged, unjudged, tuple(breaches), tuple(early))


def availability(hours: Mapping[int, Hour], promised: float, period: Period) -> Availability:
    """Return how many of the hours that are over are valid, and how long it was out of order."""
    over = range(period.first, min(period.end, period.now))
    there = [hours[h] for h in over if h in hours]
    return Availability(
        len(over),
        sum(_valid(hour, promised) for hour in there),
        sum(hour.calibrating for hour in there) / max(promised, 1),
        sum(hour.fault for hour in there) / max(promised, 1),
    )


def interruptions(received: Sequence[int], since: int, until: int, now: int) -> list[Interruption]:
    """Return the gaps of transmission between two instants from the times of all messages, sorted.

    All in seconds. What was sent again later counts as sent: give phenomenon times.
    """
    end = min(until, now)
    times = [since, *(t for t in received if since <= t < end), end]
    found = [(a, b) for a, b in pairwise(times) if b - a > INTERRUPTED_S]
    return [Interruption(a, None if b == now else b, b - a > NOTICE_S) for a, b in found]


def _windows(limit: LegalLimit, period: Period) -> Iterator[range]:
    """Yield the limit's windows that end in the period.

    24 h are the calendar days of Viet Nam; a shorter window ends with each hour and slides.
    """
    length = 1 if limit.averaging is None else ceil(limit.averaging.length_s / _HOUR_S)
    if length == _DAY:
        for day in range(day_of(period.first), day_of(period.end - 1) + 1):
            if period.first <= hours_of(day).start <= period.now:
                yield hours_of(day)
        return
    last = min(period.end, period.now + 1)
    yield from (range(h - length + 1, h + 1) for h in range(period.first, last))


def _valid(hour: Hour | None, promised: float) -> bool:
    return hour is not None and hour.n_good > 0 and hour.n_good >= SHARE * max(1.0, promised)


def _compared(limit: LegalLimit, good: Sequence[Hour]) -> tuple[float, ...]:
    """Return what is compared: one value a window, or its extremes for a limit of single values."""
    if limit.averaging is None:
        return _extremes(good)
    means = [hour.mean for hour in good if hour.mean is not None]
    match limit.averaging.function:
        case "mean":
            return (sum(means) / len(means),) if means else ()
        case "max":
            return tuple(h.high for h in good if h.high is not None)
        case "sum":
            return (sum(h.mean * h.n_good for h in good if h.mean is not None),)


def _extremes(hours: Iterable[Hour]) -> tuple[float, ...]:
    return tuple(v for hour in hours for v in (hour.low, hour.high) if v is not None)


def _beyond(limit: LegalLimit, values: Iterable[float]) -> float | None:
    """Return the first value beyond the limit; a value at the limit keeps it."""
    for value in values:
        too_high = limit.high is not None and value > limit.high
        too_low = limit.low is not None and value < limit.low
        if too_high or too_low:
            return value
    return None


def _early(limit: LegalLimit, hours: Mapping[int, Hour], window: range) -> Iterator[Exceedance]:
    """Yield the early warning of a window that is not complete."""
    there = [hours[h] for h in window if h in hours]
    found = _beyond(limit, _extremes(there))
    if found is not None:
        yield Exceedance(limit, window[0], window[-1], found, len(there) / len(window))


def _date(hour: int) -> date:
    """Return the day in Viet Nam."""
    return datetime.fromtimestamp((hour + ZONE_HOURS) * _HOUR_S, UTC).date()
