"""`/api/v1/indices` and the block on a station's page: what QĐ 1459 makes mandatory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from ioc import catalogue
from ioc.domain.permission import Role
from ioc.settings import Settings
from ioc.storage import derived, things
from tests.integration.web_site import Site, add_thing, running

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def station(conn: Db, web_settings: Settings) -> int:
    """Return a station with an index of 81 three hours ago and none since."""
    thing, _ = add_thing(conn, "kk-1")
    things.upsert_properties(conn, catalogue.load(web_settings.config_dir / "catalog"))
    derived.register(conn)
    conn.execute(
        "insert into ingest_writer (client_id, internal) values ('i', true);"
        "with o as (insert into observation (datastream_id, phenomenon_time, result, quality,"
        " flags, received, writer, batch_no) select id,"
        " date_trunc('hour', now()) - n * interval '1 hour',"
        " case n when 1 then 'NaN' else 81::float8 end, case n when 1 then 4 else 0 end, 0, now(),"
        " 1, 1"
        " from datastream, generate_series(1, 3) n where property = 'vn_aqi_hour'"
        " returning datastream_id, phenomenon_time, quality)"
        "insert into index_detail select datastream_id, phenomenon_time,"
        " case quality when 4 then '{}'::jsonb else '{\"pm25\": 80.6, \"no2\": 12.2}'::jsonb end,"
        " case quality when 4 then null else 'pm25' end, 0.5,"
        " case quality when 4 then 'no_particles' end from o"
    )
    return thing


@pytest.fixture
def site(web_settings: Settings) -> Iterator[Site]:
    """Yield a running site."""
    with running(web_settings) as found:
        yield found


def test_an_index_comes_with_all_that_is_mandatory(
    conn: Db, site: Site, station: int, role_tokens: dict[Role, str]
) -> None:
    """Index, word, colour, advice, dominant parameter, time, every parameter, method, source."""
    conn.execute("delete from index_detail where reason is not null")
    found = site.client(role_tokens[Role.ADMIN]).get("/api/v1/indices").json()
    [item] = found["items"]
    assert found["next"] is None
    assert (item["thing_id"], item["of"], item["index"]) == (station, "vn_aqi_hour", 81)
    assert (item["category_name"], item["colour"]) == ("Trung bình", "#FFFF00")
    assert (item["dominant"], item["dominant_name"]) == ("pm25", "PM2,5")
    assert [(s["name"], s["index"], s["dominant"]) for s in item["sub_indices"]] == [
        ("NO₂", 12, False),
        ("PM2,5", 81, True),
    ]
    assert "người nhạy cảm" in item["advice"]
    assert "1459" in item["method"]
    assert item["source"] == "Môi trường"
    assert item["time"].endswith("Z")


def test_an_index_that_cannot_be_had_says_why(
    site: Site, station: int, role_tokens: dict[Role, str]
) -> None:
    """No number, no colour, the reason in words; the past says which hours had one."""
    answer = site.client(role_tokens[Role.ADMIN]).get(f"/api/v1/indices/{station}").json()
    [item] = answer["newest"]
    assert (item["index"], item["category"], item["colour"]) == (None, None, None)
    assert "PM10" in item["reason_name"]
    assert [(p["index"], p["reason"]) for p in answer["past"]] == [
        (81, None),
        (81, None),
        (None, "no_particles"),
    ]


def test_a_thing_without_indices_is_not_found(
    conn: Db, site: Site, role_tokens: dict[Role, str]
) -> None:
    """404 for a station that measures nothing an index is made of, and 401 for a stranger."""
    conn.execute("select 1")
    assert site.client(role_tokens[Role.ADMIN]).get("/api/v1/indices/999").status == 404
    assert site.client("").get("/api/v1/indices").status == 401
