"""What hangs on what: one tree of shortest ways from the core, and a label for every edge.

Cutting a set F of edges breaks the tree into pieces. Which pieces still hang together tells who is
lost. Two answers to that, which the tests hold against a plain search:

* for one cut, the edges that are left are gone through and the pieces joined: exact, O(edges);
* for all cuts one after the other, each edge outside the tree has a random word and each piece the
  exclusive or of the words of the edges that leave it. A union of pieces is cut off if and only if
  its words cancel (Pritchard and Thurimella, "Fast computation of small cuts via cycle space
  sampling", 2011), so every bridge, every articulation and every duct with several cables is judged
  from one walk of the tree. 128 bits: a wrong answer in 10^30 questions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush
from typing import NamedTuple

from ioc.domain.network.joining import Network

Range = tuple[int, int]  # of positions on the tour, [from, to)


class Fall(NamedTuple):
    """Tour ranges: what is cut off, and what reaches the core another way than the shortest."""

    lost: list[Range]
    rerouted: list[Range]


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree of shortest ways; `tour` its vertices, each before what hangs on it."""

    tour: list[int]
    position: list[int]  # of a vertex on the tour, -1: the core was never within reach
    end: list[int]  # the tour position behind everything that hangs on a vertex
    parent: list[int]
    up: list[int]  # the edge to the parent
    edges: list[tuple[int, int]]
    words: list[int]  # of edges, 0 for those of the tree
    below: list[int]  # by vertex: exclusive or of the words that leave its subtree
    distance: list[float]  # km to the core

    def fall(self, cut: Iterable[int]) -> Fall:
        """Return what a cut of these edges takes away: the edges that are left are gone through."""
        edges = set(cut)
        tops = self._tops(edges)
        if not tops:
            return Fall([], [])
        group = list(range(len(tops) + 1))
        piece = self._pieces(tops)
        for number, (a, b) in enumerate(self.edges):
            if number not in edges and self.position[a] >= 0:
                _join(group, piece[self.position[a]], piece[self.position[b]])
        return self._sorted(tops, [_root(group, n) for n in range(len(tops) + 1)])

    def quick_fall(self, cut: Sequence[int]) -> Fall:
        """Return the same by the words of the edges, for thousands of small cuts."""
        edges = set(cut)
        tops = self._tops(edges)
        if not tops:
            return Fall([], [])
        if len(tops) == 1 and len(edges) == 1:  # a bridge or not
            top = tops[0]
            ranges = [(self.position[top], self.end[top])]
            return Fall(ranges, []) if self.below[top] == 0 else Fall([], ranges)
        words = self._leaving(tops, edges)
        return self._sorted(tops, _components(words))

    def _tops(self, edges: set[int]) -> list[int]:
        """Return the vertices under the cut edges of the tree, in the order of the tour."""
        found = (v for number in edges for v in self.edges[number] if self.up[v] == number)
        return sorted(found, key=self.position.__getitem__)

    def _pieces(self, tops: Sequence[int]) -> list[int]:
        """Return for each position of the tour its piece: 0 with the core, n under tops[n-1]."""
        piece = [0] * len(self.tour)
        for number, top in enumerate(tops, 1):
            start, end = self.position[top], self.end[top]
            piece[start:end] = [number] * (end - start)
        return piece

    def _leaving(self, tops: Sequence[int], edges: set[int]) -> list[int]:
        """Return for each piece the exclusive or of the words of the uncut edges that leave it."""
        words = [0] * (len(tops) + 1)
        starts = [self.position[top] for top in tops]
        above: list[int] = []
        outer: list[int] = []
        for number, top in enumerate(tops, 1):
            while above and self.end[tops[above[-1] - 1]] <= starts[number - 1]:
                above.pop()
            outer.append(above[-1] if above else 0)
            words[number] ^= self.below[top]
            words[outer[-1]] ^= self.below[top]
            above.append(number)

        def piece(vertex: int) -> int:
            at = self.position[vertex]
            number = bisect_right(starts, at)
            while number and self.end[tops[number - 1]] <= at:
                number = outer[number - 1]
            return number

        for number in edges:
            if self.words[number]:
                for vertex in self.edges[number]:
                    words[piece(vertex)] ^= self.words[number]
        return words

    def _sorted(self, tops: Sequence[int], group: Sequence[int]) -> Fall:
        """Return the ranges of the pieces apart from, and together with, the core's."""
        found = Fall([], [])
        for number, top in enumerate(tops, 1):
            into = found.rerouted if group[number] == group[0] else found.lost
            inner = [
                (self.position[other], self.end[other])
                for other in tops[number:]
                if self.end[other] <= self.end[top]
            ]
            into += _without((self.position[top], self.end[top]), inner)
        return Fall(_merged(found.lost), _merged(found.rerouted))


