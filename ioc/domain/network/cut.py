"""Questions about cuts: what one takes away, and which hurt most."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, inf, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.network.graph import Range, Tree, grow
from ioc.domain.network.joining import Network
from ioc.domain.network.plan import SiteKind, km, nearest

# What one lost site counts when single points are ranked: an office of the state without its
# network stops serving people, a base station leaves some thousand without a call, a camera is one
# picture less. The counts stand beside the sum.
WEIGHT: Final = {SiteKind.TSLCD: 5, SiteKind.BTS: 3, SiteKind.CAMERA: 1}


# Strands cut at once up to which the words of the edges are quicker than going through the edges.
SMALL: Final = 32


@dataclass(frozen=True, slots=True)
class CommuneLoss:
    """A commune whose offices lost their network; cut off when not one is left."""

    code: str
    name: str
    lost: int
    of: int

    @property
    def cut_off(self) -> bool:
        return self.lost == self.of


@dataclass(frozen=True, slots=True)
class Impact:
    """What a cut takes away. Sites are numbers of `network.sites`."""

    segments: tuple[int, ...]
    lost: tuple[int, ...]
    survivors: tuple[int, ...]  # their shortest way is cut, a ring keeps them
    communes: tuple[CommuneLoss, ...]


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """Segments one behind the other, or a place, whose cut takes the same away."""

    segments: tuple[int, ...]  # from the core outwards; of a place all that end there
    place: int | None  # of a node
    lost: tuple[int, ...]
    counts: dict[SiteKind, int]
    weight: int


Chain = tuple[tuple[Range, ...], list[int]]  # what is lost, and the segments that each lose it


@dataclass(slots=True)
class Analysis:
    """A network made ready for questions. About half a second for 7,000 strands, once a version."""

    network: Network
    tree: Tree = field(init=False)
    strands_of: list[list[int]] = field(init=False)  # by segment
    order: list[int] = field(init=False)  # sites by their place on the tour
    starts: list[int] = field(init=False)  # those places
    away: list[float] = field(init=False)  # of each place: km of cable to the core
    _boxes: list[tuple[float, float, float, float]] = field(init=False)
    _names: dict[int, str] = field(default_factory=dict)
    _chains: list[Chain] | None = None

    def __post_init__(self) -> None:
        network = self.network
        self.tree = grow(network)
        self.away = [inf] * len(network.places)
        for vertex, place in enumerate(network.origin):
            self.away[place] = min(self.away[place], self.tree.distance[vertex])
        self._boxes = [_box(segment.path) for segment in network.segments]
        self.strands_of = [[] for _ in network.segments]
        for number, strand in enumerate(network.strands):
            self.strands_of[strand.segment].append(number)
        placed = sorted(
            (self.tree.position[vertex], number)
            for number, vertex in enumerate(network.stands)
            if vertex is not None and self.tree.position[vertex] >= 0
        )
        self.order = [number for _, number in placed]
        self.starts = [position for position, _ in placed]

    # ------------------------------------------------------------ one cut

    def impact(self, segments: Iterable[int]) -> Impact:
        """Return what the cut of these segments takes away, all at once."""
        chosen = tuple(sorted(set(segments)))
        cut = [n for s in chosen for n in self.strands_of[s]]
        fall = self.tree.quick_fall(cut) if len(cut) <= SMALL else self.tree.fall(cut)
        lost = self.sites(self.ranges(fall.lost))
        return Impact(chosen, lost, self.sites(self.ranges(fall.rerouted)), self._communes(lost))

    def within(self, at: Point, radius_km: float) -> tuple[int, ...]:
        """Return the segments that pass a place within a radius."""
        up = radius_km / KM_PER_DEGREE
        side = up / cos(radians(at[1]))
        return tuple(
            number
            for number, (west, south, east, north) in enumerate(self._boxes)
            if west - side <= at[0] <= east + side
            and south - up <= at[1] <= north + up
            and self.off(number, at) <= radius_km
        )

    def nearest(self, at: Point) -> tuple[int, float] | None:
        """Return the segment closest to a place, and how far it is, km."""
        found = min(((self.off(n, at), n) for n in range(len(self._boxes))), default=None)
        return None if found is None else (found[1], found[0])

    def off(self, segment: int, at: Point) -> float:
        """Return how far a segment passes from a place, km."""
        path = self.network.segments[segment].path
        return min(nearest(at, a, b)[0] for a, b in pairwise((*path, path[-1])))

    def reached(self) -> frozenset[int]:
        """Return the sites that a way to the core is known of."""
        return frozenset(self.order)

    def _communes(self, lost: Iterable[int]) -> tuple[CommuneLoss, ...]:
        sites = self.network.sites
        gone: dict[str, int] = {}
        for number in lost:
            if sites[number].kind is SiteKind.TSLCD and sites[number].commune_code:
                code = sites[number].commune_code
                gone[code] = gone.get(code, 0) + 1
        all_of: dict[str, int] = dict.fromkeys(gone, 0)
        names: dict[str, str] = {}
        for number in self.order:
            site = sites[number]
            if site.kind is SiteKind.TSLCD and site.commune_code in gone:
                all_of[site.commune_code] += 1
                names[site.commune_code] = site.commune_name
        found = [CommuneLoss(code, names[code], n, all_of[code]) for code, n in gone.items()]
        return tuple(sorted(found, key=lambda one: (not one.cut_off, -one.lost, one.code)))

    # ------------------------------------------------------------ all cuts

    def ranges(self, tour: Iterable[Range]) -> tuple[Range, ...]:
        """Return ranges of `order` for ranges of the tour; empty ones left out, joined ones one."""
        found: list[Range] = []
        for start, end in tour:
            low, high = bisect_left(self.starts, start), bisect_left(self.starts, end)
            if low == high:
                continue
            if found and found[-1][1] == low:
                low = found.pop()[0]
            found.append((low, high))
        return tuple(found)

    def sites(self, ranges: Iterable[Range]) -> tuple[int, ...]:
        return tuple(number for low, high in ranges for number in self.order[low:high])

    def chains(self) -> list[Chain]:
        """Return every loss that one cut segment makes, with the segments that make just it."""
        if self._chains is None:
            found: dict[tuple[Range, ...], list[int]] = {}
            for number, strands in enumerate(self.strands_of):
                ranges = self.ranges(self.tree.quick_fall(strands).lost) if strands else ()
                if ranges:
                    found.setdefault(ranges, []).append(number)
            self._chains = list(found.items())
        return self._chains

    def single_points(self) -> list[SinglePoint]:
        """Return what alone takes sites away when it fails: segments and nodes, the worst first."""
        found = [self._chain(ranges, segments) for ranges, segments in self.chains()]
        found += self._nodes()
        return sorted(found, key=lambda one: (-one.weight, one.place is None, one.segments))

    def _chain(self, ranges: Sequence[Range], segments: list[int]) -> SinglePoint:
        return self._single(ranges, sorted(segments, key=self.distance), None)

    def _nodes(self) -> Iterator[SinglePoint]:
        """Yield the nodes other than the core whose failure takes sites away."""
        cores = {self.network.origin[core] for core in self.network.cores}
        at: dict[int, list[int]] = {place: [] for _, place in self.network.nodes}
        for number, segment in enumerate(self.network.segments):
            for place in segment.ends:
                if place in at:
                    at[place].append(number)
        for place, segments in at.items():
            strands = [n for s in segments for n in self.strands_of[s]]
            if strands and place not in cores:
                ranges = self.ranges(self.tree.quick_fall(strands).lost)
                if ranges:
                    yield self._single(ranges, segments, place)

    def _single(
        self, ranges: Sequence[Range], segments: Sequence[int], place: int | None
    ) -> SinglePoint:
        lost = self.sites(ranges)
        counts = dict.fromkeys(SiteKind, 0)
        for number in lost:
            counts[self.network.sites[number].kind] += 1
        weight = sum(WEIGHT[kind] * n for kind, n in counts.items())
        return SinglePoint(tuple(segments), place, lost, counts, weight)

    def distance(self, segment: int) -> float:
        """Return how much cable lies between a segment and the core, km."""
        return min(self.away[place] for place in self.network.segments[segment].ends)

    # ------------------------------------------------------------ names

    def title(self, point: SinglePoint) -> str:
        """Return what people call a single point."""
        return self.stretch(point.segments) if point.place is None else self.name(point.place)

    def stretch(self, segments: Sequence[int]) -> str:
        """Return a chain's name, from the core outwards; its own where both ends are one."""
        near, far = self.ends(segments)
        return f"{near} – {far}" if near != far else self.network.segments[segments[0]].name

    def ends(self, segments: Sequence[int]) -> tuple[str, str]:
        """Return names of the end towards the core and of the far end of a chain of segments."""
        places = [place for s in segments for place in self.network.segments[s].ends]
        ordered = sorted(places, key=lambda place: (self.away[place], place))
        return self.name(ordered[0]), self.name(ordered[-1])

    def name(self, place: int) -> str:
        """Return what stands at a place, by name; where nothing does, what is nearest."""
        if not self._names:
            sites = zip(self.network.stands, self.network.sites, strict=True)
            standing = [(v, s.name or s.code, s.kind) for v, s in sites if v is not None]
            standing.sort(key=lambda one: one[2] is SiteKind.TSLCD)  # an office's name counts
            self._names = {v: name for v, name, _ in standing}
            self._names |= {v: node.name or node.code for node, v in self.network.nodes}
        if place not in self._names:
            at, places = self.network.places[place], self.network.places
            known = [v for _, v in self.network.nodes] or list(self._names)
            best = min(known, key=lambda v: km(at, places[v]), default=None)
            self._names[place] = "" if best is None else self._names[best]
        return self._names[place]


def _box(path: Sequence[Point]) -> tuple[float, float, float, float]:
    lons, lats = zip(*path, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
