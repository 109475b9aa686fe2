"""The leaders' tablet in a real browser: one glance, one order, with a line and without."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from ioc.web.pages import brief
from tests.awaiting import wait_for
from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import sit_down
from tests.e2e.province import Province, raise_alert
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import Site
from tests.unit.full_counts import RIG

Screens = Callable[..., Screen]
READY: Final = (
    "Boolean(window.IOC?.state && IOC.store.loaded && document.querySelector('.drawing svg')"
    " && !document.body.hasAttribute('aria-busy'))"
)
KEPT: Final = "navigator.serviceWorker.ready.then(() => caches.match('/brief')).then(Boolean)"
ASSETS: Final = Path(__file__).parents[2] / "assets"
KEY: Final = (  # any point of the curve
    "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
)
FIRST_LOAD: Final = 650_000  # bytes as they travel, everything included
WITH_MAP: Final = 1_100_000

# Buttons, links and fields that a finger must hit.
SMALL: Final = """() => [...document.querySelectorAll('button, a, textarea, .seg label')]
  .filter((node) => node.checkVisibility())
  .map((node) => [node.textContent.trim().slice(0, 30), node.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 44 || box.height < 43.5))
  .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
# Texts that stick out of their box, or over the side of the page.
OUTSIDE: Final = """() => [...document.querySelectorAll('main *, header *')]
  .filter((node) => !node.closest('svg') && node.checkVisibility() && node.children.length === 0)
  .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0
    || node.getBoundingClientRect().right > innerWidth + 0.5)
  .map((node) => `${node.className} ${node.textContent.slice(0, 40)}`)"""


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("IOC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/brief-{name}.png", full_page=True)


def three(province: Province) -> list[str]:
    """Open a critical, a high and a low alert."""
    return [raise_alert(province, n, severity=severity) for n, severity in enumerate((1, 2, 4))]


@pytest.mark.parametrize(
    ("width", "height"), [(1180, 820), (820, 1180), (390, 844), (320, 640), (590, 410)]
)
def test_one_glance_at_every_size(
    screens: Screens, province: Province, width: int, height: int
) -> None:
    """Sentence, four counts, three worst and the map stand whole; a finger hits everything.

    590 x 410 is a tablet at 200 % zoom.
    """
    three(province)
    page = sit_down(screens(width, height), "lanh-dao", "/brief", READY)
    expect(page.locator("h1")).to_contain_text("Một việc nghiêm trọng")
    expect(page.locator("[data-count=critical] .number > b")).to_have_text("1")
    expect(page.locator("article")).to_have_count(3)
    expect(page.locator("article").first).to_contain_text("163,4")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(SMALL) == []
    clock = page.locator(".when b").bounding_box()
    assert clock is not None
    assert clock["height"] < 60, "the time is not squeezed into a column"
    look(page, f"{width}x{height}")


def test_nothing_open_is_said_with_its_proof(screens: Screens, province: Province) -> None:
    """Without alerts the page says so, and when that was checked; nothing can be ordered."""
    assert province.things
    page = sit_down(screens(1180, 820), "lanh-dao", "/brief", READY)
    expect(page.locator("h1")).to_have_text("Không có cảnh báo đang mở.")
    expect(page.locator(".worst .state")).to_contain_text("Kiểm tra lúc")
    expect(page.locator("[data-send]")).to_be_disabled()
    look(page, "empty")


def test_the_bytes_of_a_first_load(screens: Screens, province: Province) -> None:
    """The brief is there for 650 kB, with the live map for 1.1 MB, whatever a cache would save."""
    three(province)
    screen = screens(1180, 820)
    counted: dict[str, float] = {}
    line = screen.page.context.new_cdp_session(screen.page)
    line.send("Network.enable")

    def add(event: dict[str, Any]) -> None:
        key = event["requestId"]
        counted[key] = counted.get(key, 0) + max(event["encodedDataLength"], 0)

    line.on("Network.dataReceived", add)
    screen.page.add_init_script("delete Navigator.prototype.serviceWorker")
    page = sit_down(screen, "lanh-dao", "/brief", READY)
    page.wait_for_load_state("load")
    first = sum(counted.values())
    assert 10_000 < first <= FIRST_LOAD
    page.get_by_role("button", name="chạm để mở bản đồ sống").click()
    becomes(page, "Boolean(window.IOC.live?.map?.loaded())", 60)
    assert first + 100_000 < sum(counted.values()) <= WITH_MAP
    look(page, "live-map")


