"""Roles and actions: deny by default; locks that grow and end."""

from __future__ import annotations

import pytest

from ioc.domain.errors import ForbiddenError
from ioc.domain.permission import FREE_FAILURES, Action, Role, allowed, lock_seconds
from ioc.web import identity
from ioc.web.identity import Identity, Kind

CHANGES = {
    Action.ACKNOWLEDGE_ALERT,
    Action.ADMIT_THING,
    Action.EDIT_RULE,
    Action.IMPORT_LAYER,
    Action.MANAGE_USERS,
}


def granted(role: Role) -> set[Action]:
    return {action for action in Action if allowed(role, action)}


def test_a_wall_and_a_leader_change_nothing() -> None:
    """Who only watches holds no action that changes anything."""
    assert granted(Role.KIOSK) == {Action.SEE_WALL, Action.SEE_THING, Action.SEE_ALERTS}
    assert granted(Role.LEADER) == granted(Role.KIOSK) | {Action.SEE_API}


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        (Role.ADMIN, CHANGES),
        (Role.OPERATOR, {Action.ACKNOWLEDGE_ALERT, Action.ADMIT_THING}),
        (Role.ENVIRONMENT, {Action.ACKNOWLEDGE_ALERT, Action.EDIT_RULE}),
        (Role.GIS, {Action.IMPORT_LAYER}),
        (Role.LEADER, set()),
        (Role.KIOSK, set()),
    ],
)
def test_each_role_changes_what_it_answers_for(role: Role, changes: set[Action]) -> None:
    """The deeds of each role, written out: a new grant is a decision, not an accident."""
    assert granted(role) & CHANGES == changes


def test_an_unknown_role_may_nothing() -> None:
    """A role of a newer version, an empty one and another spelling are refused."""
    for role in ("", "root", "Admin", "admin ", "duty_chief"):
        assert not any(allowed(role, action) for action in Action), role


def test_nobody_may_nothing() -> None:
    """Outside a request, and for a role without the right, a command refuses."""
    identity.remember(None)
    with pytest.raises(ForbiddenError, match="nobody"):
        identity.require(Action.SEE_WALL)
    leader = Identity("lan", "Lan", Role.LEADER, Kind.SESSION)
    identity.remember(leader)
    try:
        assert identity.require(Action.SEE_WALL) is leader
        with pytest.raises(ForbiddenError, match="leader may not acknowledge_alert"):
            identity.require(Action.ACKNOWLEDGE_ALERT)
    finally:
        identity.remember(None)


def test_locks_grow_and_end() -> None:
    """Four mistakes are free, then 15 min, doubled each time, never more than a day."""
    assert [lock_seconds(n) for n in range(FREE_FAILURES)] == [0] * FREE_FAILURES
    assert [lock_seconds(FREE_FAILURES + n) for n in range(3)] == [900, 1800, 3600]
    assert lock_seconds(10**9) == 24 * 3600
