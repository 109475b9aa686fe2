"""What the page `/pending` reads: things that appeared by themselves, with what they sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

from ioc.domain.permission import Action
from ioc.web.database import Database
from ioc.web.identity import limits, require
from ioc.web.queries.scope import WITHIN

SHOWN: Final = 6  # channels of a row; how many there are is told beside them

_WANTED: Final[LiteralString] = (
    " from thing t join feed f on f.name = t.feed left join location l on l.thing_id = t.id"
    " where case when %(refused)s then t.state = 'retired' and t.properties ? 'refused'"
    "  else t.state = 'pending' end"
    " and (%(feed)s::text is null or t.feed = %(feed)s)"
    " and (%(words)s::text is null or strpos(search_fold(concat_ws(' ', t.name, t.external_id)),"
    "  btrim(search_fold(%(words)s))) > 0)" + WITHIN
)
_ROWS: Final[LiteralString] = (
    "select t.id, t.feed, f.title_vi, t.external_id, t.name, t.short_name, t.kind, t.simulated,"
    " t.created_at, l.lon, l.lat, l.commune_code, l.commune_name, f.expected_period_s,"
    " t.properties -> 'refused'" + _WANTED + " and (%(after)s::integer is null or t.id > %(after)s)"
    " order by t.id limit %(limit)s"
)
_CHANNELS: Final[LiteralString] = (
    "select d.thing_id, d.name, case when d.code = d.property then p.name_vi else d.name end,"
    " d.unit, p.decimals, o.at, nullif(o.result, 'NaN'), count(*) over (partition by d.thing_id),"
    " row_number() over (partition by d.thing_id order by o.at desc nulls last, d.id) as place"
    " from datastream d join observed_property p on p.code = d.property"
    " left join lateral (select phenomenon_time as at, result from observation"
    "  where datastream_id = d.id order by phenomenon_time desc limit 1) o on true"
    " where d.thing_id = any(%(things)s)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which things; `refused`: those that somebody turned away."""

    feed: str | None = None
    words: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """What a thing sends under one name, and the newest of it."""

    raw: str
    name: str
    unit: str
    decimals: int
    at: datetime | None
    result: float | None


@dataclass(slots=True)
class Stranger:
    """A thing that nobody admitted yet. `channels`: at most SHOWN of `streams`, newest first."""

    id: int
    feed: str
    feed_title: str
    external_id: str
    name: str
    short_name: str
    kind: str
    simulated: bool
    since: datetime
    lon: float | None
    lat: float | None
    commune_code: str | None
    commune: str | None
    period_s: float
    refused: dict[str, Any] | None
    streams: int = 0
    channels: list[Channel] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Strangers:
    """A page of things by id, how many there are, and the feeds that have some."""

    rows: list[Stranger]
    total: int
    feeds: list[tuple[str, str, int]]


class PendingQueries:
    """The reading half of the page of pending things."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listing(self, wanted: Wanted, *, after: int | None, limit: int) -> Strangers:
        """Return up to `limit` things. Raises ForbiddenError."""
        require(Action.SEE_PENDING)
        values = {
            "feed": wanted.feed,
            "words": wanted.words.strip() or None,
            "refused": wanted.refused,
            "after": after,
            "limit": limit,
        } | limits()
        async with self._database.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            cursor = await conn.execute(_ROWS, values)
            rows = {row[0]: Stranger(*row) for row in await cursor.fetchall()}
            cursor = await conn.execute("select count(*)" + _WANTED, values)
            total = (await cursor.fetchone() or (0,))[0]
            query = "select t.feed, f.title_vi, count(*)" + _WANTED + " group by 1, 2 order by 2"
            cursor = await conn.execute(query, values | {"feed": None, "words": None})
            feeds = [(name, title, n) for name, title, n in await cursor.fetchall()]
            cursor = await conn.execute(_CHANNELS, {"things": list(rows)})
            for thing, *channel, streams, place in await cursor.fetchall():
                rows[thing].streams = streams
                if place <= SHOWN:
                    rows[thing].channels.append(Channel(*channel))
        return Strangers(list(rows.values()), total, feeds)
