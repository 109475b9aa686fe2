"""The graph out of the layers: by code where a code says it, else by place.

A *segment* is what a digger cuts: a piece of a duct or, where a cable runs through no known duct,
of the cable itself. A *strand* is one cable in one segment. Cables meet only where one of them
ends, at a node and at a site: two that merely share a duct are not joined there, which is why a
ring on paper need not be a ring in the ground.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ioc.domain.location import Point
from ioc.domain.network.places import Places, part
from ioc.domain.network.plan import Node, Plan, Site, Way, km, nearest


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece between two vertices; `duct` False: of a cable in no duct that is known."""

    code: str
    name: str
    ends: tuple[int, int]
    length_km: float
    path: tuple[Point, ...]
    duct: bool


@dataclass(frozen=True, slots=True)
class Strand:
    """One cable in one segment, between two vertices of the graph."""

    a: int
    b: int
    segment: int


@dataclass(frozen=True, slots=True)
class Joined:
    """How the ends were told; what a person should know before believing an answer."""

    tolerance_m: float
    ends_by_code: int
    ends_by_place: int
    loose_ends: int  # ends of cables at which nothing else begins, ends or stands
    ducts_without_cable: int
    sites_unlinked: int
    cores: int


@dataclass(frozen=True, slots=True)
class Network:
    """The joined network. `origin` is the place of each vertex: several where cables only pass.

    `stands` is the vertex of each site, None where no cable comes near it.
    """

    segments: tuple[Segment, ...]
    strands: tuple[Strand, ...]
    places: tuple[Point, ...]
    origin: tuple[int, ...]
    cores: tuple[int, ...]
    nodes: tuple[tuple[Node, int], ...]
    sites: tuple[Site, ...]
    stands: tuple[int | None, ...]
    joined: Joined


@dataclass(slots=True)
class _Draft:
    plan: Plan
    places: Places
    nodes: list[tuple[Node, int]] = field(default_factory=list)
    stands: list[int] = field(default_factory=list)
    joints: set[int] = field(default_factory=set)
    by_code: int = 0
    by_place: int = 0
    segments: list[Segment] = field(default_factory=list)
    strands: list[Strand] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)


def join(plan: Plan) -> Network:
    """Return the network of a plan; the order of the layers' rows does not matter for its shape.

    Where not one cable is known, each duct stands for a cable of its own.
    """
    draft = _Draft(plan, Places(plan.tolerance_m))
    _stand(draft)
    carriers = plan.cables or plan.ducts
    ends = {id(way): _ends(draft, way) for way in (*plan.ducts, *plan.cables)}
    draft.joints.update(v for way in carriers for v in ends[id(way)])
    draft.origin = list(range(len(draft.places.at)))
    pieces = _lay_ducts(draft, ends) if plan.cables else {}
    seen: set[int] = set()
    for way in carriers:
        _thread(draft, way, ends[id(way)], pieces, seen)
    return _finished(draft, seen, [ends[id(way)] for way in carriers])


def _stand(draft: _Draft) -> None:
    for node in draft.plan.nodes:
        vertex = draft.places.find_or_add(node.at)
        draft.nodes.append((node, vertex))
        draft.places.by_code.setdefault(node.code, vertex)
    for site in draft.plan.sites:
        vertex = draft.places.find_or_add(site.at)
        draft.stands.append(vertex)
        draft.places.by_code.setdefault(site.code, vertex)
    draft.joints.update(vertex for _, vertex in draft.nodes)
    draft.joints.update(draft.stands)


def _ends(draft: _Draft, way: Way) -> tuple[int, int]:
    return _end(draft, way.start, way.points[0]), _end(draft, way.end, way.points[-1])


def _end(draft: _Draft, code: str, at: Point) -> int:
    """Return the vertex of an end; a code that no layer knows names a vertex all the same."""
    known = draft.places.by_code.get(code) if code else None
    if known is not None:
        draft.by_code += 1
        return known
    vertex = draft.places.find(at)
    if vertex is None:
        vertex = draft.places.add(at)
    else:
        draft.by_place += 1
    if code:
        draft.places.by_code[code] = vertex
    return vertex


