"""What the page `/feeds` reads: what each feed brings today, and what of it was not taken in.

Counts of values are of the things within the scope of who asks. Messages and dead letters have no
place, so they are told to those alone whose scope is the whole province.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

from ioc.domain.errors import ForbiddenError
from ioc.domain.permission import Action
from ioc.storage import letter_retries
from ioc.storage.letter_retries import LetterRetry
from ioc.storage.script import run_async
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, current, limits, require
from ioc.web.queries.scope import WITHIN

COUNTED: Final = 10_000  # dead letters; beyond it "more than" says enough
PAYLOAD_READ: Final = 400  # bytes of a payload in a list: an excerpt, the whole is kept

# Hours up to the last one that is built, minutes from there: a day of 10,000 streams in a blink.
_TODAY: Final[LiteralString] = (
    "with edge as (select greatest(%(day)s, least(coalesce((select done_until from rollup_progress"
    "  where name = 'hour'), %(day)s), %(now)s)) as at),"
    " stream as (select t.feed, t.id as thing, d.expected_period_s as period,"
    "  d.stale_after_s as stale, o.at, o.received, coalesce(h.n, 0) + coalesce(m.n, 0) as n,"
    "  coalesce(h.good, 0) + coalesce(m.good, 0) as good,"
    "  floor(extract(epoch from %(now)s - greatest(%(day)s, t.admitted_at))"
    "   / d.expected_period_s) as due"
    "  from thing t cross join edge join datastream d on d.thing_id = t.id"
    "  left join lateral (select phenomenon_time as at, received from observation"
    "   where datastream_id = d.id order by phenomenon_time desc limit 1) o on true"
    "  left join lateral (select sum(n) as n, sum(n_good) as good from observation_hour"
    "   where datastream_id = d.id and hour >= %(day)s and hour < edge.at) h on true"
    "  left join lateral (select sum(n) as n, sum(n_good) as good from observation_minute"
    "   where datastream_id = d.id and minute >= edge.at and minute <= %(now)s) m on true"
    "  where t.state = 'admitted'" + WITHIN + ")"
    " select feed, count(distinct thing), count(*), count(distinct thing) filter ("
    "  where %(now)s - at <= make_interval(secs => stale)), max(at), max(received),"
    " sum(n)::bigint, sum(good)::bigint, sum(greatest(due, 0))::bigint,"
    " sum(least(n, greatest(due, 0)))::bigint from stream group by feed"
)
_PENDING: Final[LiteralString] = (
    "select feed, count(*) from thing t where state = 'pending'" + WITHIN + " group by feed"
)
_REFUSED: Final[LiteralString] = (
    "select coalesce(feed, ''), reason, count(*) from dead_letter where received >= %(day)s"
    " group by 1, 2"
)
_WAITING: Final[LiteralString] = (
    "select f.name, (select count(*) from (select 1 from dead_letter d where d.feed = f.name"
    "  and (d.retried_at is null or d.retry_reason is not null) limit %(most)s) c)"
    " from feed f union all select '', (select count(*) from (select 1 from dead_letter"
    "  where feed is null and (retried_at is null or retry_reason is not null)"
    "  limit %(most)s) c)"
)


@dataclass(slots=True)
class FeedToday:
    """A feed since midnight of the province. `due`: values that its periods promise till now.

    What is None is not told to who asks. `refused` are letters of today by reason, `waiting` those
    that were never taken in, at most COUNTED + 1.
    """

    name: str
    title: str
    simulated: bool
    period_s: float
    things: int = 0
    streams: int = 0
    heard: int = 0  # things that are not silent
    newest: datetime | None = None
    received: datetime | None = None
    values: int = 0
    good: int = 0
    due: int = 0
    came: int = 0  # of those due
    pending: int = 0
    refused: dict[str, int] | None = None
    waiting: int | None = None
    retry: LetterRetry | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How ingest stands with the broker; None: never, or not now."""

    connected_since: datetime | None
    heartbeat: datetime | None


@dataclass(slots=True)
class Board:
    """Every feed that who asks may see, by title; `strays` are letters of no feed."""

    session: Session
    feeds: list[FeedToday]
    whole: bool
    strays: FeedToday | None = None


