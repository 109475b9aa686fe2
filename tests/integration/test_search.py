"""Search over things, features and communes: plain PostgreSQL, no marks, no extension."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from psycopg import Connection

from ioc.domain.layer import Published
from ioc.domain.naming import searchable
from ioc.storage import layers
from tests.integration.web_site import Site, add_people, add_thing, running, settings_for

Db = Connection[tuple[Any, ...]]

NAMES = [
    "Trạm Hoà Hiệp (cũ)",
    "Đường ĐẶNG VĂN TRƠN",
    "Phường Ðông Hòa".replace("Ð", "Đ"),
    "ẤP BƯNG – Xã Ỷ Tịch",
    "DNI-0042/7",
    "  ngã   tư Vũng Tàu ",
    "…",
    "Hòa",  # written with combining marks
]


@pytest.fixture
def site(conn: Db, database_url: str, redis_url: str, redis_prefix: str) -> Iterator[Site]:
    """Return a site with one thing, one imported mast and two communes, one with its old names."""
    add_people(conn)
    thing, _ = add_thing(conn, "KK-017")
    conn.execute("update thing set name = 'Trạm khí Hoà Hiệp' where id = %s", (thing,))
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) values (%s, 107, 11, '1', 'Phường Trấn Biên', 'nearest_seat', 'inside')",
        (thing,),
    )
    conn.execute(
        "insert into layer_feature (layer, code, since, name, shape, bounds, properties,"
        " commune_code, commune_name, commune_how, digest) values ('tower', 'COT-0042', 1,"
        " 'Cột Gò Me', '', '(107,11),(107,11)', '{}', '1', 'Phường Trấn Biên', 'boundary', '')"
    )
    ring = [[106.8, 10.9], [106.9, 10.9], [106.9, 11], [106.8, 10.9]]
    units = [
        {"code": "26041", "name": "Phường Trấn Biên", "old_names": "Tân Phong, Quang Vinh"},
        {"code": "26425", "name": "Xã Xuân Lộc"},
    ]
    features = [
        {
            "type": "Feature",
            "properties": unit,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for unit in units
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    layers.put(conn, "communes", Published("c0", body, 2, ""))
    with running(settings_for(database_url, redis_url, redis_prefix)) as served:
        yield served


def found(site: Site, text: str) -> list[tuple[str, str]]:
    answer = site.operator().get(f"/api/v1/search?q={quote(text)}")
    assert answer.status == 200
    return [(item["kind"], item["name"]) for item in answer.json()["items"]]


@pytest.mark.parametrize("name", NAMES)
def test_database_and_program_fold_alike(conn: Db, name: str) -> None:
    """A word that a person types is folded here, the names there: to the same letters."""
    row = conn.execute("select btrim(search_fold(%s))", (name,)).fetchone()
    assert row == (searchable(name),)


def test_by_name_code_old_name_and_commune(site: Site) -> None:
    """Each of them finds its place, with and without marks, by the beginnings of words."""
    thing, tower = ("thing", "Trạm khí Hoà Hiệp"), ("feature", "Cột Gò Me")
    commune = ("commune", "Phường Trấn Biên")
    assert found(site, "hoa hiep") == found(site, "Hòa Hiệp") == [thing]
    assert found(site, "hie tram") == [thing]
    assert found(site, "kk-017") == [thing]
    assert found(site, "cot 0042") == [tower]
    assert found(site, "quang vinh") == [commune]
    assert found(site, "26425") == [("commune", "Xã Xuân Lộc")]
    assert found(site, "tran bien") == [commune, thing, tower]
    assert found(site, "go me hoa") == []


@pytest.mark.parametrize("text", ["'", "& | !", ":*", "a:b <-> c", "\\", "…", "%", "ẩ'ẩ"])
def test_no_text_breaks_the_question(site: Site, text: str) -> None:
    """What people paste is words or nothing, never an error or an operator."""
    assert found(site, text) == []


def test_a_new_version_of_the_communes_is_searched(site: Site, conn: Db) -> None:
    """An imported boundary with its names counts from the next question on."""
    assert found(site, "xuan loc") == [("commune", "Xã Xuân Lộc")]
    layers.put(conn, "communes", Published("c1", b'{"features":[]}', 0, ""))
    assert found(site, "xuan loc") == []


def test_an_index_answers(site: Site, conn: Db) -> None:
    """Among many rows the question is one that the index without extension answers."""
    assert site.port
    conn.execute(
        "insert into layer_feature (layer, code, since, name, shape, bounds, properties,"
        " commune_how, digest) select 'bts', 'DNI' || n, 1, 'Trạm số ' || n, '',"
        " '(107,11),(107,11)', '{}', 'none', '' from generate_series(1, 3000) n"
    )
    conn.execute("analyze layer_feature")
    plan = conn.execute(
        "explain select 1 from layer_feature where until is null and search_words(code || ' '"
        " || name || ' ' || coalesce(properties ->> 'old_names', '') || ' '"
        " || coalesce(commune_name, '')) @@ to_tsquery('simple', 'dni2042:*')"
    ).fetchall()
    assert "layer_feature_words" in str(plan)
    assert found(site, "dni2042") == [("feature", "Trạm số 2042")]
