"""VN_AQI, the Vietnamese air quality index by hour and by day, as pure functions.

Source: Quyết định 1459/QĐ-TCMT of 12/11/2019. All concentrations in µg/m³, CO too. Where the text
is silent or contradicts itself: NowCast is always the normalised sum (its special form for w = ½
halves the result when hours are missing), and an index is rounded half up (its printed 60 for
NO2 118.7 is a misprint: the formula gives 59.35).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import floor, isfinite
from types import MappingProxyType
from typing import Final

HOURS: Final = 12  # of one-hour means in a NowCast
RECENT: Final = 3  # of these, the newest, …
RECENT_NEEDED: Final = 2  # … so many must be there
SMALLEST_WEIGHT: Final = 0.5
TOP: Final = 500


class Pollutant(StrEnum):
    """A column of Bảng 2."""

    PM25 = "pm25"
    PM10 = "pm10"
    O3_1H = "o3_1h"
    O3_8H = "o3_8h"
    NO2 = "no2"
    SO2 = "so2"
    CO = "co"


PARTICLES: Final = frozenset({Pollutant.PM25, Pollutant.PM10})


class Category(StrEnum):
    """What an index means to people (Bảng 1)."""

    GOOD = "good"
    MODERATE = "moderate"
    POOR = "poor"
    BAD = "bad"
    VERY_BAD = "very_bad"
    HAZARDOUS = "hazardous"

    @property
    def colour(self) -> str:
        """Return the decision's colour as #RRGGBB."""
        return _COLOURS[self]


class Missing(StrEnum):
    """Why there is no index."""

    NO_DATA = "no_data"
    NO_PARTICLES = "no_particles"  # at least one of PM10 and PM2.5 is mandatory


@dataclass(frozen=True, slots=True)
class Index:
    """An index, or the reason why there is none; `sub_indices` are not rounded."""

    sub_indices: Mapping[Pollutant, float]
    reason: Missing | None = None

    @property
    def raw(self) -> float | None:
        """Return the largest sub-index as it was computed."""
        return None if self.reason else max(self.sub_indices.values())

    @property
    def index(self) -> int | None:
        return None if self.raw is None else rounded(self.raw)

    @property
    def dominant(self) -> Pollutant | None:
        """Return the pollutant with the largest sub-index; of equals the first of Bảng 2."""
        if self.reason:
            return None
        return max(self.sub_indices, key=self.sub_indices.__getitem__)

    @property
    def category(self) -> Category | None:
        return None if self.index is None else category(self.index)


_LEVELS: Final = (0.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0)
_BREAKPOINTS: Final[Mapping[Pollutant, tuple[float, ...]]] = MappingProxyType(
    {
        Pollutant.PM25: (0, 25, 50, 80, 150, 250, 350, 500),
        Pollutant.PM10: (0, 50, 150, 250, 350, 420, 500, 600),
        Pollutant.O3_1H: (0, 160, 200, 300, 400, 800, 1000, 1200),
        Pollutant.O3_8H: (0, 100, 120, 170, 210, 400),  # beyond it the 8 h mean has no index
        Pollutant.NO2: (0, 100, 200, 700, 1200, 2350, 3100, 3850),
        Pollutant.SO2: (0, 125, 350, 550, 800, 1600, 2100, 2630),
        Pollutant.CO: (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    }
)
_UPPER: Final = (
    (50, Category.GOOD),
    (100, Category.MODERATE),
    (150, Category.POOR),
    (200, Category.BAD),
    (300, Category.VERY_BAD),
    (TOP, Category.HAZARDOUS),
)
_COLOURS: Final[Mapping[Category, str]] = MappingProxyType(
    {
        Category.GOOD: "#00E400",
        Category.MODERATE: "#FFFF00",
        Category.POOR: "#FF7E00",
        Category.BAD: "#FF0000",
        Category.VERY_BAD: "#8F3F97",
        Category.HAZARDOUS: "#7E0023",
    }
)


def rounded(raw: float) -> int:
    """Return the integer an index is published as: half up, with a guard for float noise."""
    return floor(round(raw, 6) + 0.5)


def category(index: int) -> Category:
    """Return the category of a rounded index."""
    return next(name for upper, name in _UPPER if index <= upper)


def sub_index(pollutant: Pollutant, concentration: float | None) -> float | None:
    """Return AQIx, not rounded; None for a value that is missing, negative or not finite.

    Beyond the table it is 500; an 8 h mean of O3 beyond 400 has none (the 1 h one counts alone).
    """
    if concentration is None or not isfinite(concentration) or concentration < 0:
        return None
    edges = _BREAKPOINTS[pollutant]
    steps = zip(pairwise(edges), pairwise(_LEVELS), strict=False)
    for (low, high), (least, most) in steps:
        if concentration <= high:
            return (most - least) / (high - low) * (concentration - low) + least
    return None if pollutant is Pollutant.O3_8H else float(TOP)


def nowcast(means: Sequence[float | None]) -> float | None:
    """Return the weighted mean of at most 12 one-hour means, the newest first.

    None when fewer than two of the newest three are there. A mean that is negative or not finite
    is one that is missing.
    """
    hours = [m if m is not None and isfinite(m) and m >= 0 else None for m in means[:HOURS]]
    present = [m for m in hours if m is not None]
    if sum(m is not None for m in hours[:RECENT]) < RECENT_NEEDED:
        return None
    largest = max(present)
    weight = max(min(present) / largest, SMALLEST_WEIGHT) if largest > 0 else 1.0
    terms = [(weight**age, mean) for age, mean in enumerate(hours) if mean is not None]
    return sum(w * mean for w, mean in terms) / sum(w for w, _ in terms)


def hourly(
    particles: Mapping[Pollutant, Sequence[float | None]],
    gases: Mapping[Pollutant, float | None],
) -> Index:
    """Return VN_AQI of an hour: NowCast of PM2.5 and PM10, the current one-hour mean of gases."""
    found = {pollutant: nowcast(means) for pollutant, means in particles.items()}
    return combined({**found, **gases})


def daily(means: Mapping[Pollutant, float | None]) -> Index:
    """Return VN_AQI of a day: 24 h means of PM, the day's largest 1 h (O3 also 8 h) of gases."""
    return combined(means)


def combined(concentrations: Mapping[Pollutant, float | None]) -> Index:
    """Return the largest of the sub-indices; none without any particles."""
    computed = ((p, sub_index(p, concentrations.get(p))) for p in Pollutant)
    found = {p: value for p, value in computed if value is not None}
    if not found:
        return Index({}, Missing.NO_DATA)
    if not PARTICLES & found.keys():
        return Index(found, Missing.NO_PARTICLES)
    return Index(found)
