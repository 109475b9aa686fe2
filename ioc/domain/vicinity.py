"""What lies around a place, and what lies before and behind it along a line that has a direction.

A river drawn the way it flows, a route from its first to its last node: the order of a line's
points is its direction, unless the layer says that it is drawn against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, floor, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.network.plan import km, nearest

# How far from a river or route something may stand and still belong to it: a gauge stands on the
# bank, a plant some hundred metres from its outfall.
BESIDE_KM: Final = 0.5
# Ends of two pieces of one river that a file's rounding left apart.
JOINT_KM: Final = 0.03
# A straight piece is looked up by the squares it lies in; a longer one is cut into such first.
_LONGEST_KM: Final = 10.0
# Pieces put together into one river: a long river of a province comes in some hundred.
MOST_PIECES: Final = 500


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


class Course:
    """A line with its pieces by where they lie: a river has thousands, a question is about one."""

    def __init__(self, line: Sequence[Point], beside_km: float = BESIDE_KM) -> None:
        self.beside_km = beside_km
        self._pieces: dict[tuple[int, int], list[tuple[Point, Point, float, float]]] = {}
        begin = 0.0
        for a, b in (short for long in pairwise(line) for short in _cut(*long)):
            length = km(a, b)
            for cell in self._cells(a, b):
                self._pieces.setdefault(cell, []).append((a, b, begin, length))
            begin += length

    def foot(self, at: Point) -> tuple[float, float] | None:
        """Return how far a place is from the line and how far along it that is, km.

        None where the line does not pass it.
        """
        best: tuple[float, float] | None = None
        for a, b, begin, length in self._pieces.get((self._cell(at[0]), self._cell(at[1])), ()):
            off, share = nearest(at, a, b)
            if best is None or off < best[0]:
                best = (off, begin + share * length)
        return None if best is None or best[0] > self.beside_km else best

    def _cells(self, a: Point, b: Point) -> Iterable[tuple[int, int]]:
        # Every cell that a place beside the piece can lie in.
        up = self.beside_km / KM_PER_DEGREE
        side = up / cos(radians(min(80.0, max(abs(a[1]), abs(b[1])))))
        west, east = sorted((a[0], b[0]))
        south, north = sorted((a[1], b[1]))
        for x in range(self._cell(west - side), self._cell(east + side) + 1):
            for y in range(self._cell(south - up), self._cell(north + up) + 1):
                yield x, y

    def _cell(self, degrees: float) -> int:
        return floor(degrees * KM_PER_DEGREE / (4 * self.beside_km))


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
    course = Course(line, beside_km)
    here = course.foot(at)
    if here is None:
        return None
    found = []
    for key, place in places:
        there = course.foot(place)
        if there is not None:
            further = there[1] - here[1]
            found.append(Along(key, -further if against else further, there[0]))
    return sorted(found, key=lambda one: (one.along_km, one.key))


def chained(first: Sequence[Point], others: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    """Return a piece of a river with what flows into its begin and out of its end.

    All drawn in their direction. Where several pieces begin at one end the first one given goes on.
    """
    line, left = list(first), list(others)
    for _ in range(MOST_PIECES):
        after = next((one for one in left if km(line[-1], one[0]) <= JOINT_KM), None)
        before = next((one for one in left if km(line[0], one[-1]) <= JOINT_KM), None)
        if after is not None:
            line += after[1:]
            left.remove(after)
        elif before is not None:
            line = [*before[:-1], *line]
            left.remove(before)
        else:
            break
    return tuple(line)


def away_from_area(at: Point, rings: Sequence[Sequence[Point]]) -> float | None:
    """Return how far a place is from an area by its rings, km; 0 within, None without a ring."""
    sides = [side for ring in rings for side in pairwise(ring)]
    if not sides:
        return None
    if sum(_is_east(at, *side) for side in sides) % 2:
        return 0.0
    return min(nearest(at, *side)[0] for side in sides)


def _cut(a: Point, b: Point) -> Iterable[tuple[Point, Point]]:
    count = floor(km(a, b) / _LONGEST_KM) + 1
    stops = [
        (a[0] + (b[0] - a[0]) * n / count, a[1] + (b[1] - a[1]) * n / count)
        for n in range(count + 1)
    ]
    return pairwise(stops)


def _is_east(at: Point, a: Point, b: Point) -> bool:
    """Tell whether a ray to the east crosses a side: an odd number of them means within."""
    if (a[1] > at[1]) == (b[1] > at[1]):
        return False
    return at[0] < a[0] + (at[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
