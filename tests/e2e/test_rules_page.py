"""The rule pages in a real browser: a rule by keyboard and by drag, four eyes, rollback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.awaiting import wait_for
from tests.e2e.conftest import Screen, becomes
from tests.e2e.province import Province
from tests.e2e.rule_rig import FIRST, SECOND, month, staff
from tests.integration.web_site import PASSWORD

Screens = Callable[..., Screen]
ROOT = "document.querySelector('[data-rules]')"
LOADED = f"{ROOT} && !{ROOT}.hasAttribute('aria-busy')"
COUNTER = "document.querySelector('.cnt')"
COUNTED = f"{LOADED} && {COUNTER}?.dataset.count && !{COUNTER}.hasAttribute('aria-busy')"
WIDER = (
    "[...document.querySelectorAll('.pn, .lv')].filter(b => b.scrollWidth > b.clientWidth + 1)"
    ".map(b => [b.className, b.scrollWidth, b.clientWidth])"
)
LINE = "[data-line='0-limit']"
FORM = {
    "name": "Bụi mịn cao ở Long Khánh",
    "cause": "Đốt rơm rạ",
    "consequence": "Người già, trẻ em bị ảnh hưởng",
    "action": "Gọi phường trong 30 phút",
}


@pytest.fixture
def office(province: Province) -> Province:
    """Return the province with a month of minutes at its first station and people who edit."""
    staff(province.conn)
    month(province.conn, province.streams[0])
    return province


def sign_in(screen: Screen, name: str = FIRST) -> Page:
    screen.page.goto(screen.origin + "/login?next=/rules")
    screen.page.fill("[name=username]", name)
    screen.page.fill("[name=password]", PASSWORD)
    screen.page.press("[name=password]", "Enter")
    becomes(screen.page, LOADED, 60)
    return screen.page


def write(page: Page, **texts: str) -> None:
    for key, words in {**FORM, **texts}.items():
        page.fill(f"#rule-{key}", words)


def limit(page: Page) -> float:
    return float(page.get_attribute(LINE, "aria-valuenow") or "nan")


def counted(page: Page) -> tuple[int, float]:
    """Return what the counter says once it has answered the last change."""
    becomes(page, COUNTED)
    found = page.evaluate(f"[{COUNTER}.dataset.count, {COUNTER}.dataset.seconds]")
    return int(found[0]), float(found[1])


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until `selector` has the focus: who uses no mouse must get there."""
    for _ in range(80):
        if page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never reaches {selector}")


def stored(province: Province) -> dict[str, Any]:
    row = province.conn.execute(
        "select v.definition from rule r join rule_version v on v.rule_id = r.id"
        " and v.version = r.current_version where r.enabled"
    ).fetchone()
    return {} if row is None else row[0]


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("IOC_SCREENSHOTS"):
        for width, height in ((1920, 1080), (1366, 768), (1180, 820)):
            page.set_viewport_size({"width": width, "height": height})
            becomes(page, "document.querySelector('.ch')?.viewBox.baseVal.width !== 0")
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_a_rule_is_made_by_keyboard_alone(screens: Screens, office: Province) -> None:
    """Tab, arrows and typing are enough: the line moves, what is missing is named, it is saved."""
    screen = screens(1366, 768)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    tab_to(page, LINE)
    before = limit(page)
    for key in ("PageDown", "PageDown", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert limit(page) < before
    assert page.evaluate(f"document.activeElement.matches({json.dumps(LINE)})")
    expect(page.locator("#rule-save")).to_be_disabled()
    expect(page.locator("#rule-lack")).to_contain_text("Còn thiếu 4 mục")
    for key, words in FORM.items():
        tab_to(page, f"#rule-{key}")
        page.keyboard.type(words)
    expect(page.locator("#rule-save")).to_be_enabled()
    moved = limit(page)
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "#rule-save")
    page.keyboard.press("Enter")
    expect(page.locator("#rule-lack")).to_contain_text("Đã lưu", timeout=20_000)
    assert stored(office)["levels"][0]["limit"] == pytest.approx(moved)
    assert stored(office)["name"]["vi"] == FORM["name"]


@pytest.mark.parametrize("finger", [False, True])
def test_a_dragged_line_is_counted_as_the_server_counts(
    screens: Screens, office: Province, *, finger: bool
) -> None:
    """By mouse or finger: the line follows, and the counter says what the API says of it."""
    screen = screens(1366, 768)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    page.evaluate("document.querySelector('.cw').scrollIntoView({block: 'center'})")
    at = page.locator(f"{LINE} .ch-hit").bounding_box()
    assert at is not None
    x, y = at["x"] + 150, at["y"] + at["height"] / 2
    before = limit(page)
    drag(page, (x, y), (x, y + 90), finger=finger)
    count, lasted = counted(page)
    assert limit(page) < before - 10
    assert count >= 5
    told = ask(page, limit(page), office.streams[0])
    assert count == told["count"]
    assert lasted == pytest.approx(told["seconds"])
    assert number(page, "#level-0-limit") == limit(page)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], *, finger: bool) -> None:
    steps = [(start[0], start[1] + (end[1] - start[1]) * i / 6) for i in range(1, 7)]
    if not finger:
        page.mouse.move(*start)
        page.mouse.down()
        for x, y in steps:
            page.mouse.move(x, y)
        page.mouse.up()
        return
    touch = page.context.new_cdp_session(page)
    for kind, (x, y) in [("touchStart", start), *[("touchMove", step) for step in steps]]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def ask(page: Page, value: float, datastream: int) -> Any:
    """Ask the API about the form's rule with a limit."""
    rule = {
        "name": {"vi": "x", "en": "x"},
        "observed_property": "pm25",
        "op": ">",
        "levels": [
            {"severity": "high", "limit": value, "deadband": number(page, "#level-0-deadband")}
        ],
        "on_delay": number(page, "#rule-onDelay") * 60,
        "off_delay": number(page, "#rule-offDelay") * 60,
        "operator_action": {"vi": "x", "en": "x"},
    }
    return page.evaluate(
        "async (body) => (await fetch('/api/v1/rules/preview', {method: 'POST', headers:"
        " {'Content-Type': 'application/json'}, body: JSON.stringify(body)})).json()",
        {"rule": rule, "datastream": datastream},
    )


