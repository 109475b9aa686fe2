"""The workflow beside an alert: what people do about its cause, step by step, by a deadline.

It has a clock of its own. "The sensor is back to normal" closes an alert; only people who did
something, and one who agreed, close its handling. Steps as provinces' operation centres name
them: mới, tiếp nhận, xác minh, phân công, đang xử lý, chờ duyệt, đóng.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ioc.domain.alert import Severity
from ioc.domain.instant import DAY, HOUR, Micros
from ioc.domain.permission import Action


class Handling(StrEnum):
    """Where the handling of an alert stands; words under `alert.handling`."""

    NEW = "new"
    RECEIVED = "received"
    VERIFIED = "verified"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    REVIEW = "review"
    CLOSED = "closed"
    REJECTED = "rejected"  # not one for us, or the same as another

    @property
    def done(self) -> bool:
        return self in (Handling.CLOSED, Handling.REJECTED)

    @property
    def running(self) -> bool:
        return self is not Handling.NEW and not self.done


class Standing(StrEnum):
    """How a handling stands against its deadline; the statistics of the centre count these."""

    NOT_DUE = "not_due"
    OVERDUE = "overdue"
    ON_TIME = "on_time"
    LATE = "late"
    REJECTED = "rejected"
    NO_DEADLINE = "no_deadline"


# khẩn 2 h, cao 24 h, thường 5 ngày
DEADLINE: Final[Mapping[int, int]] = MappingProxyType(
    {
        Severity.CRITICAL: 2 * HOUR,
        Severity.HIGH: 24 * HOUR,
        Severity.MEDIUM: 5 * DAY,
        Severity.LOW: 5 * DAY,
    }
)

# (from, to) -> what it takes. Whoever sent a work for approval does not approve it himself.
STEPS: Final[Mapping[tuple[Handling, Handling], Action]] = MappingProxyType(
    {
        (Handling.NEW, Handling.RECEIVED): Action.HANDLE_ALERT,
        (Handling.RECEIVED, Handling.VERIFIED): Action.HANDLE_ALERT,
        (Handling.RECEIVED, Handling.REJECTED): Action.HANDLE_ALERT,
        (Handling.VERIFIED, Handling.ASSIGNED): Action.HANDLE_ALERT,
        (Handling.VERIFIED, Handling.REJECTED): Action.HANDLE_ALERT,
        (Handling.ASSIGNED, Handling.IN_PROGRESS): Action.HANDLE_ALERT,
        (Handling.IN_PROGRESS, Handling.REVIEW): Action.HANDLE_ALERT,
        (Handling.REVIEW, Handling.CLOSED): Action.APPROVE_HANDLING,
        (Handling.REVIEW, Handling.IN_PROGRESS): Action.APPROVE_HANDLING,  # not yet good enough
        (Handling.CLOSED, Handling.RECEIVED): Action.APPROVE_HANDLING,  # opened again
        (Handling.REJECTED, Handling.RECEIVED): Action.APPROVE_HANDLING,
    }
)
# Steps that somebody else must be able to understand later.
NEEDS_NOTE: Final = frozenset(
    step
    for step in STEPS
    if step[1] is Handling.REJECTED or step[0] in (Handling.CLOSED, Handling.REJECTED)
) | {(Handling.REVIEW, Handling.IN_PROGRESS)}


def deadline(severity: int, since: Micros) -> Micros:
    """Return when an alert of this severity must have been handled."""
    return Micros(since + DEADLINE[severity])


def standing(state: Handling, due: Micros | None, done_at: Micros | None, now: Micros) -> Standing:
    """Return how a handling stands against its deadline at `now`."""
    if state is Handling.REJECTED:
        return Standing.REJECTED
    if due is None:
        return Standing.NO_DEADLINE
    if state is Handling.CLOSED:
        return Standing.ON_TIME if (done_at or now) <= due else Standing.LATE
    return Standing.NOT_DUE if now <= due else Standing.OVERDUE
