"""Small networks for tests, and the search that every answer is held against."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ioc.domain.location import Point
from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import Network, join
from ioc.domain.network.plan import Node, Plan, Site, SiteKind, Way

STEP = 0.01  # degrees, 1.1 km: far beyond the tolerance


def at(x: float, y: float = 0.0) -> Point:
    return (106.0 + x * STEP, 11.0 + y * STEP)


def way(code: str, *points: Point, start: str = "", end: str = "") -> Way:
    return Way(code, code, points, start, end)


def site(code: str, place: Point, kind: SiteKind = SiteKind.TSLCD, commune: str = "") -> Site:
    return Site(code, kind, code, place, commune, commune)


def core(place: Point) -> Node:
    return Node("core", "Trung tâm", place, core=True)


def analysed(plan: Plan) -> Analysis:
    return Analysis(join(plan))


def codes(analysis: Analysis, sites: Iterable[int]) -> set[str]:
    return {analysis.network.sites[n].code for n in sites}


def segment(analysis: Analysis, code: str) -> int:
    return next(n for n, s in enumerate(analysis.network.segments) if s.code == code)


def searched(network: Network, cut: Collection[int] = ()) -> set[int]:
    """Return the sites that a plain search from the cores reaches without these segments."""
    around: dict[int, list[int]] = {}
    for strand in network.strands:
        if strand.segment not in cut:
            around.setdefault(strand.a, []).append(strand.b)
            around.setdefault(strand.b, []).append(strand.a)
    seen = set(network.cores)
    waiting = list(seen)
    while waiting:
        for other in around.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return {n for n, vertex in enumerate(network.stands) if vertex in seen}
