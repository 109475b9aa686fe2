"""The page of one thing: opened from an alert, and with as many channels as a PLC has."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from ioc.web.pages.thing import Picked
from tests.e2e.conftest import Screen
from tests.e2e.province import Province, raise_alert

Screens = Callable[..., Screen]
THING = "document.querySelectorAll('.thing-value').length"
LONG = "devices/plc-07/holding registers/tank 3/level raw counts before scaling (16 bit)"


def channels(province: Province, count: int = 40) -> str:
    """Give the first thing many channels, half of them unclassified; return the last one's code."""
    code = ""
    province.conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind) values"
        " ('unclassified', 'Chưa phân loại', 'Unclassified', '', 'quantity') on conflict do nothing"
    )
    for n in range(count):
        name = f"{LONG}/{n}" if n % 2 else f"t{n}"
        code = f"/{name}"
        province.conn.execute(
            "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
            " stale_after_s) values (%s, %s, %s, %s, '', 60, 300)",
            (province.things[0], name, code, "unclassified"),
        )
    return code


def test_forty_channels_have_room(screens: Screens, province: Province) -> None:
    """Long raw names break inside their boxes, nothing runs over the page's side."""
    last = channels(province)
    screen = screens()
    screen.page.goto(f"{screen.origin}/wall?token={province.kiosk}")
    where = f"/thing/{province.things[0]}?property={quote(last, safe='')}"
    page = screen.show(where, f"{THING} === 41")
    chosen = page.locator(".thing-value[aria-pressed=true]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text(last.removeprefix("/"))
    boxes = "[...document.querySelectorAll('.thing-value')]"
    assert page.evaluate(f"{boxes}.every(box => box.scrollWidth <= box.clientWidth)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chart = page.locator(".thing-page .state").bounding_box()
    assert chart is not None
    assert chart["y"] < 400, "the chart is not pushed out of sight"
    expect(page.locator(".thing-head a")).to_have_count(0)
    if folder := os.environ.get("IOC_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/thing.png", full_page=True)


def test_an_alerts_thing_opens_on_what_is_wrong(screens: Screens, province: Province) -> None:
    """Full page from an alert's panel: the alert's own channel, with its limit in the chart."""
    channels(province, 4)
    raise_alert(province, 0)
    screen = screens()
    page = screen.show(f"/wall?token={province.kiosk}")
    page.locator("[data-part=pinned] button, [data-part=pinned]").first.click()
    expect(page.locator(".panel .thing-value[aria-pressed=true]")).to_contain_text("Bụi mịn")
    page.locator(".panel .thing-head a").click()
    expect(page.locator(".thing-page .thing-value[aria-pressed=true]")).to_contain_text("Bụi mịn")
    expect(page.locator(".thing-page .chart")).to_contain_text("150", timeout=20_000)


def test_a_missing_part_of_the_map_is_named(screens: Screens, province: Province) -> None:
    """Not every map that is missing is a missing WebGL."""
    screen = screens()
    screen.page.route("**/vendor/maplibre-gl.mjs*", lambda route: route.fulfill(status=404))
    page = screen.show(f"/wall?token={province.kiosk}", "document.querySelector('.maperror')")
    expect(page.locator(".maperror")).to_contain_text("maplibre-gl.mjs")
    expect(page.locator(".maperror")).not_to_contain_text("WebGL")


def test_the_icon_is_there(screens: Screens, province: Province) -> None:
    """A tab has a picture, whatever address the browser asks."""
    screen = screens()
    for path in ("/favicon.ico", "/_favicon.ico"):
        answer = screen.page.request.get(screen.origin + path)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml"), path
    assert province.things


def test_an_address_that_makes_no_sense() -> None:
    """What somebody typed into the address is left out, never an error."""
    assert Picked.from_address(1, "?limit=x&of=pm25") == Picked(1, None, None, "pm25")
    assert Picked.from_address(1, None) == Picked(1)
    kept = Picked(1, "/a b/c?&=é", 2.5, "/a b/c?&=é", legal=True)
    assert Picked.from_address(1, kept.address(kept.property).partition("?")[2]) == kept
