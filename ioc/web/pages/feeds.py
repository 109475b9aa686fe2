"""`/feeds`: what each source brings today and what of it was refused; assets/feeds.mjs fills it."""

from __future__ import annotations

from typing import Any

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import things


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for the right to read things."""
    return things.frame(settings, "/feeds", "feeds", say("feeds.title"))
