"""Walls over HTTP: steered from a desk, told over /live, and what their pages are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import uuid4

import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from ioc.storage import users
from tests.awaiting import wait_for
from tests.integration.web_site import PASSWORD, Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]
_CHANGES: Final[tuple[LiteralString, ...]] = (
    "update shift_handover set remark = ''",
    "delete from shift_note",
    "truncate shift_handover",
)
WALL = {"title": "Tường họp", "items": [{"layout": "cameras", "dwell_s": 60}], "pinned": None}


def send(client: Client, path: str, body: object, method: str = "POST") -> Answer:
    """Send JSON as the page does."""
    headers = {"Origin": f"http://127.0.0.1:{client.port}", "Content-Type": "application/json"}
    return client.ask(method, path, json.dumps(body).encode(), headers)


def told(site: Site, client: Client, name: str) -> dict[str, Any]:
    """Return what a new screen is told about a wall."""
    with site.events(client) as events:
        _, snapshot = events.next("snapshot")
    found: dict[str, Any] = snapshot["walls"].get(name, {})
    return found


def raise_critical(conn: Db, thing: int, stream: int) -> str:
    """Open a critical alert that nobody took; return its id."""
    key = uuid4()
    conn.execute(
        "insert into rule (id, name, current_version) values ('r', 'Bụi', 1) on conflict do nothing"
    )
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by) values"
        " ('r', 1, %s, 'test') on conflict do nothing",
        (Jsonb({"name": {"vi": "Bụi", "en": "Dust"}, "op": ">"}),),
    )
    conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result) values (%s, 'r', 1, %s, %s, 1, true, now(), now(), 1)",
        (key, stream, thing),
    )
    return str(key)


def test_a_desk_sends_a_page_to_a_wall(web: Site, conn: Db, kiosk_token: str) -> None:
    """What an operator sends is what every screen of that wall is told next."""
    operator, kiosk = web.operator(), web.client()
    kiosk.token = kiosk_token
    assert send(operator, "/desk/walls/hop-1", WALL).status == 200
    wait_for(lambda: told(web, kiosk, "hop-1").get("layout") == "cameras")
    assert send(operator, "/desk/walls/hop-1", WALL | {"pinned": "network"}).status == 200
    wait_for(lambda: told(web, kiosk, "hop-1").get("layout") == "network")
    lines = conn.execute(
        "select detail from audit where action = 'wall.put' order by id"
    ).fetchall()
    assert [line[0]["to"]["pinned"] for line in lines] == [None, "network"]
    assert lines[1][0]["from"]["pinned"] is None


@pytest.mark.usefixtures("kiosk_token")
def test_a_critical_alert_holds_the_list(web: Site, conn: Db) -> None:
    """While nobody took a critical alert the list stands; afterwards it goes on."""
    operator = web.operator()
    turns = [{"layout": "cameras", "dwell_s": 3600}, {"layout": "alerts", "dwell_s": 3600}]
    send(operator, "/desk/walls/hop-1", WALL | {"items": turns})
    wait_for(lambda: told(web, operator, "hop-1").get("until"))
    key = raise_critical(conn, *add_thing(conn))
    wait_for(lambda: told(web, operator, "hop-1")["paused"])
    conn.execute("update alert set acked_at = now(), acked_by = 'x' where id = %s", (key,))
    wait_for(lambda: not told(web, operator, "hop-1")["paused"])


def test_a_kiosk_only_says_that_it_lives(web: Site, kiosk_token: str) -> None:
    """A screen's sign stands on the desk; it steers nothing, and a leader neither."""
    operator, kiosk = web.operator(), web.client(kiosk_token)
    send(operator, "/desk/walls/hop-1", WALL)
    assert send(kiosk, "/wall-data/screens/hop-1/seen", {"layout": "alerts"}).status == 204
    assert send(kiosk, "/wall-data/screens/nowhere/seen", {"layout": "alerts"}).status == 404
    [wall] = [w for w in operator.get("/desk/walls").json()["walls"] if w["name"] == "hop-1"]
    assert wall["seen_layout"] == "alerts"
    assert send(kiosk, "/desk/walls/hop-1", WALL).status == 403
    leader = web.client()
    leader.login("lanh-dao")
    assert send(leader, "/desk/walls/hop-1", WALL).status == 403
    assert send(operator, "/desk/walls/hop-1", None, "DELETE").status == 204
    assert send(operator, "/desk/walls/hop-1", None, "DELETE").status == 404


@pytest.mark.usefixtures("kiosk_token")
def test_measures_are_kept_and_answered_with_their_reach(web: Site) -> None:
    """A measured wall is told how large its picture is, and the desk how far it is read."""
    operator = web.operator()
    measures = {"diagonal_in": 110, "width_px": 3840, "height_px": 2160, "viewer_m": 9}
    found = send(operator, "/desk/walls/hop-1", WALL | {"screen": measures}).json()
    assert found["sizes"]["legible"] is False
    wait_for(lambda: told(web, operator, "hop-1").get("scale", 1) > 1)
    wild = measures | {"viewer_m": 0}
    assert send(operator, "/desk/walls/hop-1", WALL | {"screen": wild}).status == 422


