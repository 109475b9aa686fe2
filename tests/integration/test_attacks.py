"""The list of a penetration test: what somebody tries who should not, and gets nothing.

Origin checks, spellings of paths, open redirects and login throttling have tests of their own
(test_web_hardening, test_web_gate, test_web_door, test_accounts).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import orjson
import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.storage import users
from ioc.web.auth import BELIEF_S
from tests.awaiting import wait_for
from tests.integration.test_web_api import raise_alert
from tests.integration.web_site import PASSWORD, Answer, Client, Events, Site, add_thing

Db = Connection[tuple[Any, ...]]
SCRIPT: Final = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
INJECTIONS: Final = (
    "' or 1=1 --",
    "1; drop table audit",
    "') union select password_hash from app_user --",
    "%' and pg_sleep(5) --",
    "\\",
    "{{7*7}}",
    "%s",
    "%(areas)s",
)


@dataclass(frozen=True)
class Parts:
    """A province of two communes with a thing and an alert each; a token that sees the first."""

    client: Client
    mine: tuple[int, int, str]
    theirs: tuple[int, int, str]


@pytest.fixture
def parts(conn: Db, request: pytest.FixtureRequest) -> Parts:
    made = []
    for n, commune in enumerate(("26", "27")):
        thing, stream = add_thing(conn, f"tram-{commune}")
        conn.execute(
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) values (%s, 107, 11, %s, %s, 'boundary', 'inside')",
            (thing, commune, f"xã {commune}"),
        )
        made.append((thing, stream, raise_alert(conn, thing, stream, n)))
    web: Site = request.getfixturevalue("web")  # begins with the things above
    scope = Scope(frozenset({"26"}))
    token = users.create_token(conn, kind="api", role="operator", label="xã 26", scope=scope)
    return Parts(web.client(token), made[0], made[1])


def send(client: Client, path: str, body: object = None, method: str = "POST") -> Answer:
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    return client.ask(method, path, orjson.dumps(body if body is not None else {}), headers)


def test_no_id_of_another_part_is_answered(parts: Parts) -> None:
    """Things, values, alerts and their charts out of the scope might as well not exist."""
    thing, stream, alert = parts.theirs
    mine, _, my_alert = parts.mine
    client = parts.client
    for path in (f"/api/v1/things/{thing}", f"/api/v1/alerts/{alert}", f"/desk/alerts/{alert}"):
        assert client.get(path).status == 404, path
    assert client.get(f"/api/v1/things/{mine}").status == 200
    assert client.get(f"/desk/alerts/{my_alert}").status == 200
    for path in ("things", "datastreams", "alerts", f"observations?datastream={stream}"):
        text = client.get(f"/api/v1/{path}").body.decode()
        assert f'"thing_id":{thing}' not in text
        assert f'"id":{thing},' not in text or path != "things"
        assert alert not in text
    listed = client.get("/desk/alerts").json()
    assert alert not in json.dumps(listed)
    assert my_alert in json.dumps(listed)


def page_of(client: Client, path: str) -> str:
    """Return a page as the callback that draws it answers."""
    (shown,) = [
        one for one in client.get("/_dash-dependencies").json() if one["output"] == "page.children"
    ]
    body = {
        "output": shown["output"],
        "outputs": {"id": "page", "property": "children"},
        "inputs": [{"id": "address", "property": "pathname", "value": path}],
        "state": [{"id": "address", "property": "search", "value": ""}],
        "changedPropIds": ["address.pathname"],
    }
    answer = send(client, "/_dash-update-component", body)
    assert answer.status == 200, answer.body
    return json.dumps(answer.json(), ensure_ascii=False)


def test_no_list_tells_of_another_part(parts: Parts, web: Site, conn: Db) -> None:
    """Masks, refused messages, rules, feeds, loads and the quality of alerts: each of one's own."""
    thing, stream, alert = parts.theirs
    mine, my_stream, my_alert = parts.mine
    for key in (alert, my_alert):
        conn.execute(
            "insert into alert_event (alert_id, occurrence, kind, event_time, recorded_at)"
            " values (%s, 1, 'RAISE', now(), now())",
            (key,),
        )
    conn.execute(
        "insert into dead_letter (feed, topic, payload, size, reason, detail, received,"
        " writer, batch_no) values ('env', 'kín/1', 'x', 1, 'not_json', '', now(), 1, 1)"
    )
    covers: list[dict[str, object]] = [{"thing": thing}, {"datastream": stream}, {"commune": "27"}]
    own: list[dict[str, object]] = [{"thing": mine}, {"datastream": my_stream}, {"commune": "26"}]
    for matcher in [*covers, *own, {"feed": "env"}]:
        conn.execute(
            "insert into mask (kind, matcher, starts, ends, reason, by_user) values"
            " ('maintenance', %s, now(), now() + interval '1 h', 'x', 'admin')",
            (Jsonb(matcher),),
        )
    client = parts.client
    items = client.get("/api/v1/masks").json()["items"]
    shown = [{k: v for k, v in one["matcher"].items() if v is not None} for one in items]
    assert sorted(map(str, shown)) == sorted(map(str, [*own, {"feed": "env"}]))
    idle = json.dumps(client.get("/desk/alerts?tab=suppressed").json())
    assert f'"thing": {thing}' not in idle
    assert client.get("/api/v1/feeds/env/dead-letters").json()["items"] == []
    (feed,) = client.get("/api/v1/feeds").json()["items"]
    assert (feed["things"], feed["dead_letters"]) == (1, 0)
    conn.execute(
        "update rule_version set definition = definition || %s",
        (Jsonb({"observed_property": "pm25", "levels": []}),),
    )
    scope = Scope(frozenset({"26"}))
    writes = users.create_token(conn, kind="api", role="environment", label="26", scope=scope)
    answer = web.client(writes).get("/api/v1/rules")
    assert answer.status == 200, answer.body
    rules = answer.json()["items"]
    assert sum(rule["alerts"] for rule in rules) == 1
    quality = page_of(client, "/kpi")
    assert ("tram-26" in quality, "tram-27" in quality) == (True, False)


