"""What lies around an alert, where an operator needs it: in its details and on the map."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import sit_down
from tests.e2e.province import Province, raise_alert
from tests.integration.network_rig import put_feature

Screens = Callable[..., Screen]
HERE = (106.9, 11.2)
MAP_READY = "window.IOC && window.IOC.map && window.IOC.map.loaded() && window.IOC.store.loaded"


def surroundings(province: Province) -> None:
    """Place two things 2.2 km apart, a reservoir up a river, and a post office 8 km away."""
    for index, (lon, lat) in enumerate([HERE, (106.92, 11.2)]):
        province.conn.execute(
            "insert into location (thing_id, lon, lat, commune_how, outline)"
            " values (%s, %s, %s, 'none', 'inside')",
            (province.things[index], lon, lat),
        )
    feature = partial(put_feature, province.conn)
    feature("base", "s", ((106.6, 11.2), (107.1, 11.2)), '{"kind": "Sông"}', name="La Ngà")
    feature("reservoir", "h", ((106.7, 11.201),), name="Hồ Trị An")
    feature("post_office", "b", ((106.9, 11.272),), name="Bưu cục Vĩnh Cửu")


@pytest.mark.parametrize("size", [(1440, 900), (1180, 820)])
def test_the_alerts_details_say_what_is_around(
    screens: Screens, province: Province, size: tuple[int, int]
) -> None:
    """By layer with distances; upstream apart from downstream; a wider circle finds more."""
    surroundings(province)
    raise_alert(province, 0)
    page = sit_down(screens(*size), "truc-ban")
    if size[0] < 1280:
        page.locator(".al").first.click()
    box = page.locator(".around")
    expect(box).to_contain_text("Không khí – phường Long Khánh 1")
    expect(box).to_contain_text("2,18\u00a0km")
    expect(box).not_to_contain_text("Long Khánh 0")  # the alert's own thing
    expect(box).not_to_contain_text("Bưu cục")
    expect(box.locator("h4", has_text="La Ngà")).to_be_visible()
    up = box.locator("h5", has_text="Thượng lưu").locator("xpath=..")
    expect(up).to_contain_text("Hồ Trị An")
    expect(box).to_contain_text("theo chiều vẽ")
    box.locator("select").select_option("10")
    expect(box).to_contain_text("Bưu cục Vĩnh Cửu")
    expect(box).to_contain_text("8,01\u00a0km")


def test_the_circle_stays_with_the_alert(screens: Screens, province: Province) -> None:
    """The next alert is asked for anew with the same radius; one without a place says so."""
    surroundings(province)
    raise_alert(province, 0, severity=1)
    raise_alert(province, 4, severity=2)
    page = sit_down(screens(1440, 900), "truc-ban")
    box = page.locator(".around")
    box.locator("select").select_option("2")
    expect(box).to_contain_text("Không có thiết bị hay công trình nào khác trong vòng 2")
    page.keyboard.press("Escape")
    page.locator(".al").nth(1).click()
    expect(box).to_contain_text("chưa có vị trí")
    expect(box.locator("select")).to_have_value("2")


@pytest.mark.parametrize("size", [(1440, 900), (820, 1180)])
def test_the_map_draws_the_circle_and_leads_on(
    screens: Screens, province: Province, size: tuple[int, int]
) -> None:
    """Picked with an alert open, its surroundings are listed and drawn; a press goes there."""
    surroundings(province)
    raise_alert(province, 0)
    page: Page = sit_down(screens(*size), "truc-ban", "/map", f"{MAP_READY} && IOC.detail")
    becomes(page, "IOC.live.layers.points.size === 10 && IOC.store.alerts.total === 1")
    page.evaluate("id => IOC.detail.pick(id)", province.things[0])
    more = page.locator("[data-part=more]")
    expect(more).to_contain_text("La Ngà")
    becomes(page, "IOC.map.querySourceFeatures('reach').length > 0")
    more.locator(".near", has_text="Long Khánh 1").first.click()
    expect(page.locator("#panel-body")).to_contain_text("Long Khánh 1")
    expect(more).to_contain_text("Gần nhất")  # no alert there: what is nearest
    becomes(page, "IOC.map.querySourceFeatures('reach').length === 0")
