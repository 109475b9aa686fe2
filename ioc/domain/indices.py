"""VN_AQI and VN_WQI of a station over time, from its one-hour means, as pure functions.

Hours are counted since the epoch and named by their beginning; a value stands at the end of what
it describes, as the decisions label hours. `Touched` is the other direction: which indices look at
an hour, so that a late value changes all of them and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final

from ioc.domain import aqi, wqi
from ioc.domain.aqi import Pollutant
from ioc.domain.instant import HOUR, Micros

ZONE_HOURS: Final = 7  # Viet Nam has had one offset since 1975, and no summer time
# The decisions say nothing of how much a mean needs; 75 % is what QCVN 05's practice uses.
SHARE: Final = 0.75
_DAY: Final = 24
_EIGHT: Final = 8
_DAY_NEEDED: Final = ceil(_DAY * SHARE)
_EIGHT_NEEDED: Final = ceil(_EIGHT * SHARE)
_GASES: Final = (Pollutant.O3_1H, Pollutant.NO2, Pollutant.SO2, Pollutant.CO)

Means = Mapping[int, float]  # hour -> valid one-hour mean; an hour that is missing is not there


class Kind(StrEnum):
    """What a station's indices are about."""

    AIR = "air"
    WATER = "water"


class Derived(StrEnum):
    """The derived datastreams; each is an observed property of the catalogue."""

    AQI_HOUR = "vn_aqi_hour"
    AQI_DAY = "vn_aqi_day"
    WQI = "vn_wqi"


OF_KIND: Final[Mapping[Kind, tuple[Derived, ...]]] = {
    Kind.AIR: (Derived.AQI_HOUR, Derived.AQI_DAY),
    Kind.WATER: (Derived.WQI,),
}
# Observed property -> parameter. Particles and gases of the air; ozone's 8 h mean is made from 1 h.
INPUTS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.AIR: {
        "pm25": Pollutant.PM25,
        "pm10": Pollutant.PM10,
        "o3": Pollutant.O3_1H,
        "no2": Pollutant.NO2,
        "so2": Pollutant.SO2,
        "co": Pollutant.CO,
    },
    Kind.WATER: {
        "ph": "pH",
        "dissolved_oxygen": "DO",
        "water_temperature": wqi.TEMPERATURE,
        "bod5": "BOD5",
        "cod": "COD",
        "toc": "TOC",
        "nh4": "N_NH4",
        "no3": "N_NO3",
        "nitrite": "N_NO2",
        "po4": "P_PO4",
        "coliform": "Coliform",
        "ecoli": "Ecoli",
        "arsenic": "As",
        "cadmium": "Cd",
        "lead": "Pb",
        "mercury": "Hg",
        "chromium_6": "Cr6",
        "copper": "Cu",
        "zinc": "Zn",
    },
}
# A thing is a station of a kind when it measures one of these: a swimming pool has a pH too.
MARKS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.AIR: frozenset(INPUTS[Kind.AIR]),
    Kind.WATER: frozenset({"dissolved_oxygen", "bod5", "cod", "toc", "nh4"}),
}


@dataclass(frozen=True, slots=True)
class Value:
    """One index at the end of its hour or day; `index` None has a `reason`."""

    of: Derived
    time: Micros
    index: int | None
    sub_indices: Mapping[str, float]
    dominant: str | None
    coverage: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """The hours from `first` to `last`, both included, whose means a computation reads."""

    first: int
    last: int


def day_of(hour: int) -> int:
    """Return the calendar day in Viet Nam of an hour, counted since the epoch."""
    return (hour + ZONE_HOURS) // _DAY


def hours_of(day: int) -> range:
    """Return the hours of a day."""
    first = day * _DAY - ZONE_HOURS
    return range(first, first + _DAY)


def touched_hours(kind: Kind, changed: Iterable[int], closed: int) -> list[int]:
    """Return the hours before `closed` whose index looks at a changed hour."""
    reach = aqi.HOURS if kind is Kind.AIR else 1
    return sorted({h + age for h in changed for age in range(reach) if h + age < closed})


