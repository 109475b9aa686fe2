"""Things as features of the map, each with the newest value of what it measures."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString

import orjson
import shapely
from psycopg.rows import TupleRow

from ioc.domain.observation import Quality
from ioc.web import identity
from ioc.web.database import Db
from ioc.web.queries.features_wanted import LARGEST_PAGE, Item, Page, Wanted
from ioc.web.queries.scope import WITHIN

FIELDS: Final = (
    "external_id", "name", "kind", "feed", "commune_code", "commune_name", "simulated",
)  # fmt: skip
MOST_ID: Final = 2**31 - 1  # integer of the database
_DIGITS: Final = 10
_MOST: Final = 2_000  # things of a page: each brings its values along

# A thing that never said anything has no time, and is found at any.
_NEWEST: Final = (
    "left join lateral (select max(o.phenomenon_time) as newest from datastream d"
    " cross join lateral (select phenomenon_time from observation where datastream_id = d.id"
    "  order by phenomenon_time desc limit 1) o where d.thing_id = t.id) n on true"
)
_FROM: Final = " from thing t join location l on l.thing_id = t.id "


async def page(conn: Db, wanted: Wanted) -> Page:
    """Return a page of things by id."""
    conditions, values = _conditions(wanted)
    timed = wanted.since is not None or wanted.until is not None
    source: LiteralString = _FROM + (_NEWEST if timed else "")
    where: LiteralString = " where " + " and ".join(conditions) + WITHIN
    cursor = await conn.execute("select count(*)" + source + where, values)
    counted = await cursor.fetchone()
    limit = min(wanted.limit, LARGEST_PAGE, _MOST)
    cursor = await conn.execute(
        "select t.id, t.external_id, t.name, t.kind, t.feed, l.commune_code, l.commune_name,"
        " t.simulated, l.lon, l.lat"
        + source
        + where
        + " and t.id > %(after)s order by t.id limit %(limit)s offset %(offset)s",
        values
        | {"after": min(place(wanted.after), MOST_ID), "limit": limit + 1, "offset": wanted.offset},
    )
    rows = await cursor.fetchall()
    items = await _items(conn, rows[:limit])
    matched = 0 if counted is None else int(counted[0])
    return Page(items, matched, items[-1].id if len(rows) > limit and items else None)


async def count(conn: Db) -> int:
    """Return how many admitted things have a place where who asks may look."""
    cursor = await conn.execute(
        "select count(*)" + _FROM + " where t.state = 'admitted'" + WITHIN, identity.limits()
    )
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def one(conn: Db, thing_id: int) -> Item | None:
    """Return one thing that has a place; None: no such one for who asks."""
    cursor = await conn.execute(
        "select t.id, t.external_id, t.name, t.kind, t.feed, l.commune_code, l.commune_name,"
        " t.simulated, l.lon, l.lat"
        + _FROM
        + " where t.state = 'admitted' and t.id = %(id)s"
        + WITHIN,
        {"id": thing_id, **identity.limits()},
    )
    found = await _items(conn, await cursor.fetchall())
    return found[0] if found else None


def place(after: str) -> int:
    """Return the id a page follows; 0 for what is none."""
    return int(after) if after.isascii() and after.isdigit() and len(after) <= _DIGITS else 0


def _conditions(wanted: Wanted) -> tuple[list[LiteralString], dict[str, Any]]:
    found: list[LiteralString] = ["t.state = 'admitted'" + WITHIN]
    asked = {**wanted.columns, **wanted.properties}
    known: dict[str, LiteralString] = {
        "external_id": "t.external_id = %(external_id)s",
        "name": "t.name = %(name)s",
        "kind": "t.kind = %(kind)s",
        "feed": "t.feed = %(feed)s",
        "commune_code": "l.commune_code = %(commune_code)s",
        "commune_name": "l.commune_name = %(commune_name)s",
        "simulated": "t.simulated = %(simulated)s",
    }
    found += [known[name] for name in asked]
    values: dict[str, Any] = {**asked, **identity.limits()}
    if wanted.area is not None:
        west, south, east, north = wanted.area.outer
        values |= {"west": west, "south": south, "east": east, "north": north}
        found.append(
            "l.lon between %(west)s and %(east)s and l.lat between %(south)s and %(north)s"
        )
        if wanted.area.inner != wanted.area.outer:
            # A turned box is a polygon whose corners are enough at this size.
            found.append("%(polygon)s::polygon @> point(l.lon, l.lat)")
            values["polygon"] = _polygon(wanted.area.shape)
    if wanted.since is not None:
        found.append("(n.newest is null or n.newest >= %(since)s)")
        values["since"] = wanted.since
    if wanted.until is not None:
        found.append("(n.newest is null or n.newest <= %(until)s)")
        values["until"] = wanted.until
    return found, values


def _polygon(shape: Any) -> str:  # noqa: ANN401
    """Return PostgreSQL's polygon; a box over the date line is all of its band."""
    if shape.geom_type != "Polygon":
        shape = shapely.box(*shape.bounds)
    return "(" + ",".join(f"({x!r},{y!r})" for x, y in shape.exterior.coords) + ")"


async def _items(conn: Db, rows: list[TupleRow]) -> list[Item]:
    cursor = await conn.execute(
        "select d.thing_id, d.code, case when d.code = d.property then p.name_vi else d.name end,"
        " d.unit, o.phenomenon_time, nullif(o.result, 'NaN'), o.quality"
        " from datastream d join observed_property p on p.code = d.property"
        " cross join lateral (select phenomenon_time, result, quality from observation"
        "  where datastream_id = d.id order by phenomenon_time desc limit 1) o"
        " where d.thing_id = any (%s) order by d.thing_id, d.id",
        ([row[0] for row in rows],),
    )
    said: dict[int, list[dict[str, Any]]] = {}
    for thing, code, name, unit, time, result, quality in await cursor.fetchall():
        said.setdefault(thing, []).append(
            {
                "property": code, "name": name, "result": result, "unit": unit,
                "phenomenon_time": time, "quality": Quality(quality).name.lower(),
            }
        )  # fmt: skip
    return [_item(row, said.get(row[0], [])) for row in rows]


def _item(row: TupleRow, observations: list[dict[str, Any]]) -> Item:
    thing, *values, lon, lat = row
    times: list[datetime] = [one["phenomenon_time"] for one in observations]
    own = dict(zip(FIELDS, values, strict=True)) | {
        "phenomenon_time": max(times, default=None),
        "observations": observations,
    }
    return Item(str(thing), shapely.to_wkb(shapely.Point(lon, lat)), orjson.dumps(own))
