"""`/users`: accounts and tokens, a frame that assets/users.mjs fills from the API."""

from __future__ import annotations

from typing import Any

from dash import html

from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import desk
from ioc.web.pages.desk import part


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for the right to manage users."""
    return desk_frame(settings, "/users", "users", say("users.title"))


def desk_frame(settings: Settings, path: str, name: str, title: str) -> Any:  # noqa: ANN401
    """Return a desk page whose script `assets/<name>.mjs` fills its body."""
    who = identity.current()
    frame: dict[str, Any] = {
        "data-desk": name,
        "data-language": "vi",
        "data-zone": settings.province.zone,
        "data-actor": "" if who is None else who.actor,
        "aria-busy": "true",
    }
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, path),
            html.Main(
                [
                    html.Div([html.H1(title), html.Div(**part("tools"))], className="door-head"),
                    html.Div([html.Div(className="hold") for _ in range(4)], **part("body")),
                ],
                className="door-page",
            ),
        ],
        className="desk",
        **frame,
    )
