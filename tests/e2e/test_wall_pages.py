"""The pages of the wall at the size of a wall, and a wall that is left alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.types.json import Jsonb

from ioc.storage import users
from tests.e2e.conftest import READY, Screen, becomes
from tests.e2e.province import Province, raise_alert
from tests.e2e.test_wall import CLIPPED
from tests.fix_proxy import ProxiedUrl, open_proxy
from tests.integration.web_site import PASSWORD, running, settings_for

Screens = Callable[..., Screen]
PAGES: Final = ("overview", "environment", "network", "cameras", "alerts")
LONG: Final = "Trung tâm Phục vụ hành chính công xã Xuân Phú"
# Boxes with words that lie over each other; a row's parts that did not fit (.de) are not drawn.
OVERLAP: Final = """() => {
  const shown = '.view:not([hidden]) *, .side:not([inert]) *';
  const boxes = [...document.querySelectorAll(shown)]
    .filter((e) => !e.children.length && e.textContent.trim() && e.checkVisibility())
    .filter((e) => !e.closest('.spoken,svg,#map,.de'))
    .map((e) => [e.textContent, e.getBoundingClientRect()])
    .filter(([, box]) => box.width && box.height);
  return boxes.flatMap(([words, a], at) => boxes.slice(at + 1).filter(([, b]) => {
    const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    return x > 4 && y > 0.35 * Math.min(a.height, b.height);
  }).map(([other]) => `${words} / ${other}`)).slice(0, 5);
}"""
LOADED: Final = (
    f"{READY} && ![...document.querySelectorAll('.view:not([hidden]) .empty')]"
    ".some((e) => e.textContent.includes('Đang tải'))"
)


def kiosk(screen: Screen, province: Province, page: str) -> Page:
    """Open a page of the wall as a screen does."""
    return screen.show(f"/wall/{page}?token={province.kiosk}", LOADED)


def many(province: Province, count: int) -> None:
    """Open many alerts at once: rules of their own on the same streams."""
    with province.conn.cursor() as cursor:
        for number in range(0, count, 1000):
            names = [f"r{n}" for n in range(number, min(count, number + 1000))]
            cursor.execute(
                "insert into rule (id, name, current_version) select r, 'Bụi mịn vượt ngưỡng', 1"
                " from unnest(%s::text[]) r",
                (names,),
            )
            definition = {"name": {"vi": "Bụi mịn vượt ngưỡng giờ", "en": "PM"}, "op": ">"}
            cursor.execute(
                "insert into rule_version (rule_id, version, definition, created_by)"
                " select r, 1, %s, 't' from unnest(%s::text[]) r",
                (Jsonb(definition), names),
            )
            cursor.execute(
                "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity,"
                " active, raised_at, detected_at, result, limit_value, peak) select"
                " gen_random_uuid(), r, 1, %s, %s, 1 + length(r) %% 4, true, now(), now(), 163.4,"
                " 150, 170 from unnest(%s::text[]) r",
                (province.streams[0], province.things[0], names),
            )


@pytest.mark.parametrize("count", [0, 1, 10_000])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_overflows_on_a_wall(
    screens: Screens, province: Province, page: str, count: int
) -> None:
    """At 3840 × 2160 no text is cut or lies over another, with long names and any load."""
    province.conn.execute("update thing set name = %s, short_name = left(%s, 32)", (LONG, LONG))
    if count == 1:
        raise_alert(province, 0)
    elif count:
        many(province, count)
    opened = kiosk(screens(3840, 2160), province, page)
    if count:
        becomes(opened, "n => window.IOC.store.alerts.total === n", 60, arg=count)
    opened.evaluate("document.fonts.ready")
    assert opened.evaluate(CLIPPED) == []
    assert opened.evaluate(OVERLAP) == []


def test_a_desk_steers_the_wall_in_the_room(screens: Screens, province: Province) -> None:
    """What somebody presses on the desk stands on the wall, without a reload; the desk sees it."""
    wall = screens()
    page = wall.show(f"/wall/screen/tuong-1?token={province.kiosk}", LOADED)
    page.evaluate("window.mine = 1")
    desk = screens(1440, 900)
    desk.sign_in("truc-ban", PASSWORD)
    desk.page.goto(desk.origin + "/walls")
    card = desk.page.locator("[data-wall=tuong-1]")
    card.get_by_role("button", name="Mạng truyền dẫn", exact=True).click(timeout=30_000)
    expect(page.locator("[data-view=network]")).to_be_visible(timeout=30_000)
    expect(card).to_contain_text("do bàn điều khiển chọn", timeout=30_000)
    card.get_by_role("button", name="Môi trường", exact=True).click()
    expect(page.locator("[data-view=environment]")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-view=network]")).to_be_hidden()
    assert page.evaluate("window.mine") == 1
    expect(card).to_contain_text("Màn hình báo cách đây", timeout=60_000)


def test_a_new_critical_is_shown_large_in_a_corner(screens: Screens, province: Province) -> None:
    """The place of a new critical alert is drawn in an inset; the map itself stays."""
    page = kiosk(screens(), province, "overview")
    becomes(page, "window.IOC.map.getCenter().lat !== 11.3")  # the province came, and fits
    centre = page.evaluate("window.IOC.map.getCenter()")
    expect(page.locator("[data-part=focus]")).to_be_hidden()
    raise_alert(province, 0)
    expect(page.locator("[data-part=focus]")).to_contain_text("Long Khánh", timeout=30_000)
    assert page.evaluate("window.IOC.map.getCenter()") == centre


def test_a_strip_of_the_worst_stands_on_every_page(screens: Screens, province: Province) -> None:
    """A page without a list still says what is worst, and that nobody took it."""
    page = kiosk(screens(), province, "cameras")
    expect(page.locator("[data-part=strip]")).to_be_hidden()
    raise_alert(province, 0)
    strip = page.locator("[data-part=strip]")
    expect(strip).to_contain_text("163,4", timeout=30_000)
    expect(strip).to_contain_text("chưa xác nhận")


def test_a_shift_is_handed_over_at_the_desk(screens: Screens, province: Province) -> None:
    """Notes, a wrong password, the right one; afterwards it stands in the history."""
    name = "ca-sau"
    users.put_user(
        province.conn, username=name, display_name="Ca sau", role="operator", password=PASSWORD
    )
    raise_alert(province, 0)
    desk = screens(1440, 900)
    desk.sign_in("truc-ban", PASSWORD)
    page = desk.page
    page.goto(desk.origin + "/handover")
    page.locator("[name=note]").fill("Trạm bơm 2 đang sửa", timeout=30_000)
    page.get_by_role("button", name="Thêm ghi chú").click()
    expect(page.locator(".reg-page")).to_contain_text("Trạm bơm 2 đang sửa", timeout=30_000)
    page.locator("[name=receiver]").select_option(name)
    page.locator("[name=password]").fill("không phải")
    page.get_by_role("button", name="Ký bàn giao").click()
    expect(page.locator(".shift-form").nth(1)).to_contain_text("không đúng", timeout=30_000)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Ký bàn giao").click()
    expect(page.locator(".shift-past")).to_contain_text("Ca sau nhận", timeout=30_000)
    page.locator(".shift-past a").first.click()
    expect(page.locator(".shift-signatures")).to_contain_text("Ca sau", timeout=30_000)
    expect(page.locator(".reg-page")).to_contain_text("Không khí – phường Long Khánh 0")


@pytest.fixture
def lines(province: Province, database_url: str, redis_url: str, redis_prefix: str) -> Any:
    """Return a site whose database can be cut off, and a way to serve it anew at one address."""
    assert province.things
    with ExitStack() as stack:
        database = open_proxy(database_url)
        stack.callback(database.close)
        given = settings_for(database.url, redis_url, redis_prefix)
        yield given, database


def test_a_wall_left_alone_ends_with_the_truth(
    browser: Browser, province: Province, lines: tuple[Any, ProxiedUrl], redis_prefix: str
) -> None:
    """Server restart, Redis flushed, database away, 1,000 alerts: it ends right."""
    given, database = lines
    page: Page
    with running(given) as site:
        front = open_proxy(f"http://127.0.0.1:{site.port}")
        context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="vi-VN")
        page = context.new_page()
        page.goto(f"{front.url}/wall/overview?token={province.kiosk}")
        becomes(page, READY, 60)
        page.evaluate("window.mine = 1")
        front.cut()
        expect(page.locator("[data-part=banner]")).to_contain_text("MẤT KẾT NỐI", timeout=60_000)
    with running(given) as site:
        front.target = ("127.0.0.1", site.port)
        front.restore()
        province.beat()
        expect(page.locator("[data-part=banner]")).to_be_hidden(timeout=60_000)
        _storm(page, province, database, redis_prefix)
        expect(page.locator("[data-part=counts]")).to_contain_text("1.000", timeout=60_000)
        province.conn.execute("update alert set closed_at = now(), active = false")
        expect(page.locator("[data-part=empty]")).to_contain_text("Không có cảnh báo.",
                                                                  timeout=60_000)  # fmt: skip
        assert page.evaluate("window.mine") == 1
        context.close()
        front.close()


def _storm(page: Page, province: Province, database: ProxiedUrl, prefix: str) -> None:
    """Empty Redis, take the database away, open 1,000 alerts meanwhile, and bring it back."""
    for key in province.client.scan_iter(f"{prefix}*"):
        province.client.delete(key)
    database.cut()
    expect(page.locator("[data-part=banner]")).to_contain_text("Cơ sở dữ liệu", timeout=60_000)
    many(province, 1000)
    database.restore()
    province.beat()
    becomes(page, "window.IOC.store.alerts.total === 1000", 60)
    province.publish(0, 77.5)
    becomes(page, "id => window.IOC.store.states.get(String(id))?.values.pm25?.[0] === 77.5",
            60, arg=province.things[0])  # fmt: skip
