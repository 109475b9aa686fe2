"""What the page of things fetches: states by age, places in the list, files, somebody's scope."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest
from openpyxl import load_workbook
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.storage import users
from tests.integration.web_site import Client, Site, add_thing

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may read things."""
    return web.client(role_tokens[Role.LEADER])


def spoke(conn: Db, stream: int, seconds: float) -> None:
    conn.execute("insert into ingest_writer (client_id) values ('t') on conflict do nothing")
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
        " received, writer, batch_no) select"
        " %s, now() - make_interval(secs => %s), 1, 0, 0, now(), id, 1 from ingest_writer limit 1",
        (stream, seconds),
    )


def test_a_state_follows_from_the_age(desk: Client, conn: Db) -> None:
    """Live, late past 1.5 periods, silent past the limit, never: each counted, each found."""
    for name, seconds in (("live", 5), ("late", 200), ("silent", 900)):
        spoke(conn, add_thing(conn, name)[1], seconds)
    add_thing(conn, "never")
    add_thing(conn, "stranger", state="pending")
    found = desk.get("/desk/things").json()
    assert {row["external_id"]: row["freshness"] for row in found["rows"]} == {
        name: name for name in ("live", "late", "silent", "never")
    }
    assert found["counts"] == {"live": 1, "late": 1, "silent": 1, "never": 1}
    late = desk.get("/desk/things?state=late").json()
    assert [row["external_id"] for row in late["rows"]] == ["late"]
    assert late["counts"] == found["counts"]


def test_a_page_follows_the_one_before(desk: Client, conn: Db) -> None:
    """Things of one name are neither skipped nor shown twice between pages."""
    for number in range(5):
        thing, _ = add_thing(conn, f"x{number}")
        conn.execute("update thing set name = 'Trạm' where id = %s", (thing,))
    seen: list[str] = []
    place = ""
    while True:
        found = desk.get(f"/desk/things?limit=2{place}").json()
        seen += [row["external_id"] for row in found["rows"]]
        if found["next"] is None:
            break
        place = f"&cursor={found['next']}"
    assert seen == [f"x{number}" for number in range(5)]
    assert desk.get("/desk/things?cursor=W10").status == 400


def test_a_file_holds_what_the_list_shows(desk: Client, conn: Db) -> None:
    """CSV and XLSX have the filtered rows in words, and no name runs as a formula."""
    thing, stream = add_thing(conn, "x")
    conn.execute("update thing set name = '=1+1' where id = %s", (thing,))
    spoke(conn, stream, 5)
    add_thing(conn, "y", kind="water")
    body = desk.get("/desk/things/export.csv?kind=environment").body
    (row,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert (row["Mã thiết bị"], row["Tên"], row["Trạng thái"]) == ("x", "'=1+1", "Đang gửi")
    book = load_workbook(io.BytesIO(desk.get("/desk/things/export.xlsx").body))
    assert [one[0] for one in book.worksheets[0].iter_rows(min_row=2, values_only=True)] == [
        "x",
        "y",
    ]


def test_words_are_words(desk: Client, conn: Db) -> None:
    """What a pattern would read as a sign is looked for as it stands."""
    add_thing(conn, "x")
    assert desk.get(f"/desk/things?q={quote('tram x')}").json()["rows"]
    assert desk.get(f"/desk/things?q={quote('t%x')}").json()["rows"] == []


def test_nobody_sees_beyond_his_area(web: Site, conn: Db) -> None:
    """Rows, counts, choices and files of a limited account are of its communes alone."""
    for name, code in (("in", "26000"), ("out", "26001")):
        thing, _ = add_thing(conn, name)
        conn.execute(
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) values (%s, 107, 11, %s, %s, 'boundary', 'inside')",
            (thing, code, f"Xã {code}"),
        )
    scope = Scope(areas=frozenset({"26000"}))
    token = users.create_token(conn, kind="api", role="leader", label="xã", scope=scope)
    client = web.client(token)
    found = client.get("/desk/things").json()
    assert [row["external_id"] for row in found["rows"]] == ["in"]
    assert sum(found["counts"].values()) == 1
    assert client.get("/desk/things/choices").json()["areas"] == [["26000", "Xã 26000"]]
    assert b"out" not in client.get("/desk/things/export.csv").body
