"""What the page `/things` reads: admitted things with the age of what they said, filtered.

A thing is as fresh as its freshest datastream (`ioc.domain.staleness`); how many of its datastreams
are silent or never spoke is told beside it, so one live channel does not hide a dead one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from ioc.domain.instant import from_datetime
from ioc.domain.staleness import Freshness
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

FIELDS: Final = (
    "id", "external_id", "name", "kind", "feed", "feed_title", "commune", "simulated",
    "freshness", "newest", "streams", "quiet", "severity", "alerts",
)  # fmt: skip
_INSTANT: Final = FIELDS.index("newest")

# `simulated` is a flag of the screen, not a filter: the bar above says it of the whole page.
_JUDGED: Final[LiteralString] = (
    "with judged as (select t.id, t.external_id, t.name, t.kind, t.feed, f.title_vi,"
    " l.commune_name, t.simulated, case when s.newest is null then 'never'"
    "  when s.live then 'live' when s.heard then 'late' else 'silent' end as freshness,"
    " s.newest, coalesce(s.streams, 0) as streams, coalesce(s.quiet, 0) as quiet,"
    " a.severity, coalesce(a.n, 0) as alerts"
    " from thing t join feed f on f.name = t.feed left join location l on l.thing_id = t.id"
    " left join lateral (select max(o.at) as newest, count(*) as streams,"
    "  bool_or(%(now)s - o.at <= make_interval(secs => 1.5 * d.expected_period_s)) as live,"
    "  bool_or(%(now)s - o.at <= make_interval(secs => d.stale_after_s)) as heard,"
    "  count(*) filter (where o.at is null"
    "   or %(now)s - o.at > make_interval(secs => d.stale_after_s)) as quiet"
    "  from datastream d left join lateral (select phenomenon_time as at from observation"
    "   where datastream_id = d.id order by phenomenon_time desc limit 1) o on true"
    "  where d.thing_id = t.id) s on true"
    " left join lateral (select min(severity) as severity, count(*) as n from alert"
    "  where thing_id = t.id and closed_at is null) a on true"
    " where t.state = 'admitted'"
    " and (%(kind)s::text is null or t.kind = %(kind)s)"
    " and (%(feed)s::text is null or t.feed = %(feed)s)"
    " and (%(area)s::text is null or coalesce(l.commune_code, '') = %(area)s)"
    " and (%(words)s::text is null"
    "  or strpos(search_fold(concat_ws(' ', t.name, t.external_id, l.commune_name)),"
    "   btrim(search_fold(%(words)s))) > 0)"
)
_ROWS: Final[LiteralString] = (
    _JUDGED + WITHIN + ") select * from judged"
    " where (%(freshness)s::text is null or freshness = %(freshness)s)"
    " and (%(name)s::text is null or (name, id) > (%(name)s, %(id)s))"
    " order by name, id limit %(limit)s"
)
_COUNTS: Final[LiteralString] = (
    _JUDGED + WITHIN + ") select freshness, count(*) from judged group by 1"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; None narrows nothing. `area` "": the commune is unknown."""

    freshness: Freshness | None = None
    kind: str | None = None
    feed: str | None = None
    area: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list; `counts` by freshness are of all that the other filters leave."""

    rows: list[dict[str, Any]]
    counts: dict[str, int]
    next: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the filters: kinds, then (value, words)."""

    kinds: list[str]
    areas: list[tuple[str, str]]
    feeds: list[tuple[str, str]]


class ThingQueries:
    """The reading half of the list of things."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listing(
        self, wanted: Wanted, now: datetime, *, limit: int, after: tuple[str, int] | None = None
    ) -> Listing:
        """Return up to `limit` things by name, from `after` on."""
        async with self._database.connection() as conn, conn.transaction():
            # Rows and counts of one instant.
            await conn.execute("set transaction isolation level repeatable read, read only")
            rows = await _rows(conn, wanted, now, limit=limit + 1, after=after)
            cursor = await conn.execute(_COUNTS, _values(wanted, now))
            counts = {state.value: 0 for state in Freshness}
            counts |= dict(await cursor.fetchall())
        shown = rows[:limit]
        end = (shown[-1]["name"], shown[-1]["id"]) if len(rows) > limit else None
        return Listing(shown, counts, end)

    async def export(self, wanted: Wanted, now: datetime, *, limit: int) -> list[dict[str, Any]]:
        """Return the rows of a list for a file, at most `limit`."""
        async with self._database.connection() as conn:
            return await _rows(conn, wanted, now, limit=limit, after=None)

    async def choices(self) -> Choices:
        """Return what the filters offer to whoever asks."""
        query = (
            "select distinct t.kind, t.feed, f.title_vi, coalesce(l.commune_code, ''),"
            " coalesce(l.commune_name, '') from thing t join feed f on f.name = t.feed"
            " left join location l on l.thing_id = t.id where t.state = 'admitted'" + WITHIN
        )
        async with self._database.connection() as conn:
            rows = await (await conn.execute(query, limits())).fetchall()
        return Choices(
            sorted({row[0] for row in rows}),
            sorted({(row[3], row[4]) for row in rows}, key=lambda area: area[1]),
            sorted({(row[1], row[2]) for row in rows}, key=lambda feed: feed[1]),
        )


async def _rows(
    conn: Db, wanted: Wanted, now: datetime, *, limit: int, after: tuple[str, int] | None
) -> list[dict[str, Any]]:
    name, key = after or (None, None)
    place = {"limit": limit, "name": name, "id": key, "freshness": wanted.freshness}
    cursor = await conn.execute(_ROWS, _values(wanted, now) | place)
    return [_shown(row) for row in await cursor.fetchall()]


def _values(wanted: Wanted, now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "kind": wanted.kind,
        "feed": wanted.feed,
        "area": wanted.area,
        "words": wanted.words.strip() or None,
    } | limits()


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row with its instant as ms since the epoch."""
    found = dict(zip(FIELDS, row, strict=True))
    newest = row[_INSTANT]
    found["newest"] = None if newest is None else from_datetime(newest) // 1000
    return found
