"""The network page in a real browser: a question on the map, its answer beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from ioc.clock import SystemClock
from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import sit_down
from tests.e2e.province import Province
from tests.integration.network_rig import OFFLINE, ONLINE, Town
from tests.unit.network_plans import at

Screens = Callable[..., Screen]
READY = (
    "window.IOC && window.IOC.map && window.IOC.map.map.loaded()"
    " && !document.querySelector('[data-desk]').hasAttribute('aria-busy')"
)
SHOWN = "IOC.map.map.querySourceFeatures('sites').filter(f => f.properties.lost).length"
D = [f"d{n}" for n in range(1, 5)]


@pytest.fixture
def town(province: Province) -> Town:
    """Return four places on a trunk with offices, now, in the database the page reads."""
    town = Town(province.conn)
    town.clock.at = SystemClock().now()
    return town


def look(screen: Screen) -> Page:
    return sit_down(screen, "truc-ban", "/network", READY)


def content(page: Page) -> str:
    return page.locator("[data-part=content]").inner_text()


@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_a_cut_is_answered_at_once(screens: Screens, town: Town, size: tuple[int, int]) -> None:
    """A press on a segment names whom it silences, beside the map and on it; nothing covers it."""
    assert town.streams
    page = look(screens(*size))
    page.evaluate("at => IOC.map.map.jumpTo({center: at, zoom: 12})", list(at(7)))
    becomes(page, "IOC.map.map.loaded()")
    box = page.locator("#netmap").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("[data-part=content] h2")).to_have_text("Nếu đứt: Nút c – Nút d")
    for office in D:
        expect(page.locator("[data-part=content]")).to_contain_text(office)
    becomes(page, f"{SHOWN} >= 4")
    assert page.locator(".net-tools .hint").count() == 0


def test_weak_points_are_ranked_and_lead_to_the_map(screens: Screens, town: Town) -> None:
    """The heaviest stands first; a press on it draws its cut."""
    assert town.streams
    page = look(screens(1440, 900))
    page.locator("[data-tab=points]").click()
    rows = page.locator(".net-list button")
    expect(rows.first).to_contain_text("16 Điểm TSLCD")
    weights = page.evaluate(
        "[...document.querySelectorAll('.net-list button small')].map(n => parseInt(n.textContent))"
    )
    assert weights == sorted(weights, reverse=True)
    rows.first.click()
    expect(page.locator("[data-tab=impact]")).to_have_attribute("aria-selected", "true")
    becomes(page, f"{SHOWN} >= 4")


def test_a_suspected_cut_is_listed_with_its_alert(screens: Screens, town: Town) -> None:
    """What fell silent together is named as one stretch, and leads to the one alert about it."""
    town.sleep(-300)
    town.report(town.streams, ONLINE)
    town.sleep(60)
    town.report(D, OFFLINE)
    town.sleep(30)
    town.report(set(town.streams) - set(D), ONLINE)
    town.look()
    row = town.conn.execute("select id from alert where rule_id = 'fibre-cut'").fetchone()
    assert row is not None
    page = look(screens(1440, 900))
    page.locator("[data-tab=suspects]").click()
    expect(page.locator(".net-list button").first).to_contain_text("Nút c – Nút d")
    expect(page.locator("[data-part=content]")).to_contain_text("4 điểm mất kết nối")
    page.get_by_role("link", name="Mở cảnh báo").click()
    expect(page.locator(".detail h2")).to_contain_text("Nút c – Nút d")
    assert page.evaluate("document.querySelector('.al[aria-current]').dataset.id") == str(row[0])


@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_coverage_keeps_its_two_denominators_and_its_guesses_apart(
    screens: Screens, town: Town, size: tuple[int, int]
) -> None:
    """Shares are of what was seen; distances stand below as a suggestion and say so."""
    for n, (signal, people) in enumerate([("trắng", 900), ("lõm", 300), ("phủ", 800)]):
        town.feature(
            "hamlet", f"h{n}", (at(40 + n, 9),),
            f'{{"coverage": "{signal}", "population": {people}}}', name=f"Ấp {n}",
        )  # fmt: skip
    page = look(screens(*size))
    page.locator("[data-tab=coverage]").click()
    box = page.locator("[data-part=content]")
    expect(box).to_contain_text("33,3\u00a0%")  # one of three has none
    expect(box).to_contain_text("50,0\u00a0%")  # one of the two with signal has some
    heading = page.locator(".net-suggested")
    expect(heading).to_have_text("Gợi ý đi kiểm tra")
    said = box.inner_text().split("Gợi ý đi kiểm tra")
    assert "không thay cho khảo sát" in said[1]
    assert "2.000 người (100,0\u00a0%)" in said[1]
    assert "không xét địa hình" not in said[0]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_network_the_page_says_what_is_missing(
    screens: Screens, province: Province
) -> None:
    """No layers yet: the page names them in words and leads to where they are brought in."""
    assert province.things
    page = sit_down(
        screens(1440, 900), "truc-ban", "/network", "document.querySelector('.net-empty')"
    )
    expect(page.locator(".net-empty")).to_contain_text("Chưa có tuyến cáp nào")
    assert "ioc layers" not in content(page)