def number(page: Page, selector: str) -> float:
    return float(page.input_value(selector).replace(",", "."))


def test_a_regulation_locks_its_window_and_two_people_agree(
    screens: Screens, office: Province
) -> None:
    """QCVN locks window, value and unit; a critical level beside it waits for a second person."""
    author = screens(1366, 768)
    sign_in(author)
    page = author.show("/rules/new", COUNTED)
    expect(page.locator(".cnt .few")).to_have_count(0)  # a whole month of values
    page.select_option("#rule-preset", index=2)
    counted(page)
    expect(page.locator("#level-0-limit")).to_be_disabled()
    expect(page.locator(".lockbox")).to_contain_text("trung bình 24 giờ")
    expect(page.locator("#rule-window")).to_have_count(0)
    page.get_by_text("Thêm mức").click()
    write(page)
    counted(page)
    expect(page.locator("#rule-lack")).to_contain_text("ghi lý do báo nhiều")
    page.fill("#rule-reason", "đúng quy chuẩn")
    shot(page, "rules-qcvn")
    expect(page.locator("#rule-save")).to_have_text("Gửi người thứ hai duyệt")
    page.click("#rule-save")
    expect(page.locator("#rule-lack")).to_contain_text("chờ người thứ hai", timeout=20_000)
    expect(page.locator(".vlist")).to_contain_text("Chờ người khác duyệt")
    assert stored(office) == {}

    other = screens(1366, 768)
    theirs = sign_in(other, SECOND)
    expect(theirs.locator(".rl")).to_contain_text("Bản 1 chờ duyệt")
    shot(theirs, "rules-list")
    theirs.click(".rl a")
    theirs.get_by_text("Duyệt và áp dụng").click()
    expect(theirs.locator(".vlist")).to_contain_text(f"duyệt: {SECOND}", timeout=20_000)
    assert [one["severity"] for one in stored(office)["levels"]] == ["critical", "high"]


def test_an_edit_shows_what_changes_and_can_be_taken_back(
    screens: Screens, office: Province
) -> None:
    """Versions are compared line by line; the old one is applied again with a reason."""
    screen = screens(1366, 768)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    write(page)
    page.fill("#level-0-limit", "100")
    page.press("#level-0-limit", "Enter")
    page.press("#level-0-limit", "Tab")
    first = counted(page)
    page.click("#rule-save")
    expect(page.locator("#rule-lack")).to_contain_text("Đã lưu", timeout=20_000)
    assert counted(page) == first
    page.fill("#level-0-limit", "400")
    page.press("#level-0-limit", "Tab")
    becomes(page, f"{COUNTER}.dataset.count === '0'")
    expect(page.locator(".cnt .df")).to_contain_text(f"+0 \u2212{first[0]}")
    page.click("#rule-save")
    expect(page.locator(".vlist")).to_contain_text("Bản 2", timeout=20_000)
    expect(page.locator(".vlist li").first).to_contain_text("Cao 100")
    shot(page, "rules-versions")
    page.get_by_text("Quay lại bản này").click()
    page.fill("#rollback-reason", "báo quá ít")
    page.get_by_text("Áp dụng lại bản 1").click()
    expect(page.locator(".vlist")).to_contain_text("Bản 3", timeout=20_000)
    assert stored(office)["levels"][0]["limit"] == 100


def test_a_station_of_another_unit_is_refused_in_words(screens: Screens, office: Province) -> None:
    """A unit that changed meanwhile: the server refuses, the page says why, nothing is lost."""
    screen = screens(1366, 768)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    write(page)
    office.conn.execute("update datastream set unit = 'mg/m³' where id = %s", (office.streams[2],))
    page.click("#rule-save")
    expect(page.locator("#rule-lack")).to_contain_text("đơn vị mg/m³", timeout=20_000)
    assert page.input_value("#rule-action") == FORM["action"]
    assert office.conn.execute("select count(*) from rule").fetchone() == (0,)


def test_few_values_are_said_beside_the_count(screens: Screens, office: Province) -> None:
    """A station with a day of values does not look like a calm month."""
    office.conn.execute("delete from observation where phenomenon_time < now() - interval '1 day'")
    screen = screens(1180, 820)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    expect(page.locator(".cnt .few")).to_contain_text("chưa đủ để kết luận")
    assert page.evaluate(WIDER) == []


def test_nothing_runs_over_the_side(screens: Screens, office: Province) -> None:
    """At desk, laptop and tablet the page has no horizontal bar and the levels stay whole."""
    assert office.streams
    screen = screens(1920, 1080)
    sign_in(screen)
    page = screen.show("/rules/new", COUNTED)
    page.get_by_text("Thêm mức").click()
    for width, height in ((1920, 1080), (1366, 768), (1180, 820), (820, 1180), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
        assert page.evaluate(WIDER) == [], f"at {width}"
