"""Who may push over HTTP, and what: each refusal is a problem that says what to do."""

from __future__ import annotations

import json
import select
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import Connection

from ioc.domain.errors import ConfigError
from ioc.domain.permission import Role
from ioc.settings import Settings
from ioc.storage import users
from ioc.text import say
from ioc.web.access import access_of
from ioc.web.api import push as push_route
from ioc.web.api.push import TYPES
from ioc.web.pace import MOST_EACH
from tests.awaiting import wait_for
from tests.integration.push_rig import CBOR, JSON, PATH, let_in, listening, push, refused
from tests.integration.test_web_gate import begin, walk
from tests.integration.web_site import Site, running

Db = Connection[tuple[Any, ...]]


def test_wrong_expired_and_revoked_tokens(push_site: Site, conn: Db, source_token: str) -> None:
    """401 for each of them and for none at all, from a program that sends no Origin."""
    old = datetime.now(UTC) - timedelta(seconds=1)
    gone = users.create_token(
        conn, kind="source", role="source", label="cũ", source="cu", expires_at=old
    )
    for bad in ("", "nobody", gone, source_token + "x"):
        answer = push(push_site.client(bad), b"1")
        assert refused(answer, 401, "login_required"), bad
        assert answer.headers["www-authenticate"] == "Bearer"
    assert let_in(push(push_site.client(source_token), b"1"))
    (row,) = [one for one in users.list_tokens(conn) if one.label == "LGSP"]
    users.revoke_token(conn, row.id)
    wait_for(lambda: push(push_site.client(source_token), b"1").status == 401)


def test_only_a_source_pushes(
    push_site: Site, role_tokens: dict[Role, str], kiosk_token: str
) -> None:
    """The administrator has no source to speak for; a browser's session has none either."""
    assert kiosk_token
    for role, held in role_tokens.items():
        status = push(push_site.client(held), b"1").status
        assert (status == 403) == (role is not Role.SOURCE), role
    own = f"http://127.0.0.1:{push_site.port}"
    assert push(push_site.operator(), b"1", Origin=own).status == 403


def test_a_content_type_that_no_feed_reads(push_site: Site, source_token: str) -> None:
    """415 for every other type, charset or coding; parameters that change nothing are fine."""
    client = push_site.client(source_token)
    for kind in ("text/plain", "", "application/xml", "application/json; charset=utf-16", "json"):
        assert refused(push(client, b"1", kind), 415, "unsupported_type"), kind
    assert refused(push(client, b"1", Content_Encoding="gzip"), 415, "unsupported_type")
    for kind in ("Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"', CBOR):
        assert let_in(push(client, b"1", kind)), kind


def test_an_empty_body_and_one_without_length(push_site: Site, source_token: str) -> None:
    """400 and 411: an empty message would be an empty message for everybody after us."""
    assert refused(push(push_site.client(source_token), b""), 400, "empty_body")
    with socket.create_connection(("127.0.0.1", push_site.port), timeout=10) as line:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {source_token}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert line.recv(100).split(b" ")[1] == b"411"


def test_who_sends_too_fast_is_slowed_alone(
    push_settings: Settings, mqtt_url: str, conn: Db, push_source: str, source_token: str
) -> None:
    """429 with the time to wait beyond the token's pace; another token goes on; later it may."""
    slow = msgspec.structs.replace(push_settings.web, push_per_s=2.0)
    given = msgspec.structs.replace(push_settings, web=slow)
    other = users.create_token(conn, kind="source", role="source", label="b", source=push_source)
    with running(given) as site, listening(mqtt_url, push_source) as listener:
        answers = [push(site.client(source_token), b"1") for _ in range(20)]
        late = [answer for answer in answers if answer.status == 429]
        assert late
        assert all(refused(answer, 429, "too_fast") for answer in late)
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in late)
        assert push(site.client(other), b"2").status == 202
        wait_for(lambda: push(site.client(source_token), b"3").status == 202)
        taken = sum(answer.status == 202 for answer in answers)
        wait_for(lambda: len(listener.taken) == taken + 2)


