"""Accounts as people and administrators meet them: policy, second factor, idleness, sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson
import pyotp
import pytest
from psycopg import Connection

from ioc.settings import Settings
from ioc.storage import audit, users
from ioc.web.auth import BELIEF_S
from tests.awaiting import wait_for
from tests.integration.web_site import PASSWORD, Answer, Client, Site, running

Db = Connection[tuple[Any, ...]]
SESSION: Final = "ioc_session"
NEW: Final = "Mật-khẩu-riêng-7"

pytestmark = pytest.mark.usefixtures("kiosk_token")


@pytest.fixture
def admin(web: Site, conn: Db) -> Client:
    """Return an administrator who has set up a second factor."""
    users.put_user(conn, username="sep", display_name="Sếp", role="admin", password=PASSWORD)
    client = web.client()
    assert client.login("sep", target="/users").headers["location"] == "/users"
    enrol(client)
    return client


def enrol(client: Client) -> tuple[pyotp.TOTP, list[str]]:
    """Set up a second factor; return what a telephone keeps, and the recovery codes."""
    page = client.get("/account/second-factor").body.decode()
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found, page
    phone = pyotp.TOTP(found[1].replace(" ", ""))
    answer = client.post("/account/second-factor", {"code": phone.now()})
    assert answer.status == 200, answer.body
    return phone, re.findall(r"<code>([0-9a-f-]+)</code>", answer.body.decode())


def send(client: Client, path: str, body: object = None, method: str = "POST") -> Answer:
    headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{client.port}"}
    return client.ask(method, path, orjson.dumps(body if body is not None else {}), headers)


def writes(client: Client) -> int:
    """Return what becomes of a change that needs a person who is awake."""
    body = {"alerts": [str(UUID(int=7))]}
    return send(client, "/api/v1/alerts/acknowledge", body).status


def test_somebody_elses_password_opens_only_its_change(web: Site, conn: Db, admin: Client) -> None:
    """A new account does nothing before it has a password of its own; then everything it may."""
    made = send(admin, "/api/v1/users", {"username": "Lan", "role": "operator"})
    assert made.status == 201
    name, one_time = made.json()["name"], made.json()["secret"]
    client = web.client()
    assert client.login(name, one_time).status == 303
    assert client.get("/wall").headers["location"] == "/account/password"
    assert client.get("/api/v1/things").json()["type"] == "urn:ioc:problem:password_change"
    weak = client.post("/account/password", {"old": one_time, "new": "short", "again": "short"})
    assert weak.status == 422
    form = {"old": one_time, "new": NEW, "again": NEW}
    assert client.post("/account/password", form).status == 303
    assert client.get("/api/v1/things").status == 200
    assert web.client().login(name, one_time).status == 401
    lines = conn.execute("select detail::text from audit where object = %s", (name,)).fetchall()
    assert one_time not in str(lines)


def test_a_new_password_ends_every_other_session(web: Site) -> None:
    """Whoever had the old password is out; the one that changed it goes on."""
    here, elsewhere = web.operator(), web.operator()
    form = {"old": PASSWORD, "new": NEW, "again": NEW}
    assert here.post("/account/password", {**form, "old": "x"}).status == 422
    assert here.post("/account/password", form).headers["location"] == "/account"
    wait_for(lambda: elsewhere.get("/api/v1/things").status == 401, BELIEF_S + 5)
    assert here.get("/api/v1/things").status == 200


def test_an_administrator_changes_nothing_without_a_second_factor(web: Site, conn: Db) -> None:
    """Screens are open with the password; accounts, audit and changes are not."""
    users.put_user(conn, username="sep", display_name="Sếp", role="admin", password=PASSWORD)
    client = web.client()
    assert client.login("sep").status == 303
    assert client.get("/wall").status == 200
    assert client.get("/users").headers["location"] == "/account/second-factor"
    assert client.get("/api/v1/audit").json()["type"] == "urn:ioc:problem:second_factor"
    assert writes(client) == 403
    enrol(client)
    assert client.get("/api/v1/audit").status == 200
    assert writes(client) == 200


def test_the_code_is_asked_for_and_no_code_opens_twice(web: Site, admin: Client, conn: Db) -> None:
    """With a second factor the password alone opens nothing, and a code works once."""
    assert admin
    conn.execute("update app_user set totp_step = 0 where username = 'sep'")
    (kept,) = (
        conn.execute("select totp_secret from app_user where username = 'sep'").fetchone() or ()
    )
    code = pyotp.TOTP(kept).now()
    first, second = web.client(), web.client()
    for client in (first, second):
        answer = client.login("sep", target="/users")
        assert answer.headers["location"] == "/login/second?next=%2Fusers"
        assert client.get("/api/v1/things").status == 401
    before = first.cookies[SESSION]
    answer = first.post("/login/second?next=%2Fusers", {"code": code})
    assert (answer.status, answer.headers["location"]) == (303, "/users")
    assert first.cookies[SESSION] != before
    assert second.post("/login/second", {"code": code}).status == 401
    assert second.get("/api/v1/things").status == 401


def test_a_recovery_code_stands_in_once(web: Site, conn: Db) -> None:
    """A lost telephone is no lost account; each code is gone after use, and stored as a hash."""
    users.put_user(conn, username="sep", display_name="Sếp", role="admin", password=PASSWORD)
    owner = web.client()
    owner.login("sep")
    _, codes = enrol(owner)
    assert len(codes) == 10
    stored = conn.execute("select code_hash from recovery_code").fetchall()
    assert {len(bytes(row[0])) for row in stored} == {32}
    for expected in (303, 401):
        client = web.client()
        client.login("sep")
        assert client.post("/login/second", {"code": codes[0]}).status == expected


def test_guessing_codes_shuts_the_account(web: Site, admin: Client) -> None:
    """Five wrong codes are five wrong passwords: the account is shut for a while."""
    assert admin
    client = web.client()
    client.login("sep")
    answers = [client.post("/login/second", {"code": f"{n:06}"}).status for n in range(6)]
    assert answers[:4] == [401] * 4
    assert answers[5] == 429


def test_an_idle_session_reads_on_and_writes_after_the_password(web: Site, conn: Db) -> None:
    """After 15 minutes without a person the screen goes on; changes ask who is there."""
    client = web.operator()
    assert writes(client) == 200
    conn.execute("update session set active_at = now() - interval '16 minutes'")
    wait_for(lambda: writes(client) == 403, BELIEF_S + 5)
    assert client.get("/wall").status == 200
    assert send(client, "/session/stir").status == 204  # too late: nobody proves anything by it
    assert writes(client) == 403
    assert send(client, "/session/wake", {"password": "sai"}).status == 403
    assert send(client, "/session/wake", {"password": PASSWORD}).status == 204
    assert writes(client) == 200


def test_a_sign_of_a_person_keeps_a_session_awake(web: Site, conn: Db) -> None:
    """What the browser tells of keys and clicks is written down."""
    client = web.operator()
    conn.execute("update session set active_at = now() - interval '10 minutes'")
    assert client.get("/wall").status == 200
    assert send(client, "/session/stir").status == 204
    (age,) = conn.execute(
        "select now() - active_at < interval '1 minute' from session"
    ).fetchone() or (False,)
    assert age


def test_many_accounts_from_one_address_are_one_guesser(
    web_settings: Settings, lines: Callable[..., Settings], conn: Db
) -> None:
    """A list of names with one password is shut out by its address, a right password included."""
    few = msgspec.structs.replace(web_settings.door, address_failures=3)
    with running(lines(web_settings, door=few)) as site:
        tried = [site.client().login(f"ten-{n}", "Sai-mật-khẩu-1").status for n in range(4)]
        assert tried == [401, 401, 401, 429]
        assert site.client().login("truc-ban").status == 429
        conn.execute("alter table audit disable trigger user")
        conn.execute("update audit set at = at - interval '16 minutes'")
        assert site.client().login("truc-ban").status == 303


def test_sessions_are_listed_and_ended(web: Site, admin: Client) -> None:
    """An administrator sees where somebody is logged in, and throws a session out."""
    client = web.operator()
    (one,) = admin.get("/api/v1/users/truc-ban/sessions").json()["items"]
    assert one["address"] == "127.0.0.1"
    path = f"/api/v1/users/truc-ban/sessions/{one['number']}"
    assert send(admin, path, method="DELETE").status == 204
    wait_for(lambda: client.get("/api/v1/things").status == 401, BELIEF_S + 5)


def test_an_administrator_locks_resets_and_unlocks(web: Site, admin: Client, conn: Db) -> None:
    """Locked is out at once; a reset gives a one-time password; never to the own account."""
    client = web.operator()
    assert send(admin, "/api/v1/users/truc-ban/lock").status == 204
    wait_for(lambda: client.get("/api/v1/things").status == 401, BELIEF_S + 5)
    assert web.client().login("truc-ban").status == 401
    assert send(admin, "/api/v1/users/truc-ban/unlock").status == 204
    assert web.client().login("truc-ban").status == 303
    made = send(admin, "/api/v1/users/truc-ban/reset").json()
    assert web.client().login("truc-ban", made["secret"]).status == 303
    assert send(admin, "/api/v1/users/sep/lock").json()["reason"] == "own"
    demoted = send(admin, "/api/v1/users/sep/change", {"role": "leader"})
    assert demoted.json()["reason"] == "own"
    assert send(admin, "/api/v1/users/nobody/lock").status == 404
    assert audit.verify(conn).broken == 0


def test_a_change_says_from_what_to_what(admin: Client, conn: Db) -> None:
    """The audit tells role and scope before and after, by whom, and from where."""
    body = {
        "role": "environment",
        "areas": ["26", "27"],
        "domains": None,
        "display_name": "truc-ban",
    }
    assert send(admin, "/api/v1/users/truc-ban/change", body).status == 204
    row = conn.execute(
        "select actor, detail, address from audit where action = 'user.change'"
    ).fetchone()
    assert row == (
        "sep",
        {
            "from": {"role": "operator", "areas": None},
            "to": {"role": "environment", "areas": ["26", "27"]},
        },
        "127.0.0.1",
    )


def test_a_token_is_made_shown_once_and_revoked(web: Site, admin: Client) -> None:
    """Its secret stands in one answer; it ends by itself; revoked it opens nothing."""
    body = {"kind": "api", "role": "leader", "label": "báo cáo", "days": 1}
    made = send(admin, "/api/v1/tokens", body).json()
    client = web.client(made["secret"])
    assert client.get("/api/v1/things").status == 200
    listed = admin.get("/api/v1/tokens")
    assert made["secret"] not in listed.body.decode()
    assert any(one["label"] == "báo cáo" and one["expires_at"] for one in listed.json()["items"])
    assert send(admin, f"/api/v1/tokens/{made['name']}", method="DELETE").status == 204
    wait_for(lambda: client.get("/api/v1/things").status == 401, BELIEF_S + 5)
    wrong = send(admin, "/api/v1/tokens", {"kind": "kiosk", "role": "admin", "label": "x"})
    assert wrong.json()["reason"] == "token"


def test_a_token_has_a_pace(
    web_settings: Settings, lines: Callable[..., Settings], kiosk_token: str, conn: Db
) -> None:
    """A program that asks too fast is told to wait; a person and another token are not."""
    slow = msgspec.structs.replace(web_settings.web, api_per_s=0.1)
    tokens = [
        users.create_token(conn, kind="api", role="leader", label=name) for name in ("a", "b")
    ]
    with running(lines(web_settings, web=slow)) as site:
        first, second = (site.client(token) for token in tokens)
        assert first.get("/api/v1/things").status == 200
        refused = first.get("/api/v1/things")
        assert (refused.status, refused.json()["type"]) == (429, "urn:ioc:problem:too_fast")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert second.get("/api/v1/things").status == 200
        person = site.operator()
        assert {person.get("/api/v1/things").status for _ in range(5)} == {200}
        assert site.client(kiosk_token).get("/wall").status == 200


def test_the_audit_is_filtered_and_exported(admin: Client) -> None:
    """Who, what and when narrow it; a spreadsheet gets it whole, and no formula."""
    send(admin, "/api/v1/users", {"username": "=cmd()", "role": "leader"})
    found = admin.get("/api/v1/audit?actor=sep&action=user.create").json()["items"]
    assert [one["object"] for one in found] == ["=cmd()"]
    assert admin.get("/api/v1/audit?until=2001-01-01T00:00:00Z").json()["items"] == []
    assert "user.create" in admin.get("/api/v1/audit/actions").json()
    csv = admin.get("/api/v1/audit.csv?actor=sep")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    text = csv.body.decode("utf-8-sig")
    assert ",'=cmd()," in text
    assert "+07:00" in text
