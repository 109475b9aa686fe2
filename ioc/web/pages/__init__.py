"""The pages: layouts and callbacks only. `queries` reads, `figures` draws, `commands` writes.

One layout with one async callback from the address to the page: nothing is global, so two
applications of one process (tests) do not meet, and a deep link works on a fresh worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from dash import Dash, Input, Output, State, dcc, html

from ioc.domain.permission import Action
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import (
    alerts,
    audit,
    geography,
    handover,
    kpi,
    layers,
    network,
    rules,
    thing,
    things,
    users,
    wall,
    walls,
)
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
_HANDOVER: Final = re.compile(r"/handover/[0-9]{1,18}")
_WALL: Final = re.compile(r"/wall/([a-z]+)(?:/([a-z0-9-]{1,32}))?")
_THING: Final = re.compile(r"/thing/([0-9]{1,10})")
# What opening a page takes, and its layout; None: the page asks the database first.
_NAMED: Final[Mapping[str, tuple[Action, Callable[[Services], Any] | None]]] = {
    "/alerts": (Action.SEE_ALERTS, lambda given: alerts.layout(given.settings)),
    "/kpi": (Action.SEE_ALERTS, None),
    "/map": (Action.SEE_API, geography.layout),
    "/things": (Action.SEE_API, lambda given: things.layout(given.settings)),
    "/layers": (Action.IMPORT_LAYER, layers.layout),
    "/network": (Action.SEE_API, lambda given: network.layout(given.settings)),
    "/walls": (Action.STEER_WALL, lambda given: walls.layout(given.settings)),
    "/handover": (Action.HAND_OVER, lambda given: handover.layout(given.settings)),
    "/users": (Action.MANAGE_USERS, lambda given: users.layout(given.settings)),
    "/audit": (Action.SEE_AUDIT, lambda given: audit.layout(given.settings)),
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
        return await _named(services, path, search)

    wall.register(app, services)
    thing.register(app, services)


async def _named(services: Services, path: str | None, search: str | None) -> Any:  # noqa: ANN401
    """Return the page of a path that is one name; the wall for any other."""
    if path is not None and _HANDOVER.fullmatch(path):
        path = "/handover"
    if path is None or path not in _NAMED:
        found = _WALL.fullmatch(path or "")
        page, name = ("overview", None) if found is None else (found[1], found[2])
        return wall.layout(services.settings, page, name)
    action, layout = _NAMED[path]
    identity.require(action)  # a callback's path is the browser's word, not the gate's
    return await kpi.page(services, search) if layout is None else layout(services)
