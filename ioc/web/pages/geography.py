"""`/map`: the desk's map, a frame that assets/map.mjs fills; the one page with a table."""

from __future__ import annotations

from typing import Any, Final

import orjson
from dash import dcc, html
from dash_ag_grid import AgGrid

from ioc.text import say
from ioc.web import layer_book
from ioc.web.pages import desk
from ioc.web.pages.desk import named, part
from ioc.web.services import Services

# The colours of assets/tokens.css: the grid's own theme knows no variables of ours.
_THEME: Final = {
    "backgroundColor": "#1E2328",
    "foregroundColor": "#C6CED6",
    "headerBackgroundColor": "#1E2328",
    "headerTextColor": "#A3AEB9",
    "headerFontWeight": 400,
    "borderColor": "#454E57",
    "columnBorder": False,
    "wrapperBorder": False,
    "oddRowBackgroundColor": "transparent",
    "rowHoverColor": "#272D33",
    "selectedRowBackgroundColor": "#343B43",
    "accentColor": "#F2F5F7",
    "fontFamily": "IOC Sans",
    "fontSize": 13,
    "rowHeight": 36,
    "headerHeight": 32,
    "spacing": 6,
    "borderRadius": 4,
    "iconSize": 14,
}


_FOLDS: Final[dict[str, Any]] = {"data-fold": "yes"}


def layout(services: Services) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page for whoever may read."""
    return html.Div(
        [
            desk.banner(),
            desk.top(services.settings, "/map"),
            _body(),
            _printed(services),
            dcc.Store(id="picked"),
        ],
        className="desk map-page",
        **_frame(services),
    )


def _frame(services: Services) -> dict[str, Any]:
    """Return what assets/map.mjs reads from the page."""
    return {
        "data-desk": "map",
        "data-language": "vi",
        "data-zone": services.settings.province.zone,
        "data-book": orjson.dumps(layer_book.shown(services.layer_schemas)).decode(),
        "aria-busy": "true",
    }


def _body() -> Any:  # noqa: ANN401
    return html.Div([_side(), _middle(), _detail()], className="body")


def _side() -> Any:  # noqa: ANN401
    return html.Aside(
        [
            html.Button(say("wall.close"), className="btn only-narrow", type="button", **_FOLDS),
            html.Div(className="place-search", role="search", **part("search")),
            html.Div(
                html.Div(className="hold"),
                className="tree",
                **part("tree"),
                **named("map.layers"),
            ),
            html.Div(className="key", **part("key")),
        ],
        className="map-side",
        **part("side"),
    )


def _middle() -> Any:  # noqa: ANN401
    above = html.Div(
        [
            html.Div(className="map-tools", role="toolbar", **part("tools")),
            html.Div(className="told", role="status", **part("told")),
            html.Div(id="map", role="application", **named("wall.map")),
            html.Div(say("map.approximate"), className="approx", hidden=True, **part("approx")),
            html.Div(say("map.attribution"), className="attribution", **part("attribution")),
        ],
        className="mapbox",
        **part("mapbox"),
    )
    table = html.Section(
        [html.Div(className="filter", **part("filter")), _grid()],
        className="table",
        hidden=True,
        **part("table"),
    )
    return html.Main([above, table], className="middle")


def _grid() -> Any:  # noqa: ANN401
    arguments = ", ".join(
        f"{name}: {orjson.dumps(value).decode()}" for name, value in _THEME.items()
    )
    return AgGrid(
        id="map-table",
        rowData=[],
        columnDefs=[],
        getRowId="params.data.key",
        defaultColDef={"sortable": True, "resizable": True, "minWidth": 90},
        dashGridOptions={
            "theme": {"function": f"themeQuartz.withParams({{{arguments}}})"},
            "rowSelection": {"mode": "multiRow", "enableClickSelection": True},
            "localeText": {"noRowsToShow": say("map.no_rows")},
            "animateRows": False,
        },
        style={"height": "100%", "width": "100%"},
    )


def _detail() -> Any:  # noqa: ANN401
    closes: dict[str, Any] = {"data-close": "yes"}
    close = html.Button(say("wall.close"), className="btn", type="button", **closes)
    return html.Aside(
        [
            html.Div(close, className="panel-bar"),
            html.Div(className="feature", hidden=True, **part("feature")),
            html.Div(id="panel-body"),
            html.Div(className="more", **part("more")),
        ],
        className="map-detail",
        hidden=True,
        **part("panel"),
        **named("map.detail"),
    )


def _printed(services: Services) -> Any:  # noqa: ANN401
    """Return what only the printer sees; the script puts picture, scale, date and source in."""
    title = f"{services.settings.province.name} – {say('map.title')}"
    return html.Section(
        [html.H1(title), html.Div(**part("printed"))], className="printed", hidden=True
    )
