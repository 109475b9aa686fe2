"""What people do to alerts over HTTP: who may, what is answered, what is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from psycopg import Connection

from ioc.domain.instant import from_datetime
from ioc.domain.permission import Role
from ioc.storage import desk
from tests.integration.alert_rig import RAISE, Desk
from tests.integration.web_site import Answer, Client, Site

Db = Connection[tuple[Any, ...]]


class Office:
    """A site with one open alert, and a caller of each role."""

    def __init__(self, site: Site, tokens: dict[Role, str], rig: Desk) -> None:
        self.site = site
        self.tokens = tokens
        self.rig = rig
        rig.say(RAISE)
        self.alert = str(rig.open()[0].id)

    def ask(
        self, method: str, path: str, body: object = None, role: Role = Role.OPERATOR
    ) -> Answer:
        client: Client = self.site.client(self.tokens[role])
        sent = b"" if body is None else orjson.dumps(body)
        return client.ask(method, f"/api/v1/{path}", sent, {"Content-Type": "application/json"})

    def order(self, word: str, body: object = None, role: Role = Role.OPERATOR) -> Answer:
        return self.ask("POST", f"alerts/{self.alert}/{word}", body, role)

    def audited(self) -> list[tuple[str, str]]:
        rows = self.rig.conn.execute("select action, object from audit order by id").fetchall()
        return [(action, about) for action, about in rows if action.startswith(("alert", "mask"))]

    def actor(self, role: Role = Role.OPERATOR) -> str:
        query = f"select 'token:' || id from token where role = '{role.value}'"
        name: str = self.one(query)
        return name

    def one(self, query: str) -> Any:
        return self.rig.world.one(query)


@pytest.fixture
def office(web: Site, role_tokens: dict[Role, str], conn: Db, tmp_path: Path) -> Office:
    return Office(web, role_tokens, Desk(conn, tmp_path / "config"))


def ends(hours: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_an_alert_with_its_log(office: Office) -> None:
    """The row, its derived state and every line of its log; an unknown one is not found."""
    office.order("comment", {"note": "đã gọi trạm"})
    body = office.ask("GET", f"alerts/{office.alert}").json()
    assert (body["alert"]["state"], body["alert"]["handling"]) == ("UNACK", "new")
    kinds = [(event["kind"], event["actor"]) for event in body["events"]]
    assert kinds == [("RAISE", None), ("COMMENT", office.actor())]
    assert body["events"][1]["payload"] == {"note": "đã gọi trạm"}
    assert office.ask("GET", f"alerts/{uuid4()}").status == 404
    assert office.ask("GET", "alerts/x").status == 422
    listed = office.ask("GET", "alerts?open=true").json()["items"]
    assert [row["state"] for row in listed] == ["UNACK"]


def test_the_orders_of_an_operator(office: Office) -> None:
    """Each answers with the alert as it then stands, and leaves one line in the audit."""
    assert office.order("assign", {"assignee": "minh"}).json()["assignee"] == "minh"
    shelved = office.order("shelve", {"seconds": 10**6, "reason": "thay đầu đo"}).json()
    assert shelved["state"] == "SHELVED"
    until = datetime.fromisoformat(shelved["masked_until"])
    assert until - datetime.now(UTC) <= timedelta(hours=8)
    assert office.order("unshelve").json()["state"] == "UNACK"
    step = office.order("handling", {"to": "received"}).json()
    assert (step["handling"], step["handling_due"] is not None) == ("received", True)
    words = ["assign", "shelve", "unshelve", "handling"]
    assert office.audited() == [(f"alert.{word}", office.alert) for word in words]


@pytest.mark.parametrize(
    ("word", "body", "code"),
    [
        ("close", None, "still_active"),
        ("reset", None, "not_latched"),
        ("handling", {"to": "closed"}, "no_such_step"),
    ],
)
def test_what_an_alert_does_not_take(office: Office, word: str, body: object, code: str) -> None:
    """409 with the reason as a code and in Vietnamese; nothing is written, not even an audit."""
    answer = office.order(word, body)
    problem = answer.json()
    assert (answer.status, problem["type"]) == (409, "urn:ioc:problem:order")
    assert problem["reason"] == code
    assert problem["detail"][0].isupper()
    assert office.audited() == []


@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("comment", {"note": "  "}),
        ("comment", {"note": "x" * 2001}),
        ("comment", {"note": "a\x00b"}),
        ("comment", {"note": "x", "who": "y"}),
        ("shelve", {"seconds": 0, "reason": "x"}),
        ("shelve", {"seconds": 60}),
        ("handling", {"to": "somewhere"}),
        ("assign", {}),
    ],
)
def test_a_body_that_says_nothing_is_refused(office: Office, word: str, body: object) -> None:
    """422 before anything is asked of the database."""
    assert office.order(word, body).status == 422


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.KIOSK, "comment", 403),
        (Role.LEADER, "comment", 403),
        (Role.LEADER, "shelve", 403),
        (Role.GIS, "assign", 403),
        (Role.LEADER, "handling", 403),
        (Role.GIS, "handling", 403),
        (Role.ENVIRONMENT, "handling", 200),
    ],
)
def test_who_may(office: Office, role: Role, path: str, status: int) -> None:
    """The gate, and where a right depends on the step, the command."""
    body = {
        "comment": {"note": "x"},
        "shelve": {"seconds": 60, "reason": "x"},
        "assign": {"assignee": None},
        "handling": {"to": "received"},
    }[path]
    assert office.order(path, body, role).status == status


def test_a_leader_approves_what_an_operator_did(office: Office) -> None:
    """The last step is another person's, who has the right to it."""
    steps = ["received", "verified", "assigned", "in_progress", "review"]
    for to in steps:
        assert office.order("handling", {"to": to, "assignee": "minh"}).status == 200
    assert office.order("handling", {"to": "closed"}).status == 403
    assert office.order("handling", {"to": "closed"}, Role.LEADER).json()["handling"] == "closed"
    assert office.one("select handled_at is not null and closed_at is null from alert")


