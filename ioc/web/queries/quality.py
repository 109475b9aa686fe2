"""What `/quality` reads: how right, complete, clean and live each source is, within scope.

A refused message often does not say whose it is, so it counts for its feed alone, and only for
those whose scope has no limit: others would be told of messages of things they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final, LiteralString

from ioc.domain.source_quality import NOTHING, Sent, reason, scores, worst
from ioc.web.database import Database, Db
from ioc.web.identity import current, limits
from ioc.web.queries.scope import WITHIN

MOST: Final = 500  # things of a feed on one screen, the worst first
WEEK: Final = 7

_SUMS: Final[LiteralString] = (
    " sum(s.expected), sum(s.got), sum(s.n)::bigint, sum(s.n_good)::bigint,"
    " sum(s.corrected)::int, sum(s.hours)::int, sum(s.possible)"
)
_FROM: Final[LiteralString] = (
    " from source_day s join thing t on t.id = s.thing_id and t.state = 'admitted'"
    " join feed f on f.name = t.feed"
    " where s.day between %(first)s and %(last)s"
    " and (%(feed)s::text is null or t.feed = %(feed)s)"
)
_FEEDS: Final[LiteralString] = (
    "select t.feed, f.title_vi, s.day," + _SUMS + ", count(*)" + _FROM + WITHIN
    + " group by 1, 2, 3 order by 2, 3"
)  # fmt: skip
_THINGS: Final[LiteralString] = (
    "select t.id, t.name, t.external_id, t.feed, f.title_vi, s.day," + _SUMS + _FROM + WITHIN
    + " group by 1, 2, 3, 4, 5, 6 order by 1, 6"
)  # fmt: skip
_REFUSED: Final[LiteralString] = (
    "select feed, (received at time zone %(zone)s)::date, count(*) from dead_letter"
    " where received >= %(since)s and received < %(until)s and feed is not null group by 1, 2"
)
_REASONS: Final[LiteralString] = (
    "select reason, count(*), max(received) from dead_letter where feed = %(feed)s"
    " and received >= %(since)s and received < %(until)s group by 1 order by 2 desc limit 20"
)


class QualityQueries:
    """The reading half of the board of data quality; all raise DatabaseAwayError."""

    def __init__(self, database: Database, zone: str) -> None:
        self._database = database
        self._zone = zone

    async def feeds(self, first: date, last: date) -> list[dict[str, Any]]:
        """Return each feed with its shares over some days and by day."""
        async with self._database.connection() as conn:
            rows = await self._all(conn, _FEEDS, first, last)
            refused = await self._refused(conn, first, last)
        titles = {row[0]: (row[1], row[10]) for row in rows}
        days: dict[str, dict[date, Sent]] = {}
        for feed, _, day, *sums, _ in rows:
            count = refused.get((feed, day), 0)
            days.setdefault(feed, {})[day] = replace(Sent(*sums), refused=count)
        return [
            {"feed": feed, "title": titles[feed][0], "things": titles[feed][1]} | _told(found)
            for feed, found in days.items()
        ]

    async def things(self, feed: str, first: date, last: date) -> list[dict[str, Any]]:
        """Return the things of a feed, the worst first, each with its days."""
        async with self._database.connection() as conn:
            rows = await self._all(conn, _THINGS, first, last, feed)
        found = [
            {"id": key[0], "name": key[1], "external_id": key[2]} | _told(days)
            for key, days in _by_thing(rows).items()
        ]
        found.sort(key=lambda one: min([s for s in one["scores"] if s is not None], default=2))
        return found[:MOST]

    async def refusals(self, feed: str, first: date, last: date) -> list[dict[str, Any]] | None:
        """Return why messages of a feed were refused; None: not told within a limited scope."""
        if not _whole():
            return None
        async with self._database.connection() as conn:
            rows = await self._all(conn, _REASONS, first, last, feed)
        return [{"reason": r, "n": n, "last": round(at.timestamp() * 1000)} for r, n, at in rows]

    async def worst(self, last: date) -> list[dict[str, Any]]:
        """Return the ten worst sources of the week that ends with a day, with the likely reason."""
        first = last - timedelta(days=WEEK - 1)
        async with self._database.connection() as conn:
            rows = await self._all(conn, _THINGS, first, last)
        found = _by_thing(rows).items()
        listed = ((key, [days[day] for day in sorted(days)]) for key, days in found)
        return [
            {
                "id": key[0], "name": key[1], "external_id": key[2], "feed": key[3],
                "title": key[4], "scores": list(shares), "reason": why.value,
            }
            for key, shares, why in worst(listed)
        ]  # fmt: skip

    async def _refused(self, conn: Db, first: date, last: date) -> dict[tuple[str, date], int]:
        if not _whole():
            return {}
        rows = await self._all(conn, _REFUSED, first, last)
        return {(feed, day): n for feed, day, n in rows}

    async def _all(
        self, conn: Db, query: LiteralString, first: date, last: date, feed: str | None = None
    ) -> list[Any]:
        # A day of the province, whose bounds PostgreSQL works out of its zone.
        values = {"first": first, "last": last, "feed": feed, "zone": self._zone} | limits()
        since = await conn.execute(
            "select %(first)s::date::timestamp at time zone %(zone)s,"
            " (%(last)s::date + 1)::timestamp at time zone %(zone)s",
            values,
        )
        row = await since.fetchone()
        assert row is not None
        cursor = await conn.execute(query, values | {"since": row[0], "until": row[1]})
        return await cursor.fetchall()


def _whole() -> bool:
    who = current()
    return who is None or who.scope.whole


def _by_thing(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], dict[date, Sent]]:
    found: dict[tuple[Any, ...], dict[date, Sent]] = {}
    for row in rows:
        found.setdefault(row[:5], {})[row[5]] = Sent(*row[6:])
    return found


def _told(days: dict[date, Sent]) -> dict[str, Any]:
    ordered = [days[day] for day in sorted(days)]
    whole = sum(ordered, NOTHING)
    why = reason(ordered)
    return {
        "scores": list(scores(whole)),
        "reason": why and why.value,
        "n": whole.n,
        "expected": round(whole.expected),
        "wrong": whole.n - whole.n_good,
        "corrected": whole.corrected,
        "refused": whole.refused,
        "days": [{"day": day, "scores": list(scores(days[day]))} for day in sorted(days)],
    }


def month(day: date) -> tuple[date, date]:
    """Return the first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
