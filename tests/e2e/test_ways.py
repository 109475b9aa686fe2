"""The menus of the top bar, in a real browser, from the real web process."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Screen
from tests.e2e.province import Province
from tests.e2e.test_axe import administrator
from tests.e2e.test_things_page import READY
from tests.integration.web_site import Site


@pytest.mark.parametrize("width", [1440, 390])
def test_one_menu_is_open_and_leads_on(
    screens: Callable[..., Screen], site: Site, province: Province, width: int
) -> None:
    """A second menu shuts the first, Escape shuts it, a link of it opens its page."""
    client = administrator(province.conn, site)
    screen = screens(width, 844)
    screen.page.context.add_cookies(
        [{"name": k, "value": v, "url": screen.origin} for k, v in client.cookies.items()]
    )
    page = screen.show("/things", READY)
    menus, opened = page.locator(".top nav details"), page.locator(".top nav details[open]")
    menus.first.locator("summary").click()
    expect(menus.first.locator("a").first).to_be_visible()
    menus.last.locator("summary").click()
    expect(opened).to_have_count(1)
    expect(menus.first.locator("a").first).to_be_hidden()
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(menus.last.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    menus.last.locator("a[href='/audit']").click()
    expect(page).to_have_url(re.compile(r"/audit$"))
    expect(menus.last).to_have_class("in")