def test_several_at_once(office: Office) -> None:
    """Each alert is answered for by itself; a list that is too long is refused whole."""
    office.rig.say(RAISE, stream=1)
    keys = [str(row.id) for row in office.rig.open()]
    office.order("shelve", {"seconds": 60, "reason": "x"})
    unknown = str(uuid4())
    answer = office.ask("POST", "alerts/acknowledge", {"alerts": [*keys, *keys, unknown]})
    found = {row["id"]: (row["acked_by"], row["refusal"]) for row in answer.json()["items"]}
    (other,) = set(keys) - {office.alert}
    assert found == {
        office.alert: (None, "masked"),
        other: (office.actor(), None),
        unknown: (None, "not_found"),
    }
    many = {"alerts": [str(uuid4()) for _ in range(201)]}
    assert office.ask("POST", "alerts/acknowledge", many).status == 422
    assert ("alert.acknowledge", other) in office.audited()


def test_a_mask_from_beginning_to_end(office: Office) -> None:
    """Planned, listed with what it holds back, agreed to by a second person, ended."""
    thing = office.rig.open()[0].thing
    mask = {
        "kind": "out_of_service",
        "matcher": {"thing": thing},
        "ends": ends(24),
        "reason": "hỏng nguồn",
    }
    made = office.ask("POST", "masks", mask)
    number = made.json()["id"]
    assert (made.status, made.json()["by_user"]) == (201, office.actor())
    assert office.ask("POST", f"masks/{number}/approve").json()["reason"] == "same_person"
    agreed = office.ask("POST", f"masks/{number}/approve", role=Role.ENVIRONMENT)
    assert agreed.json()["approved_by"] == office.actor(Role.ENVIRONMENT)
    desk.tick(office.rig.conn, from_datetime(datetime.now(UTC)))
    (listed,) = office.ask("GET", "masks", role=Role.LEADER).json()["items"]
    assert (listed["id"], listed["holding"], listed["about"]) == (number, 1, "t0")
    live = office.rig.open()[0].shown
    assert (live["state"], live["mask"]) == ("OUT_OF_SERVICE", "out_of_service")
    assert office.ask("DELETE", f"masks/{number}").status == 204
    assert office.ask("DELETE", f"masks/{number + 1}").status == 404
    assert office.ask("GET", "masks").json()["items"] == []
    assert office.audited() == [
        ("mask.put", str(number)),
        ("mask.approve", str(number)),
        ("mask.lift", str(number)),
    ]


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"matcher": {}}, 409, "covers_nothing"),
        ({"kind": "shelve"}, 409, "shelve_an_alert"),
        ({"ends": ends(-1)}, 409, "ends_too_early"),
        ({"ends": ends(24 * 400)}, 409, "ends_too_late"),
        ({"reason": " "}, 422, None),
        ({"ends": "2030-01-01T00:00:00"}, 422, None),  # no zone names no instant
        ({"matcher": {"thing": 1, "colour": "red"}}, 422, None),
    ],
)
def test_a_mask_that_must_not_be(
    office: Office, change: dict[str, Any], status: int, reason: str | None
) -> None:
    """Of nothing, without an end, without a reason: refused, with words."""
    mask = {"kind": "maintenance", "matcher": {"feed": "f"}, "ends": ends(), "reason": "x"}
    answer = office.ask("POST", "masks", mask | change)
    assert (answer.status, answer.json().get("reason")) == (status, reason)
    assert office.one("select count(*) from mask") == 0
