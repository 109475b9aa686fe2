"""`/wall`: the frame that assets/wall.mjs fills from the live line, and the panel of one thing."""

from __future__ import annotations

from typing import Any, Final

from dash import Dash, Input, Output, dcc, html

from ioc.domain.permission import Action
from ioc.domain.playlist import Layout
from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import thing
from ioc.web.services import Services

_SCREEN: Final = "screen"  # /wall/screen/<name>: a wall that a desk steers


def layout(settings: Settings, page: str = "overview", name: str | None = None) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the wall for whoever asks; only who may acknowledge gets the buttons.

    `page` is what stands on it, or "screen" for the wall `name` that a desk steers.
    """
    who = identity.current()
    may = who is not None and who.may(Action.ACKNOWLEDGE_ALERT)
    steered = name or "" if page == _SCREEN else ""
    shown = page if page in set(Layout) else Layout.OVERVIEW
    return html.Div(
        [
            *(_header(settings), _banner(), _strip(), _map(), _side()),
            *(_view(one) for one in Layout if one is not Layout.OVERVIEW),
            *(_panel(), dcc.Store(id="picked")),
        ],
        className="wall",
        **(
            _frame(settings.province.zone, may=may) | {"data-layout": shown, "data-screen": steered}
        ),
    )


def _frame(zone: str, *, may: bool) -> dict[str, Any]:
    """Return what assets/wall.mjs reads from the page."""
    return {
        "data-wall": "yes",
        "data-language": "vi",
        "data-zone": zone,
        "data-may-acknowledge": "yes" if may else "no",
        "aria-busy": "true",
    }


def register(app: Dash, services: Services) -> None:
    """Add the callback that draws the thing somebody picked."""

    @app.callback(
        Output("panel-body", "children"), Input("picked", "data"), prevent_initial_call=True
    )
    async def draw(picked: dict[str, Any] | None) -> Any:  # noqa: ANN401  Dash components
        if picked is None:
            return []
        return await thing.view(services, thing.Picked.read(picked))


def _part(name: str) -> dict[str, Any]:
    return {"data-part": name}


def _named(key: str) -> dict[str, Any]:
    return {"aria-label": say(key)}


def _strip() -> Any:  # noqa: ANN401
    """Return the bar of the worst alert, which stands on every page but those that list alerts."""
    return html.Div(className="strip", hidden=True, **_part("strip"))


def _view(one: Layout) -> Any:  # noqa: ANN401
    """Return the place of one page; its script fills it."""
    loading = html.Div(html.P(say("wall.loading")), className="empty state")
    attributes: dict[str, Any] = {"data-view": one, **_named(f"wallview.{one}")}
    return html.Section(loading, className=f"view view-{one}", hidden=True, **attributes)


def _header(settings: Settings) -> Any:  # noqa: ANN401
    left = [
        html.H1(settings.province.name),
        html.Span(settings.province.title_vi, **_part("title")),
    ]
    flags = [
        html.Span(say("wall.simulated"), className="sim", hidden=True, **_part("sim")),
        html.Span(className="wall-note", role="status", hidden=True, **_part("note")),
    ]
    right = [
        html.Div(flags, className="wh-flags"),
        html.Span(className="sp"),
        html.Span(className="date", **_part("date")),
        html.Span("––:––:––", className="clock", **_part("clock")),
    ]
    return html.Header(
        [html.Div(left, className="wh-l"), html.Div(right, className="wh-r")], className="wh"
    )


def _banner() -> Any:  # noqa: ANN401
    return html.Div(className="banner", role="alert", hidden=True, **_part("banner"))


def _map() -> Any:  # noqa: ANN401
    return html.Section(
        [
            html.Div(id="map", role="application", **_named("wall.map")),
            html.Div(className="legend", **_part("legend")),
            html.Div(className="inset", hidden=True, **_part("inset")),
            html.Div(className="focus", hidden=True, **_part("focus")),
            *_search(),
            html.Div(say("wall.attribution"), className="attribution"),
        ],
        className="mapbox",
        **_part("mapbox"),
    )


def _search() -> list[Any]:
    """Return the place of the search where somebody stands who may ask: not on a kiosk."""
    who = identity.current()
    if who is None or not who.may(Action.SEE_API):
        return []
    return [html.Div(className="place-search", role="search", **_part("search"))]


def _side() -> Any:  # noqa: ANN401
    loading = html.P(say("wall.loading"))
    return html.Main(
        [
            html.Section(className="pinned", hidden=True, tabIndex="0", **_part("pinned")),
            html.Div(className="counts", hidden=True, **_part("counts")),
            html.Ul(className="alerts", hidden=True, **_part("list")),
            html.Div(loading, className="empty state", **_part("empty")),
            html.Section(className="kpi", **_part("kpi")),
            html.Section(className="feeds", **_part("feeds")),
            html.P(say("wall.trial"), className="trial", hidden=True, **_part("trial")),
            html.Div(className="spoken", role="status", **_part("spoken")),
        ],
        className="side",
    )


def _panel() -> Any:  # noqa: ANN401
    closes: dict[str, Any] = {"data-close": "yes"}
    close = html.Button(say("wall.close"), className="btn", type="button", **closes)
    return html.Aside(
        [html.Div(close, className="panel-bar"), html.Div(id="panel-body")],
        className="panel",
        role="dialog",
        hidden=True,
        **_part("panel"),
        **_named("chart.title"),
    )
