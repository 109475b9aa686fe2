"""Things, their datastreams and newest values, the pending ones, and the feeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries import status
from ioc.web.queries.scope import FEED_WITHIN, WITHIN
from ioc.web.queries.status import StatusRow


@dataclass(frozen=True, slots=True)
class ThingRow:
    """A thing as lists show it."""

    id: int
    feed: str
    external_id: str
    name: str
    short_name: str
    kind: str
    state: str
    simulated: bool
    lon: float | None
    lat: float | None
    commune: str | None
    commune_how: str | None  # nearest_seat: approximate, and the screen says so
    outline: str | None


@dataclass(frozen=True, slots=True)
class DatastreamRow:
    """One datastream of a thing with its newest value (None: nothing was ever received)."""

    id: int
    thing_id: int
    property: str  # its address within the thing: the property, or "/" and the raw name
    name_vi: str
    name_en: str
    unit: str
    decimals: int
    kind: str
    states: dict[str, int] | None
    expected_period_s: float
    stale_after_s: float
    time: datetime | None
    result: float | None
    quality: int | None
    flags: int | None
    received: datetime | None


@dataclass(frozen=True, slots=True)
class ThingDetail:
    """A thing with everything a page about it says."""

    thing: ThingRow
    feed_title_vi: str
    feed_title_en: str
    datastreams: list[DatastreamRow]
    statuses: list[StatusRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A published layer in its current version."""

    name: str
    version: str
    features: int
    attribution: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed with what it brought and what was refused."""

    name: str
    title_vi: str
    title_en: str
    expected_period_s: float
    simulated: bool
    things: int
    pending: int
    dead_letters: int
    newest_dead_letter: datetime | None


async def thing(conn: Db, thing_id: int, now: datetime) -> ThingDetail | None:
    """Return an admitted thing; None when there is none (a pending one is hidden)."""
    cursor = await conn.execute(
        "select t.id, t.feed, t.external_id, t.name, t.short_name, t.kind, t.state, t.simulated,"
        " l.lon, l.lat, l.commune_name, l.commune_how, l.outline, f.title_vi, f.title_en"
        " from thing t join feed f on f.name = t.feed left join location l on l.thing_id = t.id"
        " where t.id = %(id)s and t.state = 'admitted'" + WITHIN,
        {"id": thing_id} | limits(),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    streams = await datastreams(conn, thing_id=thing_id, after=0, limit=200)
    statuses = await status.read(conn, thing_id, now)
    return ThingDetail(ThingRow(*row[:13]), row[13], row[14], streams, statuses)


async def things(
    conn: Db, *, after: int, limit: int, state: str = "admitted", kind: str | None = None
) -> list[ThingRow]:
    """Return up to `limit` things with id above `after`, by id."""
    cursor = await conn.execute(
        "select t.id, t.feed, t.external_id, t.name, t.short_name, t.kind, t.state, t.simulated,"
        " l.lon, l.lat, l.commune_name, l.commune_how, l.outline"
        " from thing t left join location l on l.thing_id = t.id"
        " where t.id > %(after)s and t.state = %(state)s"
        " and (%(kind)s::text is null or t.kind = %(kind)s)"
        + WITHIN
        + " order by t.id limit %(limit)s",
        {"after": after, "limit": limit, "state": state, "kind": kind} | limits(),
    )
    return [ThingRow(*row) for row in await cursor.fetchall()]


async def datastreams(
    conn: Db, *, thing_id: int | None, after: int, limit: int
) -> list[DatastreamRow]:
    """Return up to `limit` datastreams of admitted things above `after`, newest value in."""
    cursor = await conn.execute(
        "select d.id, d.thing_id, d.code, case when d.code = d.property then p.name_vi"
        " else d.name end, case when d.code = d.property then p.name_en else d.name end,"
        " d.unit, p.decimals, p.kind,"
        " p.states, d.expected_period_s, d.stale_after_s, o.phenomenon_time, o.result, o.quality,"
        " o.flags, o.received"
        " from datastream d join observed_property p on p.code = d.property"
        " join thing t on t.id = d.thing_id and t.state = 'admitted'"
        " left join lateral (select phenomenon_time, nullif(result, 'NaN') as result, quality,"
        "  flags, received from observation where datastream_id = d.id"
        "  order by phenomenon_time desc limit 1) o on true"
        " where d.id > %(after)s and (%(thing)s::integer is null or d.thing_id = %(thing)s)"
        + WITHIN
        + " order by d.id limit %(limit)s",
        {"thing": thing_id, "after": after, "limit": limit} | limits(),
    )
    return [DatastreamRow(*row) for row in await cursor.fetchall()]


async def feeds(conn: Db) -> list[FeedRow]:
    """Return every feed by name."""
    cursor = await conn.execute(
        "select f.name, f.title_vi, f.title_en, f.expected_period_s, f.simulated,"
        " coalesce(t.admitted, 0), coalesce(t.pending, 0), coalesce(d.n, 0), d.newest"
        " from feed f left join (select feed, count(*) filter (where state = 'admitted') admitted,"
        "  count(*) filter (where state = 'pending') pending from thing t where true"
        + WITHIN
        + " group by feed) t on t.feed = f.name"
        " left join (select feed, count(*) n, max(received) newest from dead_letter"
        "  group by feed) d"
        "  on d.feed = f.name" + FEED_WITHIN + " order by f.name",
        limits(),
    )
    return [FeedRow(*row) for row in await cursor.fetchall()]


async def things_by_feed(conn: Db) -> list[tuple[str, str, int]]:
    """Count things by feed and state; a feed without things counts no admitted ones."""
    cursor = await conn.execute(
        "select f.name, coalesce(t.state, 'admitted'), count(t.id) from feed f"
        " left join thing t on t.feed = f.name group by 1, 2"
    )
    return [(feed, state, n) for feed, state, n in await cursor.fetchall()]


async def feed_exists(conn: Db, name: str) -> bool:
    """Tell whether there is a feed of this name."""
    cursor = await conn.execute("select 1 from feed where name = %s", (name,))
    return await cursor.fetchone() is not None


async def layer(conn: Db, name: str, version: str) -> tuple[bytes, str] | None:
    """Return (gzipped GeoJSON, attribution) of a published layer version."""
    cursor = await conn.execute(
        "select body, attribution from layer_version where layer = %s and version = %s",
        (name, version),
    )
    row: tuple[Any, ...] | None = await cursor.fetchone()
    return None if row is None else (bytes(row[0]), row[1])


async def layers(conn: Db) -> list[LayerRow]:
    """Return the current version of every layer by name."""
    cursor = await conn.execute(
        "select layer, version, features, attribution, created_at from layer_version"
        " where current order by layer"
    )
    return [LayerRow(*row) for row in await cursor.fetchall()]
