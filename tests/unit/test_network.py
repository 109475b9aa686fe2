"""The fibre network: how layers are joined, what cuts take away. Held against a plain search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import join
from ioc.domain.network.plan import Node, Plan, SiteKind
from tests.unit.full_counts import examples
from tests.unit.network_plans import analysed, at, codes, core, searched, segment, site, way

SIZE = 5  # a grid of 25 places: small, so that rings, parallel cables and dead ends are common


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Ducts between neighbours of a grid, cables that walk over it, sites at any of its places."""
    places = [(x, y) for x in range(SIZE) for y in range(SIZE)]
    steps = [((x, y), (x + dx, y + dy)) for x, y in places for dx, dy in ((1, 0), (0, 1))
             if x + dx < SIZE and y + dy < SIZE]  # fmt: skip
    ducts = draw(st.lists(st.sampled_from(steps), unique=True, max_size=30))
    walks = draw(st.lists(st.lists(st.sampled_from("rludrl"), min_size=1, max_size=6), max_size=14))
    cables = []
    for n, moves in enumerate(walks):
        path = [draw(st.sampled_from(places))]
        for move in moves:
            dx, dy = {"r": (1, 0), "l": (-1, 0), "u": (0, 1), "d": (0, -1)}[move]
            x, y = path[-1][0] + dx, path[-1][1] + dy
            if 0 <= x < SIZE and 0 <= y < SIZE and (x, y) not in path:
                path.append((x, y))
        if len(path) > 1:
            cables.append(way(f"c{n}", *(at(*p) for p in path)))
    kinds = st.sampled_from(list(SiteKind))
    stands = draw(st.lists(st.tuples(st.sampled_from(places), kinds), max_size=12))
    sites = tuple(site(f"s{n}", at(*p), kind, f"{p[0]}") for n, (p, kind) in enumerate(stands))
    nodes = tuple(
        Node(f"n{n}", "", at(*p), core=n == 0)
        for n, p in enumerate(draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)))
    )
    return Plan(tuple(way(f"d{n}", at(*a), at(*b)) for n, (a, b) in enumerate(ducts)),
                tuple(cables), nodes, sites)  # fmt: skip


@given(plans(), st.data())
@examples(100, 3000)
def test_impact_is_what_a_search_says(plan: Plan, data: st.DataObject) -> None:
    """Any set of cut segments takes away exactly what a plain search no longer reaches."""
    analysis = analysed(plan)
    count = len(analysis.network.segments)
    cut = data.draw(st.sets(st.integers(0, max(0, count - 1)), max_size=6)) if count else set()
    before, after = searched(analysis.network), searched(analysis.network, cut)
    found = analysis.impact(cut)
    assert set(found.lost) == before - after
    assert set(found.survivors) <= after
    strands = [n for s in cut for n in analysis.strands_of[s]]
    assert analysis.tree.fall(strands) == analysis.tree.quick_fall(strands)
    assert set(analysis.reached()) == before


@given(plans())
@examples(100, 3000)
def test_every_single_cut_is_what_a_search_says(plan: Plan) -> None:
    """The words of the edges find for every segment exactly the sites that its cut takes away."""
    analysis = analysed(plan)
    before = searched(analysis.network)
    found = {n: set(analysis.sites(ranges)) for ranges, chain in analysis.chains() for n in chain}
    for n in range(len(analysis.network.segments)):
        assert found.get(n, set()) == before - searched(analysis.network, {n})


@given(plans())
@examples(100, 3000)
def test_nodes_that_fail_are_what_a_search_says(plan: Plan) -> None:
    """A node that fails takes away what the cut of everything that passes it takes away."""
    analysis = analysed(plan)
    before = searched(analysis.network)
    found = {p.place: set(p.lost) for p in analysis.single_points() if p.place is not None}
    cores = {analysis.network.origin[v] for v in analysis.network.cores}
    for _, place in analysis.network.nodes:
        cut = {n for n, s in enumerate(analysis.network.segments) if place in s.ends}
        lost = set() if place in cores else before - searched(analysis.network, cut)
        assert found.get(place, set()) == lost


def ring() -> Analysis:
    """Return a ring core-a-b-core with a spur from b: two offices on the ring, three behind."""
    return analysed(
        Plan(
            cables=(
                way("k1", at(0), at(2)),
                way("k2", at(2), at(2, 2)),
                way("k3", at(2, 2), at(0)),
                way("k4", at(2, 2), at(3, 2), at(4, 2)),
            ),
            nodes=(core(at(0)), Node("B", "Nút B", at(2, 2))),
            sites=(
                site("a", at(2), commune="A"),
                site("b", at(2, 2), commune="B"),
                site("c", at(3, 2), commune="B"),
                site("d", at(4, 2), commune="C"),
                site("bts", at(4, 2), SiteKind.BTS),
                site("far", at(9, 9)),
            ),
        )
    )


