"""`/layers`: what the GIS clerk sees of layers, a frame that assets/layers.mjs fills."""

from __future__ import annotations

from typing import Any

import orjson
from dash import html

from ioc.text import say
from ioc.web import layer_book
from ioc.web.pages import desk
from ioc.web.pages.desk import named, part
from ioc.web.services import Services


def layout(services: Services) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; whoever may not import layers is stopped by the gate."""
    return html.Div(
        [desk.banner(), desk.top(services.settings, "/layers"), _body()],
        className="desk layers-page",
        **_frame(services),
    )


def _frame(services: Services) -> dict[str, Any]:
    """Return what assets/layers.mjs reads from the page."""
    return {
        "data-desk": "layers",
        "data-language": "vi",
        "data-zone": services.settings.province.zone,
        "data-book": orjson.dumps(layer_book.shown(services.layer_schemas)).decode(),
        "aria-busy": "true",
    }


def _body() -> Any:  # noqa: ANN401
    loading = [html.Div(className="hold") for _ in range(3)]
    left = html.Main(
        [
            html.Section(className="drop", **part("drop")),
            html.Section(className="queue", **part("queue")),
            html.H2(say("layers.page.published")),
            html.Div(loading, className="published", **part("published")),
            html.Div(className="spoken", role="status", **part("spoken")),
        ],
        className="lay-left",
    )
    right = html.Aside(
        [
            html.Div(className="review", **part("review")),
            html.Div(id="map", hidden=True, **named("layers.page.map")),
            html.Div(className="map-key", hidden=True, **part("key")),
        ],
        className="lay-right",
        **named("layers.page.review"),
    )
    return html.Div([left, right], className="lay-halves")
