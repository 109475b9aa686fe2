"""What lies around an alert, and along the rivers and routes that pass it, for pages and API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.naming import searchable as fold
from ioc.domain.vicinity import BESIDE_KM, MOST_PIECES, chained
from ioc.domain.wkb import parts, rings
from ioc.web import identity
from ioc.web.database import Database
from ioc.web.queries.scope import WITHIN

FARTHEST_KM: Final = 50.0
# Things, and rows of layers, the nearest ones: some ten a screen, the rest is counted. A province
# has fewer within 20 km; measuring so many takes some 30 ms.
MOST_PLACES: Final = 5_000
MOST_LINES: Final = 10  # that pass one place; a junction of cables has some six
_LOOKED_AT: Final = 200  # lines near a place, before those without a direction are left out
_MOST_BYTES: Final = 1_000_000  # of one shape, some 60,000 corners; a larger one is told by its box

_AGAINST: Final = frozenset({"against", "nguoc", "nguoc chieu", "nguoc chieu ve"})
_ALONG: Final = frozenset(
    {"along", "thuan", "xuoi", "dung chieu", "thuan chieu", "theo chieu ve", "1"}
)
_WATERS: Final = ("song", "suoi", "kenh", "rach", "river", "stream", "canal", "waterway")

_PLACE: LiteralString = (
    "select l.lon, l.lat from alert a join thing t on t.id = a.thing_id"
    " join location l on l.thing_id = t.id where a.id = %(alert)s"
) + WITHIN
_LINES: LiteralString = """
select layer, code, name, shape, properties ->> 'direction', properties ->> 'kind',
  properties ->> 'from_node', properties ->> 'to_node' from layer_feature
where until is null and bounds && box(point(%s, %s), point(%s, %s))
  and layer in ('base', 'fibre_route') and octet_length(shape) <= %s order by layer, code limit %s
"""
_PIECES: LiteralString = """
select layer, code, name, shape, properties ->> 'direction', properties ->> 'kind', null, null
from layer_feature
where until is null and layer = 'base' and name = any (%s) and octet_length(shape) <= %s
order by code limit %s
"""
_THINGS: LiteralString = (
    "select t.id, t.kind, t.external_id, t.name, l.lon, l.lat"
    " from thing t join location l on l.thing_id = t.id"
    " where t.state = 'admitted' and l.lon between %(west)s and %(east)s"
    " and l.lat between %(south)s and %(north)s"
) + WITHIN
_NEAREST: LiteralString = " order by point(l.lon, l.lat) <-> point(%(lon)s, %(lat)s) limit %(most)s"
# A row that a measured thing stands at is that thing, seen or not by who asks.
_FEATURES: LiteralString = """
select f.layer, f.code, f.name, (center(f.bounds))[0], (center(f.bounds))[1],
  case when area(f.bounds) > 0 and octet_length(f.shape) <= %(bytes)s then f.shape end
from layer_feature f
where f.until is null
  and f.bounds && box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
  and f.layer not in ('communes', 'province', 'base', 'duct', 'fibre_route')
  and not exists (select 1 from thing t where t.external_id = f.code and t.state = 'admitted')