def test_no_command_reaches_another_part(parts: Parts, conn: Db) -> None:
    """Whatever is ordered about somebody else's alert: not found, and nothing changed."""
    alert = parts.theirs[2]
    orders = {
        "acknowledge": {},
        "comment": {"note": "x"},
        "assign": {"assignee": None},
        "close": {},
        "shelve": {"seconds": 60, "reason": "x"},
        "unshelve": {},
        "handling": {"to": "assigned", "assignee": "a"},
    }
    for word, body in orders.items():
        answer = send(parts.client, f"/api/v1/alerts/{alert}/{word}", body)
        assert answer.status == 404, (word, answer.body)
    both = {"alerts": [alert, parts.mine[2]]}
    items = send(parts.client, "/api/v1/alerts/acknowledge", both).json()["items"]
    assert [one["refusal"] for one in items] == ["not_found", None]
    row = conn.execute("select acked_at, mask, assignee from alert where id = %s", (alert,))
    assert row.fetchone() == (None, None, None)
    mask = {
        "kind": "maintenance",
        "matcher": {"thing": parts.theirs[0]},
        "ends": "2099-01-01T00:00:00Z",
        "reason": "x",
    }
    assert send(parts.client, "/api/v1/masks", mask).status == 403


def test_the_live_line_tells_of_no_other_part(parts: Parts, web: Site) -> None:
    """Neither the states nor the alerts nor the counts of a stream know what is out of scope."""
    wait_for(lambda: len(web.services.hub._picture.things) == 2)

    def snapshot() -> Any:
        with web.events(parts.client) as events:
            return events.next("snapshot")[1]

    seen = wait_for(lambda: (found := snapshot())["alerts"]["total"] and found)
    assert set(seen["states"]) == {str(parts.mine[0])}
    assert [one["id"] for one in seen["alerts"]["open"]] == [parts.mine[2]]
    assert seen["counts"]["kinds"]["environment"]["total"] == 1


