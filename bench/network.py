"""How fast the network answers: `python -m bench.network`. Prints JSON, exits 0.

A network of at least 7,000 strands made of the simulated province with 1,500 sites
more; the naive peer is one plain search for each cut.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from bench import machine
from bench.report import Figure, Report
from ioc.demo import fibre, geography, province
from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import Network, join
from ioc.domain.network.plan import Node, Plan, Site, SiteKind, Way

RUNS: Final = 5
EDGES: Final = 7_000
_KINDS: Final = {"network": SiteKind.TSLCD, "bts": SiteKind.BTS, "camera": SiteKind.CAMERA}


def network() -> Network:
    """Return the simulated network, its drops doubled until it has enough strands."""
    ground = geography.shipped()
    units = province.build(75, ground)
    made = fibre.build(75, ground.province.seats, units)
    ducts = tuple(Way(d.code, d.name, d.points) for d in made.ducts)
    cables = [Way(c.code, c.name, c.points, c.start, c.end) for c in made.cables]
    nodes = tuple(Node(n.code, n.name, n.at, n.kind == "core") for n in made.nodes)
    sites = [
        Site(u.external_id, _KINDS[u.kind], u.name, (u.place.lon, u.place.lat))
        for u in units
        if u.kind in _KINDS
    ]
    for n, site in enumerate(tuple(sites)[:1500]):  # more, each behind one that is there
        at = (site.at[0] + 0.004, site.at[1] + 0.003)
        sites.append(Site(f"X{n}", site.kind, f"X{n}", at))
        cables.append(Way(f"NX{n}", f"NX{n}", (site.at, at), site.code, f"X{n}"))
    return join(Plan(ducts, tuple(cables), nodes, tuple(sites)))


def timed(work: Callable[[], Any], runs: int = RUNS) -> list[float]:
    """Return the milliseconds of each run."""
    found = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        found.append(round((time.perf_counter() - begin) * 1000, 3))
    return found


def search(found: Network, cut: int) -> int:
    """Return how many sites a plain search from the cores reaches without one segment."""
    around: dict[int, list[int]] = {}
    for strand in found.strands:
        if strand.segment != cut:
            around.setdefault(strand.a, []).append(strand.b)
            around.setdefault(strand.b, []).append(strand.a)
    seen, waiting = set(found.cores), list(found.cores)
    while waiting:
        fresh = [one for one in around.get(waiting.pop(), ()) if one not in seen]
        seen.update(fresh)
        waiting += fresh
    return sum(vertex in seen for vertex in found.stands)


def main() -> int:
    """Measure and print."""
    found = network()
    machine.say(f"{len(found.strands)} strands, {len(found.segments)} segments")
    analysis = Analysis(found)
    points = analysis.single_points()
    worst, light = points[0].segments[0], points[-1].segments[0]
    middle = found.segments[worst].path[0]

    searches = timed(lambda: search(found, worst))
    whole = timed(lambda: Analysis(found).single_points())
    told = Report("network")
    told.calibration = {"strands": len(found.strands), "plain_search_ms": min(searches)}
    told.figures = {
        "impact_worst_ms": Figure(
            timed(lambda: analysis.impact([worst])), "ms", 20, at_least=False
        ),
        "impact_light_ms": Figure(
            timed(lambda: analysis.impact([light])), "ms", 20, at_least=False
        ),
        "impact_place_2km_ms": Figure(
            timed(lambda: analysis.impact(analysis.within(middle, 2.0))), "ms", 20, at_least=False
        ),
        "all_single_cuts_ms": Figure(whole, "ms", 1000, at_least=False),
        "all_cuts_against_searches": Figure(
            [round(min(searches) * len(found.segments) / run, 1) for run in whole], "times"
        ),
        "build_and_join_ms": Figure(timed(network, 1), "ms"),
        "ready_ms": Figure(timed(lambda: Analysis(found)), "ms"),
    }
    if len(found.strands) < EDGES:
        machine.say(f"fewer than {EDGES} strands: the goals are for more")
    told.emit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
