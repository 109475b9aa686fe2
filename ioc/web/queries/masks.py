"""Which masks somebody sees: those that may hold back an alert within the own scope."""

from __future__ import annotations

from typing import Final, LiteralString

from ioc.domain.instant import Micros
from ioc.storage import masks
from ioc.storage.masks import Listed
from ioc.storage.script import run_async
from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

# Of what masks name: the things and datastreams that are within.
_NAMED: Final[LiteralString] = (
    "select t.id, d.id from thing t left join datastream d on d.thing_id = t.id"
    " where (t.id = any(%(things)s) or d.id = any(%(streams)s))" + WITHIN
)


async def listed(conn: Db, now: Micros, *, limit: int) -> list[Listed]:
    """Return masks that have not ended, the next to end first.

    One that names neither a place nor a thing covers every part of the province, so all see it.
    """
    found = await run_async(conn, masks.listed(now, limit=limit))
    scope = limits()
    areas = scope["areas"]
    if areas is None and scope["domains"] is None:
        return found
    things = {one.matcher["thing"] for one in found if "thing" in one.matcher}
    streams = {one.matcher["datastream"] for one in found if "datastream" in one.matcher}
    cursor = await conn.execute(_NAMED, {"things": list(things), "streams": list(streams)} | scope)
    pairs = await cursor.fetchall()
    seen, heard = {thing for thing, _ in pairs}, {stream for _, stream in pairs}
    return [
        one
        for one in found
        if one.matcher.get("thing") in seen | {None}
        and one.matcher.get("datastream") in heard | {None}
        and (areas is None or one.matcher.get("commune") in {None, *areas})
    ]
