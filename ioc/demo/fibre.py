"""A simulated fibre network over the simulated province: ducts, cables, nodes. Pure.

Trunk cables in ducts between the seats of the communes (a tree and ring closures, of which some
share a duct with the tree, as they do in the ground), express cables from the core along them, and
from the trunk a tree of aerial cables to every office, base station and camera.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, nsmallest
from itertools import pairwise
from math import ceil, floor
from typing import Final

from ioc.demo.province import Unit, bare
from ioc.domain.location import Point, Seat
from ioc.domain.network.plan import km

CORE: Final = "26041"  # the commune in which the province's data centre stands
_RINGS: Final = 35  # closures beyond the tree: about one for each three communes
_SHARED: Final = 4  # every fourth of the lesser ones leaves its seat in a duct of the tree
_DUCT_KM: Final = 3.0  # between two manholes with a splice
_SWAY: Final = 0.06  # of its length, that a road leaves the straight line
_EXPRESS: Final = 8
_CELL: Final = 0.02  # degrees: neighbours of a mast lie in 3 x 3 of these
_NEIGHBOURS: Final = 8
_LINKED: Final = frozenset({"network", "bts", "camera"})


@dataclass(frozen=True, slots=True)
class Line:
    """A duct or a cable as the layer has it."""

    code: str
    name: str
    points: tuple[Point, ...]
    start: str
    end: str
    laying: str = ""
    cores: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A node as the layer has it."""

    code: str
    name: str
    kind: str
    at: Point


@dataclass(frozen=True, slots=True)
class Fibre:
    """The whole simulated network."""

    ducts: tuple[Line, ...]
    cables: tuple[Line, ...]
    nodes: tuple[Spot, ...]


@dataclass(slots=True)
class _Trunk:
    rng: random.Random
    seats: Mapping[str, Seat]
    roads: dict[tuple[str, str], tuple[Point, ...]] = field(default_factory=dict)
    ducts: list[Line] = field(default_factory=list)
    cables: list[Line] = field(default_factory=list)


