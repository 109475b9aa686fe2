"""Alerts as operators see them: read by screens, acknowledged by people.

One SQL text for each purpose; the blocking and the awaiting form of a function share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

from ioc.domain.announcement import Alert, Entry, Outcome, acknowledged
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.observation import DatastreamId, ThingId

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

OPEN_LIMIT: Final = 50  # rows of one screen; the counts say how many more there are

# ---------------------------------------------------------------- one alert

COLUMNS: Final[LiteralString] = (
    "id, rule_id, rule_version, datastream_id, thing_id, severity, raised_at, detected_at, result,"
    " limit_value, occurrence, active, stale, late, corrected, simulated, peak, peak_at, acked_at,"
    " acked_by, returned_at, closed_at"  # the order of Alert's fields
)
WRITE: Final[LiteralString] = (
    "insert into alert (" + COLUMNS + ") values (" + "%s, " * 21 + "%s)"
    " on conflict (id) do update set rule_version = excluded.rule_version,"
    " severity = excluded.severity, raised_at = excluded.raised_at,"
    " detected_at = excluded.detected_at, result = excluded.result,"
    " limit_value = excluded.limit_value, occurrence = excluded.occurrence,"
    " active = excluded.active, stale = excluded.stale, late = excluded.late,"
    " corrected = excluded.corrected, peak = excluded.peak, peak_at = excluded.peak_at,"
    " acked_at = excluded.acked_at, acked_by = excluded.acked_by,"
    " returned_at = excluded.returned_at, closed_at = excluded.closed_at"
)
APPEND_ONCE: Final[LiteralString] = (
    "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, actor, payload)"
    " values (%s, %s, %s, %s, %s, %s, %s)"
)
APPEND_NEXT: Final[LiteralString] = (
    "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, actor, payload,"
    " n) values (%s, %s, %s, %s, %s, %s, %s, (select coalesce(max(n) + 1, 0) from alert_event"
    " where alert_id = %s and occurrence = %s and kind = %s))"
)
_TIMES: Final = frozenset(
    {"raised_at", "detected_at", "peak_at", "acked_at", "returned_at", "closed_at"}
)
_FIELDS: Final = tuple(field.name for field in fields(Alert))


def from_row(row: Sequence[Any]) -> Alert:
    values: dict[str, Any] = {
        name: from_datetime(value) if name in _TIMES and value is not None else value
        for name, value in zip(_FIELDS, row, strict=True)
    }
    return Alert(**values)


def to_row(alert: Alert) -> tuple[Any, ...]:
    return tuple(
        to_datetime(value) if name in _TIMES and value is not None else value
        for name, value in zip(_FIELDS, astuple(alert), strict=True)
    )


def entry_to_row(entry: Entry, now: Micros) -> tuple[Any, ...]:
    row = (entry.alert, entry.occurrence, entry.kind.value, to_datetime(entry.time))
    row += (to_datetime(now), entry.actor, Jsonb(entry.payload))  # type: ignore[assignment]
    return row if entry.once else (*row, entry.alert, entry.occurrence, entry.kind.value)


def append(entry: Entry) -> LiteralString:
    """Return the SQL for an entry: RAISE, RTN, ACK, CLOSE exist once an occurrence, by key."""
    return APPEND_ONCE if entry.once else APPEND_NEXT


def moment(instant: Micros | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


# ---------------------------------------------------------------- screens


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One row of an alert list: what, where, how bad, against which limit, and what to do."""

    id: UUID
    rule_id: str
    rule_version: int
    datastream: DatastreamId
    thing: ThingId
    thing_kind: str
    place: str  # the thing's short name
    thing_name: str
    commune: str | None
    observed_property: str
    property_vi: str
    property_en: str
    kind: str  # of the property: quantity, or category, whose number means nothing to a reader
    unit: str
    decimals: int
    name_vi: str  # of the rule
    name_en: str
    severity: int
    occurrence: int
    active: bool
    stale: bool
    late: bool
    corrected: bool
    simulated: bool
    result: float
    peak: float | None
    peak_at: datetime | None
    op: str
    limit: float | None
    legal_ref: str | None
    action_vi: str
    action_en: str
    cause_vi: str | None
    cause_en: str | None
    consequence_vi: str | None
    consequence_en: str | None
    raised_at: datetime
    detected_at: datetime
    returned_at: datetime | None
    acked_at: datetime | None
    acked_by: str | None

    @property
    def shown(self) -> dict[str, Any]:
        """Return the row as browsers get it: Vietnamese, instants in ms, no NaN."""
        return {
            "id": str(self.id),
            "thing": self.thing,
            "place": self.place,
            "commune": self.commune,
            "property": self.observed_property,
            "kind": self.kind,
            "name": self.name_vi,
            "unit": self.unit,
            "severity": self.severity,
            "active": self.active,
            "acked": self.acked_at is not None,
            "acked_by": self.acked_by,
            "stale": self.stale,
            "simulated": self.simulated,
            "result": self.result,
            "peak": self.peak,
            "limit": self.limit,
            "op": self.op,
            "legal_ref": self.legal_ref,
            "action": self.action_vi,
            "raised": _ms(self.raised_at),
            "returned": _ms(self.returned_at),
            "late": self.late,
            "corrected": self.corrected,
            "decimals": self.decimals,
        }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else from_datetime(moment) // 1000


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """Open alerts, most urgent first, at most the asked number; the counts are of all of them."""

    rows: tuple[OpenAlert, ...]
    by_severity: dict[int, int]  # 1..4, always all four
    total: int
    unacked: int
    active: int
    things: dict[ThingId, tuple[int, bool]]  # highest active severity, whether that is answered

    @property
    def section(self) -> dict[str, Any]:
        """Return what `/live` carries under "alerts" (shape: ioc.web)."""
        return {
            "open": [row.shown for row in self.rows],
            "counts": {str(severity): n for severity, n in self.by_severity.items()},
            "total": self.total,
            "unacked": self.unacked,
        }


