"""Who asks: set once by the gate for each request, read by pages and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ioc.domain.errors import ForbiddenError
from ioc.domain.permission import Action, allowed


class Kind(StrEnum):
    """How somebody proved who they are."""

    SESSION = "session"
    KIOSK = "kiosk"
    API = "api"
    SOURCE = "source"  # a program of somebody else, that hands in observations
    LOOPBACK = "loopback"  # this machine's own probe, without any proxy between


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified person, screen or program; `actor` is the name written into the audit."""

    actor: str
    display_name: str
    role: str
    kind: Kind
    source: str = ""  # whom a program speaks for that hands in observations

    def may(self, action: Action) -> bool:
        return allowed(self.role, action)


# Key of the request's scope: asks the door again whether its caller may still have what it asked
# for. A page is over before that changes; a stream is not.
STILL_WELCOME: Final = "ioc.still_welcome"
StillWelcome = Callable[[], Awaitable[bool]]

_current: Final[ContextVar[Identity | None]] = ContextVar("ioc_identity", default=None)


def current() -> Identity | None:
    """Return who makes the running request; None outside one or on a public path."""
    return _current.get()


def remember(identity: Identity | None) -> None:
    """Set who makes the running request; the gate alone calls this."""
    _current.set(identity)


def require(action: Action) -> Identity:
    """Return who asks when they may do `action`; raise ForbiddenError otherwise."""
    identity = current()
    if identity is None or not identity.may(action):
        raise ForbiddenError(f"{identity.role if identity else 'nobody'} may not {action}")
    return identity