def test_a_ring_survives_and_a_spur_does_not() -> None:
    """A cut ring loses nobody and names who lives on the other way; a cut spur loses its end."""
    analysis = ring()
    first = analysis.impact([segment(analysis, "k1")])
    assert (codes(analysis, first.lost), codes(analysis, first.survivors)) == (set(), {"a"})
    spur = analysis.impact([segment(analysis, "k4·1")])
    assert codes(analysis, spur.lost) == {"c", "d", "bts"}
    assert [(c.code, c.lost, c.of, c.cut_off) for c in spur.communes] == [
        ("C", 1, 1, True),
        ("B", 1, 2, False),
    ]


def test_single_points_are_ranked_by_what_is_lost() -> None:
    """The node that carries the most comes first; segments that lose the same are one entry."""
    points = ring().single_points()
    told = [(p.place is not None, sum(p.counts.values()), p.weight) for p in points]
    assert told == [(True, 4, 18), (False, 3, 13), (False, 2, 8)]


def test_cables_that_share_a_duct_fall_together_and_are_not_joined_in_it() -> None:
    """A ring on paper whose two cables lie in one duct is none; a shared pit joins no cables."""
    shared = way("duct", at(0), at(1))
    plan = Plan(
        ducts=(shared,),
        cables=(way("k1", at(0), at(1), at(2)), way("k2", at(0), at(1), at(1, 1), at(2))),
        nodes=(core(at(0)),),
        sites=(site("end", at(2)), site("pit", at(1, 3))),
    )
    analysis = analysed(plan)
    duct = segment(analysis, "duct")
    assert len(analysis.strands_of[duct]) == 2
    assert codes(analysis, analysis.impact([duct]).lost) == {"end"}
    crossing = Plan(
        cables=(way("x", at(0), at(1), at(2)), way("y", at(1, 1), at(1), at(1, -1))),
        nodes=(core(at(0)),),
        sites=(site("other", at(1, 1)),),
    )
    assert analysed(crossing).reached() == frozenset()


def test_ends_are_told_by_code_first() -> None:
    """A code joins an end to a node that lies far off; without codes only near ends are joined."""
    cables = (way("k", at(1), at(2), start="core", end="office"),)
    by_code = Plan(cables=cables, nodes=(core(at(0)),), sites=(site("office", at(5)),))
    network = join(by_code)
    assert (network.joined.ends_by_code, network.joined.sites_unlinked) == (2, 0)
    near, away = at(0.02), at(0.06)  # 22 m and 67 m
    for place, linked in ((near, True), (away, False)):
        plan = Plan(
            cables=(way("k", place, at(2)),), nodes=(core(at(0)),), sites=(site("s", at(2)),)
        )
        assert bool(analysed(plan).reached()) is linked
        assert join(plan).joined.tolerance_m == 50.0


def test_without_cables_each_duct_carries_one() -> None:
    """Where only ducts are known they are the network; beside cables an empty duct carries none."""
    ducts = (way("d", at(0), at(1)),)
    nodes, sites = (core(at(0)),), (site("s", at(1)),)
    assert analysed(Plan(ducts, (), nodes, sites)).reached() == {0}
    other = (way("k", at(5), at(6)),)
    empty = analysed(Plan(ducts, other, nodes, sites))
    assert (empty.reached(), empty.network.joined.ducts_without_cable) == (frozenset(), 1)


def test_a_place_cuts_what_passes_within_its_radius() -> None:
    """A place and a radius find the pieces that pass it, and only those."""
    analysis = ring()
    assert {analysis.network.segments[n].code for n in analysis.within(at(3.5, 2.1), 0.2)} == {
        "k4·2"
    }
    assert analysis.within(at(8, 8), 0.5) == ()
    found = analysis.nearest(at(3.5, 2.1))
    assert found is not None
    assert analysis.network.segments[found[0]].code == "k4·2"
    assert found[1] == pytest.approx(0.111, abs=0.01)


def test_ends_of_a_chain_have_names() -> None:
    """A chain is named from the end towards the core to the far one."""
    analysis = ring()
    spur = [segment(analysis, "k4·1"), segment(analysis, "k4·2")]
    assert analysis.ends(spur) == ("Nút B", "d")


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_the_order_of_rows_does_not_matter(order: tuple[int, ...]) -> None:
    """The same layers in another order lose the same sites by the same cut."""
    plan = ring().network
    cables = [
        way("k1", at(0), at(2)), way("k2", at(2), at(2, 2)),
        way("k3", at(2, 2), at(0)), way("k4", at(2, 2), at(3, 2), at(4, 2)),
    ]  # fmt: skip
    analysis = analysed(
        Plan((), tuple(cables[n] for n in order), tuple(n for n, _ in plan.nodes), plan.sites)
    )
    found = analysis.impact([segment(analysis, "k4·1")])
    assert codes(analysis, found.lost) == {"c", "d", "bts"}