def build(seed: int, seats: Sequence[Seat], units: Iterable[Unit]) -> Fibre:
    """Return the network; the same for the same arguments."""
    rng = random.Random(f"{seed}:fibre")  # noqa: S311  a repeatable province, no secret
    trunk = _Trunk(rng, {seat.code: seat for seat in seats})
    tree, rings = _links(seats)
    for a, b in tree:
        _lay(trunk, a, b, ())
    for n, (a, b) in enumerate(rings):
        _lay(trunk, a, b, _beginning(trunk, a, b) if n > _RINGS // 2 and n % _SHARED == 0 else ())
    _express(trunk)
    nodes = tuple(
        Spot(
            f"NUT-{s.code}",
            "Trung tâm dữ liệu" if s.code == CORE else f"Nút {bare(s.name)}",
            "core" if s.code == CORE else "PoP",
            (s.lon, s.lat),
        )
        for s in seats
    )
    drops = _access(trunk, nodes, [u for u in units if u.kind in _LINKED])
    return Fibre(tuple(trunk.ducts), (*trunk.cables, *drops), nodes)


# ---------------------------------------------------------------- the trunk


def _links(seats: Sequence[Seat]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the shortest tree over the seats, and the short links that close rings."""
    pairs = sorted(
        (km((a.lon, a.lat), (b.lon, b.lat)), a.code, b.code)
        for n, a in enumerate(seats)
        for b in seats[n + 1 :]
    )
    group = {seat.code: seat.code for seat in seats}
    tree, rest = [], []
    for _, a, b in pairs:
        if _root(group, a) == _root(group, b):
            rest.append((a, b))
        else:
            group[_root(group, a)] = _root(group, b)
            tree.append((a, b))
    return tree, _closures([seat.code for seat in seats], tree, rest)


def _closures(
    seats: Sequence[str], tree: Sequence[tuple[str, str]], rest: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return links that close rings, each the shortest over the link that carries the most."""
    sides = {link: _side(tree, link) for link in tree}
    bare_links = sorted(
        tree, key=lambda link: -min(len(sides[link]), len(seats) - len(sides[link]))
    )
    found: list[tuple[str, str]] = []
    while bare_links and len(found) < _RINGS:
        side = sides[bare_links[0]]
        a, b = next((a, b) for a, b in rest if (a in side) != (b in side))
        found.append((a, b))
        bare_links = [one for one in bare_links if (a in sides[one]) == (b in sides[one])]
    return found


def _side(tree: Iterable[tuple[str, str]], link: tuple[str, str]) -> set[str]:
    """Return the seats on the first end's side of a link of the tree."""
    around: dict[str, list[str]] = {}
    for a, b in tree:
        if (a, b) != link:
            around.setdefault(a, []).append(b)
            around.setdefault(b, []).append(a)
    side, waiting = {link[0]}, [link[0]]
    while waiting:
        fresh = [one for one in around.get(waiting.pop(), ()) if one not in side]
        side.update(fresh)
        waiting += fresh
    return side


def _root(group: dict[str, str], one: str) -> str:
    while group[one] != one:
        one = group[one]
    return one


def _lay(trunk: _Trunk, a: str, b: str, shared: tuple[Point, ...]) -> None:
    """Dig ducts between two seats and pull a cable through; `shared` is laid already."""
    start, end = trunk.seats[a], trunk.seats[b]
    begin = shared[-1] if shared else (start.lon, start.lat)
    fresh = _road(trunk.rng, begin, (end.lon, end.lat))
    for n, (p, q) in enumerate(pairwise(fresh), 1):
        code = f"CB-{a}-{b}-{n:02d}"
        name = f"Cống bể {bare(start.name)} – {bare(end.name)}"
        trunk.ducts.append(Line(code, name, (p, q), "", ""))
    path = (*shared[:-1], *fresh)
    trunk.roads[a, b] = path
    name = f"Tuyến trục {bare(start.name)} – {bare(end.name)}"
    trunk.cables.append(
        Line(f"TR-{a}-{b}", name, path, f"NUT-{a}", f"NUT-{b}", "cống bể", 96)
    )  # fmt: skip


def _road(rng: random.Random, a: Point, b: Point) -> tuple[Point, ...]:
    far = km(a, b)
    pieces = max(1, ceil(far / _DUCT_KM))
    found = [a]
    for n in range(1, pieces):
        sway = rng.gauss(0, _SWAY) * min(1.0, 4 / pieces)
        share = n / pieces
        dx, dy = b[0] - a[0], b[1] - a[1]
        found.append(
            (round(a[0] + share * dx - sway * dy, 5), round(a[1] + share * dy + sway * dx, 5))
        )
    return (*found, b)


def _beginning(trunk: _Trunk, a: str, b: str) -> tuple[Point, ...]:
    """Return the first duct out of seat `a` towards `b` that is there already."""
    goal = (trunk.seats[b].lon, trunk.seats[b].lat)
    ways = [
        path[:2] if one == a else path[: -3 : -1]
        for (one, other), path in trunk.roads.items()
        if a in (one, other) and len(path) > 2  # noqa: PLR2004  a manhole to leave it at
    ]  # fmt: skip
    return min(ways, key=lambda way: km(way[-1], goal), default=())


def _express(trunk: _Trunk) -> None:
    """Pull cables from the core to the farthest seats without a splice on the way."""
    around: dict[str, list[str]] = {}
    for a, b in trunk.roads:
        around.setdefault(a, []).append(b)
        around.setdefault(b, []).append(a)
    before: dict[str, str] = {}
    far = {CORE: 0.0}
    heap = [(0.0, CORE)]
    while heap:
        here, code = heappop(heap)
        if here > far[code]:
            continue
        for other in around.get(code, ()):
            length = here + sum(km(p, q) for p, q in pairwise(_path(trunk, code, other)))
            if length < far.get(other, 1e9):
                far[other], before[other] = length, code
                heappush(heap, (length, other))
    for code in sorted(far, key=lambda one: (-far[one], one))[: _EXPRESS * 6 : 6]:
        chain = [code]
        while chain[-1] != CORE:
            chain.append(before[chain[-1]])
        chain.reverse()
        points: list[Point] = []
        for a, b in pairwise(chain):
            points += _path(trunk, a, b)[bool(points) :]
        name = f"Tuyến cao tốc Trung tâm – {bare(trunk.seats[code].name)}"
        trunk.cables.append(
            Line(f"CT-{code}", name, tuple(points), f"NUT-{CORE}", f"NUT-{code}", "cống bể", 48)
        )


def _path(trunk: _Trunk, a: str, b: str) -> tuple[Point, ...]:
    known = trunk.roads.get((a, b))
    return trunk.roads[b, a][::-1] if known is None else known


# ---------------------------------------------------------------- to the door


@dataclass(frozen=True, slots=True)
class _End:
    code: str  # "" at a manhole
    name: str
    at: Point
    trunk: bool


def _access(trunk: _Trunk, nodes: Iterable[Spot], units: Iterable[Unit]) -> Iterator[Line]:
    """Yield a cable for each unit, to the next of the network or of another unit."""
    ends = [_End(node.code, node.name, node.at, trunk=True) for node in nodes]
    seats = {end.at for end in ends}
    manholes = {p for path in trunk.roads.values() for p in path} - seats
    ends += [_End("", "", at, trunk=True) for at in sorted(manholes)]
    ends += [
        _End(u.external_id, u.short_name, (u.place.lon, u.place.lat), trunk=False) for u in units
    ]
    cells: dict[tuple[int, int], list[int]] = {}
    for n, end in enumerate(ends):
        cells.setdefault(_cell(end.at), []).append(n)
    joined = [end.trunk for end in ends]
    # Prim's, over the nearest neighbours only: grown from the whole trunk at once.
    heap = [pair for n, end in enumerate(ends) if end.trunk for pair in _near(ends, cells, n)]
    heap.sort()
    while heap:
        _, to, start = heappop(heap)
        if not joined[to]:
            joined[to] = True
            yield _drop(ends[start], ends[to])
            for pair in _near(ends, cells, to):
                if not joined[pair[1]]:
                    heappush(heap, pair)
    for n in (n for n, done in enumerate(joined) if not done):  # alone in the forest
        best = min((m for m, end in enumerate(ends) if end.trunk), key=lambda m: _far(ends, m, n))
        yield _drop(ends[best], ends[n])


def _drop(start: _End, end: _End) -> Line:
    name = f"Nhánh {end.name}"
    return Line(f"NH-{end.code}", name, (start.at, end.at), start.code, end.code, "treo", 12)


def _near(
    ends: Sequence[_End], cells: Mapping[tuple[int, int], Sequence[int]], n: int
) -> list[tuple[float, int, int]]:
    x, y = _cell(ends[n].at)
    others = (
        (_far(ends, n, m), m, n)
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        for m in cells.get((x + dx, y + dy), ())
        if m != n and not ends[m].trunk
    )
    return nsmallest(_NEIGHBOURS, others)


def _far(ends: Sequence[_End], a: int, b: int) -> float:
    return km(ends[a].at, ends[b].at)


def _cell(at: Point) -> tuple[int, int]:
    return floor(at[0] / _CELL), floor(at[1] / _CELL)
