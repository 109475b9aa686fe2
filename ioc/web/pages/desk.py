"""The frame of a desk page: who sits here, the way to the other pages, the clock, what is wrong."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity

# Groups in the order of the day's work; those of the first are links of their own, for they are
# what an operator opens hundreds of times. Of each page: path, key of its name, what opening takes.
PAGES: Final[tuple[tuple[str, tuple[tuple[str, str, Action], ...]], ...]] = (
    (
        "",
        (
            ("/wall", "desk.wall", Action.SEE_WALL),
            ("/alerts", "desk.alerts", Action.SEE_ALERTS),
            ("/map", "desk.map", Action.SEE_API),
        ),
    ),
    (
        "desk.group_watch",
        (
            ("/brief", "brief.nav", Action.SEE_ALERTS),
            ("/kpi", "desk.kpi", Action.SEE_ALERTS),
            ("/handover", "handover.nav", Action.HAND_OVER),
            ("/walls", "walls.nav", Action.STEER_WALL),
        ),
    ),
    (
        "desk.group_things",
        (
            ("/things", "register.nav", Action.SEE_API),
            ("/pending", "pending.nav", Action.SEE_PENDING),
            ("/feeds", "feeds.nav", Action.SEE_API),
            ("/quality", "quality.nav", Action.SEE_API),
        ),
    ),
    (
        "desk.group_environment",
        (
            ("/indices", "station.nav", Action.SEE_API),
            ("/rules", "rules.nav_rules", Action.SEE_API),
        ),
    ),
    (
        "desk.group_network",
        (
            ("/network", "network.nav", Action.SEE_API),
            ("/layers", "desk.layers", Action.IMPORT_LAYER),
        ),
    ),
    (
        "desk.group_aims",
        (
            ("/indicators", "indicators.nav", Action.SEE_API),
            ("/integrations", "integrations.nav", Action.SEE_API),
        ),
    ),
    (
        "desk.group_system",
        (
            ("/system", "system.nav", Action.SEE_METRICS),
            ("/users", "users.nav", Action.MANAGE_USERS),
            ("/audit", "audit.nav", Action.SEE_AUDIT),
        ),
    ),
)


def top(settings: Settings, here: str) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the bar of a page at path `here`; a desk's script fills clock, date and banner."""
    return html.Header(
        [
            html.B(f"{say('desk.short')} {settings.province.name}", className="brand"),
            ways(here),
            html.Span(className="sp"),
            html.Span(say("wall.simulated"), className="sim", hidden=True, **part("sim")),
            _help(here),
            _own(),
            html.Span(className="date", **part("date")),
            html.B("––:––:––", className="clock", **part("clock")),
        ],
        className="top",
    )


def ways(here: str) -> Any:  # noqa: ANN401
    """Return the links to the pages that whoever asks may open; assets/ways.mjs shuts the menus."""
    who = identity.current()
    named: dict[str, Any] = {"aria-label": say("desk.pages")}
    ways: list[Any] = []
    for group, pages in PAGES:
        mine = [(path, name) for path, name, action in pages if who is not None and who.may(action)]
        links = [_way(path, name, here=here) for path, name in mine]
        if group and len(links) > 1:  # a menu of one link would be a click for nothing
            links = [_menu(group, links, inside=here in dict(mine))]
        ways += links
    return html.Nav(ways, **named)


def _menu(group: str, links: list[Any], *, inside: bool) -> Any:  # noqa: ANN401
    return html.Details([html.Summary(say(group)), html.Div(links)], className="in" * inside)


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


def _help(here: str) -> Any:  # noqa: ANN401
    """Return the way to the part of the guides that is about this page."""
    who = identity.current()
    if who is None or not who.may(Action.OWN_ACCOUNT):
        return None
    href = f"/help#guide-{here.strip('/').split('/')[0]}"
    return html.A("?", href=href, className="help-way", title=say("help.way"), **named("help.way"))


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