order by f.bounds <-> point(%(lon)s, %(lat)s) limit %(most)s
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A river or a route that passes a place, in its direction.

    `drawn`: nobody wrote the direction down, it is the one of the drawing. `start`, `end`: what
    the file calls the ends of a route.
    """

    layer: str
    code: str
    name: str
    points: tuple[Point, ...]
    drawn: bool = True
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Something with a place: a thing by its kind, or (then `thing` is None) a row of a layer."""

    thing: int | None
    layer: str
    code: str
    name: str
    at: Point
    rings: tuple[tuple[Point, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Vicinity:
    """What may be told of an alert's surroundings; not `whole` where there was too much."""

    at: Point
    places: list[Named]
    lines: list[Line]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class VicinityQueries:
    """The reading half; nobody is told what is out of his scope."""

    database: Database

    async def around(self, alert: UUID, reach_km: float) -> Vicinity | None:
        """Return what may lie within reach of an alert; None where there is none, or no place."""
        async with self.database.connection() as conn:
            cursor = await conn.execute(_PLACE, {"alert": alert, **identity.limits()})
            row = await cursor.fetchone()
            if row is None:
                return None
            at: Point = (row[0], row[1])
            passing = await _passing(conn, at)
            pieces = await _pieces(conn, passing)
            lines = await asyncio.to_thread(_joined, passing, pieces)
            box = _around(at, reach_km, lines)
            asked = {
                **dict(zip(("west", "south", "east", "north"), box, strict=True)),
                "lon": at[0], "lat": at[1], "most": MOST_PLACES, "bytes": _MOST_BYTES,
                **identity.limits(),
            }  # fmt: skip
            things = await (await conn.execute(_THINGS + _NEAREST, asked)).fetchall()
            rows = await (await conn.execute(_FEATURES, asked)).fetchall()
        places = [Named(key, kind, code, name, (x, y)) for key, kind, code, name, x, y in things]
        places += [_named(row) for row in rows]
        whole = max(len(things), len(rows)) < MOST_PLACES
        return Vicinity(at, places, lines, whole)


async def _passing(conn: AsyncConnection[Any], at: Point) -> list[Line]:
    cursor = await conn.execute(_LINES, (*_box(at, BESIDE_KM), _MOST_BYTES, _LOOKED_AT))
    found = [line for row in await cursor.fetchall() for line in _lines(row)]
    return found[:MOST_LINES]


async def _pieces(conn: AsyncConnection[Any], passing: Sequence[Line]) -> list[Line]:
    names = [line.name for line in passing if line.layer == "base" and line.name]
    if not names:
        return []
    cursor = await conn.execute(_PIECES, (names, _MOST_BYTES, MOST_PIECES))
    return [line for row in await cursor.fetchall() for line in _lines(row)]


def _lines(row: tuple[Any, ...]) -> Iterable[Line]:
    layer, code, name, shape, direction, kind, start, end = row
    said = "against" if direction == "-1" else fold(direction or "")
    if layer == "base" and not (said in _ALONG or said in _AGAINST or (not said and _flows(kind))):
        return  # a road leads both ways
    for points in parts(bytes(shape)):
        if len(points) > 1:
            ordered = points[::-1] if said in _AGAINST else points
            yield Line(layer, code, name, ordered, not said, start or "", end or "")


def _flows(kind: str | None) -> bool:
    return any(word in _WATERS for word in fold(kind or "").replace(",", " ").split())


def _joined(passing: Sequence[Line], pieces: Sequence[Line]) -> list[Line]:
    """Return rivers whole, each once, though the file has them in pieces."""
    found: dict[tuple[str, tuple[Point, ...]], Line] = {}
    for line in passing:
        others = [p.points for p in pieces if p.name == line.name and p.points != line.points]
        whole = chained(line.points, others) if line.layer == "base" else line.points
        drawn = line.drawn
        found.setdefault(
            (line.layer, whole),
            Line(line.layer, line.code, line.name, whole, drawn, line.start, line.end),
        )
    return list(found.values())


def _named(row: tuple[Any, ...]) -> Named:
    layer, code, name, lon, lat, shape = row
    return Named(None, layer, code, name, (lon, lat), rings(bytes(shape)) if shape else ())


def _around(at: Point, reach_km: float, lines: Sequence[Line]) -> tuple[float, float, float, float]:
    """Return the box of what may be told: within reach or beside a line, 50 km at most."""
    farthest = _box(at, FARTHEST_KM)
    found = _box(at, reach_km)
    margin = _box((0.0, at[1]), BESIDE_KM)
    for line in lines:
        xs, ys = [x for x, _ in line.points], [y for _, y in line.points]
        found = (
            max(farthest[0], min(found[0], min(xs) + margin[0])),
            max(farthest[1], min(found[1], min(ys) + margin[1] - at[1])),
            min(farthest[2], max(found[2], max(xs) + margin[2])),
            min(farthest[3], max(found[3], max(ys) + margin[3] - at[1])),
        )
    return found


def _box(at: Point, reach_km: float) -> tuple[float, float, float, float]:
    # A degree of longitude is 10 % shorter at 24° N: the box is never too narrow.
    up = reach_km / KM_PER_DEGREE
    side = up * 1.1
    return at[0] - side, at[1] - up, at[0] + side, at[1] + up
