"""`/rules` and `/rules/<id>`: the frame that assets/rules.mjs fills from the API."""

from __future__ import annotations

from typing import Any

from dash import html

from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say
from ioc.web import identity
from ioc.web.pages import desk


def layout(settings: Settings, rule: str | None) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the list, or the editor of `rule` ("new": an empty one), in the lit room."""
    body: dict[str, Any] = {"data-part": "body"}
    return html.Div(
        [
            desk.banner(),
            desk.top(settings, "/rules"),
            html.Main(html.P(say("rules.loading"), className="state"), className="rb", **body),
        ],
        className="desk rules",
        **_frame(settings.province.zone, rule),
    )


def _frame(zone: str, rule: str | None) -> dict[str, Any]:
    """Return what assets/rules.mjs reads from the page."""
    who = identity.current()
    may = who is not None and who.may(Action.EDIT_RULE)
    frame = {
        "data-rules": "yes",
        "data-room": "lit",
        "data-language": "vi",
        "data-zone": zone,
        "data-may-edit": "yes" if may else "no",
        "data-actor": who.actor if who is not None else "",
        "aria-busy": "true",
    }
    return frame if rule is None else {**frame, "data-rule": rule}
