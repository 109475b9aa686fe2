"""`/walls`: which wall shows what, its list, room and measures; assets/walls.mjs fills it."""

from __future__ import annotations

from typing import Any

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import things


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for the right to steer walls."""
    return things.frame(settings, "/walls", "walls", say("walls.title"))