def touched_days(changed: Iterable[int], closed: int) -> list[int]:
    """Return the days that ended before `closed` and look at a changed hour.

    The 8 h mean of a day's first hours reaches back to the evening before.
    """
    days = {day_of(h + age) for h in changed for age in (0, _EIGHT - 1)}
    return sorted(day for day in days if hours_of(day).stop <= closed)


def read_span(hours: Iterable[int], days: Iterable[int]) -> Span:
    """Return the hours that the indices of some hours and days read. At least one is given."""
    starts = [h - aqi.HOURS + 1 for h in hours] + [hours_of(d).start - _EIGHT + 1 for d in days]
    ends = [*hours, *(hours_of(d).stop - 1 for d in days)]
    return Span(min(starts), max(ends))


def station(
    kind: Kind,
    means: Mapping[str, Means],
    changed: Iterable[int],
    closed: int,
    *,
    weighted: bool = False,
) -> Iterator[Value]:
    """Yield every index that looks at a changed hour, from the means of all parameters measured.

    A parameter that is measured and has no valid hour is a key with nothing in it.
    """
    changed = list(changed)
    hours = touched_hours(kind, changed, closed)
    if kind is Kind.WATER:
        yield from (water_hour(means, hour, weighted=weighted) for hour in hours)
        return
    yield from (air_hour(means, hour) for hour in hours)
    yield from (air_day(means, day) for day in touched_days(changed, closed))


def air_hour(means: Mapping[str, Means], hour: int) -> Value:
    """Return VN_AQI of one hour."""
    window = range(hour, hour - aqi.HOURS, -1)
    particles = {p: [means[p].get(h) for h in window] for p in aqi.PARTICLES if p in means}
    gases = {p: means[p].get(hour) for p in _GASES if p in means}
    there = [m is not None for column in particles.values() for m in column]
    there += [m is not None for m in gases.values()]
    return _air(Derived.AQI_HOUR, hour + 1, aqi.hourly(particles, gases), there)


def air_day(means: Mapping[str, Means], day: int) -> Value:
    """Return VN_AQI of one day; a parameter with less than 75 % of its hours does not count."""
    hours = hours_of(day)
    found: dict[Pollutant, float | None] = {}
    there: list[bool] = []
    for name, series in means.items():
        column = [series[h] for h in hours if h in series]
        there += [h in series for h in hours]
        enough = len(column) >= _DAY_NEEDED
        if name in aqi.PARTICLES:
            found[Pollutant(name)] = sum(column) / len(column) if enough else None
        else:
            found[Pollutant(name)] = max(column) if enough else None
        if name == Pollutant.O3_1H:
            found[Pollutant.O3_8H] = _largest_of_eight(series, hours) if enough else None
    return _air(Derived.AQI_DAY, hours.stop, aqi.daily(found), there)


def water_hour(means: Mapping[str, Means], hour: int, *, weighted: bool) -> Value:
    """Return VN_WQI of the means of one hour."""
    values = {name: series.get(hour) for name, series in means.items()}
    found = wqi.water(values, weighted=weighted)
    there = [value is not None for value in values.values()]
    return Value(
        Derived.WQI,
        Micros((hour + 1) * HOUR),
        found.index,
        found.sub_indices,
        found.worst,
        _share(there),
        found.reason,
    )


def _air(of: Derived, end: int, found: aqi.Index, there: list[bool]) -> Value:
    subs = {str(name): value for name, value in found.sub_indices.items()}
    return Value(
        of, Micros(end * HOUR), found.index, subs, found.dominant, _share(there), found.reason
    )


def _share(there: list[bool]) -> float:
    return sum(there) / len(there) if there else 0.0


def _largest_of_eight(series: Means, hours: range) -> float | None:
    """Return the largest mean of eight consecutive hours, of those that end within `hours`."""
    windows = ([series[h] for h in range(end - 7, end + 1) if h in series] for end in hours)
    return max((sum(w) / len(w) for w in windows if len(w) >= _EIGHT_NEEDED), default=None)
