"""Where a thing lies: in the province, near it or outside, and the nearest commune seat.

Until a boundary file is imported, "outside" means beyond the shipped outline + 7 km, and the
commune is that of the nearest seat, marked approximate. Plane geometry on a local scale: over
the 7 km that matter the error is below 10 m.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import cos, hypot, inf, isfinite, radians
from typing import Final

from ioc.domain.errors import PayloadError

Point = tuple[float, float]  # lon, lat in degrees
Ring = Sequence[Point]

NEAR_KM: Final = 7.0  # the simplification of the shipped outline, with a margin
KM_PER_DEGREE: Final = 111.195


class Outline(StrEnum):
    """Position against the province's outline."""

    INSIDE = "inside"
    NEAR = "near"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Seat:
    """The seat of a commune."""

    code: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Place:
    """The verdict on one position; the commune is None outside and where no seat is known."""

    lon: float
    lat: float
    outline: Outline
    commune: Seat | None


@dataclass(frozen=True, slots=True)
class Province:
    """Outline rings (outer and holes alike: even-odd) and seats. No ring: everything is inside."""

    rings: tuple[Ring, ...] = ()
    seats: tuple[Seat, ...] = ()

    def place(self, lon: float, lat: float) -> Place:
        """Judge one position; PayloadError("bad_location") for one that is not on the globe."""
        if not (isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):  # noqa: PLR2004
            raise PayloadError("bad_location", f"lon {lon}, lat {lat}")
        outline = self._outline(lon, lat)
        near = None if outline is Outline.OUTSIDE else nearest(self.seats, lon, lat)
        return Place(lon, lat, outline, near)

    def _outline(self, lon: float, lat: float) -> Outline:
        if not self.rings or contains(self.rings, lon, lat):
            return Outline.INSIDE
        far = distance_km(self.rings, lon, lat) > NEAR_KM
        return Outline.OUTSIDE if far else Outline.NEAR


def contains(rings: Iterable[Ring], lon: float, lat: float) -> bool:
    """Say whether the point lies in the area of the rings (even-odd rule)."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
                inside = not inside
    return inside


def distance_km(rings: Iterable[Ring], lon: float, lat: float) -> float:
    """Return the distance from the point to the nearest edge, km; inf without rings."""
    scale = cos(radians(lat))
    best = inf
    for ring in rings:
        local = [((x - lon) * scale, y - lat) for x, y in ring]
        for a, b in pairwise(local):
            best = min(best, _to_segment(a, b))
    return best * KM_PER_DEGREE


def nearest(seats: Iterable[Seat], lon: float, lat: float) -> Seat | None:
    """Return the seat nearest to the point; None without seats."""
    scale = cos(radians(lat))
    return min(seats, key=lambda s: hypot((s.lon - lon) * scale, s.lat - lat), default=None)


def _to_segment(a: Point, b: Point) -> float:
    """Distance of the origin to the segment, in the unit of its ends."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length2 = dx * dx + dy * dy
    along = 0.0 if length2 == 0 else max(0.0, min(1.0, -(a[0] * dx + a[1] * dy) / length2))
    return hypot(a[0] + along * dx, a[1] + along * dy)
