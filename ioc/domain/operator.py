"""What people do to an alert and to masks: each command a pure function with its guard.

A command that was done before changes nothing where repeating it is harmless (acknowledge,
unshelve, approve, lift, close); what an alert does not take as it stands raises OrderError.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ioc.domain.alert import Kind
from ioc.domain.announcement import Alert, Draft, Outcome, end
from ioc.domain.errors import OrderError
from ioc.domain.handling import NEEDS_NOTE, STEPS, Handling
from ioc.domain.instant import DAY, HOUR, SECOND, Micros
from ioc.domain.mask import Mask, MaskKind, Matcher
from ioc.domain.permission import Action

LONGEST_SHELF: Final = 8 * HOUR  # a shift: who takes over decides anew
SILENCE: Final = 120 * SECOND  # of one console's sound, then it speaks again
LONGEST_TEXT: Final = 2000  # characters of a note
LONGEST_REASON: Final = 500
LONGEST_NAME: Final = 200
# Planned work; and a device without an end, which the daily list shows until somebody ends it.
_LONGEST: Final = {
    MaskKind.MAINTENANCE: 30 * DAY,
    MaskKind.PARENT: 30 * DAY,
    MaskKind.CALIBRATION: 7 * DAY,
    MaskKind.OUT_OF_SERVICE: 366 * DAY,
}


def acknowledge(alert: Alert, actor: str, now: Micros, note: str = "") -> Outcome:
    """Take responsibility for an alert; one that has returned is closed by it."""
    if alert.closed_at is not None or alert.acked:
        return Outcome()
    _refuse(alert.mask is not None, "masked")
    draft = Draft(alert, now)
    draft.change(acked_at=now, acked_by=actor, clock_from=now)
    draft.log(Kind.ACK, actor, note=_text(note, LONGEST_TEXT) if note.strip() else None)
    if not alert.active:
        draft.close(actor)
    return draft.outcome


def comment(alert: Alert, actor: str, note: str, now: Micros) -> Outcome:
    """Append a note; whoever the alert is assigned to hears of it."""
    _refuse(not _in_hand(alert), "closed")
    draft = Draft(alert, now)
    draft.log(Kind.COMMENT, actor, note=_text(note, LONGEST_TEXT))
    if alert.assignee not in (None, actor):
        draft.tell_again(Kind.COMMENT)
    return draft.outcome


@dataclass(frozen=True, slots=True)
class Word:
    """What a leader says of an alert, when it was written; a direction asks for something."""

    note: str
    written: Micros
    asks: bool = True


def direct(alert: Alert, actor: str, word: Word, now: Micros) -> Outcome:
    """Append a leader's word; a direction is told to everybody who was told of the alert.

    It may have been written without a line, hours ago: the log has both times, and an alert that
    closed meanwhile takes it all the same.
    """
    draft = Draft(alert, now)
    kind = Kind.DIRECTION if word.asks else Kind.COMMENT
    written = Micros(min(word.written, now))
    draft.log(kind, actor, written, note=_text(word.note, LONGEST_TEXT))
    if word.asks:
        draft.tell_again(Kind.DIRECTION)
    elif alert.assignee not in (None, actor):
        draft.tell_again(Kind.COMMENT)
    return draft.outcome


def assign(alert: Alert, actor: str, assignee: str | None, now: Micros) -> Outcome:
    """Give the alert to somebody (None: to nobody); to whoever has it already changes nothing."""
    _refuse(not _in_hand(alert), "closed")
    if assignee == alert.assignee:
        return Outcome()
    draft = Draft(alert, now)
    _give(draft, actor, assignee)
    return draft.outcome


def _give(draft: Draft, actor: str, assignee: str | None) -> None:
    name = None if assignee is None else _text(assignee, LONGEST_NAME)
    was = draft.alert.assignee
    draft.change(assignee=name)
    draft.log(Kind.ASSIGN, actor, to=name, was=was)
    if name is not None:
        draft.tell_again(Kind.ASSIGN)


def silence(now: Micros) -> Micros:
    """Return when the sound of one console speaks again; no alert is answered by it."""
    return Micros(now + SILENCE)


def close(alert: Alert, actor: str, now: Micros) -> Outcome:
    """Close what is over and was answered, or never announced."""
    if alert.closed_at is not None:
        return Outcome()
    _refuse(alert.active, "still_active")
    _refuse(not alert.acked and alert.is_announced, "not_acknowledged")
    draft = Draft(alert, now)
    draft.close(actor)
    return draft.outcome


def reset(alert: Alert, actor: str, now: Micros) -> Outcome:
    """Let go of a latched alert whose process has returned."""
    _refuse(not alert.latched or alert.closed_at is not None, "not_latched")
    draft = Draft(alert, now)
    draft.log(Kind.RESET, actor)
    end(draft, alert.returned_at or now, auto_acknowledge=False)
    return draft.outcome


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the handling that somebody takes."""

    to: Handling
    note: str = ""
    assignee: str = ""


