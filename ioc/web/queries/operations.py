"""What operators and programs page through: observations, alerts, dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from ioc.web.database import Db

PAYLOAD_SHOWN: Final = 8192  # bytes of a refused payload in a list; the whole is kept


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One stored value; `result` is None where the station said "no value"."""

    phenomenon_time: datetime
    result: float | None
    quality: int
    flags: int
    received: datetime
    detail: str | None = None  # of a state: what it came with


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert, open or closed."""

    id: UUID
    rule: str
    rule_version: int
    datastream_id: int
    thing_id: int
    property: str
    kind: str  # of the property: quantity or category
    severity: int
    occurrence: int
    active: bool
    stale: bool
    late: bool
    corrected: bool
    simulated: bool
    raised_at: datetime
    detected_at: datetime
    result: float | None
    limit_value: float | None
    peak: float | None
    acked_at: datetime | None
    acked_by: str | None
    returned_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """A refused message; `payload` is its first PAYLOAD_SHOWN bytes, `size` the whole length."""

    id: int
    feed: str | None
    topic: str
    payload: bytes
    size: int
    reason: str
    detail: str
    received: datetime
    retried_at: datetime | None
    retry_reason: str | None


async def observations(
    conn: Db, datastream: int, *, before: datetime | None, limit: int
) -> list[ObservationRow]:
    """Return up to `limit` values of an admitted thing's datastream, newest first."""
    cursor = await conn.execute(
        "select phenomenon_time, nullif(result, 'NaN'), quality, flags, received, detail"
        " from observation left join status_detail using (datastream_id, phenomenon_time)"
        " where datastream_id = %(ds)s"
        " and phenomenon_time < coalesce(%(before)s, 'infinity'::timestamptz)"
        " and exists (select 1 from datastream d join thing t on t.id = d.thing_id"
        "  where d.id = %(ds)s and t.state = 'admitted')"
        " order by phenomenon_time desc limit %(limit)s",
        {"ds": datastream, "before": before, "limit": limit},
    )
    return [ObservationRow(*row) for row in await cursor.fetchall()]


async def alerts(
    conn: Db, *, before: tuple[datetime, UUID] | None, limit: int, open_only: bool
) -> list[AlertRow]:
    """Return up to `limit` alerts raised before (instant, id), newest first."""
    at, key = before or (None, None)
    cursor = await conn.execute(
        "select a.id, a.rule_id, a.rule_version, a.datastream_id, a.thing_id, d.property, p.kind,"
        " a.severity, a.occurrence, a.active, a.stale, a.late, a.corrected, a.simulated,"
        " a.raised_at, a.detected_at, nullif(a.result, 'NaN'), a.limit_value, a.peak, a.acked_at,"
        " a.acked_by, a.returned_at, a.closed_at from alert a"
        " join datastream d on d.id = a.datastream_id"
        " join observed_property p on p.code = d.property"
        " where (%(at)s::timestamptz is null or (a.raised_at, a.id) < (%(at)s, %(id)s))"
        " and (a.closed_at is null or not %(open)s)"
        " order by a.raised_at desc, a.id desc limit %(limit)s",
        {"at": at, "id": key, "open": open_only, "limit": limit},
    )
    return [AlertRow(*row) for row in await cursor.fetchall()]


async def dead_letters(
    conn: Db, feed: str | None, *, before: int | None, limit: int
) -> list[DeadLetterRow]:
    """Return up to `limit` refused messages of a feed (None: of every feed), newest first."""
    cursor = await conn.execute(
        "select id, feed, topic, substring(payload from 1 for %(shown)s), size, reason, detail,"
        " received, retried_at, retry_reason from dead_letter"
        " where (%(feed)s::text is null or feed = %(feed)s)"
        " and (%(before)s::bigint is null or id < %(before)s) order by id desc limit %(limit)s",
        {"feed": feed, "before": before, "limit": limit, "shown": PAYLOAD_SHOWN},
    )
    return [DeadLetterRow(*row) for row in await cursor.fetchall()]
