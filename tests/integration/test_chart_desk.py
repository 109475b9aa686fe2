"""What the page of one thing takes away and writes: its past as a file, and notes at it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.storage import users
from tests.integration.test_pending_desk import place
from tests.integration.web_site import Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]
NOTE = {"since": "2026-11-24T08:00:00+07:00", "until": "2026-11-24T09:00:00+07:00", "words": "hỏng"}


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may write notes."""
    return web.client(role_tokens[Role.ENVIRONMENT])


def send(client: Client, method: str, path: str, body: Any = None) -> Answer:
    headers = {"Origin": f"http://127.0.0.1:{client.port}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    return client.ask(method, f"/desk/thing/{path}", sent, headers)


def minute(conn: Db, stream: int, back: int, *, n: int = 3, good: int = 3) -> None:
    conn.execute(
        "insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last)"
        " values (%s, date_trunc('minute', now()) - make_interval(mins => %s), %s, %s, 6, 1, 3, 2)",
        (stream, back, n, good),
    )


def test_a_file_holds_what_the_chart_shows(desk: Client, conn: Db) -> None:
    """Mean, band, last and how many were bad, of both datastreams, an instant a row."""
    thing, stream = add_thing(conn)
    row = conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) values (%s, 'w', '/w', 'pm25', '', 60, 300) returning id",
        (thing,),
    ).fetchone()
    assert row
    minute(conn, stream, 10, n=4)
    minute(conn, stream, 5)
    minute(conn, row[0], 5)
    body = desk.get(f"/desk/thing/{thing}/export.csv?property=pm25&against=/w&hours=1").body
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert rows[0][1:3] == ["Bụi mịn (µg/m³): trung bình", "Bụi mịn (µg/m³): thấp nhất"]
    assert [line[1:] for line in rows[1:]] == [
        ["2.0", "1.0", "3.0", "2.0", "1", "", "", "", "", ""],
        ["2.0", "1.0", "3.0", "2.0", "0", "2.0", "1.0", "3.0", "2.0", "0"],
    ]
    assert desk.get(f"/desk/thing/{thing}/export.xlsx?property=none").status == 404


def test_a_note_is_written_and_taken_back(
    web: Site, desk: Client, conn: Db, role_tokens: dict[Role, str]
) -> None:
    """Who wrote it may take it back, nobody else; the audit keeps the words."""
    thing, _ = add_thing(conn)
    made = send(desk, "POST", f"{thing}/notes", NOTE | {"property": "pm25"})
    assert made.status == 201
    path = f"{thing}/notes/{made.json()['id']}"
    assert send(web.client(role_tokens[Role.OPERATOR]), "DELETE", path).status == 404
    assert send(desk, "DELETE", path).status == 204
    assert send(desk, "DELETE", path).status == 404
    lines = conn.execute("select action, detail ->> 'words' from audit where action like 'note%'")
    assert lines.fetchall() == [("note.add", "hỏng"), ("note.remove", None)]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"until": "2026-11-24T07:00:00+07:00"}, 422),
        ({"words": " "}, 422),
        ({"since": "2026-11-24T08:00:00"}, 422),
        ({"property": "none"}, 404),
    ],
)
def test_a_note_has_a_stretch_and_words(
    desk: Client, conn: Db, wrong: dict[str, Any], status: int
) -> None:
    """Backwards, without a zone, empty, or about nothing: refused."""
    thing, _ = add_thing(conn)
    assert send(desk, "POST", f"{thing}/notes", NOTE | wrong).status == status


def test_nobody_writes_beyond_his_area(web: Site, conn: Db) -> None:
    """A thing of another commune has no file and takes no note."""
    thing, stream = add_thing(conn)
    place(conn, thing, "26001")
    minute(conn, stream, 5)
    scope = Scope(areas=frozenset({"26000"}))
    token = users.create_token(conn, kind="api", role="operator", label="xã", scope=scope)
    client = web.client(token)
    assert send(client, "POST", f"{thing}/notes", NOTE).status == 404
    assert client.get(f"/desk/thing/{thing}/export.csv?property=pm25").status == 404