def test_no_callback_lends_a_page(web: Site, role_tokens: dict[Role, str]) -> None:
    """The address that a browser claims in a callback opens no page that the role may not."""
    (shown,) = [
        one
        for one in web.client(role_tokens[Role.LEADER]).get("/_dash-dependencies").json()
        if one["output"] == "page.children"
    ]
    for role in Role:
        client = web.client(role_tokens[role])
        for path in ("/users", "/audit"):
            body = {
                "output": shown["output"],
                "outputs": {"id": "page", "property": "children"},
                "inputs": [{"id": "address", "property": "pathname", "value": path}],
                "state": [{"id": "address", "property": "search", "value": ""}],
                "changedPropIds": ["address.pathname"],
            }
            answer = send(client, "/_dash-update-component", body)
            if role is Role.ADMIN:
                assert answer.status == 200
            else:
                assert answer.status in (403, 500), (role, path)
                assert b"door-page" not in answer.body


def test_a_token_of_an_administrator_makes_no_accounts(
    web: Site, role_tokens: dict[Role, str], conn: Db
) -> None:
    """A leaked token is not the way to an account: nobody stands behind it."""
    client = web.client(role_tokens[Role.ADMIN])
    body = {"username": "x", "role": "admin"}
    assert send(client, "/api/v1/users", body).json()["reason"] == "token_may_not"
    assert (
        send(client, "/api/v1/tokens", {"kind": "api", "role": "admin", "label": "x"}).status == 409
    )
    assert conn.execute("select count(*) from app_user").fetchone() == (0,)
    for path in ("/account", "/account/password", "/account/second-factor"):
        assert client.get(path).status == 404


@pytest.mark.usefixtures("kiosk_token")
def test_an_open_stream_ends_with_its_session(web: Site) -> None:
    """No session, no stream; a logout in another window ends the one that is open."""
    assert web.client().status("GET", "/live").status == 401
    client = web.operator()
    with web.events(client) as events:
        events.next("snapshot")
        again = Client(web.port, dict(client.cookies))
        assert again.post("/logout").status == 303
        assert ended(events)


def test_an_open_stream_ends_with_its_token(web: Site, conn: Db) -> None:
    """A token that is revoked takes its stream along, and never comes back."""
    token = users.create_token(conn, kind="kiosk", role="kiosk", label="tường")
    client = web.client(token)
    with web.events(client) as events:
        events.next("snapshot")
        (made,) = users.list_tokens(conn)
        users.revoke_token(conn, made.id)
        assert ended(events)
    wait_for(lambda: client.status("GET", "/live").status == 401, BELIEF_S + 5)


def ended(events: Events) -> bool:
    """Read on to the end; heartbeats come meanwhile. The door's belief bounds the wait."""
    for _ in range(20):
        try:
            events.next()
        except EOFError:
            return True
    return False


@pytest.mark.usefixtures("kiosk_token")
def test_a_cookie_from_before_opens_nothing(web: Site) -> None:
    """Fixation: a cookie that somebody planted is not the one that a login opens."""
    client = web.client()
    client.cookies["ioc_session"] = "planted-by-somebody-else"
    assert client.login("truc-ban").status == 303
    assert client.cookies["ioc_session"] != "planted-by-somebody-else"
    first = dict(client.cookies)
    assert client.login("truc-ban").status == 303
    old = Client(web.port, first)
    wait_for(lambda: old.get("/api/v1/things").status == 401, BELIEF_S + 5)


