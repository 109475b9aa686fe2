"""The watch for cut cables: a thread of the dispatcher that turns silences into one alert each.

It reads who is silent, lets `ioc.domain.network.watch` decide, and stores what that says: a
suspicion with its points and the raise of its alert are one transaction, as are its end and the
return, so what is held back always has an alert that says why. Everything is read anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final

import structlog

from ioc.clock import Clock
from ioc.domain.alert import Rule
from ioc.domain.errors import ConfigError
from ioc.domain.instant import Micros
from ioc.domain.location import Outline, Place, Seat
from ioc.domain.network.cut import Analysis
from ioc.domain.network.joining import join
from ioc.domain.network.suspicion import Suspect
from ioc.domain.network.watch import Hearing, Moves, Standing, Why, decide
from ioc.rules import definition as rule_files
from ioc.storage import cuts, network, rules
from ioc.storage.cuts import Db, Heard, Known, Opening
from ioc.storage.script import run

log: Final = structlog.get_logger()

# A guess settles within 20 s and must come before the alerts of single points, two minutes after;
# one look reads the newest status of some 4,000 points, 60 ms of the database.
EVERY_S: Final = 5.0

Tell = Callable[[Micros], None]  # alerts changed


@dataclass(slots=True)
class Watch:
    """The thread; its only memory is the network, rebuilt when a layer or a thing changes."""

    stop: Event
    clock: Clock
    tell: Tell
    _version: str = ""
    _analysis: Analysis | None = None

    def run(self, conn: Db) -> None:
        while not self.stop.is_set():
            if self.turn(conn):
                self.tell(self.clock.now())
            self.stop.wait(EVERY_S)

    def turn(self, conn: Db) -> bool:
        """Look once; return whether an alert changed."""
        levels, enabled = _rule(conn)
        with conn.transaction():
            if not levels or not cuts.lock(conn):
                return False
            known = run(conn, cuts.standing())
            if not enabled and not known:
                return False
            analysis = self._ready(conn)
            return self._act(conn, analysis, known, levels, enabled=enabled)

    def _ready(self, conn: Db) -> Analysis:
        version = run(conn, network.version())
        if self._analysis is None or version != self._version:
            self._analysis = Analysis(join(run(conn, network.plan())))
            self._version = version
            log.info("network_joined", **_facts(self._analysis))
        return self._analysis

    def _act(
        self,
        conn: Db,
        analysis: Analysis,
        known: list[Known],
        levels: tuple[Rule, ...],
        *,
        enabled: bool,
    ) -> bool:
        now = self.clock.now()
        sites = _sites_of(analysis)
        moves = Moves()
        if enabled:
            watched = sites.keys() | {t for one in known for t in one.standing.points}
            heard = run(conn, cuts.heard(sorted(watched), now))
            spent = {(sites[t], at) for t, at in cuts.spent(conn, now) if t in sites}
            moves = decide(
                analysis,
                _by_site(heard, sites),
                [_standing(one, sites) for one in known],
                spent,
                now,
            )
        else:
            moves.end = [(one.standing.id, Why.OVER) for one in known]
        return _store(conn, analysis, moves, known, levels, now)


def _store(
    conn: Db,
    analysis: Analysis,
    moves: Moves,
    known: list[Known],
    levels: tuple[Rule, ...],
    now: Micros,
) -> bool:
    by_id = {one.standing.id: one for one in known}
    things = [site.thing for site in analysis.network.sites]
    for number, since in moves.doubt:
        cuts.doubt(conn, number, since)
    for number, points in moves.join:
        named = {t: at for site, at in points.items() if (t := things[site]) is not None}
        cuts.join(conn, by_id[number], named)
    for number, why in moves.end:
        cuts.end(conn, by_id[number], why, levels, now)
        log.info("cut_ended", segments=by_id[number].standing.segments, why=why.value)
    for suspect, points in moves.open:
        cuts.open_(conn, _opening(analysis, suspect, points), levels, now)
        log.info("cut_suspected", points=len(points), stretch=analysis.stretch(suspect.segments))
    return bool(moves.end or moves.open or moves.join)


def _opening(analysis: Analysis, suspect: Suspect, points: Mapping[int, Micros]) -> Opening:
    sites = [analysis.network.sites[n] for n in suspect.explained]
    segments = [analysis.network.segments[n] for n in suspect.segments]
    path = segments[len(segments) // 2].path
    lon, lat = path[len(path) // 2]
    first = next((site for site in sites if site.commune_code), None)
    seat = None if first is None else Seat(first.commune_code, first.commune_name, *first.at)
    return Opening(
        tuple(segment.code for segment in segments),
        analysis.stretch(suspect.segments),
        Place(lon, lat, Outline.INSIDE, seat),
        {site.thing: points[n] for n, site in zip(suspect.explained, sites, strict=True)
         if site.thing is not None},
    )  # fmt: skip


def _sites_of(analysis: Analysis) -> dict[int, int]:
    """Return the site of each thing that is one."""
    sites = enumerate(analysis.network.sites)
    return {site.thing: number for number, site in sites if site.thing is not None}


def _by_site(heard: Heard, sites: Mapping[int, int]) -> Hearing:
    return Hearing(
        {sites[thing]: since for thing, since in heard.silent.items() if thing in sites},
        {sites[thing]: time for thing, time in heard.answers.items() if thing in sites},
    )


def _standing(one: Known, sites: Mapping[int, int]) -> Standing:
    """Return a suspicion with sites for things; what left the network is none of it any more."""
    held = one.standing
    points = {sites[thing]: since for thing, since in held.points.items() if thing in sites}
    return Standing(held.id, held.segments, points, held.doubted)


def _rule(conn: Db) -> tuple[tuple[Rule, ...], bool]:
    """Return the levels of the rule, the worst first, and whether it is in force."""
    stored, enabled = rules.current(conn, cuts.RULE)
    if stored is None:
        return (), False
    try:
        parsed = rule_files.parse(stored.definition)
    except ConfigError as error:  # of another release: nothing is suspected, nothing is held back
        log.warning("rule_unreadable", rule=stored.id, error=str(error))
        return (), False
    levels = rule_files.bind(parsed, stored.version, cuts.NEVER_S)
    return tuple(sorted(levels, key=lambda one: one.severity)), enabled


def _facts(analysis: Analysis) -> dict[str, int]:
    joined = analysis.network.joined
    return {
        "segments": len(analysis.network.segments),
        "sites": len(analysis.reached()),
        "unlinked": joined.sites_unlinked,
        "cores": joined.cores,
    }
