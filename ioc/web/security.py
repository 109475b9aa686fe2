"""The gate: one pure-ASGI wrapper around everything, for http and websocket; deny by default.

It decides by `ioc.web.access` alone, before any route, static file or Dash handler sees a request,
and puts the security headers on every answer. Dash's own hooks would miss websockets, own routes
and assets; Starlette's BaseHTTPMiddleware skips websockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from math import ceil
from typing import Final, Protocol
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.domain.permission import GUARDED, Action, Role
from ioc.web import identity as identities
from ioc.web.access import Access, Answer, access_of
from ioc.web.database import DatabaseAwayError
from ioc.web.identity import STILL_WELCOME, Identity, Kind
from ioc.web.pace import Pace
from ioc.web.problem import database_away, problem

SESSION_COOKIE: Final = "ioc_session"
KIOSK_COOKIE: Final = "ioc_kiosk"
_KIOSK_AGE_S: Final = 400 * 86400  # the longest a browser keeps a cookie: nobody types at a wall
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_policy(script_hashes: tuple[str, ...]) -> str:
    """Return the Content-Security-Policy: nothing from elsewhere, inline scripts by hash only."""
    scripts = " ".join(("'self'", *script_hashes))
    return (
        f"default-src 'none'; script-src {scripts}; worker-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    )


class Verifier(Protocol):
    """What the gate needs of the door."""

    async def session(self, cookie: str) -> Identity | None: ...

    async def token(self, token: str) -> Identity | None: ...

    async def idle(self, cookie: str, who: Identity) -> bool: ...

    async def stir(self, cookie: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Site:
    """How browsers see this server; `policy` is asked at each answer, since hashes come late."""

    public_url: str
    policy: Callable[[], str]
    second_factor: frozenset[str] = frozenset()  # roles that change nothing without one
    pace: Pace | None = None  # of tokens

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")


class Gate:
    """Wraps the whole application; see the module."""

    def __init__(self, app: ASGIApp, *, door: Verifier, site: Site) -> None:
        self._app = app
        self._door = door
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # The live feed is SSE and no page uses Dash's websocket callbacks: none is let in.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, self._with_headers(send))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        access = access_of(scope["method"], scope["path"])
        refusal = self._refusal(scope, headers, access)
        if refusal is not None or access is None:
            await (refusal or problem(404, "not_found"))(scope, receive, send)
            return
        try:
            answer, who = await self._decide(scope, headers, access)
        except DatabaseAwayError:
            answer, who = database_away(), None
        if answer is not None:
            await answer(scope, receive, send)
            return
        refusal = self._too_fast(who)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        identities.remember(who)
        scope[STILL_WELCOME] = partial(self._still_welcome, scope, headers, access, who)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers, access: Access | None) -> Response | None:
        """Return what is wrong with the request whoever makes it."""
        if access is None:
            return problem(404, "not_found")
        if scope["method"] in _SAFE:
            return None
        # A browser says no length of the body that a DELETE does not have.
        length = headers.get("content-length", "0" if scope["method"] == "DELETE" else "")
        if not length.isdecimal() or "transfer-encoding" in headers:
            return problem(411, "length_required")
        if int(length) > access.largest:
            return problem(413, "too_large")
        # Without a cookie no page can borrow anybody's rights; such a program hears 401 later.
        lent = access.action is None or "cookie" in headers
        if lent and _bearer(headers) is None and not same_origin(headers, self._site.public_url):
            return problem(403, "foreign_origin")
        return None

    async def _still_welcome(
        self, scope: Scope, headers: Headers, access: Access, who: Identity | None
    ) -> bool:
        """Decide the same request again. Raises DatabaseAwayError when nobody knows.

        Who may see another part of the province by now begins anew, with what that part holds.
        """
        answer, again = await self._decide(scope, headers, access)
        mine = None if who is None else who.scope
        return answer is None and mine == (None if again is None else again.scope)

    async def _decide(
        self, scope: Scope, headers: Headers, access: Access
    ) -> tuple[Response | None, Identity | None]:
        """Return the answer that ends the request, or None and who makes it."""
        if access.action is None:
            return None, None
        if access.probe and is_loopback(scope, headers):
            return None, Identity("loopback", "loopback", "", Kind.LOOPBACK)
        if access.answer is Answer.PAGE:
            query = _pairs(scope)
            if any(name == "token" for name, _ in query):
                return await self._admit_kiosk(scope["path"], query), None
        who = await self._who(headers)
        if who is None:
            return self._unknown(scope, access), None
        if not who.may(access.action):
            return problem(403, "forbidden"), who
        return await self._owed(scope, headers, access, who), who

    async def _owed(
        self, scope: Scope, headers: Headers, access: Access, who: Identity
    ) -> Response | None:
        """Return what a person must do first: a new password, a second factor, the password."""
        if who.kind is not Kind.SESSION:
            return None
        changes = scope["method"] not in _SAFE and not access.reads
        if access.action is not Action.OWN_ACCOUNT:
            if who.must_change:
                return _first(access, "/account/password", "password_change")
            bare = who.role in self._site.second_factor and not who.second_factor
            if bare and (changes or access.action in GUARDED):
                return _first(access, "/account/second-factor", "second_factor")
        if changes:
            cookie = read_cookies(headers).get(SESSION_COOKIE, "")
            if await self._door.idle(cookie, who):
                return self._ask_again(access)
            await self._door.stir(cookie)
        return None

    def _ask_again(self, access: Access) -> Response:
        """Ask an idle person who it is: a form by the login page, a program by a problem."""
        if access.answer is Answer.PAGE:
            return RedirectResponse("/login?next=%2Faccount", 303)
        return problem(403, "idle")

    def _too_fast(self, who: Identity | None) -> Response | None:
        """Return the refusal of a token that asks faster than its pace."""
        if self._site.pace is None or who is None or who.kind not in (Kind.API, Kind.KIOSK):
            return None
        wait = self._site.pace.take(who.actor, time.monotonic())
        return problem(429, "too_fast", headers={"Retry-After": str(ceil(wait))}) if wait else None

    async def _who(self, headers: Headers) -> Identity | None:
        """Return the first that is proven of: bearer token, session, kiosk."""
        bearer = _bearer(headers)
        if bearer is not None:
            return await self._door.token(bearer)
        cookies = read_cookies(headers)
        if session := cookies.get(SESSION_COOKIE):
            who = await self._door.session(session)
            if who is not None:
                return who
        if token := cookies.get(KIOSK_COOKIE):
            who = await self._door.token(token)
            if who is not None and who.kind is Kind.KIOSK:
                return who
        return None

    async def _admit_kiosk(self, path: str, query: list[tuple[str, str]]) -> Response:
        """Turn `?token=…` into a cookie and the same address without it.

        No log, history or photograph of the address bar keeps the secret.
        """
        token = next(value for name, value in query if name == "token")
        who = await self._door.token(token)
        if who is None or who.role != Role.KIOSK or not who.may(Action.SEE_WALL):
            return RedirectResponse("/login", 303)
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        target = quote(path) + (f"?{rest}" if rest else "")
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            KIOSK_COOKIE,
            token,
            max_age=_KIOSK_AGE_S,
            httponly=True,
            secure=self._site.secure,
            samesite="lax",
        )
        return answer

    def _unknown(self, scope: Scope, access: Access) -> Response:
        if access.answer is Answer.PROBLEM:
            return problem(401, "login_required", headers={"WWW-Authenticate": "Bearer"})
        path = scope["path"]
        query = scope["query_string"].decode("latin-1")
        target = quote(path) + (f"?{query}" if query else "")
        suffix = "" if path == "/" else f"?next={quote(target, safe='')}"
        return RedirectResponse(f"/login{suffix}", 303)

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = self._site.policy()
                if self._site.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return send_with_headers


def _first(access: Access, page: str, code: str) -> Response:
    """Lead a person to what comes first; a program hears its name."""
    return RedirectResponse(page, 303) if access.answer is Answer.PAGE else problem(403, code)


def same_origin(headers: Headers, public_url: str) -> bool:
    """Tell whether an unsafe request comes from one of our own pages.

    Browsers send Sec-Fetch-Site where the page is secure (https or this machine), and Origin with
    every POST; a request with neither is no page of ours and is refused.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    if not origin or origin == "null":
        return False
    ours = _split(public_url)
    if ours is not None and origin == f"{ours.scheme}://{ours.netloc}":
        return True
    theirs = _split(origin)
    return theirs is not None and theirs.netloc == headers.get("host", "")


