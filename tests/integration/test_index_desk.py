"""Frames of a week, the board, a river without VN_WQI, and the weighting of a station."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from typer.testing import CliRunner

from ioc import catalogue
from ioc import settings as configuration
from ioc.cli import context
from ioc.cli.index import app
from ioc.domain.permission import Role
from ioc.settings import Settings
from ioc.storage import derived, things
from tests.integration.ingest_rig import one
from tests.integration.web_site import Site, add_people, add_thing, running

Db = Connection[tuple[Any, ...]]
RIVER = {"cod": 18.0, "ph": 7.0, "dissolved_oxygen": 6.5, "toc": 3.0}


@pytest.fixture
def air(conn: Db, web_settings: Settings) -> int:
    """Return a station with an index of 40 + n, n hours ago, and none with a reason an hour ago."""
    thing, _ = add_thing(conn, "kk-1")
    things.upsert_properties(conn, catalogue.load(web_settings.config_dir / "catalog"))
    derived.register(conn)
    conn.execute(
        "insert into ingest_writer (client_id, internal) values ('i', true);"
        "with o as (insert into observation (datastream_id, phenomenon_time, result, quality,"
        " flags, received, writer, batch_no) select d.id,"
        " date_trunc('hour', now()) - n * interval '1 hour',"
        " case n when 1 then 'NaN'::float8 else 40 + n end, case n when 1 then 4 else 0 end, 0,"
        " now(), w.id, 1 from datastream d, generate_series(0, 3) n, ingest_writer w"
        " where d.property = 'vn_aqi_hour'"
        " returning datastream_id, phenomenon_time, quality)"
        "insert into index_detail select datastream_id, phenomenon_time, '{\"pm25\": 40}',"
        " case quality when 4 then null else 'pm25' end, 0.5,"
        " case quality when 4 then 'no_particles' end from o"
    )
    return thing


@pytest.fixture
def river(conn: Db, web_settings: Settings) -> int:
    """Return a river station of groups I and IV alone, whose last hour was computed."""
    thing, _ = add_thing(conn, "nm-1")
    things.upsert_properties(conn, catalogue.load(web_settings.config_dir / "catalog"))
    for code, value in RIVER.items():
        conn.execute(
            "with d as (insert into datastream (thing_id, name, code, property, unit,"
            " expected_period_s, stale_after_s) select %s, %s, %s, code, unit, 3600, 7200"
            " from observed_property where code = %s returning id)"
            "insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max)"
            " select id, date_trunc('hour', now()) - interval '1 hour', 1, 1, %s, %s, %s from d",
            (thing, code, code, code, value, value, value),
        )
    derived.register(conn)
    conn.execute(
        "insert into index_detail select id, date_trunc('hour', now()), '{}', null, 1,"
        " 'few_groups' from datastream where property = 'vn_wqi'"
    )
    return thing


@pytest.fixture
def site(web_settings: Settings) -> Iterator[Site]:
    """Yield a running site."""
    with running(web_settings) as found:
        yield found


def test_a_week_stands_in_one_answer(site: Site, air: int, role_tokens: dict[Role, str]) -> None:
    """168 frames that end with the hour that is over; no index is the number of its reason."""
    client = site.client(role_tokens[Role.LEADER])
    found = client.get("/desk/indices?of=vn_aqi_hour").json()
    assert (found["count"], found["step"]) == (168, 3_600_000)
    [station] = found["stations"]
    assert station["id"] == air
    assert station["values"][-4:] == [43, 42, -1, 40]
    assert station["values"][:164] == [None] * 164
    assert "PM10" in found["reasons"][0]
    assert [one["name"] for one in found["categories"]][:2] == ["Tốt", "Trung bình"]
    assert [(one["low"], one["high"]) for one in found["categories"]][-1] == (301, 500)


def test_frames_keep_to_the_area_of_who_asks(conn: Db, site: Site, air: int) -> None:
    """Who is limited to another commune gets no station."""
    assert air
    add_people(conn)
    conn.execute("update app_user set areas = '{1}' where username = 'truc-ban'")
    assert site.operator().get("/desk/indices").json()["stations"] == []


def test_a_kiosk_reads_the_board(site: Site, air: int, role_tokens: dict[Role, str]) -> None:
    """Short name, index, word, dominant parameter, advice, method and source of QĐ 1459, Bảng 3."""
    client = site.client(role_tokens[Role.KIOSK])
    [item] = client.get("/desk/indices/board").json()["items"]
    assert (item["id"], item["short"], item["index"]) == (air, "kk-1", 40)
    assert (item["category"], item["dominant"]) == ("Tốt", "PM2,5")
    assert all(item[name] for name in ("advice", "method", "source", "colour"))


def test_a_river_without_an_index_has_its_class_and_the_reason(
    site: Site, river: int, role_tokens: dict[Role, str]
) -> None:
    """No number; the reason; class C by COD of QCVN 08."""
    answer = site.client(role_tokens[Role.ADMIN]).get(f"/api/v1/indices/{river}").json()
    [item] = [one for one in answer["newest"] if one["of"] == "vn_wqi"]
    assert item["index"] is None
    assert "3 trong 5 nhóm" in item["reason_name"]
    assert (item["surface_class"], item["surface_class_by"]) == ("C", ["COD"])


def test_the_weighting_is_a_stations_setting(
    conn: Db, river: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ioc index weighted` sets it, marks the past to be made anew, and the audit names who."""
    given = configuration.load({"IOC_DATABASE_URL": database_url})
    monkeypatch.setattr(context, "_settings", [given])
    conn.execute("delete from index_dirty")
    done = CliRunner().invoke(app, ["weighted", "nm-1", "--by", "lan"])
    assert done.exit_code == 0
    rows = conn.execute("select thing_id from index_station where weighted").fetchall()
    assert rows == [(river,)]
    assert one(conn, "select count(*) from index_dirty where kind = 'water'") == 1
    assert one(conn, "select actor from audit where action = 'index.weighted'") == "lan"
    assert CliRunner().invoke(app, ["weighted", "khac", "--by", "lan"]).exit_code != 0
