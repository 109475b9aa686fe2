"""Who is asking: a command refuses outside a request and without the right."""

from __future__ import annotations

import pytest

from ioc.domain.errors import ForbiddenError
from ioc.domain.permission import Action, Role
from ioc.web import identity
from ioc.web.identity import Identity, Kind


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