@dataclass(frozen=True, slots=True)
class Letters:
    """Which dead letters; `feed` "": of no feed."""

    feed: str
    reason: str | None = None
    open_only: bool = True


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with the begin of its payload; `size` is of the whole, bytes."""

    id: int
    topic: str
    payload: bytes = field(repr=False)
    size: int
    reason: str
    detail: str
    received: datetime
    retried_at: datetime | None
    retry_reason: str | None


class FeedQueries:
    """The reading half of the page of feeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def board(self, now: datetime, day: datetime) -> Board:
        """Return every feed since `day`, the begin of the province's day."""
        who = current()
        whole = who is None or who.scope.whole
        async with self._database.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read, read only")
            found = await _feeds(conn, now, day)
            board = Board(await _session(conn), found, whole)
            if whole:
                board.strays = await _letters(conn, found, day)
            else:
                board.feeds = [one for one in found if one.things or one.pending]
        return board

    async def letters(self, wanted: Letters, *, before: int | None, limit: int) -> list[Letter]:
        """Return dead letters, newest first. Raises ForbiddenError."""
        for_the_whole(Action.SEE_DEAD_LETTERS)
        query: LiteralString = (
            "select id, topic, substring(payload from 1 for %(shown)s), size, reason, detail,"
            " received, retried_at, retry_reason from dead_letter"
            " where feed is not distinct from %(feed)s"
            " and (%(reason)s::text is null or reason = %(reason)s)"
            " and (not %(open)s or retried_at is null or retry_reason is not null)"
            " and (%(before)s::bigint is null or id < %(before)s) order by id desc limit %(limit)s"
        )
        values = {
            "feed": wanted.feed or None,
            "reason": wanted.reason,
            "open": wanted.open_only,
            "before": before,
            "limit": limit,
            "shown": PAYLOAD_READ,
        }
        async with self._database.connection() as conn:
            rows = await (await conn.execute(query, values)).fetchall()
        return [Letter(*row) for row in rows]

    async def retry(self, feed: str) -> LetterRetry | None:
        """Return the newest retry of a feed. Raises ForbiddenError."""
        for_the_whole(Action.SEE_DEAD_LETTERS)
        async with self._database.connection() as conn:
            found = await run_async(conn, letter_retries.latest(feed))
        return found[0] if found else None


def for_the_whole(action: Action) -> Identity:
    """Return who asks when they may do this for the whole province. Raises ForbiddenError."""
    who = require(action)
    if not who.scope.whole:
        raise ForbiddenError("a message has no place, so it is of nobody's part")
    return who


async def _feeds(conn: Db, now: datetime, day: datetime) -> list[FeedToday]:
    cursor = await conn.execute(
        "select name, title_vi, simulated, expected_period_s from feed order by title_vi, name"
    )
    found = {row[0]: FeedToday(*row) for row in await cursor.fetchall()}
    cursor = await conn.execute(_TODAY, {"now": now, "day": day} | limits())
    for row in await cursor.fetchall():
        one = found[row[0]]
        one.things, one.streams, one.heard, one.newest, one.received = row[1:6]
        one.values, one.good, one.due, one.came = row[6:]
    cursor = await conn.execute(_PENDING, limits())
    for name, count in await cursor.fetchall():
        found[name].pending = count
    return list(found.values())


async def _session(conn: Db) -> Session:
    cursor = await conn.execute(
        "select case when bool_and(connected_since is not null) then max(connected_since) end,"
        " max(heartbeat) from ingest_writer"
        " where not internal and heartbeat > now() - interval '1 hour'"
    )
    row: tuple[Any, ...] | None = await cursor.fetchone()
    return Session(*row) if row else Session(None, None)


async def _letters(conn: Db, feeds: list[FeedToday], day: datetime) -> FeedToday:
    """Fill in what was refused; return the letters of no feed."""
    strays = FeedToday("", "", simulated=False, period_s=0)
    found = {one.name: one for one in [*feeds, strays]}
    for one in found.values():
        one.refused = {}
    cursor = await conn.execute(_REFUSED, {"day": day})
    for name, reason, count in await cursor.fetchall():
        counts = found[name].refused if name in found else None
        if counts is not None:
            counts[reason] = count
    cursor = await conn.execute(_WAITING, {"most": COUNTED + 1})
    for name, waiting in await cursor.fetchall():
        found[name].waiting = waiting
    for retry in await run_async(conn, letter_retries.latest()):
        found[retry.feed].retry = retry
    return strays
