"""The pages: layouts and callbacks only. `queries` reads, `figures` draws, `commands` writes.

One layout with one async callback from the address to the page: nothing is global, so two
applications of one process (tests) do not meet, and a deep link works on a fresh worker.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dash import Dash, Input, Output, State, dcc, html

from ioc.domain.permission import Action
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import alerts, audit, kpi, rules, thing, users, wall
from ioc.web.services import Services

INDEX: Final = """<!DOCTYPE html>
<html lang="vi" data-room="dark">
<head>
{%metas%}
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="dark">
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
<footer hidden>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>"""
_RULES: Final = re.compile(r"/rules(?:/([a-z0-9-]{1,63}))?")
_THING: Final = re.compile(r"/thing/([0-9]{1,10})")
_GUARDED: Final = {
    "/users": (Action.MANAGE_USERS, users.layout),
    "/audit": (Action.SEE_AUDIT, audit.layout),
}


def register(app: Dash, services: Services) -> None:
    """Give `app` its layout and callbacks; called once, before the first request."""
    app.index_string = INDEX
    app.title = f"{services.settings.province.name} – {say('common.product')}"
    app.config.suppress_callback_exceptions = True  # a page's parts are not in the first layout
    app.layout = html.Div([dcc.Location(id="address"), html.Div(id="page")])

    @app.callback(
        Output("page", "children"), Input("address", "pathname"), State("address", "search")
    )
    async def show(path: str | None, search: str | None) -> Any:  # noqa: ANN401  untyped
        found = _THING.fullmatch(path or "")
        if found is not None:
            return await thing.page(services, thing.Picked.from_address(int(found[1]), search))
        asked = _RULES.fullmatch(path or "")
        if asked is not None:
            return rules.layout(services.settings, asked[1])
        if path == "/alerts":
            return alerts.layout(services.settings)
        if path == "/kpi":
            return await kpi.page(services, search)
        if path in _GUARDED:
            action, layout = _GUARDED[path]
            identity.require(action)  # a callback's path is the browser's word, not the gate's
            return layout(services.settings)
        return wall.layout(services.settings)

    wall.register(app, services)
    thing.register(app, services)
