"""What lies around a place, and what lies before and behind it along a line that has a direction.

A river drawn the way it flows, a route from its first to its last node: the order of a line's
points is its direction, unless the layer says that it is drawn against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ioc.domain.location import Point
from ioc.domain.network.plan import km, nearest

# How far from a river or route something may stand and still belong to it: a gauge stands on the
# bank, a plant some hundred metres from its outfall.
BESIDE_KM: Final = 0.5


@dataclass(frozen=True, slots=True)
class Around:
    """Something within reach, and how far away, km."""

    key: int
    away_km: float


@dataclass(frozen=True, slots=True)
class Along:
    """Something beside the same line; `along_km` below zero: upstream of the place."""

    key: int
    along_km: float
    beside_km: float


def around(at: Point, places: Iterable[tuple[int, Point]], reach_km: float) -> list[Around]:
    """Return what lies within reach, the nearest first."""
    found = [Around(key, km(at, place)) for key, place in places]
    return sorted(
        (one for one in found if one.away_km <= reach_km), key=lambda one: (one.away_km, one.key)
    )


def along(
    at: Point,
    line: Sequence[Point],
    places: Iterable[tuple[int, Point]],
    *,
    beside_km: float = BESIDE_KM,
    against: bool = False,
) -> list[Along] | None:
    """Return what stands beside a line that passes a place, in the order of its direction.

    None when the line does not pass the place. `against`: drawn against its direction.
    """
    here = foot(at, line)
    if here is None or here[0] > beside_km:
        return None
    found = []
    for key, place in places:
        there = foot(place, line)
        if there is not None and there[0] <= beside_km:
            further = there[1] - here[1]
            found.append(Along(key, -further if against else further, there[0]))
    return sorted(found, key=lambda one: (one.along_km, one.key))


def foot(at: Point, line: Sequence[Point]) -> tuple[float, float] | None:
    """Return how far a place is from a line, and how far along the nearest point of it lies, km."""
    best: tuple[float, float] | None = None
    begin = 0.0
    for a, b in pairwise(line):
        length = km(a, b)
        off, share = nearest(at, a, b)
        if best is None or off < best[0]:
            best = (off, begin + share * length)
        begin += length
    return best