Pieces = dict[tuple[int, int], list[int]]
Ends = dict[int, tuple[int, int]]


def _stops(draft: _Draft, way: Way, ends: tuple[int, int]) -> list[tuple[float, int]]:
    """Return the vertices a line passes, its own ends first and last however far they lie."""
    passed = draft.places.along(way.points)
    length = passed[-1][0] if passed else 0.0
    inner = [(place, one) for place, one in passed if one not in ends]
    return [(0.0, ends[0]), *inner, (max(length, _length(way)), ends[1])]


def _length(way: Way) -> float:
    return sum(km(a, b) for a, b in pairwise(way.points))


def _lay_ducts(draft: _Draft, ends: Ends) -> Pieces:
    pieces: Pieces = {}
    for duct in draft.plan.ducts:
        for segment in _cut_up(draft, duct, _stops(draft, duct, ends[id(duct)]), duct=True):
            draft.segments.append(segment)
            pieces.setdefault(_pair(*segment.ends), []).append(len(draft.segments) - 1)
    return pieces


def _cut_up(
    draft: _Draft, way: Way, stops: Sequence[tuple[float, int]], *, duct: bool
) -> Iterable[Segment]:
    pairs = [(a, b) for a, b in pairwise(stops) if a[1] != b[1]]
    for n, ((start, a), (end, b)) in enumerate(pairs):
        code = way.code if len(pairs) == 1 else f"{way.code}·{n + 1}"
        path = part(way.points, start, end) or (draft.places.at[a], draft.places.at[b])
        yield Segment(code, way.name, (a, b), max(end - start, 0.0), path, duct)


def _thread(draft: _Draft, way: Way, ends: tuple[int, int], pieces: Pieces, seen: set[int]) -> None:
    """Lay one cable through the ducts it passes, or through the ground."""
    own: dict[int, int] = {}

    def vertex(place: int) -> int:
        if place in draft.joints:
            return place
        if place not in own:
            own[place] = len(draft.origin)
            draft.origin.append(place)
        return own[place]

    for piece in _cut_up(draft, way, _stops(draft, way, ends), duct=False):
        a, b = piece.ends
        laid = pieces.get(_pair(a, b))
        if laid:
            number = laid[0] if len(laid) == 1 else _closest(draft, laid, piece)
        else:
            draft.segments.append(piece)
            number = len(draft.segments) - 1
        seen.add(number)
        draft.strands.append(Strand(vertex(a), vertex(b), number))


def _closest(draft: _Draft, laid: Sequence[int], piece: Segment) -> int:
    """Return the duct of several between the same ends whose middle the cable passes closest."""

    def off(number: int) -> float:
        path = draft.segments[number].path
        middle = path[len(path) // 2]
        return min((nearest(middle, a, b)[0] for a, b in pairwise(piece.path)), default=0.0)

    return min(laid, key=off)


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _finished(draft: _Draft, seen: set[int], ends: Sequence[tuple[int, int]]) -> Network:
    wired = {v for strand in draft.strands for v in (strand.a, strand.b)}
    stands = tuple(v if v in wired else None for v in draft.stands)
    cores = tuple(sorted({v for node, v in draft.nodes if node.core}))
    known = {v for _, v in draft.nodes} | set(draft.stands)
    meet: dict[int, int] = {}
    for strand in draft.strands:
        for v in (strand.a, strand.b):
            meet[v] = meet.get(v, 0) + 1
    loose = sum(meet.get(v, 0) == 1 and v not in known for pair in ends for v in pair)
    joined = Joined(
        draft.plan.tolerance_m,
        draft.by_code,
        draft.by_place,
        loose,
        sum(segment.duct and n not in seen for n, segment in enumerate(draft.segments)),
        stands.count(None),
        len(cores),
    )
    return Network(
        tuple(draft.segments),
        tuple(draft.strands),
        tuple(draft.places.at),
        tuple(draft.origin),
        cores,
        tuple(draft.nodes),
        draft.plan.sites,
        stands,
        joined,
    )
