"""`/handover`: what one shift leaves to the next, and who signed; assets/handover.mjs fills it."""

from __future__ import annotations

from typing import Any

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages import things


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page, of the running shift or of a signed hand-over: the address says which."""
    return things.frame(settings, "/handover", "handover", say("handover.title"))
