"""Login, logout, sessions and tokens, as a browser and a guesser meet them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import quote

import pytest
from psycopg import Connection

from ioc.domain.permission import FREE_FAILURES
from ioc.settings import Settings
from ioc.storage import users
from ioc.web.auth import BELIEF_S, Door
from tests.awaiting import wait_for
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import PASSWORD, Client, Site, running

Db = Connection[tuple[Any, ...]]
SESSION: Final = "ioc_session"
KIOSK: Final = "ioc_kiosk"

FORMS: Final[list[dict[str, str]]] = [
    {},
    {"username": "truc-ban"},
    {"username": "", "password": PASSWORD},
    {"username": "a" * 65, "password": PASSWORD},
    {"username": "truc-ban", "password": "x" * 1025},
    {"username": "truc-ban\0", "password": PASSWORD},
    {"username": "truc\nban", "password": PASSWORD},
    {"username": "<script>alert(1)</script>", "password": "x"},
    {f"f{n}": "x" for n in range(50)},
]
TARGETS: Final = [
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "/wall\r\nSet-Cookie: a=b",
    "/wall\t",
    "//[",
    "https://[",
    "/logout",
    "/metrics",
    "/live",
    "wall",
    "",
    " /wall",
    "/%2f%2fevil.example",
    "/.//evil.example",
]

pytestmark = pytest.mark.usefixtures("kiosk_token")


def sees_api(client: Client) -> bool:
    return client.get("/api/v1/things").status == 200


def refused_soon(client: Client, path: str = "/api/v1/things") -> None:
    """Wait until the door does not believe this client any more."""
    wait_for(lambda: client.get(path).status == 401, BELIEF_S + 5)


def morsel(header: str, name: str) -> Any:
    return SimpleCookie(header)[name]


def actions(conn: Db) -> list[tuple[str, str]]:
    return conn.execute("select actor, action from audit order by id").fetchall()


def test_a_login_opens_and_is_audited(web: Site, conn: Db) -> None:
    """The right password opens what the role may; wrong and right tries are in the audit."""
    client = web.client()
    assert client.login("truc-ban", "sai-mật-khẩu").status == 401
    assert not sees_api(client)
    answer = client.login(" Truc-Ban ", target="/thing/7")
    assert (answer.status, answer.headers["location"]) == (303, "/thing/7")
    assert sees_api(client)
    assert actions(conn)[-2:] == [("anonymous", "login.failed"), ("truc-ban", "login")]


def test_nothing_stored_opens_the_door(web: Site, conn: Db) -> None:
    """Passwords are argon2id; cookies and tokens are stored as SHA-256 and look like nothing."""
    client = web.operator()
    (stored,) = conn.execute("select password_hash from app_user limit 1").fetchone() or ("",)
    assert stored.startswith("$argon2id$")
    rows = conn.execute("select id_hash from session union all select token_hash from token")
    hashes = [bytes(row[0]) for row in rows.fetchall()]
    assert {len(one) for one in hashes} == {32}
    secret = client.cookies[SESSION]
    assert len(secret) >= 43  # 256 bits
    for one in hashes:
        assert secret.encode() not in one
        client.cookies[SESSION] = one.hex()
        assert not sees_api(client)


def test_the_session_cookie_is_for_this_server_alone(web: Site) -> None:
    """HttpOnly, SameSite=Lax, the whole site, a limited age; never readable by a script."""
    cookie = morsel(web.client().login("truc-ban").headers["set-cookie"], SESSION)
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "lax"
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    hours = web.services.settings.web.session_hours
    assert int(cookie["max-age"]) == hours * 3600
    assert cookie["secure"] == ""  # plain http in this test


def test_behind_tls_every_cookie_is_secure(
    web_settings: Settings, kiosk_token: str, site_at: Callable[[str], Settings]
) -> None:
    """With an https address both cookies are Secure and the browser is told to stay on https."""
    assert web_settings.web.public_url == ""
    with running(site_at("https://ioc.example")) as site:
        login = site.client().login("truc-ban")
        assert morsel(login.headers["set-cookie"], SESSION)["secure"] is True
        wall = site.client().get(f"/wall?token={kiosk_token}")
        assert morsel(wall.headers["set-cookie"], KIOSK)["secure"] is True
        assert wall.headers["strict-transport-security"].startswith("max-age=")


def test_a_session_that_was_planted_is_not_taken_over(web: Site) -> None:
    """Login never keeps the cookie it was given, and ends the session that cookie had."""
    planted = web.client()
    planted.cookies[SESSION] = "chosen-by-somebody-else"
    assert planted.login("truc-ban").status == 303
    assert planted.cookies[SESSION] != "chosen-by-somebody-else"
    before = replace(planted, cookies=dict(planted.cookies))
    assert sees_api(before)
    assert planted.login("lanh-dao").status == 303
    assert planted.cookies[SESSION] != before.cookies[SESSION]
    refused_soon(before)
    assert sees_api(planted)


def test_logout_ends_the_session_and_the_cookie(web: Site, conn: Db) -> None:
    """After logout a copy of the cookie opens nothing, at once on this worker."""
    client = web.operator()
    copy = replace(client, cookies=dict(client.cookies))
    answer = client.post("/logout")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert client.cookies == {}
    assert copy.get("/api/v1/things").status == 401
    assert conn.execute("select count(*) from session").fetchone() == (0,)
    assert actions(conn)[-1] == ("truc-ban", "logout")


def test_one_logout_leaves_the_other_screens(web: Site) -> None:
    """Two sessions of one person are two sessions."""
    desk, phone = web.operator(), web.operator()
    desk.post("/logout")
    assert sees_api(phone)


def test_an_expired_session_is_over(web: Site, conn: Db) -> None:
    """A cookie opens nothing after its session's end, whatever the browser still sends."""
    client = web.operator()
    assert sees_api(client)
    conn.execute("update session set expires_at = now() - interval '1 second'")
    refused_soon(client)


