"""`/station/<id>`: a station's month as the department reports it; assets/station.mjs fills it."""

from __future__ import annotations

from typing import Any

from dash import html

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import desk
from ioc.web.pages.desk import part


def layout(settings: Settings, thing: int) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the frame; the gate has asked for the right to read stations."""
    attributes: dict[str, Any] = {
        "data-desk": "station",
        "data-station": str(thing),
        "data-language": "vi",
        "data-zone": settings.province.zone,
        "aria-busy": "true",
    }
    loading = [html.Div(className="hold") for _ in range(6)]
    head = html.Div(
        [
            html.Div([html.H1(say("station.title"), **part("title")), html.P(**part("lines"))]),
            html.Div(className="st-tools", **part("tools")),
        ],
        className="st-head",
    )
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, "/indices"),
            html.Main(
                [
                    head,
                    html.Div(loading, className="st-body", **part("body")),
                    html.Div(className="spoken", role="status", **part("spoken")),
                ],
                className="st-page",
            ),
        ],
        className="desk",
        **attributes,
    )
