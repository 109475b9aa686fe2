"""The operator axis: what a change of the fold does to the alert a person sees.

UNACK -> ACK -> closed on return; UNACK -> RTN_UNACK -> closed on acknowledgement. A raise of a
rule whose previous alert returned but is unacknowledged reuses that alert (occurrence + 1).
At most one alert of a (rule, datastream) is not closed.

What people are told: the raise of an occurrence once, and only while nothing masks it; its return
if and only if its raise was told, masked or not; a rise of the severity. What is on and unmasked
has been told, so the end of a mask tells what the mask held back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from ioc.domain.alert import Kind, Rule
from ioc.domain.episode import Change, Reason
from ioc.domain.handling import Handling, deadline
from ioc.domain.instant import Micros
from ioc.domain.mask import Display, Masked, MaskKind, display
from ioc.domain.observation import DatastreamId, ThingId

_NAMESPACE: Final = UUID("6f1f5a56-2a0e-5a5c-9d0a-3b1f0c7d8e21")  # any constant
EVALUATOR: Final = "evaluator"  # the actor of what nobody did by hand
DESK: Final = "desk"  # the same, of what the wall clock does


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
    announced: int = 0  # the last occurrence whose raise people were told
    told_severity: int | None = None  # the severity they were told last
    told: int = 0  # notices so far of the kinds that repeat within an occurrence
    clock_from: Micros | None = None  # told, answered or unmasked: timers count from here
    repeated_at: Micros | None = None
    escalation: int = 0  # the highest level told, of this occurrence
    latched: bool = False  # the process has returned; on until somebody resets it
    mask: MaskKind | None = None  # what held it back when it was last looked at
    masked_until: Micros | None = None
    assignee: str | None = None
    handling: Handling = Handling.NEW
    handling_due: Micros | None = None
    handling_by: str | None = None  # who took the last step
    handled_at: Micros | None = None

    @property
    def acked(self) -> bool:
        return self.acked_at is not None

    @property
    def is_announced(self) -> bool:
        """Tell whether people were told the raise of the present occurrence."""
        return self.announced == self.occurrence

    @property
    def display(self) -> Display:
        closed = self.closed_at is not None
        return display(active=self.active, acked=self.acked, closed=closed, mask=self.mask)


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
        return self.kind in (Kind.RAISE, Kind.RTN, Kind.CLOSE)


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
# What masks an alert of this severity now; the second argument False: as if one-shots had ended.
Over = Callable[[int, bool], Masked | None]


def unmasked(_severity: int, _one_shot: bool) -> Masked | None:  # noqa: FBT001  see Over
    """Say that nothing masks the alert."""
    return None


def alert_id(rule: str, datastream: int, raised_at: Micros, is_fresh: Fresh) -> UUID:
    """Return uuid5(rule, datastream, first raise); a raise of a closed one counts on."""
    name = f"{rule}:{datastream}:{raised_at}"
    found, n = uuid5(_NAMESPACE, name), 0
    while not is_fresh(found):
        n += 1
        found = uuid5(_NAMESPACE, f"{name}:{n}")
    return found


@dataclass(slots=True)
class Draft:
    """An alert being decided about at server time `now`, and what that adds and tells."""

    alert: Alert
    now: Micros
    entries: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def change(self, **fields: Any) -> None:  # noqa: ANN401  the alert's own fields
        self.alert = replace(self.alert, **fields)

    def log(
        self, kind: Kind, actor: str | None, time: Micros | None = None, **payload: object
    ) -> None:
        """Append a line; what is None in its payload is left out."""
        said = {name: value for name, value in payload.items() if value is not None}
        at = self.now if time is None else time
        self.entries.append(Entry(self.alert.id, self.alert.occurrence, kind, at, actor, said))

    def tell(self, kind: Kind, n: int = 0) -> None:
        self.notices.append(Notice(self.alert.id, self.alert.occurrence, kind, n))

    def tell_again(self, kind: Kind) -> None:
        """Tell something that may be told several times within an occurrence."""
        self.change(told=self.alert.told + 1)
        self.tell(kind, self.alert.told)

    def close(self, actor: str, reason: str | None = None) -> None:
        self.change(closed_at=self.now, mask=None, masked_until=None)
        self.log(Kind.CLOSE, actor, reason=reason)

    @property
    def outcome(self) -> Outcome:
        return Outcome((self.alert,), tuple(self.entries), tuple(self.notices))


_ON: Final = {MaskKind.SHELVE: Kind.SHELVE, MaskKind.OUT_OF_SERVICE: Kind.OUT_OF_SERVICE}
_OFF: Final = {MaskKind.SHELVE: Kind.UNSHELVE, MaskKind.OUT_OF_SERVICE: Kind.IN_SERVICE}


def settle(draft: Draft, masked: Masked | None, actor: str = DESK) -> None:
    """Give an open alert the mask that counts now, and tell what no mask holds back any more."""
    _put_mask(draft, masked, actor)
    alert = draft.alert
    if not alert.active or masked is not None:
        return
    if not alert.is_announced:
        draft.change(announced=alert.occurrence, told_severity=alert.severity, clock_from=draft.now)
        draft.tell(Kind.RAISE)
    elif alert.told_severity is None or alert.severity < alert.told_severity:
        draft.change(told_severity=alert.severity)
        draft.tell_again(Kind.SEV_UP)


def _put_mask(draft: Draft, masked: Masked | None, actor: str) -> None:
    before, kind = draft.alert.mask, None if masked is None else masked.kind
    if before is not kind:
        if before is not None:
            draft.log(_OFF.get(before, Kind.UNMASK), actor, mask=before.value)
        if masked is not None:
            on = _ON.get(masked.kind, Kind.MASK)
            until = masked.until
            draft.log(on, masked.by or actor, mask=masked.kind.value, until=until, id=masked.id)
        else:
            draft.change(clock_from=draft.now)  # an hour on the shelf is no hour unanswered
    until = None if masked is None else masked.until
    if (kind, until) != (draft.alert.mask, draft.alert.masked_until):
        draft.change(mask=kind, masked_until=until)


def end(draft: Draft, back: Micros, *, auto_acknowledge: bool, **payload: object) -> None:
    """Let the alert return to normal at event time `back`: it closes if nobody need answer."""
    told = draft.alert.is_announced
    draft.change(active=False, stale=False, latched=False, returned_at=back)
    draft.log(Kind.RTN, None, back, **payload)
    if told:
        draft.tell(Kind.RTN)
    if not draft.alert.acked and auto_acknowledge:
        draft.change(acked_at=draft.now, acked_by=EVALUATOR)
        draft.log(Kind.ACK, EVALUATOR)
    if draft.alert.acked or not told:
        draft.close(EVALUATOR, None if draft.alert.acked else "unannounced")


@dataclass(frozen=True, slots=True)
class Desk:
    """What deciding about one (rule, datastream) needs to know, at server time `now`."""

    rule: Rule
    subject: Subject
    now: Micros
    is_fresh: Fresh
    over: Over = unmasked

    def decide(self, current: Alert | None, change: Change) -> Outcome:
        """Return what `change` does, given the alert that is not closed, if there is one."""
        if change.kind is Kind.RAISE:
            return self._over(change) if change.over else self._raise(current, change)
        if current is None or not current.active:
            return Outcome()  # CORRECTED of a closed alert is the store's: it is found by its start
        draft = Draft(current, self.now)
        if change.kind is not Kind.RTN:
            return self._update(draft, change)
        return self._hold(draft, change) if self._latches(change) else self._return(draft, change)

    def _raise(self, current: Alert | None, change: Change) -> Outcome:
        if current is not None and current.active:
            return self._unhold(current, change)
        draft = Draft(
            self._new(change) if current is None else self._again(current, change), self.now
        )
        draft.log(Kind.RAISE, None, change.time, **self._payload(change))
        self._settle(draft)
        return draft.outcome

    def _new(self, change: Change) -> Alert:
        rule, subject = self.rule, self.subject
        severity = int(change.severity or rule.severity)
        return Alert(
            id=alert_id(rule.id, subject.datastream, change.time, self.is_fresh),
            rule_id=rule.id,
            rule_version=rule.version,
            datastream=subject.datastream,
            thing=subject.thing,
            severity=severity,
            raised_at=change.time,
            detected_at=self.now,
            result=self._result(change),
            limit=self._limit(change),
            late=change.late,
            simulated=subject.simulated,
            peak=self._result(change),
            peak_at=change.time,
            # News that nobody must answer nobody must handle by a deadline.
            handling_due=None if rule.auto_acknowledge else deadline(severity, self.now),
        )

    def _again(self, current: Alert, change: Change) -> Alert:
        fresh = self._new(change)
        return replace(
            fresh,
            id=current.id,
            occurrence=current.occurrence + 1,
            announced=current.announced,
            mask=current.mask,
            masked_until=current.masked_until,
            assignee=current.assignee,
            handling=current.handling,
            handling_due=current.handling_due,
            handling_by=current.handling_by,
            handled_at=current.handled_at,
        )

    def _over(self, change: Change) -> Outcome:
        """Record an episode found when it had already ended: closed at once, no siren."""
        assert change.over is not None
        back = change.over.returned_at
        draft = Draft(replace(self._new(change), handling_due=None), self.now)
        draft.log(Kind.RAISE, None, change.time, **self._payload(change))
        draft.change(active=False, returned_at=back)
        draft.log(Kind.RTN, None, back or change.time, version=self.rule.version, late=True)
        draft.close(EVALUATOR, "late")
        return draft.outcome

    def _latches(self, change: Change) -> bool:
        """Tell whether the alert waits for a reset: only values that returned are held."""
        return self.rule.latch and change.reason is None

    def _hold(self, draft: Draft, change: Change) -> Outcome:
        if draft.alert.latched:
            return Outcome()
        draft.change(latched=True, stale=False, returned_at=change.time)
        draft.log(Kind.LATCH, None, change.time, held=True)
        self._settle(draft)
        return draft.outcome

    def _unhold(self, current: Alert, change: Change) -> Outcome:
        """Take a raise of what is on: announced before, or held and now on by itself again."""
        if not current.latched:
            return Outcome()
        draft = Draft(current, self.now)
        draft.change(latched=False, returned_at=None)
        draft.log(Kind.LATCH, None, change.time, held=False)
        self._grade(draft, change)
        self._settle(draft)
        return draft.outcome

    def _return(self, draft: Draft, change: Change) -> Outcome:
        if change.reason is Reason.CORRECTED:
            draft.change(corrected=True)
        automatic = self.rule.auto_acknowledge
        end(draft, change.time, auto_acknowledge=automatic, **self._payload(change))
        if draft.alert.closed_at is None:
            settle(draft, self.over(draft.alert.severity, False), EVALUATOR)  # noqa: FBT003
        return draft.outcome

    def _update(self, draft: Draft, change: Change) -> Outcome:
        match change.kind:
            case Kind.STALE:
                draft.change(stale=True)
            case Kind.FRESH:
                draft.change(stale=False)
            case Kind.MOVED:
                draft.change(raised_at=change.time, late=True)
            case Kind.RULE_CHANGED:
                draft.change(rule_version=self.rule.version)
                self._grade(draft, change)
            case Kind.SEV_UP | Kind.SEV_DOWN if change.severity != draft.alert.severity:
                self._grade(draft, change)
            case _:
                return Outcome()
        draft.log(change.kind, None, change.time, **self._payload(change))
        self._settle(draft)
        return draft.outcome

    def _grade(self, draft: Draft, change: Change) -> None:
        """Take the severity of the change: a rise asks for a new answer, a fall is silent."""
        before = draft.alert
        severity = int(change.severity or self.rule.severity)
        draft.change(severity=severity, limit=self._limit(change))
        if severity < before.severity:
            draft.change(acked_at=None, acked_by=None, clock_from=self.now)
            if before.handling_due is not None:
                sooner = min(before.handling_due, deadline(severity, self.now))
                draft.change(handling_due=sooner)
        elif before.told_severity is not None:
            draft.change(told_severity=max(before.told_severity, severity))

    def _settle(self, draft: Draft) -> None:
        settle(draft, self.over(draft.alert.severity, True), EVALUATOR)  # noqa: FBT003

    def _limit(self, change: Change) -> float:
        return self.rule.limit if change.limit is None else change.limit

    def _result(self, change: Change) -> float:
        return self._limit(change) if change.result is None else change.result

    def _payload(self, change: Change) -> dict[str, object]:
        return {
            "version": self.rule.version,
            "result": change.result,
            "late": change.late or None,
            "reason": None if change.reason is None else change.reason.value,
            "was": change.was,
            "severity": None if change.severity is None else int(change.severity),
        }