def test_a_disabled_account_is_out(web: Site, conn: Db) -> None:
    """Disabling ends open sessions within seconds, and the password opens nothing more."""
    client = web.operator()
    users.disable_user(conn, "truc-ban")
    refused_soon(client)
    assert client.login("truc-ban").status == 401


def test_a_new_password_ends_old_sessions(web: Site, conn: Db) -> None:
    """Whoever stole a session loses it when the password is changed."""
    client = web.operator()
    users.set_password(conn, "truc-ban", "Mật-khẩu-mới-hơn-2")
    refused_soon(client)
    assert client.login("truc-ban").status == 401
    assert client.login("truc-ban", "Mật-khẩu-mới-hơn-2").status == 303


def test_revoked_and_expired_tokens_are_shut(web: Site, conn: Db) -> None:
    """A token ends by its date or by a hand, on every worker within seconds."""
    old = datetime.now(UTC) - timedelta(seconds=1)
    gone = users.create_token(conn, kind="api", role="operator", label="cũ", expires_at=old)
    assert web.client(gone).get("/api/v1/things").status == 401
    token = users.create_token(conn, kind="api", role="operator", label="phần mềm")
    assert sees_api(web.client(token))
    (row,) = [one for one in users.list_tokens(conn) if one.label == "phần mềm"]
    users.revoke_token(conn, row.id)
    refused_soon(web.client(token))


def test_a_wrong_bearer_is_not_rescued_by_a_cookie(web: Site) -> None:
    """A request that says who it is by a token stands or falls with it: no way around Origin."""
    client = web.operator()
    client.token = "nobody"
    assert client.get("/api/v1/things").status == 401


def test_an_account_locks_and_says_until_when(web: Site, conn: Db) -> None:
    """Five wrong tries shut the account for the right password too; later it opens again."""
    client = web.client()
    statuses = [client.login("truc-ban", f"wrong-{n}").status for n in range(FREE_FAILURES)]
    assert statuses == [401] * (FREE_FAILURES - 1) + [429]
    answer = client.login("truc-ban")
    assert answer.status == 429
    assert "Set-Cookie" not in answer.headers
    conn.execute("update app_user set locked_until = now() - interval '1 second'")
    assert client.login("truc-ban").status == 303
    assert conn.execute(
        "select failed_logins, locked_until from app_user where username = 'truc-ban'"
    ).fetchone() == (0, None)


def test_a_name_that_is_no_account_behaves_like_one(web: Site) -> None:
    """Neither status, nor words, nor the lock tell who has an account."""
    tried = [
        [
            (answer.status, answer.body.replace(name.encode(), b"?"))
            for answer in (web.client().login(name, f"wrong-{n}") for n in range(FREE_FAILURES))
        ]
        for name in ("lanh-dao", "nobody-here")
    ]
    assert tried[0][:-1] == tried[1][:-1]
    assert tried[0][-1][0] == tried[1][-1][0] == 429