@pytest.fixture
def tainted(conn: Db) -> int:
    """Give a thing, its feed, its datastream and a dead letter every string a device can send."""
    thing, stream = add_thing(conn, "tram-xss")
    conn.execute("update thing set name = %s where id = %s", (SCRIPT, thing))
    conn.execute("update thing set external_id = %s where id = %s", (SCRIPT, thing))
    conn.execute(
        "update datastream set unit = %s, name = %s where id = %s", (SCRIPT, SCRIPT, stream)
    )
    conn.execute("update feed set title_vi = %s", (SCRIPT,))
    conn.execute("insert into ingest_writer (client_id) values ('x')")
    conn.execute(
        "insert into dead_letter (feed, topic, payload, size, reason, detail, received, writer,"
        " batch_no) values ('env', %s, %s, 1, 'json', %s, now(), 1, 1)",
        (SCRIPT, SCRIPT.encode(), SCRIPT),
    )
    return thing


@pytest.mark.usefixtures("kiosk_token")
def test_what_a_device_says_is_never_markup(web: Site, tainted: int) -> None:
    """Names, units and refused payloads leave as JSON that no browser takes for a page."""
    client = web.operator()
    paths = (
        "/api/v1/things",
        f"/api/v1/things/{tainted}",
        "/api/v1/datastreams",
        "/api/v1/feeds",
        "/api/v1/feeds/env/dead-letters",
        "/desk/alerts",
    )
    for path in paths:
        answer = client.get(path)
        assert answer.status == 200, path
        assert answer.headers["content-type"].startswith("application/json"), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    for path in ("/wall", f"/thing/{tainted}", "/account", f"/login?next={quote(SCRIPT)}"):
        assert SCRIPT.encode() not in client.get(path).body, path


@pytest.mark.usefixtures("kiosk_token")
def test_what_a_browser_says_is_never_markup(web: Site) -> None:
    """User name and user agent come back escaped on the pages that show them."""
    client = web.client()
    answer = client.post("/login", {"username": SCRIPT, "password": "x"})
    assert b"<script>alert" not in answer.body
    form = {"username": "truc-ban", "password": PASSWORD}
    assert client.post("/login", form, User_Agent=SCRIPT.replace("\n", "")).status == 303
    page = client.get("/account").body
    assert b"&lt;script&gt;" in page
    assert b"<script>alert" not in page


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_parameter_is_a_statement(
    web: Site, role_tokens: dict[Role, str], conn: Db, text: str
) -> None:
    """A quote, a percent or a template in a parameter finds nothing and breaks nothing."""
    client = web.client(role_tokens[Role.ADMIN])
    given = quote(text, safe="")
    paths = (
        f"/api/v1/things?kind={given}",
        f"/api/v1/things?cursor={given}",
        f"/api/v1/audit?actor={given}&action={given}&object={given}",
        f"/api/v1/users/{given}/sessions",
        f"/api/v1/feeds/{given}/dead-letters",
        f"/desk/alerts?q={given}&kind={given}&area={given}&rule={given}",
    )
    for path in paths:
        answer = client.get(path)
        assert answer.status in (200, 400, 404, 422), (path, answer.body)
        if answer.status == 200:
            assert not answer.json().get("items")
    assert conn.execute("select count(*) > 0 from audit").fetchone() == (True,)


def test_no_log_and_no_audit_holds_a_secret(
    web: Site, conn: Db, kiosk_token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Passwords, cookies and tokens, right and wrong ones, are written down nowhere."""
    client = web.operator()
    wrong = "Sai-mật-khẩu-bí-mật-9"
    web.client().login("truc-ban", wrong)
    web.client().get(f"/wall?token={kiosk_token}")
    web.client().get("/wall?token=guessed-token-value")
    web.client("guessed-bearer-value").get("/api/v1/things")
    secrets = (
        PASSWORD,
        wrong,
        kiosk_token,
        client.cookies["ioc_session"],
        "guessed-token-value",
        "guessed-bearer-value",
    )
    said = "".join(capsys.readouterr())
    rows = conn.execute("select a::text from audit a").fetchall()
    for one in secrets:
        assert one not in said
        assert one not in str(rows)
