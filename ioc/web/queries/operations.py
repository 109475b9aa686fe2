"""What operators and programs page through: observations, alerts, dead letters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from ioc.domain.mask import MaskKind, display
from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries.scope import ALERT_WITHIN, FEED_WITHIN, WITHIN

EVENTS_SHOWN: Final = 1000
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
    latched: bool
    mask: str | None
    masked_until: datetime | None
    assignee: str | None
    handling: str
    handling_due: datetime | None
    handling_by: str | None
    handled_at: datetime | None
    state: str = ""  # ISA-18.2, derived


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One line of an alert's log."""

    occurrence: int
    kind: str
    n: int
    event_time: datetime
    recorded_at: datetime
    actor: str | None
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """An alert with its log, oldest first; of a very long one the newest EVENTS_SHOWN lines."""

    alert: AlertRow
    events: list[AlertEvent]


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
    conn: Db,
    datastream: int,
    *,
    before: datetime | None,
    limit: int,
    since: datetime | None = None,
) -> list[ObservationRow]:
    """Return up to `limit` values of an admitted thing's datastream, newest first."""
    cursor = await conn.execute(
        "select phenomenon_time, nullif(result, 'NaN'), quality, flags, received, detail"
        " from observation left join status_detail using (datastream_id, phenomenon_time)"
        " where datastream_id = %(ds)s"
        " and phenomenon_time < coalesce(%(before)s, 'infinity'::timestamptz)"
        " and phenomenon_time >= coalesce(%(since)s, '-infinity'::timestamptz)"
        " and exists (select 1 from datastream d join thing t on t.id = d.thing_id"
        "  where d.id = %(ds)s and t.state = 'admitted'"
        + WITHIN
        + ") order by phenomenon_time desc limit %(limit)s",
        {"ds": datastream, "before": before, "since": since, "limit": limit} | limits(),
    )
    return [ObservationRow(*row) for row in await cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class StepRow:
    """A minute or an hour of a datastream; numbers are of good values, None without any."""

    start: datetime
    n: int
    n_good: int
    mean: float | None
    min: float | None
    max: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to `before`, in minutes or in hours."""

    since: datetime
    before: datetime
    hours: bool


_STEPS: Final[dict[bool, LiteralString]] = {
    False: "select minute, n, n_good, sum / nullif(n_good, 0), min, max, last"
    " from observation_minute where minute >= %(since)s and minute < %(before)s",
    True: "select hour, n, n_good, sum / nullif(n_good, 0), min, max, last"
    " from observation_hour where hour >= %(since)s and hour < %(before)s",
}


async def steps(conn: Db, datastream: int, span: Span, *, limit: int) -> list[StepRow]:
    """Return up to `limit` steps of an admitted thing's datastream, newest first."""
    query = (
        _STEPS[span.hours] + " and datastream_id = %(ds)s and exists"
        " (select 1 from datastream d join thing t on t.id = d.thing_id"
        "  where d.id = %(ds)s and t.state = 'admitted'"
        + WITHIN
        + ") order by 1 desc limit %(limit)s"
    )
    values = {"ds": datastream, "since": span.since, "before": span.before, "limit": limit}
    cursor = await conn.execute(query, values | limits())
    return [StepRow(*row) for row in await cursor.fetchall()]


_ALERTS: Final[LiteralString] = (
    "select a.id, a.rule_id, a.rule_version, a.datastream_id, a.thing_id, d.property, p.kind,"
    " a.severity, a.occurrence, a.active, a.stale, a.late, a.corrected, a.simulated,"
    " a.raised_at, a.detected_at, nullif(a.result, 'NaN'), a.limit_value, a.peak, a.acked_at,"
    " a.acked_by, a.returned_at, a.closed_at, a.latched, a.mask, a.masked_until, a.assignee,"
    " a.handling, a.handling_due, a.handling_by, a.handled_at from alert a"
    " join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
)
_EVENTS: Final[LiteralString] = (
    "select * from (select occurrence, kind, n, event_time, recorded_at, actor, payload"
    " from alert_event where alert_id = %s order by recorded_at desc, event_time desc limit %s) e"
    " order by recorded_at, event_time, kind"
)


def _alert(row: tuple[Any, ...]) -> AlertRow:
    found = AlertRow(*row)
    acked, closed = found.acked_at is not None, found.closed_at is not None
    mask = None if found.mask is None else MaskKind(found.mask)
    shown = display(active=found.active, acked=acked, closed=closed, mask=mask)
    return replace(found, state=shown.value)


async def alert(conn: Db, key: UUID) -> AlertDetail | None:
    """Return one alert with its log."""
    query = _ALERTS + " where a.id = %(id)s" + ALERT_WITHIN
    row = await (await conn.execute(query, {"id": key} | limits())).fetchone()
    if row is None:
        return None
    events = await (await conn.execute(_EVENTS, (key, EVENTS_SHOWN))).fetchall()
    return AlertDetail(_alert(row), [AlertEvent(*event) for event in events])


async def alerts(
    conn: Db, *, before: tuple[datetime, UUID] | None, limit: int, open_only: bool
) -> list[AlertRow]:
    """Return up to `limit` alerts raised before (instant, id), newest first."""
    at, key = before or (None, None)
    cursor = await conn.execute(
        _ALERTS + " where (%(at)s::timestamptz is null or (a.raised_at, a.id) < (%(at)s, %(id)s))"
        " and (a.closed_at is null or not %(open)s)"
        + ALERT_WITHIN
        + " order by a.raised_at desc, a.id desc limit %(limit)s",
        {"at": at, "id": key, "open": open_only, "limit": limit} | limits(),
    )
    return [_alert(row) for row in await cursor.fetchall()]


async def dead_letters(
    conn: Db, feed: str | None, *, before: int | None, limit: int
) -> list[DeadLetterRow]:
    """Return up to `limit` refused messages of a feed (None: of every feed), newest first."""
    cursor = await conn.execute(
        "select id, feed, topic, substring(payload from 1 for %(shown)s), size, reason, detail,"
        " received, retried_at, retry_reason from dead_letter"
        " where (%(feed)s::text is null or feed = %(feed)s)"
        " and (%(before)s::bigint is null or id < %(before)s)"
        # A message that no feed could be found for has none to ask about.
        " and exists (select 1 from (select dead_letter.feed as name) f where true"
        + FEED_WITHIN
        + ") order by id desc limit %(limit)s",
        {"feed": feed, "before": before, "limit": limit, "shown": PAYLOAD_SHOWN} | limits(),
    )
    return [DeadLetterRow(*row) for row in await cursor.fetchall()]
