"""Rules of every kind on the screen: rates, hours, silence; who only reads; the switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.awaiting import wait_for
from tests.e2e.conftest import Screen, becomes
from tests.e2e.province import Province, raise_alert
from tests.e2e.rule_rig import month, staff
from tests.e2e.test_rules_page import COUNTER, LOADED, counted, sign_in, write

Screens = Callable[..., Screen]
OPEN_CONTROLS = (
    "[...document.querySelectorAll('.g input, .g select, .g textarea, .g button')]"
    ".filter(one => !one.matches(':disabled')).map(one => one.id || one.textContent)"
)


@pytest.fixture
def office(province: Province) -> Province:
    """Return the province with a month of minutes at its first station and people who edit."""
    staff(province.conn)
    month(province.conn, province.streams[0])
    return province


def editor(screen: Screen, office: Province) -> Page:
    page = sign_in(screen)
    page.goto(screen.origin + "/rules/new")
    becomes(page, LOADED, 60)
    page.select_option("#rule-property", "pm25")
    page.click("#seg-chosen")
    for box in page.query_selector_all(".stations input:checked"):
        if box.get_attribute("id") != f"station-{office.streams[0]}":
            page.click(f"#{box.get_attribute('id')}")
    return page


def save(page: Page, screen: Screen) -> None:
    write(page)
    expect(page.locator("#rule-save")).to_be_enabled(timeout=20_000)
    page.click("#rule-save")
    page.wait_for_url("**/rules/bui-min-cao-o-long-khanh")
    becomes(page, LOADED, 60)
    assert screen.origin in page.url


def stored(office: Province) -> dict[str, Any]:
    row = office.conn.execute(
        "select v.definition from rule r join rule_version v on v.rule_id = r.id"
        " and v.version = r.current_version where r.id = 'bui-min-cao-o-long-khanh'"
    ).fetchone()
    assert row is not None
    definition: dict[str, Any] = row[0]
    return definition


def test_a_rate_with_hours_is_made_and_counted_on_screen(
    screens: Screens, office: Province
) -> None:
    """A change within an hour, at night on two days: tried as it will run, and shown again so."""
    screen = screens()
    page = editor(screen, office)
    page.select_option("#rule-window", "rate||3600")
    page.fill("#level-0-limit", "30")
    page.press("#level-0-limit", "Tab")
    always, _ = counted(page)
    assert always > 0, "the month climbs by more than that"
    page.select_option("#rule-when", "hours")
    page.fill("#hours-0-from", "22:00")
    page.fill("#hours-0-to", "05:00")
    for day in ("mon", "tue", "wed", "thu", "fri"):
        page.click(f"#hours-0-{day}")
    # outside its hours nothing is a breach; the count of before stands until the new one comes
    becomes(page, f"Number({COUNTER}.dataset.count) < {always}")
    if page.locator("#rule-reason").count():
        page.fill("#rule-reason", "thử")
    save(page, screen)
    rule = stored(office)
    assert rule["input"] == "rate"
    assert rule["window"]["length"] == 3600
    assert rule["schedule"]["hours"] == [{"from": "22:00", "to": "05:00", "days": ["sat", "sun"]}]
    assert page.input_value("#rule-window") == "rate||3600"
    assert page.input_value("#hours-0-to") == "05:00"


def test_silence_is_a_rule_without_limits(screens: Screens, office: Province) -> None:
    """No limit, no line, no hours: only how long without data, and who does what."""
    screen = screens()
    page = editor(screen, office)
    page.select_option("#rule-window", "no_data||")
    expect(page.locator("#level-0-limit")).to_have_count(0)
    expect(page.locator("#rule-op")).to_have_count(0)
    expect(page.locator("#rule-when")).to_have_count(0)
    counted(page)
    save(page, screen)
    rule = stored(office)
    assert rule["input"] == "no_data"
    assert "op" not in rule
    assert rule["levels"] == [{"severity": "high"}]


def test_who_only_reads_finds_nothing_to_press(screens: Screens, office: Province) -> None:
    """An operator sees the whole rule with every control of it disabled."""
    screen = screens()
    page = editor(screen, office)
    page.fill("#level-0-limit", "100")
    page.press("#level-0-limit", "Tab")
    counted(page)
    save(page, screen)
    page.context.clear_cookies()
    sign_in(screen, "truc-ban")
    page.goto(screen.origin + "/rules/bui-min-cao-o-long-khanh")
    becomes(page, LOADED, 60)
    assert page.evaluate(OPEN_CONTROLS) == []
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.locator("#rule-save")).to_have_count(0)
    assert page.input_value("#level-0-limit").startswith("100")


def test_a_rule_is_switched_off_on_screen(screens: Screens, office: Province) -> None:
    """With a reason; the page says what ends, and the database that it is off."""
    raise_alert(office, 0, severity=2)
    office.conn.execute(
        "update rule_version set definition = definition || %s::jsonb",
        ('{"observed_property": "pm25", "levels": [{"severity": "high", "limit": 150}]}',),
    )
    screen = screens()
    page = sign_in(screen)
    page.goto(screen.origin + "/rules/pm25-episode-2")
    becomes(page, LOADED, 60)
    page.get_by_role("button", name="Tắt quy tắc").click()
    page.fill("#switch-reason", "đang hiệu chuẩn trạm")
    page.locator(".ask .btn.p").click()
    expect(page.locator(".vs")).to_contain_text("Đã tắt; 1 cảnh báo")
    wait_for(lambda: office.conn.execute("select 1 from rule where not enabled").fetchone())
