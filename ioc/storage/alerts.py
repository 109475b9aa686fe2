"""Alerts as rows, and as screens read them.

One SQL text for each purpose; the blocking and the awaiting form of a function share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

from ioc.domain.announcement import Alert, Entry
from ioc.domain.handling import Handling
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.mask import MaskKind, display
from ioc.domain.observation import DatastreamId, ThingId
from ioc.domain.timers import next_due

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

OPEN_LIMIT: Final = 50  # rows of one screen; the counts say how many more there are

# ---------------------------------------------------------------- one alert

COLUMNS: Final[LiteralString] = (
    "id, rule_id, rule_version, datastream_id, thing_id, severity, raised_at, detected_at, result,"
    " limit_value, occurrence, active, stale, late, corrected, simulated, peak, peak_at, acked_at,"
    " acked_by, returned_at, closed_at, announced, told_severity, told, clock_from, repeated_at,"
    " escalation, latched, mask, masked_until, assignee, handling, handling_due, handling_by,"
    " handled_at"  # the order of Alert's fields
)
# All but what never changes in an alert's life.
_CHANGING: Final[LiteralString] = (
    "rule_version severity raised_at detected_at result limit_value occurrence active stale late"
    " corrected peak peak_at acked_at acked_by returned_at closed_at announced told_severity told"
    " clock_from repeated_at escalation latched mask masked_until assignee handling handling_due"
    " handling_by handled_at due_at"
)
_ASSIGNED: Final[LiteralString] = ", ".join(
    [name + " = excluded." + name for name in _CHANGING.split()]
)
WRITE: Final[LiteralString] = (
    "insert into alert (" + COLUMNS + ", due_at) values (" + "%s, " * 36 + "%s)"
    " on conflict (id) do update set " + _ASSIGNED
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
# The same for many at once. A document, not 37 arrays: it is read by the server in a quarter of the
# time, and what an alert does not have is simply not in it.
_WRITE_ALL: Final[LiteralString] = (
    "insert into alert (" + COLUMNS + ", due_at) select " + COLUMNS + ", due_at"  # noqa: S608  our own constants
    " from json_populate_recordset(null::alert, %s::json)"
    " on conflict (id) do update set " + _ASSIGNED
)
_APPEND_ALL: Final[LiteralString] = (
    "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, actor, payload,"
    " n) select e.alert_id, e.occurrence, e.kind, e.event_time, %s, e.actor, e.payload,"
    " case when e.once then 0 else (select coalesce(max(x.n) + 1, 0) from alert_event x"
    " where x.alert_id = e.alert_id and x.occurrence = e.occurrence and x.kind = e.kind)"
    " + row_number() over (partition by e.alert_id, e.occurrence, e.kind order by e.place) - 1 end"
    " from json_to_recordset(%s::json) as e (alert_id uuid, occurrence integer, kind text,"
    " event_time timestamptz, actor text, payload jsonb, once boolean, place integer)"
)
_TIMES: Final = frozenset(
    {
        "raised_at",
        "detected_at",
        "peak_at",
        "acked_at",
        "returned_at",
        "closed_at",
        "clock_from",
        "repeated_at",
        "masked_until",
        "handling_due",
        "handled_at",
    }
)
_FIELDS: Final = tuple(field.name for field in fields(Alert))
_NAMED: Final = tuple(zip(COLUMNS.split(", "), _FIELDS, strict=True))


def from_row(row: Sequence[Any]) -> Alert:
    values: dict[str, Any] = {
        name: from_datetime(value) if name in _TIMES and value is not None else value
        for name, value in zip(_FIELDS, row, strict=True)
    }
    values["mask"] = None if values["mask"] is None else MaskKind(values["mask"])
    values["handling"] = Handling(values["handling"])
    return Alert(**values)


def to_row(alert: Alert) -> tuple[Any, ...]:
    """Return the values of WRITE: the alert's fields, and when its next timer fires."""
    row = (
        to_datetime(value) if name in _TIMES and value is not None else value
        for name, value in ((name, getattr(alert, name)) for name in _FIELDS)
    )
    return *row, moment(next_due(alert))


def entry_to_row(entry: Entry, now: Micros) -> tuple[Any, ...]:
    row = (entry.alert, entry.occurrence, entry.kind.value, to_datetime(entry.time))
    row += (to_datetime(now), entry.actor, Jsonb(entry.payload))  # type: ignore[assignment]
    return row if entry.once else (*row, entry.alert, entry.occurrence, entry.kind.value)


