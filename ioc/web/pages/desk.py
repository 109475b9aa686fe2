"""The frame of a desk page: who sits here, the way to the other pages, the clock, what is wrong."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity

# Path, key of its name, and what opening it takes, in the order of the day's work.
PAGES: Final = (
    ("/wall", "desk.wall", Action.SEE_WALL),
    ("/alerts", "desk.alerts", Action.SEE_ALERTS),
    ("/map", "desk.map", Action.SEE_API),
    ("/things", "register.nav", Action.SEE_API),
    ("/brief", "brief.nav", Action.SEE_ALERTS),
    ("/kpi", "desk.kpi", Action.SEE_ALERTS),
    ("/rules", "rules.nav_rules", Action.SEE_API),
    ("/handover", "handover.nav", Action.HAND_OVER),
    ("/walls", "walls.nav", Action.STEER_WALL),
    ("/network", "network.nav", Action.SEE_API),
    ("/layers", "desk.layers", Action.IMPORT_LAYER),
    ("/users", "users.nav", Action.MANAGE_USERS),
    ("/audit", "audit.nav", Action.SEE_AUDIT),
)


def top(settings: Settings, here: str) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the bar of a page at path `here`; a desk's script fills clock, date and banner."""
    return html.Header(
        [
            html.B(f"{say('desk.short')} {settings.province.name}", className="brand"),
            ways(here),
            html.Span(className="sp"),
            html.Span(say("wall.simulated"), className="sim", hidden=True, **part("sim")),
            _own(),
            html.Span(className="date", **part("date")),
            html.B("––:––:––", className="clock", **part("clock")),
        ],
        className="top",
    )


def ways(here: str) -> Any:  # noqa: ANN401
    """Return the links to the pages that whoever asks may open."""
    who = identity.current()
    named: dict[str, Any] = {"aria-label": say("desk.pages")}
    mine = [(path, name) for path, name, action in PAGES if who is not None and who.may(action)]
    return html.Nav([_way(path, name, here=here) for path, name in mine], **named)


def banner() -> Any:  # noqa: ANN401
    """Return the bar that says what is wrong with the picture itself, hidden until it is."""
    return html.Div(className="banner", role="alert", hidden=True, **part("banner"))


def part(name: str) -> dict[str, Any]:
    """Return the attribute by which a page's script finds its places."""
    return {"data-part": name}


def named(key: str) -> dict[str, Any]:
    """Return the attribute that tells a screen reader what a part is."""
    return {"aria-label": say(key)}


def _way(path: str, name: str, *, here: str) -> Any:  # noqa: ANN401
    current: dict[str, Any] = {"aria-current": "page"} if path == here else {}
    return html.A(say(name), href=path, **current)


def _own() -> Any:  # noqa: ANN401
    """Return who sits here, with the way to the own account where there is one."""
    who = identity.current()
    if who is None or not who.may(Action.OWN_ACCOUNT):
        return html.Span(_who(), className="who")
    return html.A(_who(), href="/account", className="who")


def _who() -> str:
    who = identity.current()
    if who is None:
        return ""
    role = say(f"role.{who.role}")
    return f"{who.display_name} · {role}" if who.display_name else role
