"""The index of a station on its page, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from ioc import catalogue
from ioc import settings as configuration
from ioc.storage import derived, things
from tests.e2e.conftest import Screen
from tests.e2e.province import Province

Screens = Callable[..., Screen]
CARDS = "document.querySelectorAll('.index-card').length === 2"


def index(province: Province) -> None:
    """Give the first thing an index of 152 this hour, and a day that has none."""
    shipped = configuration.load({}).config_dir / "catalog"
    things.upsert_properties(province.conn, catalogue.load(shipped))
    derived.register(province.conn)
    province.conn.execute(
        "with o as (insert into observation (datastream_id, phenomenon_time, result, quality,"
        " flags, received, writer, batch_no) select id, date_trunc('hour', now()),"
        " case property when 'vn_aqi_hour' then 152 else 'NaN'::float8 end, 0, 0, now(), 1, 1"
        " from datastream where derived and thing_id = %(thing)s"
        " returning datastream_id, phenomenon_time, result)"
        " insert into index_detail select datastream_id, phenomenon_time,"
        ' case result when 152 then \'{"pm25": 151.8, "pm10": 88.0, "no2": 31.2}\''
        "  else '{}' end::jsonb, case result when 152 then 'pm25' end, 0.92,"
        " case result when 152 then null else 'no_data' end from o",
        {"thing": province.things[0]},
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_an_index_is_said_with_all_its_words(
    screens: Screens, province: Province, width: int
) -> None:
    """Number, category and advice, the dominant parameter; a missing one with its reason."""
    index(province)
    screen = screens()
    page = screen.page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{screen.origin}/wall?token={province.kiosk}")
    screen.show(f"/thing/{province.things[0]}", CARDS)
    block = page.locator(".indices")
    for words in ("152", "Xấu", "Người bình thường", "Thông số chính: PM2,5", "Không có dữ liệu"):
        expect(block).to_contain_text(words)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
