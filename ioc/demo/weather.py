"""The weather of the simulated province: rain cells that move, the hours of the day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, exp, pi, radians
from typing import Final

from ioc.demo.noise import uniform
from ioc.domain.instant import HOUR, MINUTE
from ioc.domain.location import KM_PER_DEGREE

_ZONE: Final = 7 * HOUR  # Indochina time has no summer time
_CELLS: Final = 5  # at most, in one spell
_SPELL: Final = 2 * HOUR
_DAY_HOURS: Final = 24
_WEST, _SOUTH, _EAST, _NORTH = 106.4, 10.6, 107.6, 12.3
_STEPS: Final = 6  # points of the sum over a span


@dataclass(frozen=True, slots=True)
class Cell:
    """A shower: born at `start`, gone at `end` (µs); degrees, degrees an hour, km, mm an hour."""

    start: int
    end: int
    lon: float
    lat: float
    east: float
    north: float
    radius: float
    peak: float

    def rate(self, lon: float, lat: float, instant: int) -> float:
        """Return mm an hour at a place and instant."""
        if not self.start < instant < self.end:
            return 0.0
        hours = (instant - self.start) / HOUR
        x = (lon - self.lon - self.east * hours) * cos(radians(lat)) * KM_PER_DEGREE
        y = (lat - self.lat - self.north * hours) * KM_PER_DEGREE
        near = (x * x + y * y) / (self.radius * self.radius)
        if near > 9:  # noqa: PLR2004  three radii: less than a thousandth
            return 0.0
        age = (instant - self.start) / (self.end - self.start)
        return self.peak * 4 * age * (1 - age) * exp(-near)


def local_hour(instant: int) -> float:
    """Return the hour of the day in Viet Nam, 0 to 24."""
    return (instant + _ZONE) % (_DAY_HOURS * HOUR) / HOUR


def day_curve(instant: int, peak_hour: float) -> float:
    """Return 1 at `peak_hour`, -1 twelve hours from it."""
    return cos(2 * pi * (local_hour(instant) - peak_hour) / _DAY_HOURS)


def rain(seed: int, lon: float, lat: float, instant: int, span: int) -> float:
    """Return the rain of the last `span` µs, mm."""
    step = span / _STEPS
    total = 0.0
    for n in range(_STEPS):
        then = int(instant - (n + 0.5) * step)
        total += sum(
            cell.rate(lon, lat, then)
            for spell in (then // _SPELL, then // _SPELL - 1)
            for cell in cells(seed, spell)
        )
    return total / _STEPS * span / HOUR


@lru_cache(maxsize=64)
def cells(seed: int, spell: int) -> tuple[Cell, ...]:
    """Return the showers born in a spell of two hours: more in the afternoon, never a flood."""
    afternoon = (1 + day_curve(spell * _SPELL, 15)) / 2
    found = []
    for n in range(_CELLS):
        draw = [uniform(seed, 11, spell, n, k) for k in range(8)]
        if draw[0] > 0.15 + 0.5 * afternoon:
            continue
        start = spell * _SPELL + int(draw[1] * _SPELL)
        found.append(
            Cell(
                start,
                start + int((40 + 50 * draw[2]) * MINUTE),
                _WEST + draw[3] * (_EAST - _WEST),
                _SOUTH + draw[4] * (_NORTH - _SOUTH),
                0.1 + 0.2 * draw[5],  # south-west monsoon
                0.05 + 0.15 * draw[6],
                6 + 8 * draw[7],
                8 + 18 * draw[2],
            )
        )
    return tuple(found)