def camera(conn: Db, name: str, words: list[tuple[float, int]], owner: str = "Công an") -> int:
    """Make a camera whose status said each code so many hours ago, and each 5 min since; its id."""
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values"
        " ('cam', 'Camera', 'Cameras', 300) on conflict do nothing"
    )
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind, states) values"
        " ('camera_status', 'x', 'x', '', 'category', '{\"online\": 0, \"offline\": 2}')"
        " on conflict do nothing"
    )
    row = conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind, state, properties)"
        " values ('cam', %s, %s, %s, 'camera', 'admitted', %s) returning id",
        (name, name, name, Jsonb({"owner": owner})),
    ).fetchone()
    assert row
    stream = conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) values (%s, '@status', 'camera_status', 'camera_status', '', 300, 900)"
        " returning id",
        (row[0],),
    ).fetchone()
    assert stream
    now = datetime.now(UTC)
    ends = [*[hours for hours, _ in words[1:]], 0.0][: len(words)]
    for (hours, code), end in zip(words, ends, strict=True):
        at = now - timedelta(hours=hours)
        while at < now - timedelta(hours=end):
            conn.execute(
                "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
                " received, writer, batch_no) values (%s, %s, %s, 0, 0, %s, 1, 1)",
                (stream[0], at, code, at),
            )
            at += timedelta(minutes=5)
    return int(row[0])


def test_cameras_by_owner_with_their_longest_outage(web: Site, conn: Db, kiosk_token: str) -> None:
    """Online, offline and unknown are told apart, and an outage has the age of its beginning."""
    well = camera(conn, "A", [(3, 0)])
    down = camera(conn, "B", [(3, 0), (2, 2)])
    camera(conn, "C", [], "Sở Xây dựng")
    found = web.client(kiosk_token).get("/wall-data/cameras").json()
    assert found["counts"] | {} == {
        "online": 1, "offline": 1, "no_signal": 0, "not_recording": 0, "unknown": 1, "planned": 0,
    }  # fmt: skip
    police, works = found["owners"]
    assert (police["name"], police["faults"], works["unknown"]) == ("Công an", 1, 1)
    assert {key: state for key, state, _ in police["cameras"]} == {well: "online", down: "offline"}
    [outage] = [one for one in found["longest"] if one["id"] == down]
    if datetime.now(UTC).day > 1:
        assert 1.9 * 3_600_000 < found["now"] - outage["since"] < 2.1 * 3_600_000
    assert police["uptime"] is not None
    assert works["uptime"] is None


def test_pages_answer_an_empty_province(web: Site, kiosk_token: str) -> None:
    """Nothing registered, nothing measured: each page is told so, not an error."""
    client = web.client(kiosk_token)
    for page in ("environment", "network", "cameras", "alerts"):
        answer = client.get(f"/wall-data/{page}")
        assert answer.status == 200, page
        assert answer.json()["now"] > 0
    assert client.get("/wall-data/alerts").json()["flood"]["since"] is None


def second(conn: Db, name: str = "ca-sau", role: str = "operator") -> None:
    """Make somebody who may take over."""
    users.put_user(conn, username=name, display_name="Ca sau", role=role, password=PASSWORD)


@pytest.mark.usefixtures("kiosk_token")
def test_two_people_sign_and_nobody_changes_it(web: Site, conn: Db) -> None:
    """A hand-over holds what stood and was noted, is signed by both, and stays as it is."""
    second(conn)
    raise_critical(conn, *add_thing(conn))
    operator = web.operator()
    assert send(operator, "/desk/handover/notes", {"note": "Trạm bơm 2 đang sửa"}).status == 204
    before = operator.get("/desk/handover").json()
    assert ["ca-sau", "Ca sau"] in before["people"]
    body = {"receiver": "ca-sau", "password": PASSWORD, "remark": "Nhớ gọi lại", "after": None}
    answer = send(operator, "/desk/handover", body)
    assert answer.status == 201, answer.body
    number = answer.json()["id"]
    kept = operator.get(f"/desk/handover/{number}").json()
    assert (kept["given_by"], kept["taken_by"]) == ("truc-ban", "ca-sau")
    assert [note["note"] for note in kept["content"]["notes"]] == ["Trạm bơm 2 đang sửa"]
    assert [row["severity"] for row in kept["content"]["alerts"]] == [1]
    assert kept["content"]["counts"]["unacked"] == 1
    after = operator.get("/desk/handover").json()
    assert (after["last"], after["notes"]) == (number, [])
    for statement in _CHANGES:
        with pytest.raises(InsufficientPrivilege, match="only ever added to"):
            conn.execute(statement)


@pytest.mark.usefixtures("kiosk_token")
def test_no_hand_over_without_two_proven_people(web: Site, conn: Db) -> None:
    """The same person, a wrong password, a leader, or a shift that was given already: refused."""
    second(conn)
    operator = web.operator()

    def reason(**more: object) -> object:
        body = {"receiver": "ca-sau", "password": PASSWORD, "after": None} | more
        answer = send(operator, "/desk/handover", body)
        assert answer.status == 409
        return answer.json()["reason"]

    assert reason(receiver="truc-ban") == "same_person"
    assert reason(password="sai") == "password"
    assert reason(receiver="lanh-dao") == "role"
    assert reason(after=7) == "handed_over"
    assert conn.execute("select count(*) from shift_handover").fetchone() == (0,)
    leader = web.client()
    leader.login("lanh-dao")
    assert leader.get("/desk/handover").status == 403


@pytest.mark.usefixtures("kiosk_token")
def test_who_sees_a_part_signs_for_no_whole(web: Site, conn: Db) -> None:
    """Somebody with a scope reads no hand-over: it is of the whole room."""
    operator = web.operator()
    conn.execute("update app_user set domains = '{camera}' where username = 'truc-ban'")
    wait_for(lambda: operator.get("/desk/handover").status == 403)