def take_step(alert: Alert, step: Step, actor: str, now: Micros) -> Outcome:
    """Take the alert's handling one step on; `needed` says what the step takes.

    It may go on when the alert is closed: the sensor's clock is another one.
    """
    way = (alert.handling, step.to)
    needed(alert, step.to)
    _refuse(way in NEEDS_NOTE and not step.note.strip(), "note_missing")
    approval = alert.handling is Handling.REVIEW
    _refuse(approval and actor == alert.handling_by, "same_person")
    draft = Draft(alert, now)
    if step.to is Handling.ASSIGNED:
        _refuse(not (step.assignee or alert.assignee), "assignee_missing")
        if step.assignee and step.assignee != alert.assignee:
            _give(draft, actor, step.assignee)
    draft.change(handling=step.to, handling_by=actor, handled_at=now if step.to.done else None)
    said = _text(step.note, LONGEST_TEXT) if step.note.strip() else None
    draft.log(Kind.HANDLING, actor, was=alert.handling.value, to=step.to.value, note=said)
    return draft.outcome


def needed(alert: Alert, to: Handling) -> Action:
    """Return what taking this step takes; OrderError when there is no such step."""
    found = STEPS.get((alert.handling, to))
    if found is None:
        raise OrderError("no_such_step")
    return found


# ---------------------------------------------------------------- masks


def shelf(
    alert: Alert, actor: str, lasting: int, reason: str, now: Micros, *, one_shot: bool = False
) -> Mask:
    """Return the shelf for an open alert: at most a shift, whatever was asked for.

    One-shot: its next return to normal ends it too, so it must be on.
    """
    _refuse(alert.closed_at is not None, "closed")
    _refuse(one_shot and not alert.active, "not_active")
    _refuse(lasting <= 0, "no_duration")
    return Mask(
        MaskKind.SHELVE,
        Matcher(rule=alert.rule_id, datastream=alert.datastream),
        now,
        Micros(now + min(lasting, LONGEST_SHELF)),
        _text(reason, LONGEST_REASON),
        actor,
        one_shot=one_shot,
    )


def plan(mask: Mask, now: Micros) -> Mask:
    """Return a planned mask as it will be stored; one that would have begun begins now."""
    longest = _LONGEST.get(mask.kind)
    if longest is None:
        raise OrderError("shelve_an_alert")
    _refuse(not mask.matcher.given, "covers_nothing")
    starts = max(mask.starts, now)
    _refuse(mask.ends <= starts, "ends_too_early")
    _refuse(mask.ends - starts > longest, "ends_too_late")
    reason = _text(mask.reason, LONGEST_REASON)
    return replace(mask, starts=starts, reason=reason, approved_by=None, one_shot=False)


def approve(mask: Mask, actor: str) -> Mask:
    """Return the mask with a second person's agreement, without which critical alerts sound on."""
    _refuse(mask.kind is not MaskKind.OUT_OF_SERVICE, "needs_no_approval")
    if mask.approved_by is not None:
        return mask
    _refuse(actor == mask.by, "same_person")
    return replace(mask, approved_by=actor)


def _in_hand(alert: Alert) -> bool:
    """Tell whether people may still write to it: it is open, or its handling goes on."""
    return alert.closed_at is None or alert.handling.running


def _text(text: str, longest: int) -> str:
    stripped = text.strip()
    _refuse(not stripped, "text_missing")
    _refuse(len(stripped) > longest, "text_too_long")
    return stripped


def _refuse(when: bool, code: str) -> None:  # noqa: FBT001  a guard reads best so
    if when:
        raise OrderError(code)
