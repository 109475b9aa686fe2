"""The operator axis: what a change of the fold does to the alert a person sees.

UNACK -> ACK -> closed on return; UNACK -> RTN_UNACK -> closed on acknowledgement. A raise of a
rule whose previous alert returned but is unacknowledged reuses that alert (occurrence + 1).
At most one alert of a (rule, datastream) is not closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from ioc.domain.alert import Kind, Rule
from ioc.domain.episode import Change, Reason
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId, ThingId

_NAMESPACE: Final = UUID("6f1f5a56-2a0e-5a5c-9d0a-3b1f0c7d8e21")  # any constant
EVALUATOR: Final = "evaluator"  # the actor of what nobody did by hand


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about."""

    datastream: DatastreamId
    thing: ThingId
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as stored; open as long as `closed_at` is None."""

    id: UUID
    rule_id: str
    rule_version: int
    datastream: DatastreamId
    thing: ThingId
    severity: int
    raised_at: Micros
    detected_at: Micros
    result: float
    limit: float
    occurrence: int = 1
    active: bool = True
    stale: bool = False
    late: bool = False
    corrected: bool = False
    simulated: bool = False
    peak: float | None = None
    peak_at: Micros | None = None
    acked_at: Micros | None = None
    acked_by: str | None = None
    returned_at: Micros | None = None
    closed_at: Micros | None = None


class Entry(NamedTuple):
    """One line of an alert's log. `once` kinds exist at most once an occurrence."""

    alert: UUID
    occurrence: int
    kind: Kind
    time: Micros
    actor: str | None
    payload: dict[str, object]

    @property
    def once(self) -> bool:
        return self.kind in (Kind.RAISE, Kind.RTN, Kind.ACK, Kind.CLOSE)


class Notice(NamedTuple):
    """Something people must be told; its key makes every delivery of it recognisable."""

    alert: UUID
    occurrence: int
    kind: Kind
    n: int = 0  # of the kinds that repeat within an occurrence

    @property
    def key(self) -> str:
        """Return `alert:occurrence:kind:n`; a target is appended by whoever addresses it."""
        return f"{self.alert}:{self.occurrence}:{self.kind.value}:{self.n}"


class Outcome(NamedTuple):
    """The alerts to write (in this order), the lines to append, and what people must be told."""

    alerts: tuple[Alert, ...] = ()
    entries: tuple[Entry, ...] = ()
    notices: tuple[Notice, ...] = ()


Fresh = Callable[[UUID], bool]  # True when no alert has this id yet


def alert_id(rule: str, datastream: int, raised_at: Micros, is_fresh: Fresh) -> UUID:
    """Return uuid5(rule, datastream, first raise); a raise of a closed one counts on."""
    name = f"{rule}:{datastream}:{raised_at}"
    found, n = uuid5(_NAMESPACE, name), 0
    while not is_fresh(found):
        n += 1
        found = uuid5(_NAMESPACE, f"{name}:{n}")
    return found


