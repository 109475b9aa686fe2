"""The page of indicators, in a real browser, from the real web process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Screen
from tests.e2e.desk import sit_down
from tests.e2e.province import Province, raise_alert
from tests.e2e.test_alert_desk import CLIPPED

READY = "window.IOC && window.IOC.store.loaded && document.querySelector('.kpi-page')"


@pytest.mark.parametrize("width", [1920, 1180, 390])
def test_each_number_has_its_target(
    screens: Callable[..., Screen], province: Province, width: int
) -> None:
    """The day has its raises, its times and its top sources; the week is one press away."""
    for index in range(3):
        key = raise_alert(province, index, severity=index + 1)
        province.conn.execute(
            "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, actor)"
            " select id, 1, k, raised_at + d, raised_at + d, a from alert, (values"
            "  ('RAISE', interval '0', null), ('ACK', interval '3 min', 'truc-ban')) e (k, d, a)"
            " where id = %s",
            (key,),
        )
    page = sit_down(screens(width, 900), "lanh-dao", "/kpi", READY)
    cards = page.locator(".kpi-card")
    expect(cards.filter(has_text="Thời gian đến khi xác nhận")).to_contain_text("3\u00a0phút")
    expect(cards.filter(has_text="Phân bố mức")).to_contain_text("chưa đạt")
    expect(cards.filter(has_text="Cảnh báo chập chờn")).to_contain_text("đạt")
    expect(page.locator(".kpi-top tbody tr")).to_have_count(3)
    page.evaluate("document.fonts.ready")
    assert page.evaluate(CLIPPED) == []
    page.get_by_role("link", name="7 ngày qua").click()
    expect(page.locator(".kpi-head [aria-current]")).to_have_text("7 ngày qua")
    expect(page.locator(".kpi-bars > div")).to_have_count(7)