def test_guesses_at_once_count_like_guesses_in_a_row(web: Site, conn: Db) -> None:
    """Many tries at one moment get no more than a few beyond the free ones checked."""
    with ThreadPoolExecutor(12) as crowd:
        answers = list(
            crowd.map(lambda n: web.client().login("truc-ban", f"guess-{n}").status, range(12))
        )
    assert set(answers) <= {401, 429, 503}
    row = conn.execute("select failed_logins from app_user where username = 'truc-ban'").fetchone()
    assert row is not None
    assert FREE_FAILURES <= row[0] <= FREE_FAILURES + 1  # two are hashed at a time


def test_a_crowd_at_the_door_is_told_to_come_back(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the queue nobody waits: 503, and the rest of the worker answers meanwhile."""
    monkeypatch.setattr("ioc.web.auth._LONGEST_QUEUE", 1)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: web.client().login("nobody", "wrong").status, range(8)))
    assert 503 in answers
    assert web.client().get("/healthz").status == 200
    assert isinstance(web.services.door, Door)


def test_a_strange_form_is_a_wrong_password(web: Site) -> None:
    """Whatever is typed, the page comes back with the error and nothing of it is executed."""
    for form in FORMS:
        answer = web.client().post("/login", form)
        assert answer.status == 401, form
        assert b"<script" not in answer.body


def test_login_leads_home_and_nowhere_else(web: Site) -> None:
    """`next` that is not a page of ours becomes the home page, in the form and after the login."""
    for target in TARGETS:
        shown = web.client().get(f"/login?next={quote(target, safe='')}")
        assert shown.status == 200, target
        assert b'action="/login?next=%2F"' in shown.body, target
        answer = web.client().login("truc-ban", target=target)
        assert (answer.status, answer.headers["location"]) == (303, "/"), target
        assert "a" not in SimpleCookie(answer.headers["set-cookie"])


def test_a_kiosk_address_becomes_a_cookie(web: Site, kiosk_token: str) -> None:
    """The secret leaves the address at once; the wall stays open by a cookie that only looks."""
    client = web.client()
    answer = client.get(f"/wall?room=2&token={kiosk_token}")
    assert (answer.status, answer.headers["location"]) == (303, "/wall?room=2")
    cookie = morsel(answer.headers["set-cookie"], KIOSK)
    assert cookie["httponly"] is True
    assert client.get("/wall").status == 200
    assert client.get("/api/v1/alerts").status == 403
    press = client.post(f"/api/v1/alerts/{'0' * 32}/acknowledge", Idempotency_Key="k")
    assert press.status == 403


def test_only_a_kiosk_token_opens_by_address(web: Site, conn: Db) -> None:
    """A program's token in an address or a kiosk cookie opens nothing: addresses are seen."""
    token = users.create_token(conn, kind="api", role="operator", label="phần mềm")
    for path in (f"/wall?token={token}", "/wall?token=", "/wall?token=wrong"):
        answer = web.client().get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        assert "Set-Cookie" not in answer.headers
    client = web.client()
    client.cookies[KIOSK] = token
    assert client.get("/wall").status == 303


def test_a_word_that_only_ends_in_token_is_none(web: Site) -> None:
    """`?mytoken=` is a parameter like any other: a logged-in person stays logged in."""
    assert web.operator().get("/wall?mytoken=1").status == 200


def test_a_foreign_cookie_does_not_log_out(web: Site) -> None:
    """Another program's malformed cookie on the same host leaves ours readable."""
    client = web.operator()
    client.cookies = {"other": '{"a": 1, "b"', "bad name": "x"} | client.cookies
    assert sees_api(client)


def test_a_known_session_outlives_the_database(
    database_url: str,
    web_settings: Settings,
    proxy: Callable[[str], ProxiedUrl],
    through: Callable[[Settings, ProxiedUrl], Settings],
) -> None:
    """Without the database a verified screen stays, a stranger waits, nobody is let in anew."""
    line = proxy(database_url)
    with running(through(web_settings, line)) as site:
        client = site.operator()
        assert client.get("/wall").status == 200
        line.cut()
        stranger = site.client()
        stranger.cookies[SESSION] = "unknown"
        wait_for(lambda: stranger.get("/wall").status == 503)
        assert client.get("/wall").status == 200
        answer = site.client().login("truc-ban")
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert b'name="password"' in answer.body
        line.restore()
        wait_for(lambda: site.client().login("truc-ban").status == 303, 20)
