"""The province's sign-on, against a real OpenID Connect server on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
import requests
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.settings import Reference, Settings, SignOn
from ioc.storage import users
from tests.awaiting import wait_for
from tests.integration.web_site import PASSWORD, Answer, Client, Site, running
from tests.services.ports import free_port

Db = Connection[tuple[Any, ...]]
PEOPLE = {
    "1": {"preferred_username": "Lan", "name": "Nguyễn Thị Lan", "groups": ["khac", "ioc-tb"]},
    "2": {"preferred_username": "minh", "name": "Trần Minh", "groups": ["van-phong"]},
    "3": {"preferred_username": "truc-ban", "name": "Kẻ mạo danh", "groups": ["ioc-ld"]},
}


@dataclass(frozen=True)
class Provider:
    """The other side."""

    url: str

    def approve(self, way: str, subject: str) -> str:
        """Log in over there as `subject`; return where the browser is sent back to."""
        answer = requests.post(way, data={"sub": subject}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def regroup(self, subject: str, *groups: str) -> None:
        """Put somebody into other groups."""
        claims = PEOPLE[subject] | {"groups": list(groups)}
        requests.put(f"{self.url}/users/{subject}", json=claims, timeout=10).raise_for_status()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Return a running provider: a process of its own, with the people above."""
    port = free_port()
    people = [
        f"--user-claims={json.dumps({'sub': sub} | claims)}" for sub, claims in PEOPLE.items()
    ]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, *people], stdout=quiet, stderr=quiet)
    found = Provider(f"http://localhost:{port}")  # the one plain http that OAuth allows
    try:
        wait_for(lambda: answers(f"{found.url}/jwks"), 60)
        yield found
    finally:
        process.terminate()
        process.wait(20)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def site(
    provider: Provider,
    web_settings: Settings,
    lines: Callable[..., Settings],
    conn: Db,
    tmp_path: Path,
) -> Iterator[Site]:
    users.put_user(
        conn, username="truc-ban", display_name="Trực ban", role="operator", password=PASSWORD
    )
    (tmp_path / "secret").write_text("any-secret-will-do")
    sign_on = SignOn(
        issuer=provider.url,
        client_id="ioc",
        secret=Reference(file=str(tmp_path / "secret")),
        roles={"ioc-tb": Role.OPERATOR, "ioc-ld": Role.LEADER},
    )
    door = msgspec.structs.replace(web_settings.door, sign_on=sign_on)
    with running(lines(web_settings, door=door)) as found:
        yield found


def go(client: Client, provider: Provider, subject: str, target: str = "/alerts") -> Answer:
    """Walk the whole way as a browser does; return how it ends here."""
    there = client.get(f"/login/sign-on?{urlencode({'next': target})}")
    assert there.status == 303
    back = urlsplit(provider.approve(there.headers["location"], subject))
    assert back.path == "/login/sign-on/back"
    return client.get(f"{back.path}?{back.query}")


def test_a_group_gives_a_role(site: Site, provider: Provider, conn: Db) -> None:
    """Whoever is in a group of ours comes in with its role, where they wanted to go."""
    client = site.client()
    assert b"/login/sign-on" in client.get("/login").body
    answer = go(client, provider, "1")
    assert (answer.status, answer.headers["location"]) == (303, "/alerts")
    assert client.get("/api/v1/things").status == 200
    row = conn.execute(
        "select username, display_name, role from app_user where subject is not null"
    ).fetchone()
    assert row == ("lan", "Nguyễn Thị Lan", "operator")
    how = conn.execute("select detail from audit where action = 'login'").fetchone()
    assert how == ({"how": "sign_on"},)


def test_the_role_follows_the_group(site: Site, provider: Provider, conn: Db) -> None:
    """At the next login another group is another role, and no group is no way in."""
    assert go(site.client(), provider, "1").headers["location"] == "/alerts"
    provider.regroup("1", "ioc-ld")
    assert go(site.client(), provider, "1").headers["location"] == "/alerts"
    assert conn.execute("select role from app_user where username = 'lan'").fetchone() == (
        "leader",
    )
    provider.regroup("1")
    assert go(site.client(), provider, "1").headers["location"] == "/login?sign_on=failed"


def test_without_a_group_nobody_comes_in(site: Site, provider: Provider, conn: Db) -> None:
    """The sign-on knowing somebody is not enough, and leaves no account behind."""
    client = site.client()
    assert go(client, provider, "2").headers["location"] == "/login?sign_on=failed"
    assert client.get("/api/v1/things").status == 401
    assert conn.execute("select count(*) from app_user where username = 'minh'").fetchone() == (0,)


def test_a_name_of_ours_is_not_taken_over(site: Site, provider: Provider, conn: Db) -> None:
    """Somebody who calls himself as a local account gets an account of his own beside it."""
    assert go(site.client(), provider, "3").status == 303
    rows = conn.execute("select username, role from app_user order by username").fetchall()
    assert rows == [("truc-ban", "operator"), ("truc-ban-2", "leader")]


def test_a_locked_account_stays_out(site: Site, provider: Provider, conn: Db) -> None:
    """What an administrator has shut the sign-on does not open."""
    go(site.client(), provider, "1")
    users.disable_user(conn, "lan")
    assert go(site.client(), provider, "1").headers["location"] == "/login?sign_on=failed"


def test_an_answer_belongs_to_the_browser_that_asked(site: Site, provider: Provider) -> None:
    """A code brought by another browser, with another state, or twice, opens nothing."""
    mine, other = site.client(), site.client()
    there = mine.get("/login/sign-on").headers["location"]
    back = urlsplit(provider.approve(there, "1"))
    way = f"{back.path}?{back.query}"
    failed = "/login?sign_on=failed"
    assert other.get(way).headers["location"] == failed
    code = parse_qs(back.query)["code"][0]
    assert mine.get(f"{back.path}?code={code}&state=x").headers["location"] == failed
    assert mine.get(way).headers["location"] == "/"
    kept = site.client()
    kept.get("/login/sign-on")
    assert kept.get(way).headers["location"] == failed


def test_the_way_back_leads_nowhere_else(site: Site, provider: Provider) -> None:
    """A target outside is the home page, and the request carries PKCE and a nonce."""
    client = site.client()
    way = client.get("/login/sign-on?next=https://evil.example/").headers["location"]
    asked = parse_qs(urlsplit(way).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    back = urlsplit(provider.approve(way, "1"))
    assert client.get(f"{back.path}?{back.query}").headers["location"] == "/"


def test_a_sign_on_that_is_away_says_so(
    web_settings: Settings, lines: Callable[..., Settings]
) -> None:
    """Nobody hangs and nothing breaks: the login page says that it failed."""
    gone = SignOn(issuer="http://127.0.0.1:9", client_id="ioc")
    door = msgspec.structs.replace(web_settings.door, sign_on=gone)
    with running(lines(web_settings, door=door)) as site:
        answer = site.client().get("/login/sign-on")
        assert answer.headers["location"] == "/login?sign_on=failed"