def safe_next(target: str) -> str:
    """Return `target` when it is a path of this server, else the home page (no open redirect)."""
    split = _split(target) if target.isprintable() else None
    local = (
        split is not None
        and not split.scheme
        and not split.netloc
        and target.startswith("/")
        and not target.startswith("//")
        and "\\" not in target
    )
    if not local or split is None:
        return "/"
    access = access_of("GET", split.path)
    return target if access is not None and access.answer is Answer.PAGE else "/"


def is_loopback(scope: Scope, headers: Headers) -> bool:
    """Tell whether the caller is this machine itself, with no proxy in between."""
    client = scope.get("client")
    if not client or any(name in headers for name in _FORWARDED):
        return False
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False


def read_cookies(headers: Headers) -> dict[str, str]:
    """Return the request's cookies, ours too where another program's is malformed."""
    return cookie_parser(headers.get("cookie", ""))


def caller_address(scope: Scope, headers: Headers) -> str | None:
    """Return the address for the audit: the peer, or what a proxy on this machine says it saw."""
    client = scope.get("client")
    if not client:
        return None
    hops = headers.get("x-forwarded-for", "").split(",")
    peer = str(client[0])
    try:
        trusted = ip_address(peer).is_private
        return str(ip_address(hops[-1].strip())) if trusted and hops[-1].strip() else peer
    except ValueError:
        return peer


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address; None where it is none ("//[" is an unfinished IPv6 host)."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
