"""The evaluator's transaction: states, alerts, their events and the offsets, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from ioc.domain.alert import Kind
from ioc.domain.announcement import Alert, Desk, Entry, Outcome
from ioc.domain.evaluation import Announcement, Key, Peak, Verdict
from ioc.domain.instant import Micros, to_datetime
from ioc.storage import alert_states, evaluation
from ioc.storage.alerts import (
    APPEND_NEXT,
    APPEND_ONCE,
    COLUMNS,
    WRITE,
    append,
    entry_to_row,
    from_row,
    to_row,
)

Db = Connection[tuple[Any, ...]]


def commit(conn: Db, verdict: Verdict, partition: int, now: Micros) -> bool:
    """Write states, alerts, events and offsets in one transaction; return whether alerts changed.

    `now` is the server's time, which stands beside the event times. Alerts are locked first, so
    an acknowledgement that happens meanwhile is either seen here or sees this.
    """
    with conn.transaction():
        changed = _announce(conn, verdict.announcements, now)
        _save_peaks(conn, verdict.peaks)
        alert_states.delete(conn, verdict.gone)
        alert_states.save(conn, verdict.states)
        evaluation.save_offsets(conn, partition, verdict.offsets)
    return changed or bool(verdict.peaks)


def _announce(conn: Db, announcements: Sequence[Announcement], now: Micros) -> bool:
    if not announcements:
        return False
    current = _lock(conn, {(a.rule.id, a.subject.datastream) for a in announcements})
    fresh: dict[UUID, Alert] = {}
    entries: list[Entry] = []

    def is_fresh(key: UUID) -> bool:
        return key not in fresh and not _exists(conn, key)

    for one in announcements:
        key = (one.rule.id, one.subject.datastream)
        if one.change.kind is Kind.CORRECTED:
            _correct(conn, one, now)
            continue
        desk = Desk(one.rule, one.subject, now, is_fresh)
        outcome = desk.decide(current.get(key), one.change)
        _hold(current, key, outcome)
        fresh.update((alert.id, alert) for alert in outcome.alerts)
        entries += outcome.entries
    _write(conn, fresh.values(), entries, now)
    return True


def _hold(current: dict[Key, Alert], key: Key, outcome: Outcome) -> None:
    for alert in outcome.alerts:
        if alert.closed_at is None:
            current[key] = alert
        elif key in current and current[key].id == alert.id:
            del current[key]


def _write(conn: Db, alerts: Iterable[Alert], entries: Sequence[Entry], now: Micros) -> None:
    """Write the last state of each alert, closed ones first: one open is an index, not a hope."""
    ordered = sorted(alerts, key=lambda alert: alert.closed_at is None)
    with conn.cursor() as cursor:
        cursor.executemany(WRITE, [to_row(alert) for alert in ordered])
        for once in (True, False):
            rows = [entry_to_row(entry, now) for entry in entries if entry.once is once]
            if rows:
                cursor.executemany(APPEND_ONCE if once else APPEND_NEXT, rows)


def _lock(conn: Db, keys: set[Key]) -> dict[Key, Alert]:
    rows = conn.execute(
        "select " + COLUMNS + " from alert where closed_at is null"  # noqa: S608  our own constant
        " and (rule_id, datastream_id) in (select * from unnest(%s::text[], %s::integer[]))"
        " order by id for update",
        ([rule for rule, _ in keys], [datastream for _, datastream in keys]),
    ).fetchall()
    found = [from_row(row) for row in rows]
    return {(alert.rule_id, alert.datastream): alert for alert in found}


def _exists(conn: Db, key: UUID) -> bool:
    return conn.execute("select 1 from alert where id = %s", (key,)).fetchone() is not None


def _correct(conn: Db, one: Announcement, now: Micros) -> None:
    """Mark an alert that was over and that late data disproved."""
    if one.change.was is None:
        return
    row = conn.execute(
        "update alert set corrected = true where rule_id = %s and datastream_id = %s"
        " and raised_at = %s and not active returning id, occurrence",
        (one.rule.id, one.subject.datastream, to_datetime(one.change.was)),
    ).fetchone()
    if row is not None:
        entry = Entry(row[0], row[1], Kind.CORRECTED, one.change.time, None, {"late": True})
        conn.execute(append(entry), entry_to_row(entry, now))


def _save_peaks(conn: Db, peaks: Sequence[Peak]) -> None:
    if peaks:
        with conn.cursor() as cursor:
            cursor.executemany(
                "update alert set peak = %s, peak_at = %s where rule_id = %s"
                " and datastream_id = %s and closed_at is null and active",
                [(p.result, to_datetime(p.time), p.rule_id, p.datastream) for p in peaks],
            )
