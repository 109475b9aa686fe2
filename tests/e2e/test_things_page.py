"""The list of things, in a real browser, from the real web process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Screen
from tests.e2e.desk import sit_down
from tests.e2e.province import Province, raise_alert
from tests.e2e.test_alert_desk import CLIPPED

READY = (
    "window.IOC !== undefined || document.querySelector('.reg-table') !== null"
    " && !document.querySelector('[data-desk]').hasAttribute('aria-busy')"
)


def ages(province: Province) -> None:
    """Give the first things a newest value of a few seconds, two minutes and an hour ago."""
    for stream, seconds in zip(province.streams, (5, 120, 3600), strict=False):
        province.conn.execute(
            "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
            " received, writer, batch_no) values"
            " (%s, now() - make_interval(secs => %s), 40, 0, 0, now(), 1, 1)",
            (stream, seconds),
        )


def opened(screens: Callable[..., Screen], width: int, path: str = "/things") -> Page:
    page = sit_down(screens(width, 900), "lanh-dao", path, READY)
    expect(page.locator(".reg-table, .reg-page .state").first).to_be_visible()
    return page


@pytest.mark.parametrize("width", [1440, 1180, 390])
def test_silence_stands_in_the_list(
    screens: Callable[..., Screen], province: Province, width: int
) -> None:
    """Each thing has state, age and open alerts; a state is one press away and in the address."""
    ages(province)
    raise_alert(province, 2, severity=1)
    page = opened(screens, width)
    rows = page.locator(".reg-table tbody tr")
    expect(rows).to_have_count(10)
    expect(rows.filter(has_text="Long Khánh 0")).to_contain_text("Đang gửi")
    expect(rows.filter(has_text="Long Khánh 1")).to_contain_text("Gửi trễ")
    silent = rows.filter(has_text="Long Khánh 2")
    expect(silent).to_contain_text("Im lặng")
    expect(silent).to_contain_text("Nghiêm trọng (1)")
    page.evaluate("document.fonts.ready")
    assert page.evaluate(CLIPPED) == []
    page.get_by_role("button", name="Im lặng").click()
    expect(rows).to_have_count(1)
    assert page.url.endswith("/things?state=silent")


def test_a_search_needs_no_marks(screens: Callable[..., Screen], province: Province) -> None:
    """A name is found without its marks, nothing found is said, and one press shows all again."""
    assert province.things
    page = opened(screens, 1180)
    words = page.get_by_role("searchbox")
    rows = page.locator(".reg-table tbody tr")
    words.fill("long khanh 3")
    expect(rows).to_have_count(1)
    words.fill("không có ở đây")
    expect(page.locator(".reg-page .state")).to_contain_text("Không có thiết bị nào")
    page.get_by_role("button", name="Bỏ lọc").click()
    expect(rows).to_have_count(10)
