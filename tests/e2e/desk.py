"""A desk for browser tests: somebody who logged in, without a detour over the wall."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.e2e.conftest import Screen
from tests.integration.web_site import Client

READY: Final = (
    "window.IOC && window.IOC.list && window.IOC.store.loaded"
    " && !document.querySelector('[data-desk]').hasAttribute('aria-busy')"
)


def sit_down(screen: Screen, username: str, path: str = "/alerts", ready: str = READY) -> Page:
    """Open a page as somebody whose session begins now; nothing was pressed in the browser."""
    port = urlsplit(screen.origin).port
    assert port is not None
    client = Client(port)
    assert client.login(username).status == 303
    screen.page.context.add_cookies(
        [
            {"name": name, "value": value, "url": screen.origin}
            for name, value in client.cookies.items()
        ]
    )
    return screen.show(path, ready)
