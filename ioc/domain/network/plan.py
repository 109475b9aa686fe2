"""What the layers say of the network: ducts, cables, nodes, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import cos, hypot, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point

# Two ends closer than this are one: survey by hand-held receiver is good to some 10 m, and a
# point is often put on the building while the cable ends at the gate.
TOLERANCE_M: Final = 50.0


class SiteKind(StrEnum):
    """What loses its connection; the name of its layer."""

    TSLCD = "tslcd_point"
    BTS = "bts"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Way:
    """A duct, or a cable; `start` and `end` are codes of its ends, "" where nobody wrote them."""

    code: str
    name: str
    points: tuple[Point, ...]
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A place where cables are joined; `core`: what reaches it is connected."""

    code: str
    name: str
    at: Point
    core: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """What a cut can silence; `thing` is the measured one at this place, None where none is."""

    code: str
    kind: SiteKind
    name: str
    at: Point
    commune_code: str = ""
    commune_name: str = ""
    thing: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers as they are."""

    ducts: tuple[Way, ...] = ()
    cables: tuple[Way, ...] = ()
    nodes: tuple[Node, ...] = ()
    sites: tuple[Site, ...] = ()
    tolerance_m: float = field(default=TOLERANCE_M)


def km(a: Point, b: Point) -> float:
    """Return the distance on the sphere, good to 0.1 % over a province."""
    middle = cos(radians((a[1] + b[1]) / 2))
    return hypot((a[0] - b[0]) * middle, a[1] - b[1]) * KM_PER_DEGREE


def nearest(at: Point, a: Point, b: Point) -> tuple[float, float]:
    """Return how far a place is from a straight piece, km, and where along it (0 to 1)."""
    scale = cos(radians(at[1]))
    ax, ay = (a[0] - at[0]) * scale, a[1] - at[1]
    bx, by = (b[0] - a[0]) * scale, b[1] - a[1]
    length = bx * bx + by * by
    share = 0.0 if length == 0 else min(1.0, max(0.0, -(ax * bx + ay * by) / length))
    return hypot(ax + share * bx, ay + share * by) * KM_PER_DEGREE, share
