"""The week's indices and a station's month, in a real browser, from the real web process."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from ioc import catalogue, settings
from ioc.storage import derived, things
from tests.e2e.conftest import Screen
from tests.e2e.desk import sit_down
from tests.e2e.province import Province
from tests.e2e.test_alert_desk import CLIPPED
from tests.integration.station_data import hours, last_month, limit, moment

IDLE = "document.querySelector('[data-desk]') && !document.querySelector('[aria-busy=true]')"
READY = f"Boolean({IDLE} && document.querySelector('.ix-list, .ix-body .state'))"
FRAMES = """
insert into ingest_writer (client_id, internal) values ('i', true) on conflict do nothing;
with o as (insert into observation (datastream_id, phenomenon_time, result, quality, flags,
  received, writer, batch_no)
  select d.id, date_trunc('hour', now()) - n * interval '1 hour',
    case when d.thing_id %% 3 = 0 and n = 0 then 'NaN'::float8
      else 30 + 60 * (d.thing_id %% 3) + n end,
    case when d.thing_id %% 3 = 0 and n = 0 then 4 else 0 end, 0, now(), w.id, 1
  from datastream d, generate_series(0, 100) n, ingest_writer w
  where d.property = 'vn_aqi_hour' and w.client_id = 'i'
  returning datastream_id, phenomenon_time, quality)
insert into index_detail select datastream_id, phenomenon_time, '{}', null, 0.5,
  case quality when 4 then 'no_data' end from o
""".replace("%%", "%")


@pytest.fixture
def week(province: Province) -> Province:
    """Give every station of the small province 101 hours of indices; some have none now."""
    folder = settings.load({}).config_dir / "catalog"
    things.upsert_properties(province.conn, catalogue.load(folder))
    derived.register(province.conn)
    province.conn.execute(FRAMES.encode())
    return province


def opened(screens: Callable[..., Screen], width: int, path: str, ready: str) -> Page:
    page = sit_down(screens(width, 900), "lanh-dao", path, ready)
    page.evaluate("document.fonts.ready")
    return page


@pytest.mark.parametrize("width", [1440, 390])
def test_the_worst_stand_first_and_the_others_say_why(
    screens: Callable[..., Screen], week: Province, width: int
) -> None:
    """The list is ranked, a station without an index says the reason; nothing is cut off."""
    assert week.things
    page = opened(screens, width, "/indices", READY)
    rows = page.locator(".ix-list li")
    numbers = [text for text in rows.locator("b").all_inner_texts() if text != "–"]
    assert numbers == sorted(numbers, key=int, reverse=True)
    expect(page.locator(".ix-list li.none").first).to_contain_text("Không có chỉ số: không có")
    expect(page.locator(".ix-legend")).to_contain_text("Trung bình")
    assert page.evaluate(CLIPPED) == []


def test_time_moves_by_slider_key_and_play(screens: Callable[..., Screen], week: Province) -> None:
    """Each step shows another hour without asking the server; a press leads to the station."""
    assert week.things
    page = opened(screens, 1440, "/indices", READY)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    slider = page.get_by_role("slider")
    expect(slider).to_have_value("167")
    now = page.locator("[data-part=when]").inner_text()
    slider.press("ArrowLeft")
    expect(slider).to_have_value("166")
    assert page.locator("[data-part=when]").inner_text() != now
    page.get_by_role("button", name="Lùi").click()
    expect(slider).to_have_value("165")
    expect(page.locator(".ix-list li.none")).to_have_count(0)
    page.get_by_role("button", name="Phát").click()
    expect(slider).to_have_value("167", timeout=30_000)
    expect(page.get_by_role("button", name="Phát")).to_be_visible()
    assert [url for url in asked if "/desk/indices" in url] == []
    page.locator(".ix-list a").first.click()
    expect(page).to_have_url(re.compile(r"/station/\d+"))


def test_no_station_says_what_is_needed(screens: Callable[..., Screen], province: Province) -> None:
    """An index that no station has names the decision and what a station must measure."""
    assert province.things
    page = opened(screens, 1440, "/indices?of=vn_wqi", READY)
    expect(page.locator(".ix-body .state")).to_contain_text("QĐ 1460/QĐ-TCMT")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_month_of_a_station_is_read_and_taken_along(
    screens: Callable[..., Screen], province: Province, width: int
) -> None:
    """Sentence, tables and links stand on the page; another month is one press and an address."""
    thing, stream = province.things[0], province.streams[0]
    first = last_month()
    province.conn.execute(
        "insert into rollup_progress values ('hour', now()) on conflict (name) do nothing"
    )
    limit(province.conn, thing, 45)
    for back in (0, 1):
        begin = (first - timedelta(days=back)).replace(day=1)
        hours(province.conn, stream, 50, (moment(begin), moment(begin, 24)))
    ready = f"Boolean({IDLE} && document.querySelector('.st-tools .btn'))"
    page = opened(screens, width, f"/station/{thing}?month={first:%Y-%m}", ready)
    expect(page.locator(".st-body > .said")).to_contain_text(
        "Có 1 lần trung bình vượt giới hạn", timeout=30_000
    )
    link = page.locator("#breaches ~ .st-table a").first
    assert f"/thing/{thing}?property=" in str(link.get_attribute("href"))
    assert page.evaluate(CLIPPED) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Tải XLSX").click()
    assert download.value.suggested_filename == f"bao-cao-tram-{thing}-{first:%Y-%m}.xlsx"
    page.get_by_role("button", name="Tháng trước").click()
    earlier = (first - timedelta(days=1)).replace(day=1)
    expect(page).to_have_url(re.compile(f"month={earlier:%Y-%m}$"))


def test_a_station_that_is_not_there_says_so(
    screens: Callable[..., Screen], province: Province
) -> None:
    """An unknown number is a sentence, not an empty page."""
    assert province.things
    page = opened(screens, 1440, "/station/999999", f"Boolean({IDLE})")
    expect(page.locator(".st-page .state")).to_contain_text("không có trạm này")