def append(entry: Entry) -> LiteralString:
    """Return the SQL for an entry: RAISE, RTN, CLOSE exist once an occurrence, by key."""
    return APPEND_ONCE if entry.once else APPEND_NEXT


def write(conn: Db, changed: Iterable[Alert], entries: Sequence[Entry], now: Micros) -> None:
    """Write alerts and their log in the caller's transaction.

    Closed ones first: at most one open alert of a rule and a datastream is an index, not a hope.
    """
    ordered = sorted(changed, key=lambda alert: alert.closed_at is None)
    if ordered:
        conn.execute(_WRITE_ALL, (document(_described(alert) for alert in ordered),))
    if entries:
        lines = (_line(place, entry) for place, entry in enumerate(entries))
        conn.execute(_APPEND_ALL, (to_datetime(now), document(lines)))


def document(rows: Iterable[Mapping[str, object]]) -> str:
    """Return rows as one JSON text, to be read by `json_to_recordset` or its like."""
    return msgspec.json.encode(list(rows)).decode()


def _described(alert: Alert) -> dict[str, object]:
    """Return what an alert has, by column. Numbers go as texts: JSON has no infinity."""
    found: dict[str, object] = {"due_at": moment(next_due(alert))}
    for column, name in _NAMED:
        value = getattr(alert, name)
        if value is None:
            continue
        if name in _TIMES:
            value = to_datetime(value)
        found[column] = str(value) if isinstance(value, float) else value
    return found


def _line(place: int, entry: Entry) -> dict[str, object]:
    return {
        "alert_id": entry.alert,
        "occurrence": entry.occurrence,
        "kind": entry.kind,
        "event_time": to_datetime(entry.time),
        "actor": entry.actor,
        "payload": entry.payload,
        "once": entry.once,
        "place": place,
    }


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
    latched: bool
    mask: str | None
    masked_until: datetime | None
    assignee: str | None
    handling: str
    handling_due: datetime | None

    @property
    def state(self) -> str:
        """Return the ISA-18.2 state a screen shows."""
        mask = None if self.mask is None else MaskKind(self.mask)
        acked = self.acked_at is not None
        return display(active=self.active, acked=acked, closed=False, mask=mask).value

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
            "state": self.state,
            "mask": self.mask,
            "masked_until": _ms(self.masked_until),
            "assignee": self.assignee,
            "handling": self.handling,
            "handling_due": _ms(self.handling_due),
            "latched": self.latched,
            "stale": self.stale,
            "simulated": self.simulated,
            "result": self.result,
            "peak": self.peak,
            "limit": self.limit,
            "op": self.op,
            "legal_ref": self.legal_ref,
            "action": self.action_vi,
            "raised": _ms(self.raised_at),
            "detected": _ms(self.detected_at),
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
    masked: int  # on and held back: must not be forgotten
    things: dict[ThingId, tuple[int, bool]]  # highest active severity, whether that is answered

    @property
    def section(self) -> dict[str, Any]:
        """Return what `/live` carries under "alerts" (shape: ioc.web)."""
        return {
            "open": [row.shown for row in self.rows],
            "counts": {str(severity): n for severity, n in self.by_severity.items()},
            "total": self.total,
            "unacked": self.unacked,
            "masked": self.masked,
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
    " a.raised_at, a.detected_at, a.returned_at, a.acked_at, a.acked_by, a.latched,"
    " a.mask, a.masked_until, a.assignee, a.handling, a.handling_due"
    " from alert a join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " left join location l on l.thing_id = t.id where a.closed_at is null"
    # newest critical first; what returned or was answered stands behind what did not, and what is
    # masked behind everything
    " order by a.mask is not null, a.severity, a.active desc, a.acked_at is not null,"
    " a.raised_at desc, a.id limit %s"
)
_COUNT: Final[LiteralString] = (
    "select severity, count(*), count(*) filter (where acked_at is null and mask is null),"
    " count(*) filter (where active), count(*) filter (where active and mask is not null)"
    " from alert where closed_at is null group by severity"
)


_URGENT: Final[LiteralString] = (
    "select distinct on (thing_id) thing_id, severity, acked_at is not null from alert"
    " where closed_at is null and active and mask is null"
    " order by thing_id, severity, acked_at is not null"
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
        masked=sum(row[4] for row in counts),
        things={row[0]: (row[1], row[2]) for row in things},
    )
