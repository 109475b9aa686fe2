"""A real Chromium against the real web process; everything foreign is cut off and counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from psycopg import Connection

from tests.awaiting import wait_for
from tests.e2e.province import Province, build
from tests.fix_proxy import ProxiedUrl
from tests.fix_services import missing
from tests.integration.web_site import Site, running, settings_for

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# WebGL without a GPU, and root without a sandbox. Only the map is drawn by GL: a GPU in software
# that puts every page together costs a third to a half of a test's CPU.
FLAGS: Final = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
)
expect.set_options(timeout=30_000)  # its 5 s are too few where other tests use both cores
READY: Final = "window.IOC && window.IOC.map && window.IOC.map.loaded() && window.IOC.store.loaded"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the machine's Chromium; without one skip, where services are required fail."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        missing("no Chromium or Chrome: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


def becomes(page: Page, script: str, timeout: float = 30.0, *, arg: Any = None) -> None:
    """Wait until a script is true in the page.

    Not `wait_for_function`: its polling evaluates inside the page, which our policy forbids.
    """
    wait_for(lambda: page.evaluate(script, arg), timeout, every=0.05)


@dataclass
class Screen:
    """A page that only our own server may answer."""

    page: Page
    origin: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def show(self, path: str, ready: str = READY) -> Page:
        """Open `path` and wait until `ready` holds."""
        self.page.goto(self.origin + path)
        becomes(self.page, ready, 60)
        return self.page

    def sign_in(self, name: str, password: str) -> None:
        """Log in as a person does."""
        self.page.goto(self.origin + "/login?next=/wall")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        becomes(self.page, READY, 60)


@pytest.fixture
def province(conn: Connection[tuple[Any, ...]], redis_url: str, redis_prefix: str) -> Province:
    """Return a small province: 6 things in two feeds, a boundary, two open alerts."""
    return build(conn, redis_url, redis_prefix)


@pytest.fixture
def site(
    province: Province, database_url: str, redis_url: str, redis_prefix: str
) -> Iterator[Site]:
    """Return the real web process on the test's own database and Redis prefix."""
    assert province.things
    with running(settings_for(database_url, redis_url, redis_prefix)) as served:
        yield served


@pytest.fixture
def screens(browser: Browser, site: Site) -> Iterator[Callable[..., Screen]]:
    """Return a maker of screens, each with cookies of its own; nothing foreign was asked for."""
    made: list[Screen] = []

    def make(width: int = 1920, height: int = 1080, *, through: ProxiedUrl | None = None) -> Screen:
        origin = through.url if through else f"http://127.0.0.1:{site.port}"
        context = browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
        screen = Screen(context.new_page(), origin)

        def cut_off(route: Route) -> None:
            if urlsplit(route.request.url).netloc == urlsplit(origin).netloc:
                route.fallback()
            else:
                screen.foreign.append(route.request.url)
                route.abort()

        context.route("**/*", cut_off)
        screen.page.on("pageerror", lambda error: screen.errors.append(str(error)))
        made.append(screen)
        return screen

    yield make
    for screen in made:
        screen.page.context.close()
    assert [url for screen in made for url in screen.foreign] == []
    assert [error for screen in made for error in screen.errors] == []