def grow(network: Network) -> Tree:
    """Return the tree of shortest ways over the strands, from all cores at once."""
    edges = [(s.a, s.b) for s in network.strands]
    lengths = [network.segments[s.segment].length_km for s in network.strands]
    around: list[list[int]] = [[] for _ in range(len(network.origin))]
    for number, (a, b) in enumerate(edges):
        around[a].append(number)
        around[b].append(number)
    distance, up, order = _shortest(network, edges, lengths, around)
    parent = [-1] * len(network.origin)
    children: list[list[int]] = [[] for _ in range(len(network.origin))]
    for vertex in order:
        if up[vertex] >= 0:
            a, b = edges[up[vertex]]
            parent[vertex] = b if a == vertex else a
            children[parent[vertex]].append(vertex)
    tour, position, end = _walk(network, children)
    in_tree = {number for number in up if number >= 0}
    words = [0 if n in in_tree else _word(n) for n in range(len(edges))]
    below = [0] * len(network.origin)
    for number, (a, b) in enumerate(edges):
        below[a] ^= words[number]
        below[b] ^= words[number]
    for vertex in reversed(tour):
        if parent[vertex] >= 0:
            below[parent[vertex]] ^= below[vertex]
    return Tree(tour, position, end, parent, up, edges, words, below, distance)


def _shortest(
    network: Network,
    edges: Sequence[tuple[int, int]],
    lengths: Sequence[float],
    around: Sequence[Sequence[int]],
) -> tuple[list[float], list[int], list[int]]:
    """Return distances, the edge towards the core and the order in which vertices were reached."""
    distance = [float("inf")] * len(network.origin)
    up = [-1] * len(network.origin)
    done = [False] * len(network.origin)
    order: list[int] = []
    heap: list[tuple[float, int, int]] = [(0.0, core, -1) for core in network.cores]
    while heap:
        far, vertex, edge = heappop(heap)
        if done[vertex]:
            continue
        done[vertex] = True
        distance[vertex], up[vertex] = far, edge
        order.append(vertex)
        for number in around[vertex]:
            a, b = edges[number]
            other = b if a == vertex else a
            if not done[other]:
                heappush(heap, (far + lengths[number], other, number))
    return distance, up, order


def _walk(
    network: Network, children: Sequence[Sequence[int]]
) -> tuple[list[int], list[int], list[int]]:
    """Return the tour of the tree, each vertex's place on it and where its subtree ends."""
    tour: list[int] = []
    position = [-1] * len(network.origin)
    end = [0] * len(network.origin)
    stack = list(reversed(network.cores))
    while stack:
        vertex = stack.pop()
        position[vertex] = len(tour)
        tour.append(vertex)
        stack += reversed(children[vertex])
    for vertex in reversed(tour):
        last = children[vertex][-1] if children[vertex] else None
        end[vertex] = position[vertex] + 1 if last is None else end[last]
    return tour, position, end


def _word(number: int) -> int:
    return int.from_bytes(blake2b(number.to_bytes(8), digest_size=16).digest())


def _components(words: Sequence[int]) -> list[int]:
    """Return a number for each piece, the same for pieces that hang together.

    The sets of pieces whose words cancel are exactly the unions of what hangs together; two pieces
    do if and only if each of those sets has both or neither. Gauss over GF(2).
    """
    basis: dict[int, tuple[int, int]] = {}  # highest bit -> word, pieces in it
    cancelled: list[int] = []
    for number, word in enumerate(words):
        pieces = 1 << number
        while word:
            known = basis.get(word.bit_length())
            if known is None:
                basis[word.bit_length()] = (word, pieces)
                break
            word, pieces = word ^ known[0], pieces ^ known[1]  # noqa: PLW2901
        else:
            cancelled.append(pieces)
    names: dict[tuple[int, ...], int] = {}
    found = []
    for number in range(len(words)):
        key = tuple(pieces >> number & 1 for pieces in cancelled)
        found.append(names.setdefault(key, len(names)))
    return found


def _root(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = group[group[number]]
        number = group[number]
    return number


def _join(group: list[int], a: int, b: int) -> None:
    if a != b:
        group[_root(group, a)] = _root(group, b)


def _without(outer: Range, inner: Sequence[Range]) -> list[Range]:
    found, at = [], outer[0]
    for start, end in inner:
        if start > at:
            found.append((at, start))
        at = max(at, end)
    if at < outer[1]:
        found.append((at, outer[1]))
    return found


def _merged(ranges: Iterable[Range]) -> list[Range]:
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and found[-1][1] >= start:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
