"""Who may do what: deny by default, and how long a door stays shut."""

import pytest

from ioc.domain.permission import FREE_FAILURES, Action, Role, allowed, lock_seconds

WATCH = {Action.SEE_WALL, Action.SEE_THING, Action.SEE_ALERTS}
# The table as an inspector would write it; whoever changes one of the two changes the other.
MAY = {
    Role.ADMIN: set(Action) - {Action.PUSH_OBSERVATIONS},
    Role.OPERATOR: WATCH
    | {
        Action.SEE_API,
        Action.OWN_ACCOUNT,
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
    Role.LEADER: WATCH
    | {Action.SEE_API, Action.OWN_ACCOUNT, Action.APPROVE_HANDLING, Action.DIRECT_ALERT},
    Role.ENVIRONMENT: WATCH
    | {
        Action.SEE_API,
        Action.OWN_ACCOUNT,
        Action.ACKNOWLEDGE_ALERT,
        Action.MASK_ALERT,
        Action.HANDLE_ALERT,
        Action.SEE_PENDING,
        Action.SEE_DEAD_LETTERS,
        Action.ANNOTATE,
        Action.EDIT_RULE,
    },
    Role.GIS: WATCH | {Action.SEE_API, Action.OWN_ACCOUNT, Action.IMPORT_LAYER},
    Role.KIOSK: WATCH,
    Role.SOURCE: {Action.PUSH_OBSERVATIONS},
}


@pytest.mark.parametrize("role", Role)
def test_role_may_do_this_and_nothing_else(role: Role) -> None:
    """The whole table, every action asked."""
    assert {action for action in Action if allowed(role, action)} == MAY[role]


@pytest.mark.parametrize("role", ["", "root", "ADMIN", "admin ", "superadmin"])
def test_unknown_role_may_do_nothing(role: str) -> None:
    """A row written by a newer version, or by a hand, opens no door."""
    assert not any(allowed(role, action) for action in Action)


def test_only_people_acknowledge() -> None:
    """Nobody stands behind a wall's screen: it can change nothing at all."""
    changes = {action for action in Action if not action.startswith("see_")}
    assert not any(allowed(Role.KIOSK, action) for action in changes)
    assert not allowed(Role.LEADER, Action.ACKNOWLEDGE_ALERT)
    assert {role for role in Role if allowed(role, Action.MANAGE_USERS)} == {Role.ADMIN}


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        (0, 0),
        (FREE_FAILURES - 1, 0),
        (FREE_FAILURES, 900),
        (FREE_FAILURES + 1, 1800),
        (FREE_FAILURES + 6, 57_600),
        (FREE_FAILURES + 7, 86_400),
        (10**6, 86_400),
    ],
)
def test_lock_doubles_up_to_a_day(failures: int, seconds: int) -> None:
    """Four mistakes are free, then 15 minutes, doubled each time, at most a day."""
    assert lock_seconds(failures) == seconds