def test_a_change_reaches_the_tablet(screens: Screens, province: Province) -> None:
    """A new critical alert is in sentence, count, list and map without anybody's hand."""
    page = sit_down(screens(1180, 820), "lanh-dao", "/brief", READY)
    expect(page.locator("[data-count=critical] .number > b")).to_have_text("0")
    raise_alert(province, 2)
    expect(page.locator("[data-count=critical] .number > b")).to_have_text("1", timeout=15_000)
    expect(page.locator("h1 b")).to_contain_text("Long Khánh 2")


def test_a_chart_is_one_tap_away(screens: Screens, province: Province) -> None:
    """The chart of what is wrong, with its limit; a finger on it scrolls; the station is next."""
    three(province)
    page = sit_down(screens(390, 844), "lanh-dao", "/brief", READY)
    page.locator("article").first.get_by_role("button", name="Biểu đồ").click()
    drawn = page.locator(".chart-box svg.drawn")
    expect(drawn).to_contain_text("ngưỡng 150")
    expect(drawn.locator("path.ink")).not_to_have_count(0)
    action = "getComputedStyle(document.querySelector('.chart-box')).touchAction"
    assert "pan-y" in page.evaluate(action)
    assert page.evaluate(SMALL) == []
    page.locator("[name=hours][value='168']").check()
    expect(page.locator("[name=hours][value='168']")).to_be_checked()
    look(page, "chart")
    link = page.locator("[data-part=chart-link]")
    expect(link).to_have_attribute("href", f"/thing/{province.things[0]}?property=pm25")


def given(province: Province) -> list[tuple[Any, ...]]:
    return province.conn.execute(
        "select kind, actor, payload ->> 'note' from alert_event where kind in"
        " ('DIRECTION', 'COMMENT') order by recorded_at"
    ).fetchall()


def order(page: Page, words: str) -> None:
    page.locator("article").first.get_by_role("button", name="Chỉ đạo").click()
    page.fill("#note", words)
    page.locator("[data-send]").click()


def test_a_direction_is_on_the_operators_desk(screens: Screens, province: Province) -> None:
    """What a leader orders stands in the alert's log at the desk, with who and what."""
    key = three(province)[0]
    page = sit_down(screens(1180, 820), "lanh-dao", "/brief", READY)
    order(page, "Báo cáo tôi trước 10:00")
    expect(page.locator("[data-part=queue]")).to_contain_text("Đã gửi lúc")
    expect(page.locator("article .directed").first).to_contain_text("Báo cáo tôi")
    look(page, "directed")
    assert given(province) == [("DIRECTION", "lanh-dao", "Báo cáo tôi trước 10:00")]
    desk = sit_down(screens(1440, 900), "truc-ban", f"/alerts?id={key}")
    expect(desk.locator(".log")).to_contain_text("Chỉ đạo · “Báo cáo tôi trước 10:00”")


