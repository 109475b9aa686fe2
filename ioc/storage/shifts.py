"""The log of shifts: notes, and hand-overs as both sides signed them. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg.types.json import Jsonb

from ioc.domain.instant import Micros, to_datetime
from ioc.storage.script import Script

MOST_NOTES: Final = 200
MOST_OPEN: Final = 300  # alerts of one hand-over; the counts are of all
_LOCK: Final = 7_501_020  # one hand-over at a time

_HANDOVER: Final[LiteralString] = (
    "select id, at, since, given_by, given_name, taken_by, taken_name, remark, content"
    " from shift_handover where id = %s"
)
_PAST: Final[LiteralString] = (
    "select id, at, since, given_by, given_name, taken_by, taken_name, remark,"
    " content -> 'counts' from shift_handover order by id desc limit %s"
)
_SIGN: Final[LiteralString] = (
    "insert into shift_handover (at, since, given_by, given_name, taken_by, taken_name, remark,"
    " content) values (%s, %s, %s, %s, %s, %s, %s, %s) returning id"
)
_PEOPLE: Final[LiteralString] = (
    "select username, display_name, role from app_user where not disabled and username <> %s"
    " order by display_name, username limit 500"
)
_OPEN: Final[LiteralString] = """
select a.id::text, t.name, l.commune_name, coalesce(v.definition #>> '{name,vi}', a.rule_id),
  a.severity, a.active, a.raised_at, a.acked_by, a.assignee, a.handling, a.mask
from alert a join thing t on t.id = a.thing_id
join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version
left join location l on l.thing_id = t.id
where a.closed_at is null
order by a.mask is not null, a.severity, a.acked_at is not null, a.raised_at limit %s
"""
_SAID: Final[LiteralString] = """
select e.recorded_at, e.actor, t.name, e.payload ->> 'note' from alert_event e
join alert a on a.id = e.alert_id join thing t on t.id = a.thing_id
where e.kind in ('COMMENT', 'DIRECTION') and e.recorded_at > %s and e.payload ->> 'note' <> ''
order by e.recorded_at limit %s
"""
_COUNTS: Final[LiteralString] = """
select count(*) filter (where closed_at is null),
  count(*) filter (where closed_at is null and acked_at is null and mask is null),
  count(*) filter (where closed_at is null and mask is not null),
  count(*) filter (where detected_at > %(since)s), count(*) filter (where closed_at > %(since)s)
from alert where closed_at is null or detected_at > %(since)s or closed_at > %(since)s
"""


@dataclass(frozen=True, slots=True)
class Handover:
    """One hand-over; `content` is what stood then (of a list: its counts alone)."""

    id: int
    at: datetime
    since: datetime
    given_by: str
    given_name: str
    taken_by: str
    taken_name: str
    remark: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signed:
    """Who gives a shift to whom, and what he says about it."""

    given_by: str
    given_name: str
    taken_by: str
    taken_name: str
    remark: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a shift leaves behind: alerts, notes of its own and in alerts, and how many."""

    since: datetime
    last: int | None  # the hand-over it begins with
    alerts: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    counts: dict[str, int]


def standing(begins: Micros) -> Script[Standing]:
    """Return what stands since the last hand-over; before the first one, since `begins`."""
    rows = yield "select id, at from shift_handover order by id desc limit 1", ()
    last, since = rows[0] if rows else (None, to_datetime(begins))
    alerts = yield _OPEN, (MOST_OPEN,)
    own = yield (
        "select at, by_user, null, note from shift_note where at > %s order by at limit %s",
        (since, MOST_NOTES),
    )
    said = yield _SAID, (since, MOST_NOTES)
    [counted] = yield _COUNTS, {"since": since}
    names = ("open", "unacked", "held", "raised", "closed")
    notes = [_note(row) for row in sorted([*own, *said], key=lambda row: row[0])]
    return Standing(since, last, [_alert(row) for row in alerts], notes,
                    dict(zip(names, counted, strict=True)))  # fmt: skip


def note(by: str, text: str, now: Micros) -> Script[None]:
    """Add a note to the running shift."""
    yield (
        "insert into shift_note (at, by_user, note) values (%s, %s, %s)",
        (to_datetime(now), by, text),
    )


def lock() -> Script[None]:
    """Wait until nobody else hands over."""
    yield "select pg_advisory_xact_lock(%s)", (_LOCK,)


def sign(signed: Signed, since: datetime, content: dict[str, Any], now: Micros) -> Script[int]:
    """Keep a hand-over for good; return its number."""
    rows = yield (
        _SIGN,
        (
            to_datetime(now),
            since,
            signed.given_by,
            signed.given_name,
            signed.taken_by,
            signed.taken_name,
            signed.remark,
            Jsonb(content),
        ),
    )
    return int(rows[0][0])


def one(number: int) -> Script[Handover | None]:
    """Return a hand-over as it was signed."""
    rows = yield _HANDOVER, (number,)
    return Handover(*rows[0]) if rows else None


def past(limit: int) -> Script[list[Handover]]:
    """Return the hand-overs, newest first, each with its counts."""
    rows = yield _PAST, (limit,)
    return [Handover(*row) for row in rows]


def people(but: str) -> Script[list[tuple[str, str, str]]]:
    """Return name, display name and role of everybody else with an account."""
    rows = yield (
        _PEOPLE,
        (but,),
    )
    return [(name, shown, role) for name, shown, role in rows]


def _alert(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "place", "commune", "name", "severity", "active", "raised", "acked_by",
             "assignee", "handling", "mask")  # fmt: skip
    return dict(zip(names, row, strict=True)) | {"raised": _ms(row[6])}


def _note(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"at": _ms(row[0]), "by": row[1], "about": row[2], "note": row[3]}


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
