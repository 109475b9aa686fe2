"""What the operators' desk (`/alerts`) reads: filtered lists, counts by tab, groups of a flood.

Rows have the keys of `/live` (ioc.web) and a few more; instants are ms since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

from ioc.domain.flood import Flood, flood_at
from ioc.domain.instant import from_datetime
from ioc.storage.masks import Listed
from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries import masks
from ioc.web.queries.alerts_rows import (
    COLUMNS,
    COUNT,
    ENDING_FIRST,
    FIELDS,
    FROM,
    GROUP,
    GROUPED,
    HEADS,
    NARROWED,
    NEWEST_FIRST,
    TABS,
    URGENT_FIRST,
    Tab,
)
from ioc.web.queries.scope import ALERT_WITHIN, WITHIN

LARGEST_PAGE: Final = 1000  # beyond it nobody reads on: filters and groups are the way
MOST_GROUPS: Final = 200
MOST_MASKS: Final = 500  # looked through; a centre has tens
SINGLE_CRITICAL: Final = 20  # critical ones stay single up to this many, as notifications do
LATE_COUNTED: Final = timedelta(days=7)  # the number beside the tab; the list goes on
_LOOK_BACK: Final = timedelta(hours=3)  # of raises for the flood: it ends within a quiet window
_MOST_RAISES: Final = 5000  # of them: enough to know that it is a flood


class Standing(StrEnum):
    """What is owed to an alert."""

    UNACKED = "unacked"
    ACKED = "acked"
    RETURNED = "returned"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; empty fields narrow nothing."""

    tab: Tab = Tab.OPEN
    severities: tuple[int, ...] = ()
    standing: Standing | None = None
    kind: str | None = None
    area: str | None = None  # commune code; "" for things whose commune is unknown
    rule: str | None = None
    since: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Open alerts of one rule in one area; `first` is the one that was raised before the others."""

    area: str
    area_name: str | None
    rule: str
    name: str
    severity: int
    total: int
    unacked: int
    first: str
    newest: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as the page shows it; `next` is the place of the following page, if there is one."""

    rows: list[dict[str, Any]]
    total: int
    next: tuple[datetime, UUID] | None
    counts: dict[str, int]
    flood: Flood
    groups: list[Group]
    masks: list[Listed]  # of a tab of masks: those that hold no alert back now


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the filters: (value, words)."""

    kinds: list[str]
    areas: list[tuple[str, str]]
    rules: list[tuple[str, str]]
    people: list[tuple[str, str]]


async def listing(
    conn: Db,
    wanted: Filter,
    *,
    now: datetime,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    grouped: bool = False,
) -> Listing:
    """Return a list with what stands above it; `grouped` asks for groups while there is a flood."""
    async with conn.transaction():  # counts and rows of one instant
        await conn.execute("set transaction isolation level repeatable read, read only")
        counts = await _counts(conn, now)
        flood = await _flood(conn, now)
        values = _values(wanted)
        total = await _total(conn, wanted, values)
        groups: list[Group] = []
        if grouped and flood.on and wanted.tab is Tab.OPEN and wanted.rule is None:
            groups = await _groups(conn, values)
        if groups:
            rows, place = await _heads(conn, values, groups), None
        else:
            rows, place = await _rows(conn, wanted, values, limit=limit, before=before)
        idle = await _idle_masks(conn, wanted.tab, now)
    return Listing(rows, total, place, counts, flood, groups, idle)


async def one(conn: Db, alert_id: UUID) -> dict[str, Any] | None:
    """Return a row, open or closed; None: no such alert."""
    query = COLUMNS + FROM + " where a.id = %(id)s" + WITHIN
    cursor = await conn.execute(query, {"id": alert_id} | limits())
    row = await cursor.fetchone()
    return None if row is None else _shown(row)


async def log(conn: Db, alert_id: UUID) -> list[dict[str, Any]]:
    """Return an alert's whole log, newest first, with the names of those who acted."""
    cursor = await conn.execute(
        "select e.occurrence, e.kind, e.n, e.event_time, e.recorded_at, e.actor,"
        " coalesce(u.display_name, e.actor), e.payload from alert_event e"
        " left join app_user u on u.username = e.actor"
        " join alert a on a.id = e.alert_id where e.alert_id = %(id)s"
        + ALERT_WITHIN
        + " order by e.recorded_at desc, e.event_time desc, e.occurrence desc,"
        " array_position(array['CLOSE', 'ACK', 'RTN'], e.kind) nulls last, e.n desc limit 500",
        {"id": alert_id} | limits(),
    )
    return [
        {
            "occurrence": row[0],
            "kind": row[1],
            "n": row[2],
            "time": _ms(row[3]),
            "recorded": _ms(row[4]),
            "actor": row[5],
            "name": row[6],
            "payload": row[7],
        }
        for row in await cursor.fetchall()
    ]


async def choices(conn: Db) -> Choices:
    """Return the kinds and areas that have things, every rule, and who may be given an alert."""
    kinds = await conn.execute(
        "select distinct t.kind from thing t where t.state = 'admitted'" + WITHIN + " order by 1",
        limits(),
    )
    found = sorted(row[0] for row in await kinds.fetchall())
    areas = await conn.execute(
        "select commune_code, min(commune_name) from location where commune_code is not null"
        " and (%(areas)s::text[] is null or commune_code = any(%(areas)s)) group by 1 order by 2",
        limits(),
    )
    places = [(row[0], row[1]) for row in await areas.fetchall()]
    rules = await conn.execute(
        "select r.id, coalesce(v.definition #>> '{name,vi}', r.name) from rule r left join"
        " rule_version v on v.rule_id = r.id and v.version = r.current_version order by 2, 1"
    )
    named = [(row[0], row[1]) for row in await rules.fetchall()]
    people = await conn.execute(
        "select username, display_name from app_user where not disabled"
        " and role in ('operator', 'environment', 'admin') order by 2, 1"
    )
    return Choices(found, places, named, [(row[0], row[1]) for row in await people.fetchall()])