def test_without_a_line_the_tablet_goes_on(
    screens: Screens, province: Province, proxy: Callable[[str], ProxiedUrl], site: Site
) -> None:
    """Offline the page opens, says of when it is and keeps an order; back, it is given once."""
    three(province)
    line = proxy(f"http://127.0.0.1:{site.port}")
    page = sit_down(screens(820, 1180, through=line), "lanh-dao", "/brief", READY)
    wait_for(lambda: page.evaluate(KEPT), 30, every=0.2)
    line.cut()
    said = "NGOẠI TUYẾN – số liệu cập nhật lúc"
    expect(page.locator(".banner")).to_contain_text(said, timeout=20_000)
    page.reload()
    expect(page.locator("article")).to_have_count(3)
    expect(page.locator(".banner")).to_contain_text("NGOẠI TUYẾN", timeout=20_000)
    order(page, "Kiểm tra cửa xả số 1")
    expect(page.locator("[data-part=queue]")).to_contain_text("Chờ gửi 1")
    look(page, "offline")
    assert given(province) == []
    page.reload()
    expect(page.locator("[data-part=queue]")).to_contain_text("Chờ gửi 1")
    line.restore()
    expect(page.locator(".banner")).to_be_hidden(timeout=5_000 if RIG else 20_000)
    wait_for(lambda: len(given(province)) == 1, 20)
    expect(page.locator("[data-part=queue]")).not_to_contain_text("Chờ gửi")
    assert given(province) == [("DIRECTION", "lanh-dao", "Kiểm tra cửa xả số 1")]


def test_somebody_elses_words_stay_theirs(screens: Screens, province: Province) -> None:
    """What one person left waiting at a tablet is not sent in another person's name."""
    key = three(province)[0]
    screen = screens(1180, 820)
    page = sit_down(screen, "lanh-dao", "/brief", READY)
    word = {"key": "k1", "by": "ai-do", "alert": key, "kind": "comment", "note": "x", "written": 1}
    keep = "import('/assets/modules/brief/keep.mjs').then((keep) => keep.keepWord(word))"
    page.evaluate(f"(word) => {keep}", word)
    page.reload()
    becomes(page, READY)
    order(page, "của tôi")
    expect(page.locator("[data-part=queue]")).to_contain_text("Đã gửi lúc")
    assert [note for _, _, note in given(province)] == ["của tôi"]


def test_a_server_that_does_not_answer_is_said(screens: Screens, province: Province) -> None:
    """With nothing kept and no state to be had, the page says so and offers another try."""
    assert province.things
    screen = screens(1180, 820)
    screen.page.route("**/brief/state", lambda route: route.fulfill(status=503, body="{}"))
    page = sit_down(screen, "lanh-dao", "/brief", "!document.body.hasAttribute('aria-busy')")
    expect(page.locator(".worst .state")).to_contain_text("Chưa lấy được số liệu")
    look(page, "error")
    page.unroute("**/brief/state")
    page.get_by_role("button", name="Thử lại").click()
    expect(page.locator("h1")).to_have_text("Không có cảnh báo đang mở.")


def test_who_may_not_direct_has_no_field_for_it(screens: Screens, province: Province) -> None:
    """An operator reads the brief; only a leader orders."""
    three(province)
    page = sit_down(screens(1180, 820), "truc-ban", "/brief", READY)
    expect(page.locator("article")).to_have_count(3)
    expect(page.locator("[data-part=order]")).to_be_hidden()
    expect(page.get_by_role("button", name="Chỉ đạo")).to_have_count(0)


def test_a_vendor_that_cannot_be_reached_is_said(screens: Screens, province: Province) -> None:
    """Web push needs the browser vendor's service; without it the tablet says what is missing."""
    province.conn.execute("insert into push_key (public_key) values (%s)", (KEY,))
    screen = screens(1180, 820)
    screen.page.context.grant_permissions(["notifications"], origin=screen.origin)
    page = sit_down(screen, "lanh-dao", "/brief", READY)
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.get_by_role("button", name="Tài khoản").click()
    page.get_by_role("button", name="Bật thông báo").click()
    said = page.locator("[data-part=push-said]")
    expect(said).to_contain_text("Không kết nối được dịch vụ thông báo", timeout=20_000)
    look(page, "push")
    row = province.conn.execute("select count(*) from push_subscription").fetchone()
    assert row == (0,)


def test_no_module_is_missing_without_a_line() -> None:
    """Every module that the page's own modules import is among the files that are kept."""
    kept = {*brief._SHARED}
    for path in (ASSETS / "modules/brief").glob("*.mjs"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("import ") and '"../' in line:
                name = line.rpartition('"../')[2].rstrip('";')
                assert f"modules/{name}" in kept, f"{path.name}: {name}"
    assert brief.missing(ASSETS) == []
