"""The gate: nobody reaches anything but the door, and each role exactly what it may."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from psycopg import Connection
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from ioc.domain.permission import Action, Role, allowed
from ioc.web.access import TABLE, access_of
from tests.integration.web_site import Client, Site

Db = Connection[tuple[Any, ...]]

# What a person needs before logging in, and what a supervisor asks. Nothing else is public.
PUBLIC: Final = {
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/second"),
    ("POST", "/login/second"),
    ("GET", "/login/sign-on"),
    ("GET", "/login/sign-on/back"),
    ("POST", "/logout"),
    ("GET", "/healthz"),
    ("GET", "/brief/sw.js"),
    ("GET", "/brief/app.webmanifest"),
    ("GET", "/assets/wall.css"),
    ("GET", "/favicon.ico"),
    ("GET", "/_favicon.ico"),
}
# Routes that Dash brings along and nobody may have.
CLOSED: Final = {("GET", "/_reload-hash"), ("WEBSOCKET", "/_dash-ws-callback")}
SAMPLES: Final = {
    "form": "csv",
    "code": "bts_count",
    "name": "wall.css",
    "language": "vi",
    "layer": "things",
    "version": "0123456789abcdef",
    "alert_id": str(UUID(int=7)),
    "package_name": "dash",
    "fingerprinted_path": "dash-renderer/x.js",
    "path": "/wall",
}
HANDSHAKE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SPELLINGS: Final = (
    "/assets/../config/ioc.toml",
    "/assets/%2e%2e/config/ioc.toml",
    "/assets/..%2fconfig%2fioc.toml",
    "/assets/%2fetc/passwd",
    "/assets//etc/hostname.txt",
    "/assets/.gitignore",
    "/assets/modules/../.gitignore",
    "/assets/wall.css%00.svg",
    "/assets/" + "a" * 300 + ".css",
    "/geo/things/../../etc/passwd",
    "/_dash-component-suites/dash/../../etc/passwd",
    "//wall",
    "/wall/../metrics",
    "/Wall",
    "/live/",
    "/api/v1/things/",
    "/api/v1/../../metrics",
)
OUTSIDE: Final = "203.0.113.9"  # a proxy said so: not this machine, however near the socket


@dataclass(frozen=True)
class Asked:
    """One request that reaches a route."""

    method: str
    path: str

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path


def walk(app: FastAPI) -> list[Asked]:
    """Return a request for each method of each route that the application knows."""
    found: list[Asked] = []
    for context in iter_route_contexts(app.routes):
        route: BaseRoute = context.original_route
        path = str(context.path)
        if isinstance(route, Mount):
            found.append(Asked("GET", f"{path}/wall.css"))
        elif isinstance(route, WebSocketRoute):
            found.append(Asked("WEBSOCKET", filled(path)))
        else:
            found += [Asked(method, filled(path)) for method in sorted(context.methods or {"GET"})]
    return found


def filled(path: str) -> str:
    """Return a route's path with its parameters filled in."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: SAMPLES.get(found[1], "1"), path)


def unlisted(app: FastAPI) -> set[tuple[str, str]]:
    """Return the requests that reach a route but no line of the access table."""
    return {one.key for one in walk(app) if access_of(one.method, one.path) is None}


def begin(client: Client, asked: Asked) -> int:
    """Return the status of a request from elsewhere, on a page of ours."""
    body = b"{}" if asked.method == "POST" else None
    websocket = asked.method == "WEBSOCKET"
    answer = client.status(
        "GET" if websocket else asked.method,
        asked.path,
        body,
        **(HANDSHAKE if websocket else {}),
        Origin=f"http://127.0.0.1:{client.port}",
        Content_Type="application/json",
        X_Forwarded_For=OUTSIDE,
    )
    if answer.status == 303:
        return 401 if answer.headers["location"].startswith("/login") else 303
    return answer.status


def test_every_route_has_a_rule(web: Site) -> None:
    """A route without a line in the access table is known here as closed, or fails this test."""
    assert unlisted(web.application) == CLOSED
    assert len(walk(web.application)) > 30


def test_a_new_route_without_a_rule_is_noticed_and_shut(
    web: Site, role_tokens: dict[Role, str]
) -> None:
    """What somebody adds later exists for nobody, the administrator too, until it is listed."""

    async def export() -> str:
        return "everything"

    web.application.router.routes.insert(0, APIRoute("/export", export))
    assert unlisted(web.application) - CLOSED == {("GET", "/export")}
    assert web.client(role_tokens[Role.ADMIN]).get("/export").status == 404


def test_every_rule_has_a_route(web: Site) -> None:
    """A line of the access table that opens nothing is a mistake waiting for a route."""
    asked = walk(web.application)
    own = (
        "/thing/1",
        "/wall",
        "/",
        "/rules",
        "/kpi",
        "/users",
        "/audit",
        "/network",
        "/things",
        "/indicators",
        "/quality",
        "/integrations",
        "/feeds",
        "/pending",
        "/system",
        "/help",
        "/station/1",
        "/indices",
        "/walls",
        "/handover",
        "/map",
        "/layers",
    )
    pages = [Asked("GET", path) for path in own]  # Dash's own
    for methods, path, _ in TABLE:
        for method in methods.split():
            reached = [
                one
                for one in asked + pages
                if one.method == method and re.fullmatch(path, one.path)
            ]
            assert reached, (method, path)


