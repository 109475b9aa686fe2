"""The network, its suspected cuts, coverage, and what lies around an alert, for pages and API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

from ioc.domain.coverage import Hamlet
from ioc.domain.instant import Micros
from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.network.cut import Analysis, SinglePoint
from ioc.domain.network.joining import join
from ioc.domain.network.suspicion import Silence, Suspect, rank, together
from ioc.domain.vicinity import BESIDE_KM
from ioc.domain.wkb import parts
from ioc.storage import cuts, network
from ioc.storage.cuts import Known
from ioc.storage.script import Script, run_async
from ioc.web.database import Database

MOST_FEATURES = 500  # of the layers, around one alert: a screen shows some twenty
MOST_LINES = 10  # that pass one place
_MOST_CANDIDATES = 5  # of one silence: who is in doubt looks at the first ones

_PLACE: LiteralString = """
select l.lon, l.lat from alert a join location l on l.thing_id = a.thing_id where a.id = %s
"""
_THINGS: LiteralString = """
select t.id, t.name, t.kind, l.lon, l.lat from thing t join location l on l.thing_id = t.id
where t.state = 'admitted'
"""
_NEAR: LiteralString = """
select layer, code, name, (center(bounds))[0], (center(bounds))[1] from layer_feature
where until is null and bounds && box(point(%s, %s), point(%s, %s))
  and layer not in ('communes', 'province', 'base', 'duct', 'fibre_route', 'tslcd_point', 'bts',
    'camera') limit %s
"""
_LINES: LiteralString = """
select layer, code, name, shape, properties ->> 'direction' from layer_feature
where until is null and bounds && box(point(%s, %s), point(%s, %s))
  and layer in ('base', 'fibre_route') limit %s
"""


@dataclass(frozen=True, slots=True)
class Net:
    """One version of the network, ready for questions; single points are ranked once."""

    version: str
    analysis: Analysis
    points: list[SinglePoint]
    by_code: dict[str, int]


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What stands, and the best explanations of what is silent now."""

    standing: list[Known]
    candidates: list[Suspect]
    silent: int


@dataclass(frozen=True, slots=True)
class Line:
    """A river or a route that passes a place; `against`: drawn against its direction."""

    layer: str
    code: str
    name: str
    points: tuple[Point, ...]
    against: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Something with a place: a thing, or a feature of a layer (then `id` is None)."""

    id: int | None
    layer: str
    code: str
    name: str
    at: Point


@dataclass(frozen=True, slots=True)
class Vicinity:
    """What may be told of an alert's surroundings."""

    at: Point
    places: list[Named]
    lines: list[Line]


@dataclass(slots=True)
class NetworkQueries:
    """The reading half; keeps the network of one version in memory, some 15 MB."""

    database: Database
    _net: Net | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def net(self) -> Net:
        """Return the network as the layers are now; built anew in a thread when one changed."""
        async with self._lock:
            version = await self._read(network.version())
            if self._net is None or self._net.version != version:
                plan = await self._read(network.plan())
                self._net = await asyncio.to_thread(lambda: _ready(version, Analysis(join(plan))))
            return self._net

    async def hamlets(self) -> tuple[list[Hamlet], list[Point]]:
        """Return the hamlets, and where base stations stand."""
        return await self._read(network.hamlets()), await self._read(network.masts())

    async def suspicions(self, net: Net, now: Micros) -> Suspicions:
        """Return what is suspected, and what else would explain who is silent."""
        sites = net.analysis.network.sites
        numbers = {site.thing: n for n, site in enumerate(sites) if site.thing is not None}
        known = await self._read(cuts.standing())
        heard = await self._read(cuts.heard(list(numbers), now))
        silences = [Silence(numbers[t], since) for t, since in heard.silent.items()]
        answers = {numbers[t]: time for t, time in heard.answers.items()}
        found = await asyncio.to_thread(_candidates, net.analysis, silences, answers)
        return Suspicions(known, found, len(silences))

    async def vicinity(self, alert: UUID, reach_km: float) -> Vicinity | None:
        """Return what may lie within reach of an alert; None where there is none, or no place."""
        async with self.database.connection() as conn:
            row = await (await conn.execute(_PLACE, (alert,))).fetchone()
            if row is None:
                return None
            lon, lat = row
            things = await (await conn.execute(_THINGS)).fetchall()
            near = await (
                await conn.execute(_NEAR, (*_box((lon, lat), reach_km), MOST_FEATURES))
            ).fetchall()
            lines = await (
                await conn.execute(_LINES, (*_box((lon, lat), BESIDE_KM), MOST_LINES))
            ).fetchall()
        places = [Named(id_, kind, "", name, (x, y)) for id_, name, kind, x, y in things]
        places += [Named(None, layer, code, name, (x, y)) for layer, code, name, x, y in near]
        return Vicinity((lon, lat), places, [line for row in lines for line in _lines(row)])

    async def _read(self, script: Script[Any]) -> Any:  # noqa: ANN401  the script's own
        async with self.database.connection() as conn:
            return await run_async(conn, script)


def _ready(version: str, analysis: Analysis) -> Net:
    by_code = {segment.code: n for n, segment in enumerate(analysis.network.segments)}
    return Net(version, analysis, analysis.single_points(), by_code)


def _candidates(
    analysis: Analysis, silences: Sequence[Silence], answers: dict[int, Micros]
) -> list[Suspect]:
    groups = sorted(together(silences), key=len, reverse=True)
    if not groups:
        return []
    begin = max(one.since for one in groups[0])
    well = {site for site, time in answers.items() if time > begin}
    return rank(analysis, {one.site for one in groups[0]}, well)[:_MOST_CANDIDATES]


def _lines(row: tuple[Any, ...]) -> list[Line]:
    layer, code, name, shape, direction = row
    against = str(direction or "").casefold() in ("against", "ngược", "-1")
    return [Line(layer, code, name, part, against) for part in parts(bytes(shape)) if len(part) > 1]


def _box(at: Point, reach_km: float) -> tuple[float, float, float, float]:
    # A degree of longitude is 10 % shorter at 24° N: the box is never too narrow.
    up = reach_km / KM_PER_DEGREE
    side = up * 1.1
    return at[0] - side, at[1] - up, at[0] + side, at[1] + up
