"""What the operators' desk fetches: lists, filters, floods, one alert whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.instant import from_datetime
from ioc.domain.permission import Role
from tests.integration.web_site import Answer, Client, Site, add_people, add_thing

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may see alerts."""
    return web.client(role_tokens[Role.OPERATOR])


def rule(conn: Db, name: str = "pm25-high") -> str:
    definition = {
        "name": {"vi": f"Bụi mịn vượt ngưỡng ({name})", "en": "PM2.5"},
        "op": ">",
        "operator_action": {"vi": "gọi trực ban", "en": "call"},
    }
    conn.execute("insert into rule (id, name, current_version) values (%s, 'r', 1)", (name,))
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values (%s, 1, %s, 'test')",
        (name, Jsonb(definition)),
    )
    return name


def alert(conn: Db, of: tuple[int, int], rule_id: str, **more: Any) -> str:
    """Store an alert of (thing, datastream), raised `minutes` ago."""
    now = datetime.now(UTC)
    raised = now - timedelta(minutes=more.pop("minutes", 4))
    key = str(uuid4())
    row = {
        "id": key,
        "rule_id": rule_id,
        "rule_version": 1,
        "thing_id": of[0],
        "datastream_id": of[1],
        "severity": 2,
        "active": True,
        "raised_at": raised,
        "detected_at": raised,
        "result": 163.4,
        "limit_value": 150.0,
    } | more
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    conn.execute(f"insert into alert ({names}) values ({values})".encode(), row)
    return key


def ask(client: Client, path: str = "", **query: Any) -> Any:
    answer: Answer = client.get(f"/desk/alerts{path}?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.body
    return answer.json()


def ids(found: Any) -> list[str]:
    return [row["id"] for row in found["rows"]]


def test_urgent_first_and_whole(conn: Db, desk: Client) -> None:
    """Open alerts by severity, what is unanswered first; a row says all that is shown of it."""
    here = add_thing(conn)
    low = alert(conn, here, rule(conn, "a"), severity=4)
    taken = alert(conn, here, rule(conn, "b"), severity=1, acked_at=datetime.now(UTC), acked_by="x")
    new = alert(conn, here, rule(conn, "c"), severity=1, minutes=9)
    alert(conn, here, rule(conn, "d"), active=False, closed_at=datetime.now(UTC))
    found = ask(desk)
    assert ids(found) == [new, taken, low]
    assert found["total"] == 3
    assert [found["counts"][name] for name in ("open", "returned", "unacked")] == [3, 0, 2]
    row = found["rows"][0]
    assert (row["place"], row["unit"], row["limit"], row["action"]) == (
        "Trạm tram-1",
        "µg/m³",
        150.0,
        "gọi trực ban",
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"severity": [1, 2]}, {"critical"}),
        ({"state": "acked"}, {"taken"}),
        ({"state": "unacked"}, {"critical"}),
        ({"kind": "camera"}, {"taken"}),
        ({"area": "26041"}, {"critical"}),
        ({"rule": "r2"}, {"taken"}),
        ({"hours": 1}, {"critical"}),
        ({"q": "LONG KHANH"}, {"critical"}),
        ({"q": "do thi"}, {"taken"}),
        ({"q": "100%"}, set()),
    ],
)
def test_filters(conn: Db, desk: Client, query: dict[str, Any], expected: set[str]) -> None:
    """Each filter keeps what it names; words are found without accents and without case."""
    here = add_thing(conn, "Long Khánh")
    there = add_thing(conn, "Đô Thị", kind="camera")
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) values (%s, 107, 11, '26041', 'Phường Xuân Lập', 'boundary', 'inside')",
        (here[0],),
    )
    made = {
        alert(conn, here, rule(conn, "r1"), severity=1): "critical",
        alert(
            conn,
            there,
            rule(conn, "r2"),
            severity=3,
            minutes=90,
            acked_at=datetime.now(UTC),
            acked_by="truc-ban",
        ): "taken",
    }
    assert {made[key] for key in ids(ask(desk, **query))} == expected


def test_what_is_held_back_says_why_and_until_when(conn: Db, desk: Client) -> None:
    """A masked alert leaves the open list for one with its reason, its author and its end."""
    here = add_thing(conn)
    until = datetime.now(UTC) + timedelta(hours=2)
    mask = conn.execute(
        "insert into mask (kind, matcher, starts, ends, reason, by_user)"
        """ values ('shelve', '{"rule": "a"}', now(), %s, 'thay đầu đo', 'lan') returning id""",
        (until,),
    ).fetchone()
    assert mask
    shelved = alert(conn, here, rule(conn, "a"), mask="shelve", masked_until=until)
    conn.execute(
        "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, payload)"
        " values (%s, 1, 'SHELVE', now(), now(), %s)",
        (shelved, Jsonb({"mask": "shelve", "id": mask[0]})),
    )
    planned = alert(conn, here, rule(conn, "b"), mask="parent")
    out = alert(conn, here, rule(conn, "c"), mask="out_of_service", masked_until=until)
    assert ids(ask(desk)) == []
    assert ids(ask(desk, tab="suppressed")) == [planned]
    assert ids(ask(desk, tab="out_of_service")) == [out]
    found = ask(desk, tab="shelved")
    (row,) = found["rows"]
    assert (row["id"], row["mask_reason"], row["mask_by"]) == (shelved, "thay đầu đo", "lan")
    assert row["masked_until"] == from_datetime(until) // 1000
    assert [found["counts"][name] for name in ("open", "shelved", "suppressed")] == [0, 1, 1]


