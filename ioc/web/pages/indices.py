"""`/indices`: VN_AQI and VN_WQI of all stations over a week; assets/indices.mjs fills it."""

from __future__ import annotations

from typing import Any

from dash import html

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import desk
from ioc.web.pages.desk import part


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the frame: the map with its slider, the ranked list beside it."""
    attributes: dict[str, Any] = {
        "data-desk": "indices",
        "data-language": "vi",
        "data-zone": settings.province.zone,
        "aria-busy": "true",
    }
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, "/indices"),
            html.Div([_left(), _right()], className="ix-halves"),
        ],
        className="desk",
        **attributes,
    )


def _left() -> Any:  # noqa: ANN401
    place: dict[str, Any] = desk.named("index_page.map")
    return html.Div(
        [
            html.Div(
                [
                    html.Div(id="ixmap", className="ixmap", role="region", **place),
                    html.Div(className="ix-legend", **part("legend")),
                ],
                className="ix-place",
            ),
            html.Div(className="ix-time", role="group", **part("time")),
        ],
        className="ix-left",
    )


def _right() -> Any:  # noqa: ANN401
    loading = [html.Div(className="hold") for _ in range(6)]
    return html.Main(
        [
            html.Div(
                [html.H1(say("index_page.title")), html.P(className="dim", **part("when"))],
                className="ix-head",
            ),
            html.Div(className="ix-tabs", role="group", **part("tools")),
            html.Div(loading, className="ix-body", **part("body")),
            html.Div(className="spoken", role="status", **part("spoken")),
        ],
        className="ix-right",
    )
