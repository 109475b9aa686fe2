"""Rules switched by people, and the people behind them tried: over HTTP, on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from ioc import policies
from ioc.storage import outbox, rules
from tests.e2e.rule_rig import FIRST, SECOND, staff
from tests.integration.web_site import Answer, Client, Site, add_people, add_thing

Db = Connection[tuple[Any, ...]]
PLAN = """
targets: [{name: duty, channel: webhook, address: "http://127.0.0.1:1/", person: Trực ban}]
policies: [{name: all, tell: [duty]}]
"""


@pytest.fixture
def rule(conn: Db) -> str:
    """Return a rule of a file that has one open alert, and people who edit."""
    staff(conn)
    add_people(conn)
    thing, stream = add_thing(conn)
    conn.execute("insert into rule (id, name, current_version) values ('dust', 'Bụi', 1)")
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by) values ('dust', 1,"
        """ '{"levels": [{"severity": "high", "limit": 100}]}', 'config')"""
    )
    conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result) values (gen_random_uuid(), 'dust', 1, %s, %s, 2, true,"
        " now(), now(), 120)",
        (stream, thing),
    )
    return "dust"


def person(web: Site, name: str) -> Client:
    client = web.client()
    assert client.login(name).status == 303
    return client


def post(client: Client, path: str, body: dict[str, Any]) -> Answer:
    origin = {"Origin": f"http://127.0.0.1:{client.port}", "Content-Type": "application/json"}
    return client.ask("POST", f"/api/v1/{path}", json.dumps(body).encode(), origin)


def switch(client: Client, rule: str, *, on: bool, reason: str = "đang sửa trạm") -> Answer:
    return post(client, f"rules/{rule}/switch", {"on": on, "reason": reason})


def audited(conn: Db) -> list[tuple[str, str]]:
    rows = conn.execute("select actor, action from audit where action like 'rule.%' order by id")
    return [(row[0], row[1]) for row in rows.fetchall()]


def is_on(conn: Db, rule: str) -> bool:
    return any(one.id == rule for one in rules.enabled(conn))


def test_a_rule_is_switched_off_and_on_with_a_reason(web: Site, conn: Db, rule: str) -> None:
    """The evaluator no longer finds it, the answer says what ends, the audit who and why."""
    first = person(web, FIRST)
    done = switch(first, rule, on=False)
    assert done.status == 200, done.body
    assert done.json() == {"id": rule, "enabled": False, "waiting": False, "ends": 1}
    assert not is_on(conn, rule)
    assert switch(first, rule, on=False).json()["enabled"] is False, "twice is once"
    assert switch(first, rule, on=True).json()["enabled"] is True
    assert is_on(conn, rule)
    assert audited(conn) == [(FIRST, "rule.switch_off"), (FIRST, "rule.switch_on")]
    why = conn.execute("select detail ->> 'reason' from audit where action = 'rule.switch_off'")
    assert why.fetchone() == ("đang sửa trạm",)


def test_a_file_does_not_switch_it_back(web: Site, conn: Db, rule: str) -> None:
    """What people switched off stays off when config/rules is read again."""
    assert switch(person(web, FIRST), rule, on=False).status == 200
    rules.sync(conn, [], "config")
    assert not is_on(conn, rule)
    assert conn.execute("select origin from rule").fetchone() == ("ui",)


def test_a_critical_rule_takes_two_people(web: Site, conn: Db, rule: str) -> None:
    """The first asks, however often; the second one switches it off."""
    conn.execute(
        """update rule_version set definition = '{"levels": [{"severity": "critical"}]}'"""
    )
    first, second = person(web, FIRST), person(web, SECOND)
    for _ in range(2):
        assert switch(first, rule, on=False).json()["waiting"] is True
        assert is_on(conn, rule)
    assert switch(second, rule, on=False).json() == {
        "id": rule, "enabled": False, "waiting": False, "ends": 1,
    }  # fmt: skip
    assert not is_on(conn, rule)


def test_a_switch_takes_a_reason_and_a_right(web: Site, conn: Db, rule: str) -> None:
    """No reason, no rule or no right: nothing changes."""
    first = person(web, FIRST)
    assert switch(first, rule, on=False, reason=" ").status in {400, 409, 422}
    assert switch(first, "no-such-rule", on=False).status == 404
    assert switch(person(web, "truc-ban"), rule, on=False).status == 403
    assert is_on(conn, rule)


def test_a_target_is_tried_and_its_receipt_read(
    web: Site, conn: Db, rule: str, tmp_path: Path
) -> None:
    """One message a minute and target waits for the dispatcher; its fate can be asked for."""
    assert rule
    (tmp_path / "notify.yaml").write_text(PLAN, encoding="utf-8")
    outbox.sync_plan(conn, policies.load(tmp_path, outbox.ZONE).file, "test")
    first = person(web, FIRST)
    asked = post(first, "notify-tests", {"target": "duty"})
    assert asked.status == 202, asked.body
    number = asked.json()["id"]
    assert post(first, "notify-tests", {"target": "nobody"}).status == 404
    assert post(person(web, "truc-ban"), "notify-tests", {"target": "duty"}).status == 403
    fate = first.get(f"/api/v1/notify-tests/{number}").json()
    assert (fate["target"], fate["sent_at"], fate["dead"]) == ("duty", None, False)
    conn.execute(
        "insert into notify_log (outbox_id, dedup_key, channel, target, attempt, at, took_ms,"
        " outcome, detail) values (%s, 'k', 'webhook', 'duty', 1, now(), 3, 'later', 'HTTP 500')",
        (number,),
    )
    assert first.get(f"/api/v1/notify-tests/{number}").json()["detail"] == "HTTP 500"
    assert first.get("/api/v1/notify-tests/999999").status == 404
