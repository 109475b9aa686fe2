"""What a hostile page, a clumsy program and a stranger get: no deed, no secret, no trace."""

from __future__ import annotations

import json
import re
import socket
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import pytest
import structlog
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.settings import Settings
from ioc.web.access import LARGEST_BODY
from tests.integration.web_site import PASSWORD, Client, Site, running

Db = Connection[tuple[Any, ...]]
ACKNOWLEDGE: Final = f"/api/v1/alerts/{UUID(int=7)}/acknowledge"
CALLBACK: Final = "/_dash-update-component"
LOGIN: Final = f"username=truc-ban&password={PASSWORD}"

pytestmark = pytest.mark.usefixtures("kiosk_token")


def post(client: Client, path: str, body: bytes = b"", **headers: str) -> int:
    """Post exactly these headers: no Origin unless given."""
    return client.status("POST", path, body, **headers).status


def test_a_foreign_page_changes_nothing(web: Site) -> None:
    """Each unsafe request needs a sign that it comes from our own page, the login too."""
    client = web.operator()
    own = f"http://127.0.0.1:{web.port}"
    signs: list[dict[str, str]] = [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{own}.evil.example"},
        {"Origin": "http://["},
        {"Origin": f"http://127.0.0.1:{web.port + 1}"},
        {"Sec_Fetch_Site": "cross-site", "Origin": own},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ]
    for sign in signs:
        for path in (ACKNOWLEDGE, CALLBACK, "/login", "/logout"):
            assert post(client, path, b"", Idempotency_Key="k", **sign) == 403, (path, sign)
    assert client.get("/api/v1/things").status == 200  # no logout happened
    for sign in ({"Origin": own}, {"Sec_Fetch_Site": "same-origin"}):
        assert post(client, ACKNOWLEDGE, b"", Idempotency_Key="k", **sign) == 404, sign


def test_a_program_with_a_token_needs_no_origin(web: Site, role_tokens: dict[Role, str]) -> None:
    """No browser adds a bearer token by itself, so a script need not pretend to be one."""
    client = web.client(role_tokens[Role.OPERATOR])
    assert post(client, ACKNOWLEDGE, Idempotency_Key="k") == 404


def test_behind_a_proxy_the_public_address_is_ours(
    site_at: Callable[[str], Settings],
) -> None:
    """A proxy that changes Host does not lock people out of their own forms."""
    with running(site_at("https://ioc.example")) as site:
        form = LOGIN.encode()
        assert post(site.client(), "/login", form, Origin="https://ioc.example") == 303
        assert post(site.client(), "/login", form, Origin="http://ioc.example") == 403
        assert post(site.client(), "/login", form, Origin="https://evil.example") == 403


