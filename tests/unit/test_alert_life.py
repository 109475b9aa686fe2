"""I11–I14 of the operator and mask axes, and that each of them notices its fault."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ioc.domain import announcement, operator, timers
from ioc.domain.alert import Kind
from ioc.domain.announcement import Alert, Desk, Draft, Outcome
from ioc.domain.episode import Change
from ioc.domain.mask import Masked
from tests.unit.alert_life import Life

FULL = os.environ.get("IOC_RIG") == "1"
COUNTS = settings(
    max_examples=1500 if FULL else 100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    database=None,
)
# A fault must be found within this many lives; the first failing one is proof enough.
HUNT = settings(COUNTS, max_examples=1500, phases=[Phase.generate], derandomize=True)


def test_the_promises_hold_whatever_happens() -> None:
    """RAISE and RTN pair, nothing sounds under a mask, nothing is lost by its end (I11–I14)."""
    run_state_machine_as_test(Life, settings=COUNTS)


def _settle_blind(draft: Draft, masked: Masked | None, actor: str = "desk") -> None:
    announcement._put_mask(draft, masked, actor)
    if draft.alert.active and not draft.alert.is_announced:
        draft.change(announced=draft.alert.occurrence, told_severity=draft.alert.severity)
        draft.tell(Kind.RAISE)


def _settle_forgetful(draft: Draft, masked: Masked | None, actor: str = "desk") -> None:
    """Announce only what was never masked."""
    was = draft.alert.mask
    if was is None:
        _SETTLE(draft, masked, actor)
    else:
        announcement._put_mask(draft, masked, actor)


_SETTLE = announcement.settle
_END = announcement.end
_ACKNOWLEDGE = operator.acknowledge
_SHELF = operator.shelf
_FIRE = timers.fire
_AGAIN = Desk._again
_GRADE = Desk._grade


def _end_mute(draft: Draft, back: int, *, auto_acknowledge: bool, **payload: object) -> None:
    """Keep back the return of what is masked."""
    _END(draft, back, auto_acknowledge=auto_acknowledge, **payload)  # type: ignore[arg-type]
    if draft.alert.mask is not None:
        draft.notices.clear()


def _end_loud(draft: Draft, back: int, *, auto_acknowledge: bool, **payload: object) -> None:
    """Tell the return of what nobody heard of."""
    silent = not draft.alert.is_announced
    _END(draft, back, auto_acknowledge=auto_acknowledge, **payload)  # type: ignore[arg-type]
    if silent:
        draft.tell(Kind.RTN)


def _shelf_endless(
    alert: Alert, who: str, lasting: int, reason: str, now: int, **more: bool
) -> object:
    mask = _SHELF(alert, who, lasting, reason, now, **more)  # type: ignore[arg-type]
    return replace(mask, ends=now + lasting)  # type: ignore[arg-type]


def _acknowledge_again(alert: Alert, who: str, now: int, note: str = "") -> Outcome:
    if alert.acked and alert.closed_at is None:
        return Outcome((replace(alert, acked_by=who),))
    return _ACKNOWLEDGE(alert, who, now, note)  # type: ignore[arg-type]


def _fire_masked(draft: Draft, *_: object) -> None:
    """Let the timers of masked alerts run."""
    mask = draft.alert.mask
    draft.change(mask=None)
    _FIRE(draft)
    draft.change(mask=mask)


def _again_known(self: Desk, current: Alert, change: Change) -> Alert:
    """Take the new occurrence for the announced one."""
    fresh = _AGAIN(self, current, change)
    return replace(fresh, announced=fresh.occurrence, told_severity=fresh.severity)


def _grade_untold(self: Desk, draft: Draft, change: Change) -> None:
    _GRADE(self, draft, change)
    draft.change(told_severity=draft.alert.severity)


@pytest.mark.parametrize(
    ("owner", "name", "fault"),
    [
        (announcement, "settle", _settle_blind),
        (announcement, "settle", _settle_forgetful),
        (announcement, "end", _end_mute),
        (announcement, "end", _end_loud),
        (operator, "shelf", _shelf_endless),
        (operator, "acknowledge", _acknowledge_again),
        (timers, "fire", _fire_masked),
        (Desk, "_again", _again_known),
        (Desk, "_grade", _grade_untold),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)).rsplit(".", 1)[-1],
)
def test_a_planted_fault_is_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, fault: Callable[..., object]
) -> None:
    """Each fault breaks a promise that the machine checks, so its silence means something."""
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Life, settings=HUNT)
