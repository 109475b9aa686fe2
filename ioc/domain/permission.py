"""Who may do what: role by action, deny by default, and how long a door stays shut.

A role says what a person is answerable for; nobody inherits anything. What is not in the table is
refused, an unknown role (a row written by a newer version) included.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person, or a screen, is answerable for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    LEADER = "leader"
    ENVIRONMENT = "environment"
    GIS = "gis"
    KIOSK = "kiosk"  # a screen on a wall: nobody stands behind it, so it only shows
    SOURCE = "source"  # somebody else's program: it may hand in its own observations


class Action(StrEnum):
    """Everything the gate or a command can ask for."""

    OWN_ACCOUNT = "own_account"  # one's own password, second factor and sessions
    SEE_WALL = "see_wall"
    SEE_THING = "see_thing"
    SEE_ALERTS = "see_alerts"
    SEE_API = "see_api"
    ACKNOWLEDGE_ALERT = "acknowledge_alert"
    MASK_ALERT = "mask_alert"  # shelve, maintenance, out of service
    HANDLE_ALERT = "handle_alert"  # assign, and the steps of the workflow
    APPROVE_HANDLING = "approve_handling"
    DIRECT_ALERT = "direct_alert"  # say what is to be done about an alert
    STEER_WALL = "steer_wall"  # which wall shows what
    HAND_OVER = "hand_over"  # note, and sign, what one shift leaves to the next
    SEE_PENDING = "see_pending"
    ADMIT_THING = "admit_thing"
    SEE_DEAD_LETTERS = "see_dead_letters"
    RETRY_DEAD_LETTERS = "retry_dead_letters"
    ANNOTATE = "annotate"  # say what a person knows about a stretch of a chart
    SEE_METRICS = "see_metrics"
    SEE_AUDIT = "see_audit"
    EDIT_RULE = "edit_rule"
    IMPORT_LAYER = "import_layer"
    PUT_INDICATOR = "put_indicator"  # figures, one-stop cases and tasks from a file
    MANAGE_USERS = "manage_users"
    PUSH_OBSERVATIONS = "push_observations"


# What takes a second factor even to look at: who is who, and who did what.
GUARDED: Final = frozenset({Action.MANAGE_USERS, Action.SEE_AUDIT})

_WATCH: Final = frozenset({Action.SEE_WALL, Action.SEE_THING, Action.SEE_ALERTS})
_READ: Final = _WATCH | {Action.SEE_API, Action.OWN_ACCOUNT}

_ALLOWED: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        # A person has no source to speak for, the administrator neither.
        Role.ADMIN: frozenset(Action) - {Action.PUSH_OBSERVATIONS},
        Role.OPERATOR: _READ
        | {
            Action.ACKNOWLEDGE_ALERT,
            Action.MASK_ALERT,
            Action.HANDLE_ALERT,
            Action.STEER_WALL,
            Action.HAND_OVER,
            Action.SEE_PENDING,
            Action.ADMIT_THING,
            Action.SEE_DEAD_LETTERS,
            Action.RETRY_DEAD_LETTERS,
            Action.ANNOTATE,
            Action.SEE_METRICS,
            Action.PUT_INDICATOR,
        },
        Role.LEADER: _READ | {Action.APPROVE_HANDLING, Action.DIRECT_ALERT},
        Role.ENVIRONMENT: _READ
        | {
            Action.ACKNOWLEDGE_ALERT,
            Action.MASK_ALERT,
            Action.HANDLE_ALERT,
            Action.SEE_PENDING,
            Action.SEE_DEAD_LETTERS,
            Action.ANNOTATE,
            Action.EDIT_RULE,
        },
        Role.GIS: _READ | {Action.IMPORT_LAYER},
        Role.KIOSK: _WATCH,
        Role.SOURCE: frozenset({Action.PUSH_OBSERVATIONS}),
    }
)


def allowed(role: str, action: Action) -> bool:
    """Tell whether `role` may do `action`; an unknown role may do nothing."""
    try:
        return action in _ALLOWED[Role(role)]
    except ValueError:
        return False


# Five mistakes are a hand in a hurry; a guesser needs millions.
FREE_FAILURES: Final = 5
FIRST_LOCK_S: Final = 15 * 60
_LONGEST_LOCK_S: Final = 24 * 3600  # a day: an account must come back without anybody's help


def lock_seconds(failures: int, *, free: int = FREE_FAILURES, first_s: int = FIRST_LOCK_S) -> int:
    """Return how long an account stays shut after its `failures`-th failed login in a row.

    0 below `free`; `first_s` at it, doubled by each further failure, at most a day.
    """
    if failures < free:
        return 0
    doublings = min(failures - free, 10)  # 2^10 is far beyond a day; bounds the integer
    return min(first_s << doublings, _LONGEST_LOCK_S)
