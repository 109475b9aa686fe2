"""Features of imported layers for programs of others: filtered in the database, page by page."""

from __future__ import annotations

import asyncio
from typing import Any, Final, LiteralString

import orjson
import shapely
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries import features_shipped, features_things
from ioc.web.queries.features_wanted import (
    LARGEST_PAGE,
    PAGE_BYTES,
    Area,
    Collection,
    Item,
    Page,
    Wanted,
    box_sql,
)
from ioc.web.queries.scope import closed, limited

Conditions = list[LiteralString]

_WHERE: Final = " from layer_feature where "
_TURN: Final = " order by code limit %(limit)s offset %(offset)s) p"
# The first row always comes, whatever its size; the others as long as they fit the page.
_FITS: Final = (
    "row_number() over (order by code) = 1"
    " or sum(octet_length(shape)) over (order by code) <= %(bytes)s"
)
_FROM_PAGE: Final = f" from (select *, {_FITS} as fits from (select *"
_COLUMNS: Final = (
    "select code, name, case when fits then shape end, (properties - %(hidden)s::text[])::text,"
    " commune_code, commune_name, commune_how, fits"
)


class FeatureQueries:
    """Collections and their features, whatever they are kept in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._documents = features_shipped.Documents()

    async def collections(self) -> list[Collection]:
        """Return what is published, by name."""
        async with self._database.connection() as conn:
            return await _collections(conn)

    async def page(self, of: Collection, wanted: Wanted, hidden: frozenset[str]) -> Page:
        """Return a page of a layer; a page may hold fewer than asked for, `after` tells."""
        if not of.imported:
            document = await self._document(of)
            return await asyncio.to_thread(document.page, wanted)
        async with self._database.connection() as conn:
            return await _page(conn, of, wanted, hidden)

    async def one(self, of: Collection, code: str, hidden: frozenset[str]) -> Item | None:
        """Return a layer's feature by its code; None: no such one."""
        if not of.imported:
            return (await self._document(of)).one(code)
        page = await self.page(of, Wanted(1, columns={"code": code}), hidden)
        return page.items[0] if page.items else None

    async def fields(self, of: Collection) -> tuple[str, ...]:
        """Return the names that features of a document that ships have."""
        return (await self._document(of)).fields

    async def things(self, wanted: Wanted) -> Page:
        """Return admitted things that have a place, with what they measured last."""
        async with self._database.connection() as conn:
            return await features_things.page(conn, wanted)

    async def things_count(self) -> int:
        """Return how many there are."""
        async with self._database.connection() as conn:
            return await features_things.count(conn)

    async def thing(self, thing_id: int) -> Item | None:
        """Return one of them; None: no such one."""
        async with self._database.connection() as conn:
            return await features_things.one(conn, thing_id)

    async def _document(self, of: Collection) -> features_shipped.Document:
        found = self._documents.get(of.name, of.version)
        if found is not None:
            return found
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select body from layer_version where layer = %s and version = %s",
                (of.name, of.version),
            )
            row = await cursor.fetchone()
        body = b"" if row is None else bytes(row[0])
        return await asyncio.to_thread(self._documents.read, of.name, of.version, body)


async def _collections(conn: Db) -> list[Collection]:
    cursor = await conn.execute(
        "select v.layer, v.version, v.features, v.attribution, v.bounds::text, exists"
        " (select 1 from layer_feature f where f.layer = v.layer and f.until is null)"
        " from layer_version v where v.current order by v.layer"
    )
    return [
        Collection(name, version, count, imported, attribution, read_bounds(bounds))
        for name, version, count, attribution, bounds, imported in await cursor.fetchall()
    ]


def read_bounds(text: str | None) -> tuple[float, float, float, float] | None:
    """Return PostgreSQL's box: upper right corner first."""
    if text is None:
        return None
    east, north, west, south = map(float, text.replace("(", "").replace(")", "").split(","))
    return west, south, east, north


