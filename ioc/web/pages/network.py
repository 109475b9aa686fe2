"""`/network`: what a cut takes away, weak points, suspected cuts, coverage; assets/network.mjs."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import desk
from ioc.web.pages.desk import part

TABS: Final = ("impact", "points", "suspects", "coverage")


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the frame; its script fills map, lists and tables from the API."""
    frame: dict[str, Any] = {
        "data-desk": "network",
        "data-language": "vi",
        "data-zone": settings.province.zone,
        "aria-busy": "true",
    }
    return html.Div(
        [desk.banner(), desk.top(settings, "/network"), _body()],
        className="desk network-page",
        **frame,
    )


def _body() -> Any:  # noqa: ANN401
    place: dict[str, Any] = {"aria-label": say("network.map")}
    left = html.Div(
        [
            html.Div(id="netmap", className="netmap", **place),
            html.Div(className="net-tools", **part("tools")),
            html.Div(className="net-legend", **part("legend")),
        ],
        className="net-left",
    )
    labels: dict[str, Any] = {"aria-label": say("network.tabs"), "role": "tablist"}
    right = html.Main(
        [
            html.Div(className="net-stale", role="status", hidden=True, **part("stale")),
            html.Nav(className="tabs", **labels, **part("tabs")),
            html.Div(say("network.loading"), className="net-content", **part("content")),
            html.Div(className="net-foot dim", **part("foot")),
        ],
        className="net-right",
    )
    return html.Div([left, right], className="net-halves")
