"""What an operator does at `/alerts`, in a real browser, from the real web process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Screen, becomes
from tests.e2e.desk import READY, sit_down
from tests.e2e.province import Province, raise_alert

Screens = Callable[..., Screen]
SIZES: Final = ((1920, 1080), (1366, 768), (1180, 820), (820, 1180), (390, 844))
# Texts that are wider than their box, or that leave the window.
CLIPPED: Final = """() => [...document.querySelectorAll('.desk *')].filter((e) => {
  if (e.children.length || !e.textContent.trim() || !e.offsetParent) return false;
  if (e.closest('.spoken, svg, select, nav, .who')) return false;
  const box = e.getBoundingClientRect();
  const wide = getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1;
  return wide || box.right > innerWidth + 1 || box.left < -1;
}).map((e) => `${e.className}: ${e.textContent}`)"""
# Cells whose text lies over their neighbour's.
OVERLAPPING: Final = """() => [...document.querySelectorAll('.al td')].filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const text = range.getBoundingClientRect(), box = cell.getBoundingClientRect();
  return text.width && (text.right > box.right + 1 || text.left < box.left - 1);
}).map((cell) => cell.textContent)"""


def rows(page: Page) -> list[str]:
    """Return the ids of the list from above."""
    found = page.evaluate("[...document.querySelectorAll('.al')].map((row) => row.dataset.id)")
    assert isinstance(found, list)
    return found


def current(page: Page) -> str | None:
    found = page.evaluate("document.querySelector('.al[aria-current]')?.dataset.id ?? null")
    assert found is None or isinstance(found, str)
    return found


def acked(province: Province) -> set[str]:
    found = province.conn.execute("select id::text from alert where acked_at is not null")
    return {row[0] for row in found.fetchall()}


def tell(province: Province) -> None:
    """Say that alerts changed, as whoever writes them does."""
    province.client.publish(f"{province.prefix}notice", json.dumps({"kind": "alert"}))


def test_the_keyboard_alone_leads_to_an_acknowledgement(
    screens: Screens, province: Province
) -> None:
    """J moves, the detail follows, A answers that one and no other; a held key answers once."""
    for index in range(3):
        raise_alert(province, index, severity=index + 1)
    page = sit_down(screens(), "truc-ban")
    first, second, third = rows(page)
    assert current(page) == first
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert current(page) == second
    expect(page.locator(".detail h2")).to_have_text("Không khí – phường Long Khánh 1")
    expect(page.locator(".todo")).to_contain_text("gọi trực ban môi trường")
    page.keyboard.press("a")
    expect(page.locator(f"[data-id='{second}']")).to_contain_text("đã xác nhận", timeout=10_000)
    assert acked(province) == {second}
    assert current(page) == second
    assert {first, third}.isdisjoint(acked(province))


def test_letters_typed_into_the_search_answer_nothing(screens: Screens, province: Province) -> None:
    """In a field A is a letter; Esc leads back to the list; ? says which keys there are."""
    raise_alert(province, 0)
    page = sit_down(screens(), "truc-ban")
    page.keyboard.press("/")
    page.keyboard.type("ajax")
    expect(page.locator(".nothing")).to_contain_text("Không có cảnh báo nào khớp bộ lọc")
    page.locator("[data-clear]").click()
    expect(page.locator(".al")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("xác nhận các dòng đã đánh dấu")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert acked(province) == set()


def test_a_selection_is_acknowledged_at_once(screens: Screens, province: Province) -> None:
    """X marks rows, Shift+A answers them all and leaves the others."""
    for index in range(4):
        raise_alert(province, index, severity=2)
    page = sit_down(screens(), "truc-ban")
    listed = rows(page)
    for _ in range(3):
        page.keyboard.press("x")
        page.keyboard.press("j")
    expect(page.locator(".picked .btn")).to_contain_text("Xác nhận 3 cảnh báo đã chọn")
    page.keyboard.press("Shift+A")
    expect(page.locator(".al.acked")).to_have_count(3, timeout=10_000)
    assert acked(province) == set(listed[:3])
    expect(page.locator(".picked")).to_be_hidden()


def test_filters_stand_in_the_address(screens: Screens, province: Province) -> None:
    """What is filtered and chosen is in the URL, and the same URL shows it again elsewhere."""
    for index in range(4):
        raise_alert(province, index, severity=index % 2 + 1)
    page = sit_down(screens(), "truc-ban")
    page.select_option("[data-filter=severity]", "2")
    expect(page.locator(".al")).to_have_count(2)
    page.fill("[type=search]", "long khanh 3")
    expect(page.locator(".al")).to_have_count(1)
    becomes(page, "location.search.includes('severity=2') && location.search.includes('q=long')")
    chosen = rows(page)
    address = page.evaluate("location.pathname + location.search")
    other = sit_down(screens(), "lanh-dao", address)
    assert rows(other) == chosen
    expect(other.locator("[data-filter=severity]")).to_have_value("2")


def test_focus_and_scroll_survive_an_update(screens: Screens, province: Province) -> None:
    """A new, more urgent alert comes in above; the chosen row keeps focus, mark and place."""
    for index in range(6):
        for severity in (2, 3, 4):
            raise_alert(province, index, severity=severity)
    page = sit_down(screens(1366, 768), "truc-ban", "/alerts?flat=1")
    for _ in range(15):
        page.keyboard.press("j")
    page.keyboard.press("x")
    held = current(page)
    before = page.evaluate(
        "[document.activeElement.dataset.id, document.querySelector('.list').scrollTop]"
    )
    assert before[0] == held
    assert before[1] > 0
    place = "document.querySelector('.al[aria-current]').getBoundingClientRect().top"
    top = page.evaluate(place)
    new = raise_alert(province, 0, severity=1)
    becomes(page, "id => document.querySelector('.al').dataset.id === id", arg=new)
    assert page.evaluate("document.activeElement.dataset.id") == held
    assert current(page) == held
    assert page.evaluate("document.querySelector('.al[aria-current] input').checked")
    assert abs(page.evaluate(place) - top) < 2


def test_what_somebody_else_answered_is_seen(screens: Screens, province: Province) -> None:
    """An acknowledgement at another desk reaches the list and the open detail by itself."""
    raise_alert(province, 0)
    here = sit_down(screens(), "truc-ban")
    there = sit_down(screens(), "truc-ban")
    there.keyboard.press("a")
    expect(here.locator(".al")).to_contain_text("đã xác nhận", timeout=10_000)
    expect(here.locator("[data-acknowledge]")).to_have_count(0, timeout=10_000)
    expect(here.locator(".log")).to_contain_text("Đã xác nhận")


def test_the_browser_that_blocks_sound_is_told_of(screens: Screens, province: Province) -> None:
    """Nothing was pressed yet: a critical alert says that sound is blocked; any key lets it out."""
    page = sit_down(screens(), "truc-ban")
    expect(page.locator("[data-part=muted]")).to_be_hidden()
    raise_alert(province, 0, severity=1)
    muted = page.locator("[data-part=muted]")
    expect(muted).to_contain_text("Âm thanh bị chặn", timeout=10_000)
    page.keyboard.press("j")
    expect(muted).to_be_hidden()


def test_silence_is_no_answer(screens: Screens, province: Province) -> None:
    """S silences this desk for 120 s; the alert stays unacknowledged and a new one speaks again."""
    raise_alert(province, 0, severity=1)
    page = sit_down(screens(), "truc-ban")
    page.keyboard.press("s")
    button = page.locator(".tools [aria-pressed=true]")
    expect(button).to_have_text(re.compile(r"Còi tắt, còn 1[12]\d s"))
    assert acked(province) == set()
    raise_alert(province, 1, severity=1)
    expect(button).to_have_count(0, timeout=10_000)


@pytest.mark.parametrize("who", ["kiosk", "lanh-dao"])
def test_who_only_looks_has_nothing_to_press(
    screens: Screens, province: Province, who: str
) -> None:
    """A wall and a leader see list and detail and may take the list, but A does nothing."""
    raise_alert(province, 0)
    screen = screens()
    if who == "kiosk":
        page = screen.show(f"/alerts?token={province.kiosk}", READY)
    else:
        page = sit_down(screen, who)
    expect(page.locator(".detail")).to_contain_text("Diễn biến")
    page.keyboard.press("a")
    page.keyboard.press("Shift+A")
    assert page.locator("[data-acknowledge], .c-pick, .act button").count() == 0
    expect(page.locator(".tools > *:visible")).to_have_text(["CSV", "XLSX", "?"])
    expect(page.locator("[data-part=muted]")).to_be_hidden()
    assert acked(province) == set()


def test_a_note_is_typed_without_a_mouse(screens: Screens, province: Province) -> None:
    """N opens the form, letters typed into it do nothing else, and the note stands in the log."""
    raise_alert(province, 0)
    page = sit_down(screens(), "truc-ban")
    page.keyboard.press("n")
    page.keyboard.type("a gọi trạm, chưa nghe máy")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".log")).to_contain_text("chưa nghe máy", timeout=10_000)
    expect(page.locator(".fm")).to_have_count(0)
    assert acked(province) == set()


def test_what_is_shelved_cannot_be_forgotten(screens: Screens, province: Province) -> None:
    """A shelf takes a reason; the alert leaves the open list for one that says why and how long."""
    raise_alert(province, 0)
    page = sit_down(screens(), "truc-ban")
    page.keyboard.press("g")
    page.locator(".fm .btn.p").click()
    expect(page.locator(".fm")).to_have_count(1)  # without a reason nothing happens
    page.locator(".fm textarea").fill("thay đầu đo")
    page.locator(".fm .btn.p").click()
    nothing = page.locator(".nothing")
    expect(nothing).to_contain_text("Không có cảnh báo nào đang mở", timeout=10_000)
    page.locator(".dtab", has_text="Tạm gác").click()
    row = page.locator(".al.masked")
    for words in ("tạm gác đến", "thay đầu đo", "truc-ban"):
        expect(row).to_contain_text(words)
    page.get_by_role("button", name="Bỏ gác").click()
    expect(nothing).to_contain_text("đang tạm gác", timeout=10_000)
    assert province.conn.execute("select mask from alert").fetchone() == (None,)


def test_the_handling_goes_on_step_by_step(screens: Screens, province: Province) -> None:
    """The next steps are offered, taken with one press, and shown with who has the work."""
    raise_alert(province, 0)
    page = sit_down(screens(), "truc-ban")
    page.get_by_role("button", name="Tiếp nhận").click()
    expect(page.locator(".wf .n")).to_have_text("tiếp nhận", timeout=10_000)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.keyboard.type("Sở NN&MT")
    page.keyboard.press("Enter")
    expect(page.locator(".flow")).to_contain_text("Giao: Sở NN&MT", timeout=10_000)
    expect(page.locator(".al")).to_contain_text("Sở NN&MT")


# The last cell of an alert ends where the heading of its group does: no column stands empty.
EVEN = (
    "Math.abs(document.querySelector('.gr td').getBoundingClientRect().right - Math.max("
    "...[...document.querySelectorAll('.al td')].map(c => c.getBoundingClientRect().right))) < 2"
)


def test_a_flood_is_grouped_with_its_first_out(screens: Screens, province: Province) -> None:
    """Above ten raises in ten minutes the list is one row a group; one press shows them all."""
    for index in range(6):
        for _ in range(2):
            raise_alert(province, index, severity=3, rule_suffix=f"-{_}")
    page = sit_down(screens(), "truc-ban")
    expect(page.locator(".floods")).to_contain_text("Lũ cảnh báo từ")
    expect(page.locator(".gr")).to_have_count(2)
    for width in (1180, 1920):
        page.set_viewport_size({"width": width, "height": 820})
        becomes(page, EVEN)
    expect(page.locator(".first").first).to_have_text("báo động đầu tiên")
    page.locator(".gr .btn").first.click()
    expect(page.locator(".al")).to_have_count(6)
    page.get_by_role("button", name="Trở lại các nhóm").click()
    expect(page.locator(".gr")).to_have_count(2)


def test_history_has_pages(screens: Screens, province: Province) -> None:
    """Closed alerts are read page by page, forth and back."""
    rule = raise_alert(province, 0, severity=4)
    province.conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result, limit_value, acked_at, closed_at)"
        " select gen_random_uuid(), rule_id, 1, datastream_id, thing_id, 4, false,"
        " now() - n * interval '1 hour', now(), 1, 1, now(), now()"
        " from alert, generate_series(1, 150) n where id = %s",
        (rule,),
    )
    page = sit_down(screens(), "truc-ban", "/alerts?tab=closed")
    expect(page.locator(".al")).to_have_count(100)
    first = rows(page)
    page.get_by_role("button", name="Trang sau").click()
    expect(page.locator(".al")).to_have_count(50)
    assert set(rows(page)).isdisjoint(first)
    page.get_by_role("button", name="Trang trước").click()
    expect(page.locator(".al")).to_have_count(100)
    assert rows(page) == first


def test_nothing_open_proves_that_somebody_looked(screens: Screens, province: Province) -> None:
    """An empty list says when the evaluator last ran."""
    assert province.alerts == []
    page = sit_down(screens(), "truc-ban")
    expect(page.locator(".nothing")).to_contain_text("Không có cảnh báo nào đang mở")
    expect(page.locator(".nothing")).to_contain_text("Kiểm tra lúc")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_cut(screens: Screens, province: Province, width: int, height: int) -> None:
    """With names as long as a name may be no text leaves its place at any size of a desk."""
    province.conn.execute(
        "update thing set name = 'Khí thải lò hơi số 2 – Nhà máy dệt Đồng Phú ' || id"
    )
    for index in range(6):
        raise_alert(province, index, severity=index % 4 + 1, value=1163.4)
    page = sit_down(screens(width, height), "truc-ban")
    becomes(page, "document.querySelector('.dc > *:not(.hold)')")
    page.evaluate("document.fonts.ready")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(OVERLAPPING) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


DECIDE: Final = """async ([rows, heard, now]) => {
  const {decide} = await import('/assets/modules/desk/sound.mjs');
  const set = (value) => new Set(value ?? []);
  const found = decide(rows, {pattern: null, silentUntil: 0, at: -1e9, ...heard,
    known: set(heard.known), silenced: set(heard.silenced)}, now);
  return {...found, known: [...found.known], silenced: [...found.silenced]};
}"""


def sounding(page: Page, alerts: list[dict[str, Any]], heard: dict[str, Any], now: int) -> Any:
    return page.evaluate(DECIDE, [alerts, heard, now])


def test_three_patterns(screens: Screens, province: Province) -> None:
    """Critical repeats every 3 s, high once in 30 s, others and answered ones never sound."""
    page = screens().show(f"/alerts?token={province.kiosk}", READY)
    base = {"active": True, "acked": False, "id": "a"}
    critical, high = base | {"severity": 1}, base | {"severity": 2, "id": "b"}
    assert sounding(page, [critical, high], {}, 0)["play"] == 1
    heard = sounding(page, [critical], {}, 0)
    assert sounding(page, [critical], heard, 2_000)["play"] is None
    assert sounding(page, [critical], heard, 3_000)["play"] == 1
    heard = sounding(page, [high], {}, 0)
    assert sounding(page, [high], heard, 29_000)["play"] is None
    assert sounding(page, [high], heard, 30_000)["play"] == 2
    quiet = [base | {"severity": 3}, critical | {"acked": True}, high | {"active": False}]
    assert sounding(page, quiet, {}, 0)["play"] is None
    silent = {"silentUntil": 120_000, "silenced": ["a:1:1"], "pattern": 1}
    assert sounding(page, [critical], silent, 60_000)["play"] is None
    assert sounding(page, [critical], silent, 120_000)["play"] == 1
    assert sounding(page, [critical, high], silent, 60_000)["play"] == 1