async def _page(conn: Db, of: Collection, wanted: Wanted, hidden: frozenset[str]) -> Page:
    conditions, values = _conditions(of.name, wanted)
    if wanted.area is not None:
        values["beside"] = await _beside(conn, conditions, values, wanted.area)
        conditions.append("not (code = any (%(beside)s))")
    matched = of.features
    if not wanted.everything or limited(of.name):
        matched = await _count(conn, conditions, values)
    rows = await _rows(conn, conditions, values, wanted, hidden)
    limit = min(wanted.limit, LARGEST_PAGE)
    kept = [row for row in rows[:limit] if row[-1]]
    items = [_item(row) for row in kept]
    more = len(rows) > len(kept)
    return Page(items, matched, items[-1].id if more and items else None)


def _conditions(layer: str, wanted: Wanted) -> tuple[Conditions, dict[str, Any]]:
    found: Conditions = ["layer = %(layer)s", "until is null"]
    values: dict[str, Any] = {"layer": layer}
    for column, text in wanted.columns.items():
        # A literal each: no name of a column comes from outside.
        if column == "code":
            found.append("code = %(code)s")
        elif column == "name":
            found.append("name = %(name)s")
        elif column == "commune_code":
            found.append("commune_code = %(commune_code)s")
        else:
            found.append("commune_name = %(commune_name)s")
        values[column] = text
    if wanted.properties:
        found.append("properties @> %(properties)s")
        values["properties"] = Jsonb(dict(wanted.properties))
    if wanted.until is not None:
        # What nobody dated was there at any time; "2019" is before every day of it.
        found.append("coalesce(properties ->> 'since', '') <= %(until)s")
        values["until"] = wanted.until.date().isoformat()
    if limited(layer):
        found.append("(%(areas)s::text[] is null or commune_code = any (%(areas)s))")
        found += ["false"] if closed(layer) else []
        values |= limits()
    if wanted.area is not None:
        found.append("bounds && %(outer)s::box")
        values["outer"] = wanted.area.sql
    return found, values


async def _beside(
    conn: Db, conditions: Conditions, values: dict[str, Any], area: Area
) -> list[str]:
    """Return the codes whose bounds meet the area, and whose geometry does not."""
    unsure: Conditions = [*conditions]
    more = dict(values)
    if area.inner is not None:
        unsure.append("not bounds <@ %(inner)s::box")
        more["inner"] = box_sql(area.inner)
    cursor = await conn.execute("select code, shape" + _WHERE + _and(unsure), more)
    rows = await cursor.fetchall()
    return await asyncio.to_thread(_outside, rows, area)


def _outside(rows: list[TupleRow], area: Area) -> list[str]:
    shapes = shapely.from_wkb([bytes(row[1]) for row in rows])
    shapely.prepare(area.shape)
    meets = shapely.intersects(area.shape, shapes)
    return [row[0] for row, met in zip(rows, meets, strict=True) if not met]


async def _count(conn: Db, conditions: Conditions, values: dict[str, Any]) -> int:
    cursor = await conn.execute("select count(*)" + _WHERE + _and(conditions), values)
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def _rows(
    conn: Db,
    conditions: Conditions,
    values: dict[str, Any],
    wanted: Wanted,
    hidden: frozenset[str],
) -> list[TupleRow]:
    """Return the rows of the page and one more; the last column says whether a row still fits."""
    conditions = [*conditions, "code > %(after)s"]
    more = values | {
        "after": wanted.after,
        "offset": wanted.offset,
        "limit": min(wanted.limit, LARGEST_PAGE) + 1,
        "hidden": list(hidden),
        "bytes": PAGE_BYTES,
    }
    chosen: LiteralString = _FROM_PAGE + _WHERE + _and(conditions) + _TURN
    cursor = await conn.execute(
        _COLUMNS + chosen + ") q order by code",
        more,
    )
    return await cursor.fetchall()


def _and(conditions: Conditions) -> LiteralString:
    return " and ".join(conditions)


def _item(row: TupleRow) -> Item:
    code, name, shape, own, commune_code, commune_name, commune_how, _ = row
    head = orjson.dumps({"code": code, "name": name})
    commune = orjson.dumps(
        {"commune_code": commune_code, "commune_name": commune_name, "commune_how": commune_how}
    )
    inside = [part[1:-1] for part in (head, own.encode(), commune) if part != b"{}"]
    return Item(code, bytes(shape), b"{" + b",".join(inside) + b"}")
