"""The pure parts of the gate: origins, targets, addresses, cookies, websockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message

from ioc.web.identity import Identity
from ioc.web.security import (
    Gate,
    Site,
    caller_address,
    content_policy,
    is_loopback,
    read_cookies,
    safe_next,
    same_origin,
)


def scope(peer: str | None) -> dict[str, Any]:
    return {"type": "http", "client": None if peer is None else (peer, 5000)}


@given(st.text(max_size=40) | st.text("/\\.:@[]%\t evilwathng1", max_size=12))
def test_no_target_leaves_the_server(target: str) -> None:
    """Whatever is asked for, the answer is a path that begins with one slash."""
    found = safe_next(target)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()
    assert found in ("/", target)


@pytest.mark.parametrize("target", ["/", "/wall", "/wall/x?room=2", "/thing/7?hours=24", "/wall#a"])
def test_pages_are_targets(target: str) -> None:
    """A page with its query is where the login leads."""
    assert safe_next(target) == target


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_a_strange_origin_is_foreign(origin: str) -> None:
    """Any Origin but our own is foreign, and none is a crash."""
    given_headers = Headers(raw=[(b"host", b"ioc.local"), (b"origin", origin.encode("latin-1"))])
    ours = origin in ("http://ioc.local", "https://ioc.local")
    if not ours and same_origin(given_headers, ""):
        assert origin.partition("//")[2].rstrip("/").split("/")[0].split("?")[0].split("#")[0] == (
            "ioc.local"
        )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://ioc.local"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://ioc.local"}, True),
        ({"origin": "https://public.example"}, True),
        ({"origin": "http://public.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://["}, False),
        ({}, False),
    ],
)
def test_same_origin(headers: dict[str, str], expected: bool) -> None:  # noqa: FBT001  a table
    """Sec-Fetch-Site decides where it is sent; else Origin, by Host or the public address."""
    found = same_origin(Headers({"host": "ioc.local"} | headers), "https://public.example")
    assert found is expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("10.0.0.2", {}, False),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", {"via": "1.1 proxy"}, False),
        ("not an address", {}, False),
        (None, {}, False),
    ],
)
def test_this_machine_itself(peer: str | None, headers: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    """Only a caller on this machine without any proxy between is this machine."""
    assert is_loopback(scope(peer), Headers(headers)) is expected


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("1.2.3.4", "203.0.113.9", "1.2.3.4"),
        ("10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "<script>", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        (None, "203.0.113.9", None),
    ],
)
def test_the_address_of_the_audit(peer: str | None, forwarded: str, expected: str | None) -> None:
    """A stranger cannot choose the address that is written down; a near proxy tells it."""
    found = caller_address(scope(peer), Headers({"x-forwarded-for": forwarded}))
    assert found == expected


@given(st.text(st.characters(max_codepoint=255, exclude_characters=";"), max_size=40))
def test_our_cookie_stands_beside_any_other(other: str) -> None:
    """What another program put before it does not hide a session."""
    raw = f"{other}; ioc_session=abc".encode("latin-1")
    assert read_cookies(Headers(raw=[(b"cookie", raw)]))["ioc_session"] == "abc"


def test_the_policy_starts_from_nothing() -> None:
    """Everything is forbidden but what is named; inline scripts need their hash."""
    policy = content_policy(("'sha256-x'",))
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-x';")
    assert "unsafe-eval" not in policy
    assert policy.count("unsafe-inline") == 1  # styles


class Nobody:
    """A door that knows no one."""

    async def session(self, cookie: str) -> Identity | None: ...

    async def token(self, token: str) -> Identity | None: ...

    async def idle(self, cookie: str, who: Identity) -> bool:
        raise AssertionError(cookie, who)

    async def stir(self, cookie: str) -> None: ...


def test_a_websocket_is_closed_before_it_opens() -> None:
    """The gate answers 1008 itself; nothing behind it ever sees the connection."""
    sent: list[Message] = []

    async def behind(*_: object) -> None:
        raise AssertionError("reached")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    gate = Gate(behind, door=Nobody(), site=Site("", str))
    asyncio.run(gate({"type": "websocket", "path": "/_dash-ws-callback"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
