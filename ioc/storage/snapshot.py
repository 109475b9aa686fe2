"""What a live screen starts from: registry, newest values, layers, the writers' signs of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from ioc.domain.instant import Micros, from_datetime

Db = AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class FeedRow:
    name: str
    title: str  # Vietnamese
    expected_period_s: float
    simulated: bool


@dataclass(frozen=True, slots=True)
class ThingRow:
    id: int
    feed: str
    kind: str
    admitted: bool


@dataclass(frozen=True, slots=True)
class StreamRow:
    id: int
    thing_id: int
    name: str  # as its device calls it
    property: str  # of the catalogue
    code: str  # its address within the thing: the property, or "/" and the name
    expected_period_s: float
    stale_after_s: float
    category: bool  # a state number, 0 being the normal one
    offline: int | None  # of a category: the number that says the thing cannot be reached


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that is not retired; pending things are in it, because their feed is alive."""

    feeds: list[FeedRow]
    things: list[ThingRow]
    streams: list[StreamRow]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest value of one datastream; µs; `result` None where the station said "no value"."""

    stream: int
    time: Micros
    result: float | None
    quality: int
    flags: int
    received: Micros


@dataclass(frozen=True, slots=True)
class Writers:
    """Of all ingest processes: the newest sign of life, and since when all are connected."""

    heartbeat: datetime | None
    connected_since: datetime | None


async def registry(conn: Db) -> Registry:
    """Return feeds, things and datastreams."""
    feeds = await conn.execute(
        "select name, title_vi, expected_period_s, simulated from feed order by name"
    )
    feed_rows = [FeedRow(*row) for row in await feeds.fetchall()]
    things = await conn.execute(
        "select id, feed, kind, state = 'admitted' from thing where state <> 'retired' order by id"
    )
    thing_rows = [ThingRow(*row) for row in await things.fetchall()]
    streams = await conn.execute(
        "select d.id, d.thing_id, d.name, d.property, d.code, d.expected_period_s, d.stale_after_s,"
        " p.kind = 'category', (p.states ->> 'offline')::integer from datastream d"
        " join observed_property p on p.code = d.property join thing t on t.id = d.thing_id"
        " where t.state <> 'retired' order by d.id"
    )
    return Registry(feed_rows, thing_rows, [StreamRow(*row) for row in await streams.fetchall()])


async def newest(conn: Db) -> list[Newest]:
    """Return the newest value of each datastream, straight from the primary key."""
    cursor = await conn.execute(
        "select d.id, o.phenomenon_time, nullif(o.result, 'NaN'), o.quality, o.flags, o.received"
        " from datastream d cross join lateral (select * from observation"
        "  where datastream_id = d.id order by phenomenon_time desc limit 1) o"
    )
    return [
        Newest(ds, from_datetime(time), result, quality, flags, from_datetime(received))
        for ds, time, result, quality, flags, received in await cursor.fetchall()
    ]


async def layers(conn: Db) -> dict[str, str]:
    """Return the current version of each layer."""
    cursor = await conn.execute("select layer, version from layer_version where current")
    return dict(await cursor.fetchall())


async def partitions(conn: Db) -> dict[int, str | None]:
    """Return the evaluator that holds each partition; None: nobody does."""
    cursor = await conn.execute(
        "select partition, case when expires_at > now() then owner end from evaluator_lease"
        " order by partition"
    )
    return dict(await cursor.fetchall())


async def writers(conn: Db) -> Writers:
    """Return the ingest processes' signs of life as the database has them."""
    cursor = await conn.execute(
        "select max(heartbeat), case when bool_and(connected_since is not null)"
        " then max(connected_since) end from ingest_writer where not internal"
    )
    row = await cursor.fetchone()
    return Writers(None, None) if row is None else Writers(*row)
