"""`/audit`: who did what, a frame that assets/audit.mjs fills from the API."""

from __future__ import annotations

from typing import Any

from ioc.settings import Settings
from ioc.text import say
from ioc.web.pages.users import desk_frame


def layout(settings: Settings) -> Any:  # noqa: ANN401  Dash components are untyped
    """Return the page; the gate has asked for the right to see the audit."""
    return desk_frame(settings, "/audit", "audit", say("audit.title"))