_OPEN: Final[LiteralString] = (
    "select a.id, a.rule_id, a.rule_version, a.datastream_id, a.thing_id, t.kind, t.short_name,"
    " t.name, l.commune_name, d.property, p.name_vi, p.name_en, p.kind, d.unit, p.decimals,"
    " v.definition #>> '{name,vi}', v.definition #>> '{name,en}', a.severity, a.occurrence,"
    " a.active, a.stale, a.late, a.corrected, a.simulated, a.result, a.peak, a.peak_at,"
    " v.definition ->> 'op', a.limit_value, v.definition ->> 'legal_ref',"
    " v.definition #>> '{operator_action,vi}', v.definition #>> '{operator_action,en}',"
    " v.definition #>> '{cause,vi}', v.definition #>> '{cause,en}',"
    " v.definition #>> '{consequence,vi}', v.definition #>> '{consequence,en}',"
    " a.raised_at, a.detected_at, a.returned_at, a.acked_at, a.acked_by"
    " from alert a join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " left join location l on l.thing_id = t.id where a.closed_at is null"
    # newest critical first; what returned or was answered stands behind what did not
    " order by a.severity, a.active desc, a.acked_at is not null, a.raised_at desc, a.id limit %s"
)
_COUNT: Final[LiteralString] = (
    "select severity, count(*), count(*) filter (where acked_at is null),"
    " count(*) filter (where active) from alert where closed_at is null group by severity"
)


_URGENT: Final[LiteralString] = (
    "select distinct on (thing_id) thing_id, severity, acked_at is not null from alert"
    " where closed_at is null and active order by thing_id, severity, acked_at is not null"
)


def open_alerts(conn: Db, limit: int = OPEN_LIMIT) -> OpenAlerts:
    """Return the most urgent open alerts, the counts of all, and what they mean on a map."""
    with conn.transaction():
        rows = conn.execute(_OPEN, (limit,)).fetchall()
        counts = conn.execute(_COUNT).fetchall()
        return _open(rows, counts, conn.execute(_URGENT).fetchall())


async def open_alerts_async(conn: AsyncDb, limit: int = OPEN_LIMIT) -> OpenAlerts:
    """Return the most urgent open alerts, the counts of all, and what they mean on a map."""
    async with conn.transaction():
        rows = await (await conn.execute(_OPEN, (limit,))).fetchall()
        counts = await (await conn.execute(_COUNT)).fetchall()
        return _open(rows, counts, await (await conn.execute(_URGENT)).fetchall())


def _open(
    rows: Sequence[tuple[Any, ...]],
    counts: Sequence[tuple[Any, ...]],
    things: Sequence[tuple[Any, ...]],
) -> OpenAlerts:
    by_severity = dict.fromkeys(range(1, 5), 0) | {row[0]: row[1] for row in counts}
    return OpenAlerts(
        rows=tuple(OpenAlert(*row) for row in rows),
        by_severity=by_severity,
        total=sum(row[1] for row in counts),
        unacked=sum(row[2] for row in counts),
        active=sum(row[3] for row in counts),
        things={row[0]: (row[1], row[2]) for row in things},
    )


# ---------------------------------------------------------------- acknowledgement


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """It was not answered and now is; `closed` when it had already returned."""

    alert: UUID
    acked_by: str
    acked_at: datetime
    closed: bool


@dataclass(frozen=True, slots=True)
class AlreadyAcknowledged:
    """Somebody was first, or it closed without needing an answer; nothing was changed."""

    alert: UUID
    acked_by: str | None
    acked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such alert."""

    alert: UUID


Acknowledgement = Acknowledged | AlreadyAcknowledged | NotFound

_ONE: Final[LiteralString] = (
    "select " + COLUMNS + " from alert where id = %s for update"  # noqa: S608  our own constant
)


def acknowledge(conn: Db, alert_id: UUID, actor: str, now: Micros) -> Acknowledgement:
    """Acknowledge an alert for `actor`; repeating it changes nothing.

    The event is written in the same transaction; an alert that has returned is closed by it.
    """
    with conn.transaction():
        row = conn.execute(_ONE, (alert_id,)).fetchone()
        result, outcome = _answer(alert_id, row, actor, now)
        for alert in outcome.alerts:
            conn.execute(WRITE, to_row(alert))
        for entry in outcome.entries:
            conn.execute(append(entry), entry_to_row(entry, now))
    return result


async def acknowledge_async(
    conn: AsyncDb, alert_id: UUID, actor: str, now: Micros
) -> Acknowledgement:
    """Acknowledge an alert, as `acknowledge` does."""
    async with conn.transaction():
        row = await (await conn.execute(_ONE, (alert_id,))).fetchone()
        result, outcome = _answer(alert_id, row, actor, now)
        for alert in outcome.alerts:
            await conn.execute(WRITE, to_row(alert))
        for entry in outcome.entries:
            await conn.execute(append(entry), entry_to_row(entry, now))
    return result


def _answer(
    key: UUID, row: tuple[Any, ...] | None, actor: str, now: Micros
) -> tuple[Acknowledgement, Outcome]:
    if row is None:
        return NotFound(key), Outcome()
    alert = from_row(row)
    if alert.acked_at is not None or alert.closed_at is not None:
        return AlreadyAcknowledged(key, alert.acked_by, moment(alert.acked_at)), Outcome()
    outcome = acknowledged(alert, actor, now)
    closed = outcome.alerts[0].closed_at is not None
    return Acknowledged(key, actor, to_datetime(now), closed), outcome