async def _idle_masks(conn: Db, tab: Tab, now: datetime) -> list[Listed]:
    """Return the masks of a tab's kinds without an alert: planned ones, and those in force."""
    if not tab.holds_back:
        return []
    found = await masks.listed(conn, from_datetime(now), limit=MOST_MASKS)
    return [one for one in found if one.kind in tab.masks and not one.holding]


async def export(conn: Db, wanted: Filter, *, limit: int) -> list[dict[str, Any]]:
    """Return the rows of a list for a file, at most `limit`."""
    rows, _ = await _rows(conn, wanted, _values(wanted), limit=limit, before=None)
    return rows


def _values(wanted: Filter) -> dict[str, Any]:
    return {
        "severities": list(wanted.severities) or None,
        "kind": wanted.kind,
        "area": wanted.area,
        "rule": wanted.rule,
        "since": wanted.since,
        "standing": wanted.standing,
        "words": wanted.words.strip() or None,
    } | limits()


async def _counts(conn: Db, now: datetime) -> dict[str, int]:
    cursor = await conn.execute(
        "select count(*) filter (where mask is null),"
        " count(*) filter (where mask is null and not active and acked_at is null),"
        " count(*) filter (where mask is null and acked_at is null),"
        " count(*) filter (where mask = 'shelve'),"
        " count(*) filter (where mask in ('maintenance', 'parent', 'calibration')),"
        " count(*) filter (where mask = 'out_of_service') from alert a where closed_at is null"
        + ALERT_WITHIN,
        limits(),
    )
    names = ("open", "returned", "unacked", "shelved", "suppressed", "out_of_service")
    counts = dict(zip(names, await cursor.fetchone() or [0] * len(names), strict=True))
    late = await conn.execute(
        "select count(*) from alert a where late and raised_at > %(since)s" + ALERT_WITHIN,
        {"since": now - LATE_COUNTED} | limits(),
    )
    return counts | {"late": (await late.fetchone() or (0,))[0]}


async def _flood(conn: Db, now: datetime) -> Flood:
    """Judge the load by what was announced: what was found when already over called nobody."""
    cursor = await conn.execute(
        "select detected_at from alert a where raised_at > %(since)s and detected_at > %(since)s"
        " and (not late or closed_at is null)"
        + ALERT_WITHIN
        + " order by detected_at desc limit %(most)s",
        {"since": now - _LOOK_BACK, "most": _MOST_RAISES} | limits(),
    )
    raises = sorted(from_datetime(row[0]) for row in await cursor.fetchall())
    return flood_at(raises, from_datetime(now))


async def _total(conn: Db, wanted: Filter, values: dict[str, Any]) -> int:
    query: LiteralString = COUNT + FROM + TABS[wanted.tab] + NARROWED
    cursor = await conn.execute(query, values)
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def _rows(
    conn: Db,
    wanted: Filter,
    values: dict[str, Any],
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    query: LiteralString = COLUMNS + FROM + TABS[wanted.tab] + NARROWED
    at, key = before or (None, None)
    if wanted.tab.pages:
        query += " and (%(at)s::timestamptz is null or (a.raised_at, a.id) < (%(at)s, %(id)s))"
        query += NEWEST_FIRST
    else:
        query += ENDING_FIRST if wanted.tab.holds_back else URGENT_FIRST
    cursor = await conn.execute(
        query + " limit %(limit)s", values | {"at": at, "id": key, "limit": limit + 1}
    )
    found = await cursor.fetchall()
    rows = [_shown(row) for row in found[:limit]]
    if len(found) <= limit or not wanted.tab.pages:
        return rows, None
    last = dict(zip(FIELDS, found[limit - 1], strict=True))
    return rows, (last["raised"], UUID(last["id"]))


async def _groups(conn: Db, values: dict[str, Any]) -> list[Group]:
    query: LiteralString = GROUP + FROM + TABS[Tab.OPEN] + NARROWED + GROUPED
    cursor = await conn.execute(query, values | {"most": MOST_GROUPS})
    rows = await cursor.fetchall()
    return [Group(*row) for row in rows]


async def _heads(conn: Db, values: dict[str, Any], groups: list[Group]) -> list[dict[str, Any]]:
    """Return the first of each group, and each critical one as long as they are few."""
    query: LiteralString = COLUMNS + FROM + TABS[Tab.OPEN] + NARROWED + HEADS + URGENT_FIRST
    first = [group.first for group in groups]
    cursor = await conn.execute(query, values | {"first": first, "single": SINGLE_CRITICAL})
    return [_shown(row) for row in await cursor.fetchall()]


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    shown = {
        str(name): _ms(value) if isinstance(value, datetime) else value
        for name, value in zip(FIELDS, row, strict=True)
    }
    shown["acked"] = shown["acked_at"] is not None
    return shown


def _ms(moment: datetime) -> int:
    return from_datetime(moment) // 1000