def test_nobody_reaches_nothing_but_the_door(web: Site) -> None:
    """Without a session or token each route but the public ones sends away."""
    client = web.client()
    found = {one.key: begin(client, one) for one in walk(web.application)}
    assert set(found) > PUBLIC | CLOSED
    for key, status in found.items():
        if key in CLOSED:
            assert status == 404, key
        elif key not in PUBLIC:
            assert status == 401, key


def test_a_page_sends_to_the_login_a_program_hears_401(web: Site) -> None:
    """A person comes to the login page with the way back; a program gets problem+json."""
    answer = web.client().get("/thing/7")
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2Fthing%2F7")
    answer = web.client().get("/api/v1/things")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ioc:problem:login_required"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_exactly_what_it_may(
    web: Site, role_tokens: dict[Role, str], role: Role
) -> None:
    """Every route agrees with `domain.permission`: 403 where the role may not, an answer else."""
    client = web.client(role_tokens[role])
    for one in walk(web.application):
        access = access_of(one.method, one.path)
        status = begin(client, one)
        if access is None:
            assert status == 404, one
        elif access.action is None:
            assert one.key in PUBLIC, one
        elif not allowed(role, access.action):
            assert status == 403, one
        else:
            assert status not in (401, 403), one


def test_a_wall_only_looks(web: Site, role_tokens: dict[Role, str]) -> None:
    """A kiosk token sees wall, live line, words and things; no API, no probe, no command."""
    client = web.client(role_tokens[Role.KIOSK])
    for path in ("/wall", "/thing/1", "/text/vi.json", "/live"):
        assert begin(client, Asked("GET", path)) == 200, path
    shut = [one for one in walk(web.application) if begin(client, one) == 403]
    ways = {one.path.split("/")[1] for one in shut}
    named = {"api", "brief", "desk", "geo", "ogc", "readyz", "metrics", "session", "account"}
    assert ways == named
    assert ("POST", f"/api/v1/alerts/{UUID(int=7)}/acknowledge") in {one.key for one in shut}


def test_no_callback_answers_nobody(web: Site, kiosk_token: str) -> None:
    """Each Dash callback is refused without a session and runs with one."""
    asked = json.loads(web.operator().get("/_dash-dependencies").body)
    assert len(asked) >= 3
    for one in asked:
        body = json.dumps(call(one)).encode()
        headers = {"Content_Type": "application/json", "Origin": f"http://127.0.0.1:{web.port}"}
        path = "/_dash-update-component"
        assert web.client().status("POST", path, body, **headers).status == 401, one
        wall = web.client(kiosk_token)
        assert wall.status("POST", path, body, **headers).status in (200, 204), one


@pytest.mark.parametrize("role", list(Role))
def test_callbacks_answer_who_may_see_a_page(
    web: Site, role_tokens: dict[Role, str], role: Role
) -> None:
    """Each Dash callback runs for every role that may see pages, and for no other."""
    asked = web.client(role_tokens[Role.LEADER]).get("/_dash-dependencies").json()
    client = web.client(role_tokens[role])
    expected = (200, 204) if allowed(role, Action.SEE_WALL) else (403,)
    for one in asked:
        body = json.dumps(call(one)).encode()
        headers = {"Content_Type": "application/json"}
        answer = client.status("POST", "/_dash-update-component", body, **headers)
        assert answer.status in expected, (role, one["output"])


def call(dependency: dict[str, Any]) -> dict[str, Any]:
    """Return what a browser sends to run a callback whose inputs are empty."""
    output, _, prop = dependency["output"].rpartition(".")
    return {
        "output": dependency["output"],
        "outputs": {"id": output, "property": prop},
        "inputs": [_empty(one) for one in dependency["inputs"]],
        "state": [_empty(one) for one in dependency["state"]],
        "changedPropIds": [],
    }


def _empty(one: dict[str, Any]) -> Any:
    if one["id"].startswith("{"):  # a pattern: whatever there is of it, here nothing
        return []
    return {"id": one["id"], "property": one["property"], "value": None}


def test_websockets_are_shut(web: Site, kiosk_token: str) -> None:
    """No handshake is answered with 101, with or without a token."""
    for client in (web.client(), web.client(kiosk_token)):
        for path in ("/_dash-ws-callback", "/live", "/"):
            assert client.status("GET", path, None, **HANDSHAKE).status != 101


def test_no_spelling_leads_around_the_gate(web: Site) -> None:
    """A path that is written another way is refused, and never with a server error."""
    for path in SPELLINGS:
        assert begin(web.client(), Asked("GET", path)) in (401, 404), path


def test_other_methods_do_not_exist(web: Site, role_tokens: dict[Role, str]) -> None:
    """What the table does not name is refused for the administrator too."""
    client = web.client(role_tokens[Role.ADMIN])
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        for path in ("/live", "/api/v1/things", "/login", "/wall"):
            assert client.status(method, path, b"").status in (400, 404), (method, path)


def test_head_opens_no_stream(web: Site, kiosk_token: str) -> None:
    """HEAD on the live line holds no place of a client."""
    assert web.client(kiosk_token).status("HEAD", "/live").status == 405
    assert web.services.hub.clients == 0
