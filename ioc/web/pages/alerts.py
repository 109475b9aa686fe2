"""`/alerts`: the operators' desk, a frame that assets/alerts.mjs fills from the server."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import desk
from ioc.web.pages.desk import part


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the desk for whoever asks; only who may acknowledge gets buttons and sound."""
    return html.Div(
        [desk.banner(), desk.top(settings, "/alerts"), _muted(), _above(), _body()],
        className="desk alert-desk",
        **_frame(settings.province.zone),
    )


_RIGHTS: Final = {
    "acknowledge": Action.ACKNOWLEDGE_ALERT,
    "mask": Action.MASK_ALERT,
    "handle": Action.HANDLE_ALERT,
}


def _frame(zone: str) -> dict[str, Any]:
    """Return what assets/alerts.mjs reads from the page."""
    who = identity.current()
    rights = {
        f"data-may-{name}": "yes" if who is not None and who.may(action) else "no"
        for name, action in _RIGHTS.items()
    }
    return rights | {
        "data-desk": "alerts",
        "data-language": "vi",
        "data-zone": zone,
        "aria-busy": "true",
    }


def _muted() -> Any:  # noqa: ANN401
    words = [html.B(say("alerts.muted")), html.Span(say("alerts.muted_press"))]
    return html.Button(words, className="muted", type="button", hidden=True, **part("muted"))


def _above() -> Any:  # noqa: ANN401
    trial = html.Span(say("wall.trial"), className="trial", hidden=True, **part("trial"))
    return html.Div(
        [
            html.Nav(className="tabs", **part("tabs"), **_named("alerts.tabs")),
            html.Span(className="sp"),
            trial,
            html.Div(className="load", **part("load")),
            html.Div(className="tools", **part("tools")),
        ],
        className="above",
    )


def _body() -> Any:  # noqa: ANN401
    loading = [html.Div(className="hold") for _ in range(3)]
    left = html.Main(
        [
            html.Div(className="filters", role="search", **part("filters")),
            html.Div(className="list", hidden=True, **part("list")),
            html.Div(loading, className="nothing", **part("empty")),
            html.Div(className="foot", **part("foot")),
            html.Div(className="spoken", role="status", **part("spoken")),
        ],
        className="left",
    )
    closes: dict[str, Any] = {"data-close": "yes"}
    close = html.Button(say("wall.close"), className="btn", type="button", **closes)
    right = html.Aside(
        [html.Div(close, className="shut"), html.Div(className="detail", **part("detail"))],
        className="right",
        **_named("alerts.detail"),
    )
    return html.Div([left, right], className="halves")


def _named(key: str) -> dict[str, Any]:
    return {"aria-label": say(key)}
