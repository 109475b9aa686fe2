"""What people see on the wall, in a real browser, from the real web process."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import READY, Screen, becomes
from tests.e2e.province import Province, raise_alert
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import PASSWORD, Site

Screens = Callable[..., Screen]
SIZES: Final = ((3840, 2160), (1920, 1080), (1180, 820), (820, 1180), (390, 844))
# Texts that are wider than their box, or that leave the window: nothing on a wall is cut.
CLIPPED: Final = """() => [...document.querySelectorAll('.wall *')].filter((e) => {
  if (e.children.length || !e.textContent.trim() || !e.offsetParent) return false;
  if (e.closest('#map, .spoken, .panel, .call')) return false;
  const box = e.getBoundingClientRect();
  const wide = getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1;
  return wide || box.right > innerWidth + 1 || box.left < -1;
}).map((e) => `${e.className}: ${e.textContent}`)"""


def wall(screen: Screen, province: Province) -> Page:
    """Open the wall as a kiosk does."""
    return screen.show(f"/wall?token={province.kiosk}")


def map_state(page: Page, thing: int) -> dict[str, int]:
    """Return what the map was told about a thing."""
    found = page.evaluate("id => window.IOC.map.getFeatureState({source: 'things', id})", thing)
    assert isinstance(found, dict)
    return found


def test_values_move_on_a_delta(screens: Screens, province: Province) -> None:
    """A value published in Redis is in the open page without any reload."""
    page = wall(screens(), province)
    province.publish(0, 77.5)
    becomes(
        page,
        "id => window.IOC.store.states.get(String(id))?.values.pm25?.[0] === 77.5",
        arg=province.things[0],
        timeout=5,
    )
    expect(page.locator("[data-part=sim]")).to_be_visible()
    assert map_state(page, province.things[0])["f"] == 0


def test_alert_is_listed_with_value_limit_and_action(screens: Screens, province: Province) -> None:
    """An open alert stands on the wall with place, value, unit, limit, law and what to do."""
    page = wall(screens(), province)
    expect(page.locator("[data-part=empty]")).to_contain_text("Không có cảnh báo.")
    expect(page.locator("[data-part=empty]")).to_contain_text("Kiểm tra lúc")
    raise_alert(province, 0)
    pinned = page.locator("[data-part=pinned]")
    for words in (
        "Nghiêm trọng", "Không khí – phường Long Khánh 0", "163,4", "µg/m³",
        "ngưỡng 150", "QCVN 05:2023/BTNMT", "gọi trực ban môi trường",
    ):  # fmt: skip
        expect(pinned).to_contain_text(words, timeout=10_000)
    becomes(
        page,
        "id => window.IOC.map.getFeatureState({source: 'things', id}).s === 1",
        arg=province.things[0],
    )


def test_a_state_shows_no_number(screens: Screens, province: Province) -> None:
    """A category, whatever its property is called, is told by words and drawn as down."""
    mast = len(province.things) - 1
    raise_alert(province, mast, value=2.0)
    page = wall(screens(), province)
    pinned = page.locator("[data-part=pinned]")
    expect(pinned).to_contain_text("Bụi mịn vượt ngưỡng", timeout=10_000)
    province.publish(mast, 2.0)  # now that the server knows its things; history here has no value
    expect(pinned.locator(".bv")).to_have_text("Bụi mịn vượt ngưỡngQCVN 05:2023/BTNMT")
    expect(page.locator("[data-part=spoken]")).to_have_text(re.compile("Bụi mịn vượt ngưỡng$"))
    becomes(
        page,
        "id => window.IOC.map.getFeatureState({source: 'bts', id}).d === 1",
        arg=province.things[mast],
    )


def test_connection_lost_is_said_and_recovers_alone(
    screens: Screens, province: Province, site: Site, proxy: Callable[[str], ProxiedUrl]
) -> None:
    """Silence of the line shows MẤT KẾT NỐI within 15 s; its return clears it without a hand."""
    line = proxy(f"http://127.0.0.1:{site.port}")
    page = wall(screens(through=line), province)
    line.cut()
    banner = page.locator("[data-part=banner]")
    expect(banner).to_contain_text("MẤT KẾT NỐI – dữ liệu đến ", timeout=15_500)
    expect(page.locator(".wall")).to_have_class(re.compile(r"\blost\b"))
    line.restore()
    province.beat()
    becomes(page, "window.IOC.store.connected", timeout=12)
    province.publish(0, 88.5)
    becomes(
        page,
        "id => window.IOC.store.states.get(String(id))?.values.pm25?.[0] === 88.5",
        arg=province.things[0],
        timeout=5,
    )
    expect(page.locator(".wall")).not_to_have_class(re.compile(r"\blost\b"))


# The wheel's glide is over: the zoom was the same in ten looks, however slow the machine draws.
STEADY: Final = (
    "(() => { const now = window.IOC.map.getZoom(); window.looks = now === window.seen"
    " ? (window.looks ?? 0) + 1 : 0; window.seen = now;"
    " return window.looks >= 10 && !window.IOC.map.isMoving(); })()"
)


def test_zoom_is_the_users(screens: Screens, province: Province) -> None:
    """Updates, alerts and geometry never move a view that somebody chose."""
    page = wall(screens(), province)
    before = page.evaluate("window.IOC.map.getZoom()")
    page.locator("#map").hover()
    page.mouse.wheel(0, -600)
    becomes(page, "z => window.IOC.map.getZoom() > z + 0.3", arg=before)
    becomes(page, STEADY)
    chosen = page.evaluate("window.IOC.map.getZoom()")
    for value in (50.0, 60.0, 70.0):
        province.publish(0, value)
    raise_alert(province, 1)
    becomes(
        page,
        "id => window.IOC.map.getFeatureState({source: 'things', id}).s === 1",
        arg=province.things[1],
        timeout=10,
    )
    assert page.evaluate("window.IOC.map.getZoom()") == chosen


def test_kiosk_cannot_acknowledge_operator_can(screens: Screens, province: Province) -> None:
    """A wall has no button; an operator's press is seen on both screens with the name."""
    raise_alert(province, 0)
    kiosk = wall(screens(), province)
    expect(kiosk.locator("[data-part=pinned]")).to_contain_text("chưa xác nhận", ignore_case=True)
    assert kiosk.locator("[data-acknowledge]").count() == 0
    desk = screens()
    desk.sign_in("truc-ban", PASSWORD)
    desk.page.locator("[data-part=pinned] [data-acknowledge]").click()
    for page in (desk.page, kiosk):
        expect(page.locator("[data-part=pinned]")).to_contain_text("truc-ban", timeout=10_000)
    assert desk.page.locator("[data-acknowledge]").count() == 0


