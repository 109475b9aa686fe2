"""Who asks: set once by the gate for each request, read by pages and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ioc.domain.errors import ForbiddenError
from ioc.domain.instant import Micros
from ioc.domain.permission import Action, allowed
from ioc.domain.scope import EVERYTHING, Scope


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
    scope: Scope = EVERYTHING  # what of the province it may see and change
    active_at: Micros | None = None  # of a session: the last sign of a person
    must_change: bool = False  # the password is somebody else's choice
    second_factor: bool = False  # proven by one of ours, or by the province's sign-on

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


def limits() -> dict[str, list[str] | None]:
    """Return the scope of who asks as values of a query: `areas`, `domains`; None: no limit.

    Outside a request nobody asks and nothing is limited: the gate sets who asks before any route.
    """
    identity = current()
    scope = EVERYTHING if identity is None else identity.scope
    return {
        "areas": None if scope.areas is None else sorted(scope.areas),
        "domains": None if scope.domains is None else sorted(scope.domains),
    }


def remember(identity: Identity | None) -> None:
    """Set who makes the running request; the gate alone calls this."""
    _current.set(identity)


def require(action: Action) -> Identity:
    """Return who asks when they may do `action`; raise ForbiddenError otherwise."""
    identity = current()
    if identity is None or not identity.may(action):
        raise ForbiddenError(f"{identity.role if identity else 'nobody'} may not {action}")
    return identity