def test_steps_are_those_the_asker_may_take(
    conn: Db, web: Site, role_tokens: dict[Role, str]
) -> None:
    """An operator handles, a leader approves; names of accounts go to those who give out work."""
    key = alert(conn, add_thing(conn), rule(conn), handling="review")
    fresh = alert(conn, add_thing(conn, "b"), rule(conn, "x"))
    operator, leader = (web.client(role_tokens[r]) for r in (Role.OPERATOR, Role.LEADER))
    assert [step["to"] for step in ask(operator, f"/{fresh}")["steps"]] == ["received"]
    assert ask(leader, f"/{fresh}")["steps"] == []
    assert ask(operator, f"/{key}")["steps"] == []
    assert {step["to"] for step in ask(leader, f"/{key}")["steps"]} == {"closed", "in_progress"}
    add_people(conn)
    assert ask(operator, "/choices")["people"] == [["truc-ban", "truc-ban"]]
    assert ask(leader, "/choices")["people"] == []


def test_history_is_read_page_by_page(conn: Db, desk: Client) -> None:
    """Closed alerts, newest first: every one once, whatever the size of a page."""
    here, name = add_thing(conn), rule(conn)
    made = [
        alert(conn, here, name, minutes=n // 2, active=False, closed_at=datetime.now(UTC))
        for n in range(7)
    ]
    seen: list[str] = []
    query: dict[str, Any] = {"tab": "closed", "limit": 3}
    while True:
        found = ask(desk, **query)
        assert found["total"] == 7
        seen += ids(found)
        if found["next"] is None:
            break
        query["cursor"] = found["next"]
    assert len(seen) == 7
    assert set(seen) == set(made)


def test_a_flood_is_grouped_and_its_first_is_marked(conn: Db, desk: Client) -> None:
    """More than ten raises in ten minutes: one row per area and rule, the first one of each."""
    name = rule(conn)
    things = [add_thing(conn, f"tram-{n}") for n in range(12)]
    made = [alert(conn, of, name, minutes=9 - n * 0.5) for n, of in enumerate(things)]
    critical = alert(conn, add_thing(conn, "x"), rule(conn, "other"), severity=1)
    assert len(ids(ask(desk))) == 13
    found = ask(desk, grouped=True)
    assert found["flood"]["raises"] == 13
    assert found["flood"]["since"] is not None
    assert ids(found) == [critical, made[0]]
    group = next(group for group in found["groups"] if group["rule"] == name)
    assert (group["total"], group["unacked"], group["first"]) == (12, 12, made[0])
    assert len(ids(ask(desk, grouped=True, rule=name, area=""))) == 12


def test_one_alert_with_log_and_chart(conn: Db, desk: Client) -> None:
    """The detail has the row, the log newest first, and the values around the beginning."""
    here = add_thing(conn)
    key = alert(conn, here, rule(conn))
    now = datetime.now(UTC)
    for n, (kind, who) in enumerate([("RAISE", None), ("ACK", "truc-ban")]):
        conn.execute(
            "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at, actor)"
            " values (%s, 1, %s, %s, %s, %s)",
            (key, kind, now, now + timedelta(seconds=n), who),
        )
    conn.execute(
        "insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last)"
        " values (%s, date_trunc('minute', now() - interval '3 min'), 1, 1, 9, 9, 9, 9)",
        (here[1],),
    )
    found = ask(desk, f"/{key}")
    assert found["row"]["id"] == key
    assert [line["kind"] for line in found["log"]] == ["ACK", "RAISE"]
    assert found["chart"]["mean"] == [9.0]
    assert found["chart"]["until"] - found["chart"]["since"] > 6 * 3_600_000
    assert desk.get(f"/desk/alerts/{uuid4()}").status == 404
    assert desk.get("/desk/alerts/x").status == 422


def test_choices_are_what_there_is(conn: Db, desk: Client) -> None:
    """The filters offer the kinds, areas and rules of this province."""
    add_thing(conn)
    rule(conn)
    found = ask(desk, "/choices")
    assert found["kinds"] == ["environment"]
    assert found["rules"] == [["pm25-high", "Bụi mịn vượt ngưỡng (pm25-high)"]]


def test_a_wall_may_look(web: Site, kiosk_token: str) -> None:
    """A kiosk reads the lists; nobody without a session does."""
    assert web.client(kiosk_token).get("/desk/alerts").status == 200
    assert web.client().get("/desk/alerts").status == 401