def test_bodies_that_never_end_hold_only_their_own_places(
    push_site: Site, mqtt_url: str, conn: Db, push_source: str, source_token: str
) -> None:
    """A source that stalls uses up what it may have in hand; another's body passes meanwhile."""
    other = users.create_token(conn, kind="source", role="source", label="b", source=push_source)
    lines = [_stalled(push_site.port, source_token) for _ in range(MOST_EACH)]

    def full() -> bool:
        # A line that was answered has no place: our own question below may have had the last one.
        for at, line in enumerate(lines):
            if select.select([line], [], [], 0)[0]:
                line.close()
                lines[at] = _stalled(push_site.port, source_token)
        return push(push_site.client(source_token), b"1").status == 429

    try:
        wait_for(full)
        with listening(mqtt_url, push_source):
            assert push(push_site.client(other), b"1").status == 202
    finally:
        for line in lines:
            line.close()
    wait_for(
        lambda: let_in(push(push_site.client(source_token), b"1"))
    )  # its places are free again


def test_a_body_that_is_too_slow_is_told_so(
    push_site: Site, source_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not come in time is 408 and ends the connection, which cannot be reused."""
    monkeypatch.setattr(push_route, "BODY_S", 0.2)
    with _stalled(push_site.port, source_token) as line:
        line.settimeout(20)
        said = b""
        while part := line.recv(65536):  # until the server ends the connection
            said += part
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["type"] == "urn:ioc:problem:slow_body"


def _stalled(port: int, token: str) -> socket.socket:
    """Return a connection whose request began and whose body does not go on."""
    line = socket.create_connection(("127.0.0.1", port))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    line.sendall(f"{head}Content-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n{{".encode())
    return line


# ---------------------------------------------------------------- tokens


def test_a_source_token_opens_nothing_else(
    push_site: Site, source_token: str, role_tokens: dict[Role, str]
) -> None:
    """Every route of the application asked: 202 or 503 to push, the public ones, 403 or 404."""
    client = push_site.client(source_token)
    open_to_it = set()
    for asked in walk(push_site.application):
        access = access_of(asked.method, asked.path)
        status = begin(client, asked)
        if status not in (401, 403, 404) and access is not None and access.action is not None:
            open_to_it.add(asked.key)
    assert open_to_it == {("POST", PATH)}
    assert push_site.client(role_tokens[Role.ADMIN]).get("/api/v1/things").status == 200
    for path in (f"/wall?token={source_token}", "/live", "/api/v1/feeds/http/dead-letters"):
        answer = client.status("GET", path)
        assert answer.status == 403 or answer.headers["location"] == "/login", path
        assert "set-cookie" not in {name.lower() for name in answer.headers}, path


def test_the_description_names_every_answer(push_site: Site, role_tokens: dict[Role, str]) -> None:
    """OpenAPI has the three formats, the bearer token, and each status these tests have seen."""
    told = push_site.client(role_tokens[Role.OPERATOR]).get("/api/v1/openapi.json").json()
    post = told["paths"][PATH]["post"]
    assert set(post["requestBody"]["content"]) == TYPES
    (scheme,) = post["security"][0]
    assert told["components"]["securitySchemes"][scheme]["scheme"] == "bearer"
    seen = {"202", "400", "401", "403", "408", "411", "413", "415", "429", "503"}
    anywhere = {"404", "405", "409", "422", "500"}  # described once for every route
    assert set(post["responses"]) == seen | anywhere
    for status in seen - {"202"}:
        (content,) = post["responses"][status]["content"].items()
        assert content[0] == "application/problem+json"
        code = content[1]["example"]["type"].rpartition(":")[2]
        assert say(f"web.problem.{code}")
    assert all("headers" in post["responses"][status] for status in ("429", "503"))


def test_a_source_token_names_its_source(conn: Db) -> None:
    """Neither code nor database makes a token of a source without one, or with a topic for one."""
    for kind, role, name in (
        ("source", "source", None),
        ("source", "operator", "a"),
        ("api", "source", "a"),
        ("api", "operator", "a"),
        ("kiosk", "kiosk", "a"),
        *(("source", "source", bad) for bad in ("", "a/b", "+", "#", "A", "-a", "é", "a" * 65)),
    ):
        with pytest.raises(ConfigError):
            users.create_token(conn, kind=kind, role=role, label="x", source=name)
    for kind, name in (("source", None), ("api", "a"), ("source", "a/b")):
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "insert into token (token_hash, kind, role, label, source)"
                " values ('x', %s, 'source', 'x', %s)",
                (kind, name),
            )
    with pytest.raises(ConfigError):
        users.put_user(conn, username="a", display_name="a", role="source", password="x" * 12)
