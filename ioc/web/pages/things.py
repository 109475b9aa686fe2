"""`/things`: every admitted thing and how long it has been silent; assets/things.mjs fills it."""

from __future__ import annotations

from typing import Any

from dash import html

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import desk
from ioc.web.pages.desk import part


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for the right to read things."""
    return frame(settings, "/things", "things", say("register.title"))


def frame(settings: Settings, path: str, name: str, title: str) -> Any:  # noqa: ANN401
    """Return a register of the desk whose script `assets/<name>.mjs` fills its parts."""
    attributes: dict[str, Any] = {
        "data-desk": name,
        "data-language": "vi",
        "data-zone": settings.province.zone,
        "aria-busy": "true",
    }
    loading = [html.Div(className="hold") for _ in range(6)]
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, path),
            html.Main(
                [
                    html.Div(
                        [html.H1(title), html.Div(className="reg-tools", **part("tools"))],
                        className="reg-head",
                    ),
                    html.Div(className="reg-filters", role="search", **part("filters")),
                    html.Div(loading, **part("body")),
                    html.Div(className="spoken", role="status", **part("spoken")),
                ],
                className="reg-page",
            ),
        ],
        className="desk",
        **attributes,
    )
