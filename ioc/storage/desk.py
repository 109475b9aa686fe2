"""The wall clock of alerts: masks that begin and end, escalation, repeat, re-alarm.

Called each second by the dispatcher; several may run at once. A call reads every open alert once,
slim, and then locks and decides only about those for which something changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection

from ioc.domain.announcement import Alert, Draft, settle
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.mask import Masks, Target
from ioc.domain.timers import fire
from ioc.storage import masks, outbox
from ioc.storage.alerts import COLUMNS, WRITE, append, entry_to_row, from_row, to_row
from ioc.storage.masks import BELOW, CALIBRATING
from ioc.storage.script import run

Db = Connection[tuple[Any, ...]]

# Decided by one call: 500 take about 0.1 s, so a call never outlasts its second by much, and a
# province that comes back from an outage of 10,000 things is announced within half a minute.
BOUND: Final = 500
# Each alert's station is asked for its status every so many seconds (all at once would cost a
# look-up in history for every open alert); one masked by it, every time.
STATUS_EVERY_S: Final = 15

_LOOK: Final[LiteralString] = (
    BELOW  # noqa: S608  our own constants
    + "select a.id, a.severity, a.active, a.announced = a.occurrence,"
    " coalesce(a.due_at <= %(now)s, false), a.mask, a.masked_until,"
    " a.rule_id, a.datastream_id, a.thing_id, t.feed, l.commune_code,"
    " t.id in (select id from below),"
    " case when a.active and (a.mask = 'calibration' or"
    "  abs(hashtext(a.id::text)::bigint) %% %(every)s::bigint"
    "  = %(second)s::bigint %% %(every)s::bigint) then " + CALIBRATING + " else false end"
    " from alert a left join thing t on t.id = a.thing_id left join location l on l.thing_id = t.id"
    " left join datastream d on d.id = a.datastream_id where a.closed_at is null"
)
_LOCK: Final[LiteralString] = (
    "select " + COLUMNS + " from alert where id = any(%s)"  # noqa: S608  our own constant
    " and closed_at is null order by id for update skip locked"
)


@dataclass(frozen=True, slots=True)
class _Look:
    """One open alert as it stands, and what masks may ask of it."""

    alert: UUID
    severity: int
    unannounced: bool
    due: bool
    mask: str | None
    until: Micros | None
    target: Target

    def differs(self, board: Masks, now: Micros) -> bool:
        """Tell whether a timer is due or its mask is not the one it was left with."""
        found = board.over(self.target, self.severity, now)
        if found is None:
            return self.due or self.unannounced or self.mask is not None
        return (found.kind.value, found.until) != (self.mask, self.until)


def tick(conn: Db, now: Micros) -> bool:
    """Do what the clock asks of alerts; return whether an alert changed.

    One transaction: alerts, their log and what must be told, or nothing of it.
    """
    with conn.transaction():
        board = run(conn, masks.in_force(now))
        found = [look for look in _looks(conn, now) if look.differs(board, now)]
        found.sort(key=lambda look: look.severity)  # the worst first
        return bool(found) and _decide(conn, board, [look.alert for look in found[:BOUND]], now)


def _looks(conn: Db, now: Micros) -> Iterable[_Look]:
    values = {"now": to_datetime(now), "every": STATUS_EVERY_S, "second": now // 1_000_000}
    for key, severity, active, told, due, mask, until, *facts in conn.execute(_LOOK, values):
        end = None if until is None else from_datetime(until)
        yield _Look(key, severity, active and not told, due, mask, end, Target(*facts))


def _decide(conn: Db, board: Masks, ids: Sequence[UUID], now: Micros) -> bool:
    alerts = [from_row(row) for row in conn.execute(_LOCK, (list(ids),)).fetchall()]
    known = run(conn, masks.facts(alert.datastream for alert in alerts))
    drafts = []
    for alert in alerts:
        target = masks.target(known, alert.rule_id, alert.datastream, alert.thing)
        draft = Draft(alert, now)
        settle(draft, board.over(target, alert.severity, now))
        fire(draft)
        drafts.append(draft)
    return _write(conn, alerts, drafts, now)


def _write(conn: Db, before: Sequence[Alert], drafts: Sequence[Draft], now: Micros) -> bool:
    changed = [d for was, d in zip(before, drafts, strict=True) if d.alert != was]
    with conn.cursor() as cursor:
        cursor.executemany(WRITE, [to_row(draft.alert) for draft in changed])
        for entry in [entry for draft in drafts for entry in draft.entries]:
            cursor.execute(append(entry), entry_to_row(entry, now))
    outbox.put(conn, [notice for draft in drafts for notice in draft.notices], now)
    return bool(changed)