def test_a_body_has_a_length_and_a_limit(web: Site) -> None:
    """A request without a length or above a megabyte is refused before anything reads it."""
    assert (
        begin_of(web, b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n") == 411
    )
    assert begin_of(web, b"POST /login HTTP/1.1\r\nHost: x\r\n") == 411
    length = b"Content-Length: %d\r\n" % (LARGEST_BODY + 1)
    assert begin_of(web, b"POST /login HTTP/1.1\r\nHost: x\r\n" + length) == 413


def begin_of(web: Site, head: bytes) -> int:
    """Send a raw head, nothing after it; return the answer's status."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as line:
        line.sendall(head + b"Sec-Fetch-Site: same-origin\r\n\r\n")
        return int(line.recv(100).split(b" ")[1])


def test_every_answer_carries_the_headers(web: Site) -> None:
    """Refusals, redirects, files, pages and programs' answers alike."""
    client = web.operator()
    for asked, path in (
        (client, "/"),
        (client, "/api/v1/things"),
        (client, "/api/v1/things/0"),
        (client, "/assets/wall.css"),
        (client, "/live-not"),
        (web.client(), "/login"),
        (web.client(), "/wall"),
        (web.client(), "/healthz"),
    ):
        headers = {name.lower(): value for name, value in asked.get(path).headers.items()}
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "same-origin", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert "server" not in headers, path
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        script = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in script, path
    assert client.get("/api/v1/things").headers["cache-control"] == "no-store"


def test_the_policy_knows_every_script_of_the_page(web: Site) -> None:
    """Each inline script of the wall stands in the policy by its hash: else the wall is dead."""
    answer = web.operator().get("/wall")
    inline = re.findall(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", answer.body, re.DOTALL)
    code = [text for text in inline if text.strip()]
    assert code
    policy = answer.headers["content-security-policy"]
    for text in code:
        if text.lstrip().startswith(b"{"):  # data, never run
            continue
        assert f"'sha256-{b64encode(sha256(text).digest()).decode()}'" in policy, text[:80]
    assert b"http://" not in re.sub(rb"http://www.w3.org/\S+", b"", answer.body)
    assert b"https://" not in answer.body


def test_a_bug_tells_the_log_and_not_the_caller(web: Site) -> None:
    """A callback that crashes answers 500 without a trace; the traceback is in the log."""
    body = {
        "output": "panel-body.children",
        "outputs": {"id": "panel-body", "property": "children"},
        "inputs": [{"id": "picked", "property": "data", "value": {"thing": "not a number"}}],
        "changedPropIds": ["picked.data"],
    }
    with structlog.testing.capture_logs() as logs:
        answer = web.operator().ask(
            "POST",
            CALLBACK,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
        )
    assert answer.status == 500
    assert not traces(answer.body)
    (entry,) = [one for one in logs if one["event"] == "callback_failed"]
    assert isinstance(entry["exc_info"], ValueError)


def test_a_bug_of_a_route_is_a_problem_too(
    web: Site, conn: Db, role_tokens: dict[Role, str]
) -> None:
    """A route that crashes answers problem+json, with the security headers and no trace."""
    conn.execute("alter table feed rename to feed_gone")
    answer = web.client(role_tokens[Role.ADMIN]).get("/api/v1/feeds")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ioc:problem:internal"
    assert answer.headers["x-frame-options"] == "DENY"
    assert not traces(answer.body)


def traces(body: bytes) -> bool:
    return any(word in body for word in (b"Traceback", b'File "', b".py", b"psycopg", b"Error:"))


def test_broken_requests_are_refused_without_a_trace(
    web: Site, role_tokens: dict[Role, str]
) -> None:
    """Junk in any place is the sender's error, never a server error."""
    client = web.client(role_tokens[Role.ADMIN])
    for path in (
        "/api/v1/things?limit=0",
        "/api/v1/things?limit=1001",
        "/api/v1/things?limit=x",
        "/api/v1/things?cursor=x",
        "/api/v1/things?cursor=" + "a" * 301,
        "/api/v1/things?cursor=" + b64encode(b"[true]").decode(),
        "/api/v1/things?cursor=" + b64encode(b"[18446744073709551615]").decode(),
        "/api/v1/things?cursor=" + b64encode(b"[-1]").decode(),
        "/api/v1/things?cursor=" + b64encode(b"[1,2]").decode(),
        "/api/v1/things?cursor=" + b64encode(b'{"a":1}').decode(),
        "/api/v1/things?cursor=%C3%A9",
        "/api/v1/things?kind=%00",
        "/api/v1/things/0",
        "/api/v1/things/2147483648",
        "/api/v1/things/x",
        "/api/v1/things/pending?cursor=" + b64encode(b"[1.5]").decode(),
        "/api/v1/datastreams?thing=99999999999999999999",
        "/api/v1/datastreams?thing=0",
        "/api/v1/observations",
        "/api/v1/observations?datastream=1&cursor=" + b64encode(b'["yesterday"]').decode(),
        "/api/v1/observations?datastream=1&cursor=" + b64encode(b'["2026-01-01"]').decode(),
        "/api/v1/alerts?open=perhaps",
        "/api/v1/alerts?cursor=" + b64encode(b'["2026-01-01T00:00:00Z","x"]').decode(),
        "/api/v1/feeds/%00/dead-letters",
        "/api/v1/feeds/env/dead-letters?cursor=" + b64encode(b"[18446744073709551615]").decode(),
    ):
        answer = client.get(path)
        assert answer.status in (400, 404, 422), (path, answer.status)
        assert answer.headers["content-type"] == "application/problem+json", path
        found = answer.json()
        assert found["status"] == answer.status, path
        assert found["type"].startswith("urn:ioc:problem:"), path
        assert found["detail"], path
        assert not traces(answer.body), path


def test_the_place_of_a_bad_parameter_is_named(web: Site, role_tokens: dict[Role, str]) -> None:
    """A program's author reads which parameter was refused, not its value back."""
    answer = web.client(role_tokens[Role.ADMIN]).get("/api/v1/things?limit=secret-value")
    assert answer.json()["places"] == ["query.limit"]
    assert b"secret-value" not in answer.body
