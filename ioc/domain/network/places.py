"""Places told apart by a tolerance: the vertices of the network while it is being joined."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import cos, floor, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.network.plan import km, nearest

_CELL: Final = 0.01  # degrees: a cable of 20 km passes some 20 cells, a cell holds a few places


class Places:
    """Vertices by place and by code."""

    def __init__(self, tolerance_m: float) -> None:
        self.at: list[Point] = []
        self.by_code: dict[str, int] = {}
        self._km = tolerance_m / 1000
        self._cells: dict[tuple[int, int], list[int]] = {}

    def add(self, at: Point) -> int:
        """Return a new vertex."""
        self.at.append(at)
        self._cells.setdefault(_cell(at), []).append(len(self.at) - 1)
        return len(self.at) - 1

    def find(self, at: Point) -> int | None:
        """Return the nearest vertex within the tolerance."""
        near = [(km(at, self.at[one]), one) for one in self._around(at, at)]
        found = min(near, default=None)
        return None if found is None or found[0] > self._km else found[1]

    def find_or_add(self, at: Point) -> int:
        found = self.find(at)
        return self.add(at) if found is None else found

    def along(self, points: tuple[Point, ...]) -> list[tuple[float, int]]:
        """Return (km from the start, vertex) of all vertices that a line passes, in its order."""
        found: dict[int, tuple[float, float]] = {}
        begin = 0.0
        for a, b in pairwise(points):
            length = km(a, b)
            for one in self._around(a, b):
                off, share = nearest(self.at[one], a, b)
                if off <= self._km and (one not in found or off < found[one][0]):
                    found[one] = (off, begin + share * length)
            begin += length
        return sorted((place, one) for one, (_, place) in found.items())

    def _around(self, a: Point, b: Point) -> Iterator[int]:
        """Yield the vertices in the cells of a straight piece and of its surroundings."""
        if a == b or max(abs(a[0] - b[0]), abs(a[1] - b[1])) < _CELL:
            yield from self._box(a, b)
            return
        pieces = 1 + int(max(abs(a[0] - b[0]), abs(a[1] - b[1])) / _CELL)
        seen: set[int] = set()
        cuts = [_between(a, b, n / pieces) for n in range(pieces + 1)]
        for start, end in pairwise(cuts):
            fresh = set(self._box(start, end)) - seen
            seen |= fresh
            yield from fresh

    def _box(self, a: Point, b: Point) -> Iterator[int]:
        up = self._km / KM_PER_DEGREE
        side = up / cos(radians(a[1]))
        west, south = _cell((min(a[0], b[0]) - side, min(a[1], b[1]) - up))
        east, north = _cell((max(a[0], b[0]) + side, max(a[1], b[1]) + up))
        for cell in product(range(west, east + 1), range(south, north + 1)):
            yield from self._cells.get(cell, ())


def part(points: tuple[Point, ...], start: float, end: float) -> tuple[Point, ...]:
    """Return the piece of a line between two distances from its start, km."""
    found: list[Point] = []
    begin = 0.0
    for a, b in pairwise(points):
        length = km(a, b) or 1e-12
        low, high = max(start, begin), min(end, begin + length)
        if low <= high:
            for place in (low, high):
                at = _between(a, b, (place - begin) / length)
                if not found or found[-1] != at:
                    found.append(at)
        begin += length
    return tuple(found)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _cell(at: Point) -> tuple[int, int]:
    return floor(at[0] / _CELL), floor(at[1] / _CELL)