def test_chart_opens_in_vietnamese(screens: Screens, province: Province) -> None:
    """A press on an alert draws the thing's past 24 h; Esc closes it."""
    raise_alert(province, 0)
    page = wall(screens(), province)
    page.locator("[data-part=pinned]").click()
    panel = page.locator("[data-part=panel]")
    expect(panel).to_contain_text("Bụi mịn PM2,5", timeout=10_000)
    expect(panel.locator(".main-svg").first).to_be_visible(timeout=20_000)
    expect(panel).to_contain_text("ngưỡng 150\u00a0µg/m³")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_page_of_a_thing(screens: Screens, province: Province) -> None:
    """A deep link to a thing shows its values and chart, and an unknown one says so."""
    screen = screens(1180, 820)
    wall(screen, province)
    page = screen.show(
        f"/thing/{province.things[0]}", "document.querySelector('.js-plotly-plot .main-svg')"
    )
    expect(page.locator(".thing-page")).to_contain_text("Bụi mịn PM2,5")
    page = screen.show("/thing/999999", "document.querySelector('.thing-page')")
    expect(page.locator(".thing-page")).to_contain_text("Không có thiết bị này")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut(screens: Screens, province: Province, width: int, height: int) -> None:
    """No text is wider than its place at any size a centre has."""
    for index in range(6):
        raise_alert(province, index, severity=index % 4 + 1, value=1163.4)
    screen = screens(width, height)
    page = wall(screen, province)
    becomes(page, "document.querySelector('[data-part=pinned]:not([hidden])')")
    becomes(page, READY)
    page.evaluate("document.fonts.ready")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
