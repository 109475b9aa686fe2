"""What waits for admission: listed with what it sent, admitted, refused, taken back, audited."""

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
from tests.integration.test_thing_desk import spoke
from tests.integration.web_site import Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may admit things."""
    return web.client(role_tokens[Role.OPERATOR])


def send(client: Client, word: str, **body: Any) -> Answer:
    headers = {
        "Origin": f"http://127.0.0.1:{client.port}",
        "Content-Type": "application/json",
    }
    return client.ask("POST", f"/desk/pending/{word}", json.dumps(body).encode(), headers)


def place(conn: Db, thing: int, code: str) -> None:
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) values (%s, 107, 11, %s, 'Xã', 'boundary', 'inside')",
        (thing, code),
    )


def test_what_waits_is_listed_with_what_it_sent(desk: Client, conn: Db) -> None:
    """Channels with their newest value, since when, and the file; nothing that is admitted."""
    _, stream = add_thing(conn, "la", state="pending")
    add_thing(conn, "known")
    spoke(conn, stream, 5)
    found = desk.get("/desk/pending").json()
    (row,) = found["rows"]
    assert (row["external_id"], row["streams"], row["channels"][0]["result"]) == ("la", 1, 1.0)
    assert (found["total"], found["feeds"]) == (1, [["env", "Môi trường", 1]])
    body = desk.get("/desk/pending/export.csv").body
    (line,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert (line["Mã thiết bị"], line["Các kênh"]) == ("la", "Bụi mịn")


def test_a_person_says_what_it_is(desk: Client, conn: Db) -> None:
    """Names, kind, place and period are as given; the audit says them; the thing is seen."""
    thing, _ = add_thing(conn, "la", state="pending")
    one = {"id": thing, "name": "Trạm Long Bình", "short_name": "Long Bình", "kind": "water"}
    one |= {"lon": 106.9, "lat": 10.95, "period_s": 600}
    assert send(desk, "admit", things=[one]).json() == {"done": [thing], "gone": []}
    row = conn.execute(
        "select t.name, short_name, kind, state, commune_how, expected_period_s, stale_after_s"
        " from thing t join location l on l.thing_id = t.id join datastream d on d.thing_id = t.id"
    ).fetchone()
    seen = ("Trạm Long Bình", "Long Bình", "water", "admitted", "nearest_seat", 600, 3000)
    assert row == seen
    assert desk.get(f"/api/v1/things/{thing}").status == 200
    said = conn.execute("select detail from audit where action = 'thing.admit'").fetchone()
    assert said
    assert (said[0]["name"], said[0]["lon"]) == ("Trạm Long Bình", 106.9)
    assert send(desk, "admit", things=[one]).json() == {"done": [], "gone": [thing]}


def test_a_refusal_is_taken_back(desk: Client, conn: Db) -> None:
    """A refused thing is out of the list, found among the refused with its reason, and returns."""
    things = [add_thing(conn, name, state="pending")[0] for name in ("a", "b")]
    assert send(desk, "refuse", things=things, reason="thử").json()["done"] == things
    assert desk.get("/desk/pending").json()["rows"] == []
    refused = desk.get("/desk/pending?refused=true").json()["rows"]
    assert [row["refused"]["reason"] for row in refused] == ["thử", "thử"]
    assert send(desk, "restore", things=things[:1]).json()["done"] == things[:1]
    assert [row["id"] for row in desk.get("/desk/pending").json()["rows"]] == things[:1]
    assert send(desk, "refuse", things=[add_thing(conn, "c")[0]]).json()["done"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"lon": 107.0}, {"lon": 7.0, "lat": 11.0}, {"name": ""}, {"kind": "spaceship"}, {"x": 1}],
)
def test_nonsense_is_refused_whole(desk: Client, conn: Db, wrong: dict[str, Any]) -> None:
    """Half a place, one on another continent, no name, a kind nobody knows: nothing is done."""
    thing, _ = add_thing(conn, "la", state="pending")
    assert send(desk, "admit", things=[{"id": thing} | wrong]).status == 422
    assert conn.execute("select state from thing").fetchone() == ("pending",)


def test_a_part_of_the_province_admits_its_own(web: Site, conn: Db) -> None:
    """Somebody of one commune sees and admits what lies there, and moves nothing out of it."""
    inside, outside, nowhere = (
        add_thing(conn, name, state="pending")[0] for name in ("in", "out", "nowhere")
    )
    place(conn, inside, "26000")
    place(conn, outside, "26001")
    scope = Scope(areas=frozenset({"26000"}))
    token = users.create_token(conn, kind="api", role="operator", label="xã", scope=scope)
    client = web.client(token)
    found = client.get("/desk/pending").json()
    assert ([row["id"] for row in found["rows"]], found["total"]) == ([inside], 1)
    moved = {"id": inside, "lon": 106.9, "lat": 10.95}
    assert send(client, "admit", things=[moved]).status == 403
    done = send(client, "admit", things=[{"id": one} for one in (inside, outside, nowhere)])
    assert done.json() == {"done": [inside], "gone": [outside, nowhere]}


def test_only_who_may_admits(web: Site, conn: Db, role_tokens: dict[Role, str]) -> None:
    """Who only looks after the environment sees what waits and changes nothing."""
    thing, _ = add_thing(conn, "la", state="pending")
    client = web.client(role_tokens[Role.ENVIRONMENT])
    assert client.get("/desk/pending").json()["admit"] is False
    assert send(client, "admit", things=[{"id": thing}]).status == 403
    assert web.client(role_tokens[Role.LEADER]).get("/desk/pending").status == 403
