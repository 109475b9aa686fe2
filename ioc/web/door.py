"""The routes of the door: login, second step, logout, and the signs of life of a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ioc.domain.credential import LONGEST_PASSWORD
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.permission import Action
from ioc.settings import Settings
from ioc.text import say
from ioc.web.auth import Caller, Login, Outcome
from ioc.web.commands import NotFoundError
from ioc.web.database import RETRY_AFTER_S, DatabaseAwayError
from ioc.web.identity import Kind, require
from ioc.web.pages.login import Form, page, second_page, style_sheets
from ioc.web.problem import problem
from ioc.web.security import SESSION_COOKIE, caller_address, read_cookies, safe_next
from ioc.web.services import Services

_MOST_FIELDS: Final = 8
_SECOND_S: Final = 300
_AWAY: Final = {"Retry-After": str(RETRY_AFTER_S)}


class Waking(BaseModel):
    """What opens an idle session for writing again."""

    password: str = Field(max_length=LONGEST_PASSWORD)


def router(services: Services) -> APIRouter:
    """Return /login, its second step, /logout, and what a session says of itself."""
    routes = APIRouter(include_in_schema=False)
    _login(routes, services)
    _second(routes, services)
    _logout(routes, services)
    _session(routes, services)
    return routes


def _login(routes: APIRouter, services: Services) -> None:
    settings = services.settings
    sheets = style_sheets(settings.assets_dir)
    button = sign_on_title(settings)

    def show(form: Form, status: int = 200) -> Response:
        headers = _AWAY if status == 503 else None  # noqa: PLR2004
        return HTMLResponse(page(settings.province, form, sheets), status, headers)

    @routes.get("/login")
    async def form(request: Request) -> Response:
        error = say("login.sign_on_failed") if "sign_on" in request.query_params else ""
        target = safe_next(request.query_params.get("next", "/"))
        return show(Form(target, error=error, sign_on=button))

    @routes.post("/login")
    async def login(request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        given = await fields(request)
        name = given.get("username", "")
        try:
            result = await services.door.login(name, given.get("password", ""), caller(request))
        except DatabaseAwayError:
            return show(Form(target, name, say("login.database_away"), button), 503)
        if result.outcome is Outcome.SECOND:
            answer = RedirectResponse(f"/login/second?next={quote(target, safe='')}", 303)
            return with_cookie(answer, settings, result.secret, _SECOND_S)
        if result.outcome is not Outcome.OPEN:
            words = refusal(result, settings.province.zone)
            return show(Form(target, name, words, button), _STATUS[result.outcome])
        return admitted(settings, result, target)


def _second(routes: APIRouter, services: Services) -> None:
    settings = services.settings
    sheets = style_sheets(settings.assets_dir)

    def show(form: Form, status: int = 200) -> Response:
        headers = _AWAY if status == 503 else None  # noqa: PLR2004
        return HTMLResponse(second_page(settings.province, form, sheets), status, headers)

    @routes.get("/login/second")
    async def code_form(request: Request) -> Response:
        return show(Form(safe_next(request.query_params.get("next", "/"))))

    @routes.post("/login/second")
    async def code(request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        given = await fields(request)
        cookie = read_cookies(request.headers).get(SESSION_COOKIE, "")
        try:
            result = await services.door.second(cookie, given.get("code", ""), caller(request))
        except DatabaseAwayError:
            return show(Form(target, error=say("login.database_away")), 503)
        if result is None:
            return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
        if result.outcome is not Outcome.OPEN:
            key = "login.code_wrong" if result.outcome is Outcome.WRONG else ""
            words = say(key, left=result.left) if key else refusal(result, settings.province.zone)
            return show(Form(target, error=words), _STATUS[result.outcome])
        return admitted(settings, result, target)


def _logout(routes: APIRouter, services: Services) -> None:
    @routes.post("/logout")
    async def logout(request: Request) -> Response:
        cookie = read_cookies(request.headers).get(SESSION_COOKIE, "")
        if cookie:
            address = caller_address(request.scope, request.headers)
            await services.door.logout(cookie, address=address)
        answer = RedirectResponse("/login", 303)
        secure = services.settings.web.public_url.startswith("https://")
        answer.delete_cookie(SESSION_COOKIE, httponly=True, secure=secure, samesite="lax")
        return answer


def _session(routes: APIRouter, services: Services) -> None:
    @routes.post("/session/stir")
    async def stir(request: Request) -> Response:
        cookie = _session_cookie(request)
        await services.door.stir(cookie)
        return Response(status_code=204)

    @routes.post("/session/wake")
    async def wake(request: Request, body: Waking) -> Response:
        cookie = _session_cookie(request)
        who = require(Action.OWN_ACCOUNT)
        result = await services.door.wake(cookie, who, body.password, caller(request))
        if result.outcome is Outcome.OPEN:
            return Response(status_code=204)
        words = refusal(result, services.settings.province.zone)
        return problem(_WAKE_STATUS[result.outcome], "password", detail=words)


# 403, not 401: a page that hears 401 goes to the login, and this person is logged in.
_WAKE_STATUS: Final = {Outcome.WRONG: 403, Outcome.LOCKED: 429, Outcome.BUSY: 503}
_STATUS: Final = {Outcome.WRONG: 401, Outcome.LOCKED: 429, Outcome.BUSY: 503}


def _session_cookie(request: Request) -> str:
    if require(Action.OWN_ACCOUNT).kind is not Kind.SESSION:
        raise NotFoundError("a token has no session")
    return read_cookies(request.headers).get(SESSION_COOKIE, "")


def admitted(settings: Settings, result: Login, target: str) -> Response:
    """Return the answer to somebody whose session is open: the cookie, and the way on."""
    age = int(timedelta(hours=settings.web.session_hours).total_seconds())
    return with_cookie(RedirectResponse(target, 303), settings, result.secret, age)


def with_cookie(answer: Response, settings: Settings, secret: str, age_s: int) -> Response:
    """Set the session cookie on an answer."""
    secure = settings.web.public_url.startswith("https://")
    answer.set_cookie(
        SESSION_COOKIE, secret, max_age=age_s, httponly=True, secure=secure, samesite="lax"
    )
    return answer


def caller(request: Request) -> Caller:
    """Return from where somebody knocks."""
    return Caller(
        caller_address(request.scope, request.headers),
        request.headers.get("user-agent", ""),
        read_cookies(request.headers).get(SESSION_COOKIE, ""),
    )


async def fields(request: Request) -> dict[str, str]:
    """Return the form's fields; the gate has bounded the body."""
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError:  # not UTF-8, or more fields than any form of ours
        return {}
    return dict(pairs)


def sign_on_title(settings: Settings) -> str:
    """Return what the button of the province's sign-on says; "": there is none."""
    sign_on = settings.door.sign_on
    return (sign_on.title or say("login.sign_on")) if sign_on.issuer else ""


def refusal(result: Login, zone: str) -> str:
    """Return why somebody does not come in, in words."""
    match result.outcome:
        case Outcome.WRONG:
            return say("login.wrong", left=result.left)
        case Outcome.LOCKED:
            until = to_datetime(result.locked_until or Micros(0)).astimezone(ZoneInfo(zone))
            return say("login.locked", until=f"{until:%H:%M %d/%m}")
        case _:
            return say("login.busy")
