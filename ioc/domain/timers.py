"""What the server's clock does to an alert nobody answered, or answered long ago. Pure.

An alert that is masked, or not on, waits: its timers count from the end of the mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ioc.domain.alert import Kind
from ioc.domain.announcement import DESK, Alert, Draft
from ioc.domain.instant import HOUR, MINUTE, Micros


@dataclass(frozen=True, slots=True)
class Timers:
    """Durations in µs. Source of the numbers: the team's alerting decision (§2b)."""

    escalate: tuple[int, ...] = (5 * MINUTE, 15 * MINUTE)  # unanswered: level 1, level 2
    repeat: int = 30 * MINUTE  # unanswered for so long after the last word: say it again
    realarm: int = 1 * HOUR  # answered and still on: ask again


TIMERS: Final = Timers()


def next_due(alert: Alert, timers: Timers = TIMERS) -> Micros | None:
    """Return when the next timer of an alert fires; None when none is running."""
    start = _running_from(alert)
    if start is None:
        return None
    if alert.acked:
        return Micros(start + timers.realarm)
    waiting = [start + after for after in timers.escalate[alert.escalation :]]
    return Micros(min([*waiting, _spoken(alert, start) + timers.repeat]))


def fire(draft: Draft, timers: Timers = TIMERS) -> None:
    """Do what is due at the draft's instant; each level is told once an occurrence."""
    alert = draft.alert
    start = _running_from(alert)
    if start is None:
        return
    if alert.acked:
        if draft.now >= start + timers.realarm:
            _realarm(draft)
        return
    for level, after in enumerate(timers.escalate, 1):
        if level > draft.alert.escalation and draft.now >= start + after:
            draft.change(escalation=level)
            draft.log(Kind.ESCALATE, DESK, level=level)
            draft.tell(Kind.ESCALATE, level)
    if draft.now >= _spoken(alert, start) + timers.repeat:
        draft.change(repeated_at=draft.now)  # missed ones are not made up for
        draft.log(Kind.REPEAT, DESK)
        draft.tell_again(Kind.REPEAT)


def _running_from(alert: Alert) -> Micros | None:
    waiting = alert.active and alert.closed_at is None and alert.mask is None
    return alert.clock_from if waiting and alert.is_announced else None


def _spoken(alert: Alert, start: Micros) -> Micros:
    return max(start, alert.repeated_at or start)


def _realarm(draft: Draft) -> None:
    draft.change(acked_at=None, acked_by=None, clock_from=draft.now, repeated_at=None)
    draft.log(Kind.REALARM, DESK)
    draft.tell_again(Kind.REALARM)
