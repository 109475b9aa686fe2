"""The evaluator's transaction: states, alerts, their events and the offsets, or nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection

from ioc.domain.alert import Kind
from ioc.domain.announcement import EVALUATOR, Alert, Desk, Entry, Notice, Outcome, Over, alert_id
from ioc.domain.evaluation import Announcement, Key, Peak, Verdict
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.mask import Masked, Masks, Target
from ioc.domain.observation import ThingId
from ioc.storage import alert_states, alerts, evaluation, leases, masks, outbox
from ioc.storage.alerts import COLUMNS, append, entry_to_row, from_row
from ioc.storage.script import run

Db = Connection[tuple[Any, ...]]


def commit(conn: Db, verdict: Verdict, held: Mapping[int, int], now: Micros) -> bool:
    """Write states, alerts, events and offsets in one transaction; return whether alerts changed.

    `held` are the partitions decided about, with the epochs of their leases. Raises LeaseLostError,
    and writes nothing, when another evaluator has taken one of them.

    `now` is the server's time, which stands beside the event times. Alerts are locked first, so
    an acknowledgement that happens meanwhile is either seen here or sees this.
    """
    with conn.transaction():
        leases.fence(conn, held)
        changed = _announce(conn, verdict.announcements, now)
        _save_peaks(conn, verdict.peaks)
        alert_states.delete(conn, verdict.gone)
        alert_states.save(conn, verdict.states)
        evaluation.save_offsets(conn, held, verdict.offsets)
    return changed or bool(verdict.peaks)


def _announce(conn: Db, announcements: Sequence[Announcement], now: Micros) -> bool:
    """Decide what leads first, so that what hangs on it already finds it down."""
    if not announcements:
        return False
    leaders = _parents(conn, {one.subject.thing for one in announcements})
    for led in (False, True):
        some = [one for one in announcements if (one.subject.thing not in leaders) is led]
        if some:
            _decide(conn, some, now)
    return True


def _parents(conn: Db, things: set[ThingId]) -> set[int]:
    rows = conn.execute(
        "select distinct parent_id from thing where parent_id = any(%s)", (list(things),)
    )
    return {row[0] for row in rows}


def _decide(conn: Db, announcements: Sequence[Announcement], now: Micros) -> None:
    current = _lock(conn, {(a.rule.id, a.subject.datastream) for a in announcements})
    watch = _Watch.of(conn, announcements, now)
    fresh: dict[UUID, Alert] = {}
    entries: list[Entry] = []
    notices: list[Notice] = []

    first = _first_ids(announcements)
    taken = _taken(conn, first)

    def is_fresh(key: UUID) -> bool:
        return key not in fresh and key not in taken and (key in first or not _taken(conn, {key}))

    for one in announcements:
        key = _key(one)
        if one.change.kind is Kind.CORRECTED:
            _correct(conn, one, now)
            continue
        desk = Desk(one.rule, one.subject, now, is_fresh, watch.over(one))
        outcome = desk.decide(current.get(key), one.change)
        _hold(current, key, outcome)
        fresh.update((alert.id, alert) for alert in outcome.alerts)
        entries += outcome.entries
        notices += outcome.notices
    over = {(e.alert, e.occurrence) for e in entries if e.kind is Kind.RTN}
    masks.end_one_shots(conn, [fresh[alert] for alert, _ in over], EVALUATOR, now)
    alerts.write(conn, fresh.values(), entries, now)
    outbox.put(conn, notices, now)


@dataclass(frozen=True, slots=True)
class _Watch:
    """The masks in force and what they may ask of the alerts of one transaction."""

    masks: Masks
    known: Mapping[int, Target]
    now: Micros

    @classmethod
    def of(cls, conn: Db, announcements: Sequence[Announcement], now: Micros) -> _Watch:
        datastreams = {one.subject.datastream for one in announcements}
        board = run(conn, masks.in_force(now))
        return cls(board, run(conn, masks.facts(datastreams)), now)

    def over(self, one: Announcement) -> Over:
        subject = one.subject
        target = masks.target(self.known, one.rule.id, subject.datastream, subject.thing)

        def over(severity: int, one_shot: bool) -> Masked | None:  # noqa: FBT001  see Over
            return self.masks.over(target, severity, self.now, one_shot=one_shot)

        return over


def _hold(current: dict[Key, Alert], key: Key, outcome: Outcome) -> None:
    for alert in outcome.alerts:
        if alert.closed_at is None:
            current[key] = alert
        elif key in current and current[key].id == alert.id:
            del current[key]


def _lock(conn: Db, keys: set[Key]) -> dict[Key, Alert]:
    rows = conn.execute(
        "select " + COLUMNS + " from alert where closed_at is null"  # noqa: S608  our own constant
        " and (rule_id, datastream_id) in (select * from unnest(%s::text[], %s::integer[]))"
        " order by id for update",
        ([rule for rule, _ in keys], [datastream for _, datastream in keys]),
    ).fetchall()
    found = [from_row(row) for row in rows]
    return {(alert.rule_id, alert.datastream): alert for alert in found}


def _first_ids(announcements: Sequence[Announcement]) -> set[UUID]:
    """Return the ids that new alerts get as long as nobody has them."""
    return {
        alert_id(one.rule.id, one.subject.datastream, one.change.time, lambda _: True)
        for one in announcements
        if one.change.kind is Kind.RAISE
    }


def _taken(conn: Db, ids: set[UUID]) -> set[UUID]:
    return {row[0] for row in conn.execute("select id from alert where id = any(%s)", (list(ids),))}


def _correct(conn: Db, one: Announcement, now: Micros) -> None:
    """Mark an occurrence that was over and that late data disproved, or gave other bounds."""
    change = one.change
    if change.was is None:
        return
    row = conn.execute(_OCCURRENCE, (*_key(one), to_datetime(change.was))).fetchone()
    if row is None:
        return
    alert, occurrence = row
    payload: dict[str, object] = {"late": True, "was": change.was}
    if change.over is None or change.over.returned_at is None:
        conn.execute(
            "update alert set corrected = true where id = %s and occurrence = %s and not active",
            (alert, occurrence),
        )
    else:
        payload["returned_at"] = change.over.returned_at
        bounds = to_datetime(change.over.raised_at), to_datetime(change.over.returned_at)
        conn.execute(
            "update alert set raised_at = %s, returned_at = %s"
            " where id = %s and occurrence = %s and not active",
            (*bounds, alert, occurrence),
        )
    entry = Entry(alert, occurrence, Kind.CORRECTED, change.time, None, payload)
    conn.execute(append(entry), entry_to_row(entry, now))


# The occurrence that has this start by now: raised there, or moved or corrected to it.
_OCCURRENCE: Final[LiteralString] = (
    "select a.id, e.occurrence from alert a join alert_event e on e.alert_id = a.id"
    " where a.rule_id = %s and a.datastream_id = %s and e.event_time = %s"
    " and (e.kind in ('RAISE', 'MOVED') or e.kind = 'CORRECTED' and e.payload ? 'returned_at')"
    " order by e.recorded_at desc, e.occurrence desc limit 1"
)


def _key(one: Announcement) -> Key:
    return one.rule.id, one.subject.datastream


# Most peaks of a verdict are those of what it raised just now, and stand in the alert already.
_PEAKS: Final[LiteralString] = (
    "update alert a set peak = p.peak, peak_at = p.peak_at from unnest(%s::text[], %s::integer[],"
    " %s::double precision[], %s::timestamptz[]) as p (rule, datastream, peak, peak_at)"
    " where a.rule_id = p.rule and a.datastream_id = p.datastream and a.closed_at is null"
    " and a.active and (a.peak, a.peak_at) is distinct from (p.peak, p.peak_at)"
)


def _save_peaks(conn: Db, peaks: Sequence[Peak]) -> None:
    if peaks:
        rules = [one.rule_id for one in peaks]
        streams = [one.datastream for one in peaks]
        at = [to_datetime(one.time) for one in peaks]
        conn.execute(_PEAKS, (rules, streams, [one.result for one in peaks], at))