@dataclass(frozen=True, slots=True)
class Desk:
    """What deciding about one (rule, datastream) needs to know, at server time `now`."""

    rule: Rule
    subject: Subject
    now: Micros
    is_fresh: Fresh

    def decide(self, current: Alert | None, change: Change) -> Outcome:
        """Return what `change` does, given the alert that is not closed, if there is one."""
        if change.kind is Kind.RAISE:
            return self._over(change) if change.over else self._raise(current, change)
        if current is None or not current.active:
            return Outcome()  # CORRECTED of a closed alert is the store's: it is found by its start
        if change.kind is Kind.RTN:
            return self._return(current, change)
        return self._update(current, change)

    def _raise(self, current: Alert | None, change: Change) -> Outcome:
        if current is None:
            alert = self._new(change)
        elif current.active:
            return Outcome()  # announced before: a redelivery
        else:
            alert = self._again(current, change)
        return Outcome((alert,), (self._entry(alert, change),))

    def _new(self, change: Change) -> Alert:
        rule, subject = self.rule, self.subject
        return Alert(
            id=alert_id(rule.id, subject.datastream, change.time, self.is_fresh),
            rule_id=rule.id,
            rule_version=rule.version,
            datastream=subject.datastream,
            thing=subject.thing,
            severity=int(rule.severity),
            raised_at=change.time,
            detected_at=self.now,
            result=self._result(change),
            limit=rule.limit,
            late=change.late,
            simulated=subject.simulated,
            peak=self._result(change),
            peak_at=change.time,
        )

    def _again(self, current: Alert, change: Change) -> Alert:
        fresh = self._new(change)
        return replace(
            fresh,
            id=current.id,
            occurrence=current.occurrence + 1,
            acked_at=None,
            acked_by=None,
        )

    def _over(self, change: Change) -> Outcome:
        """Record an episode found when it had already ended: closed at once, no siren."""
        assert change.over is not None
        back = change.over.returned_at
        alert = replace(self._new(change), active=False, returned_at=back, closed_at=self.now)
        returned = Change(Kind.RTN, back or change.time, late=True)
        closed = Entry(alert.id, 1, Kind.CLOSE, self.now, EVALUATOR, {"reason": "late"})
        lines = (self._entry(alert, change), self._entry(alert, returned), closed)
        return Outcome((alert,), lines)

    def _return(self, current: Alert, change: Change) -> Outcome:
        back = replace(
            current,
            active=False,
            stale=False,
            returned_at=change.time,
            corrected=current.corrected or change.reason is Reason.CORRECTED,
        )
        lines = [self._entry(back, change)]
        if back.acked_at is None and self.rule.auto_acknowledge:
            back = replace(back, acked_at=self.now, acked_by=EVALUATOR)
            lines.append(Entry(back.id, back.occurrence, Kind.ACK, self.now, EVALUATOR, {}))
        if back.acked_at is not None:
            back = replace(back, closed_at=self.now)
            lines.append(Entry(back.id, back.occurrence, Kind.CLOSE, self.now, EVALUATOR, {}))
        return Outcome((back,), tuple(lines))

    def _update(self, current: Alert, change: Change) -> Outcome:
        match change.kind:
            case Kind.STALE:
                alert = replace(current, stale=True)
            case Kind.FRESH:
                alert = replace(current, stale=False)
            case Kind.MOVED:
                alert = replace(current, raised_at=change.time, late=True)
            case Kind.RULE_CHANGED:
                alert = replace(
                    current,
                    rule_version=self.rule.version,
                    severity=int(self.rule.severity),
                    limit=self.rule.limit,
                )
            case _:
                return Outcome()
        return Outcome((alert,), (self._entry(alert, change),))

    def _result(self, change: Change) -> float:
        return self.rule.limit if change.result is None else change.result

    def _entry(self, alert: Alert, change: Change) -> Entry:
        payload: dict[str, object] = {"version": self.rule.version}
        if change.result is not None:
            payload["result"] = change.result
        if change.late:
            payload["late"] = True
        if change.reason is not None:
            payload["reason"] = change.reason.value
        if change.was is not None:
            payload["was"] = change.was
        return Entry(alert.id, alert.occurrence, change.kind, change.time, None, payload)


def acknowledged(alert: Alert, actor: str, now: Micros) -> Outcome:
    """Return what an operator's acknowledgement does; nothing when it was acknowledged before."""
    if alert.acked_at is not None:
        return Outcome()
    acked = replace(alert, acked_at=now, acked_by=actor)
    lines = [Entry(alert.id, alert.occurrence, Kind.ACK, now, actor, {})]
    if not alert.active:
        acked = replace(acked, closed_at=now)
        lines.append(Entry(alert.id, alert.occurrence, Kind.CLOSE, now, actor, {}))
    return Outcome((acked,), tuple(lines))
