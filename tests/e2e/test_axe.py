"""Pages against axe: nothing serious or critical stands between a person and the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import Connection

from ioc.storage import users
from tests.e2e.conftest import Screen, becomes
from tests.e2e.province import Province, raise_alert
from tests.fix_services import missing
from tests.integration.test_accounts import enrol
from tests.integration.web_site import PASSWORD, Client, Site

AXE: Final = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
IDLE: Final = (
    "document.readyState === 'complete' && !document.querySelector('[aria-busy=true]')"
    " && !document.querySelector('._dash-loading')"
)
# Pages that draw a map are ready when its list of things is.
DRAWN: Final = f"window.IOC && window.IOC.store.loaded && {IDLE}"
FAULTS: Final = """() => axe.run(document, {resultTypes: ['violations']}).then((found) =>
  found.violations.filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.target.join(' ')}`)))"""
# Not yet: /rules and /network, which the small province does not bring to readiness.
PAGES: Final = (
    ("/wall", DRAWN),
    ("/alerts", DRAWN),
    ("/map", DRAWN),
    ("/brief", DRAWN),
    ("/kpi", DRAWN),
    ("/feeds", f"document.querySelector('.reg-table') && {IDLE}"),
    ("/help", f"document.querySelector('.help-search') && {IDLE}"),
    ("/system", f"document.querySelector('.reg-table') && {IDLE}"),
    ("/pending", f"document.querySelector('.reg-page .state') && {IDLE}"),
    ("/layers", f"document.querySelector('.layers-page') && {IDLE}"),
    ("/indicators", f"document.querySelector('.reg-table,.reg-page .state') && {IDLE}"),
    ("/quality", f"document.querySelector('.reg-table,.state') && {IDLE}"),
    ("/integrations", f"document.querySelector('.int-tile') && {IDLE}"),
    ("/wall/environment", DRAWN),
    ("/wall/network", DRAWN),
    ("/wall/cameras", DRAWN),
    ("/wall/alerts", DRAWN),
    ("/walls", f"document.querySelector('.wall-card') && {IDLE}"),
    ("/handover", f"document.querySelector('.shift-form') && {IDLE}"),
    ("/users", f"document.querySelector('.door-page table') && {IDLE}"),
    ("/indices", f"document.querySelector('.ix-body .state') && {IDLE}"),
    ("/station/1", f"document.querySelector('.st-tools .btn') && {IDLE}"),
    ("/audit", f"document.querySelector('.door-page table') && {IDLE}"),
)


def faults(screen: Screen) -> list[str]:
    """Return what axe finds serious or critical, after the letters have come."""
    if not AXE.is_file():
        missing("no axe-core: npm ci")
    screen.page.evaluate("document.fonts.ready")
    screen.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = screen.page.evaluate(FAULTS)
    return found


def administrator(conn: Connection[tuple[Any, ...]], site: Site) -> Client:
    """Return the session of somebody who may open every page."""
    users.put_user(conn, username="sep", display_name="Sếp", role="admin", password=PASSWORD)
    client = Client(site.port)
    client.login("sep")
    enrol(client)
    return client


@pytest.mark.parametrize(("path", "ready"), PAGES, ids=[path for path, _ in PAGES])
def test_no_page_has_a_serious_fault(
    screens: Callable[..., Screen], site: Site, province: Province, path: str, ready: str
) -> None:
    """Contrast, names, roles and order of every page pass axe; bar, clock and own name fit."""
    raise_alert(province, 0, severity=1)
    raise_alert(province, 1, severity=3)
    client = administrator(province.conn, site)
    screen = screens(1180, 820)
    screen.page.context.add_cookies(
        [{"name": k, "value": v, "url": screen.origin} for k, v in client.cookies.items()]
    )
    page = screen.show(path, f"Boolean({ready})")
    assert faults(screen) == []
    outside = "[...document.querySelectorAll('.top > *')].filter((node) => node.checkVisibility()"
    outside += " && node.getBoundingClientRect().right > innerWidth + 0.5).length"
    assert page.evaluate(outside) == 0


def test_the_door_has_no_serious_fault(screens: Callable[..., Screen]) -> None:
    """Who cannot see well can log in."""
    screen = screens(1180, 820)
    screen.page.goto(screen.origin + "/login")
    becomes(screen.page, "Boolean(document.querySelector('[name=password]'))")
    assert faults(screen) == []
