"""The routes of login and logout."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ioc.domain.instant import Micros, to_datetime
from ioc.text import say
from ioc.web.auth import Login, Outcome
from ioc.web.database import RETRY_AFTER_S, DatabaseAwayError
from ioc.web.pages.login import Form, page, style_sheets
from ioc.web.security import SESSION_COOKIE, caller_address, read_cookies, safe_next
from ioc.web.services import Services

_MOST_FIELDS: Final = 8


def router(services: Services) -> APIRouter:
    """Return /login and /logout."""
    settings = services.settings
    routes = APIRouter(include_in_schema=False)
    sheets = style_sheets(settings.assets_dir)
    age = int(timedelta(hours=settings.web.session_hours).total_seconds())
    secure = settings.web.public_url.startswith("https://")

    def show(form: Form, status: int = 200) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None  # noqa: PLR2004
        return HTMLResponse(page(settings.province, form, sheets), status, headers)

    @routes.get("/login")
    async def form(request: Request) -> Response:
        return show(Form(safe_next(request.query_params.get("next", "/"))))

    @routes.post("/login")
    async def login(request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        fields = await _fields(request)
        username = fields.get("username", "")
        try:
            result = await services.door.login(
                username,
                fields.get("password", ""),
                address=caller_address(request.scope, request.headers),
                old_cookie=read_cookies(request.headers).get(SESSION_COOKIE, ""),
            )
        except DatabaseAwayError:
            return show(Form(target, username, say("login.database_away")), 503)
        if result.outcome is not Outcome.OPEN:
            words = _refusal(result, settings.province.zone)
            return show(Form(target, username, words), _STATUS[result.outcome])
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            SESSION_COOKIE,
            result.secret,
            max_age=age,
            httponly=True,
            secure=secure,
            samesite="lax",
        )
        return answer

    @routes.post("/logout")
    async def logout(request: Request) -> Response:
        cookie = read_cookies(request.headers).get(SESSION_COOKIE, "")
        if cookie:
            address = caller_address(request.scope, request.headers)
            await services.door.logout(cookie, address=address)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE, httponly=True, secure=secure, samesite="lax")
        return answer

    return routes


_STATUS: Final = {Outcome.WRONG: 401, Outcome.LOCKED: 429, Outcome.BUSY: 503}


async def _fields(request: Request) -> dict[str, str]:
    """Return the form's fields; the gate has bounded the body."""
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError:  # not UTF-8, or more fields than any form of ours
        return {}
    return dict(pairs)


def _refusal(result: Login, zone: str) -> str:
    match result.outcome:
        case Outcome.WRONG:
            return say("login.wrong", left=result.left)
        case Outcome.LOCKED:
            until = to_datetime(result.locked_until or Micros(0)).astimezone(ZoneInfo(zone))
            return say("login.locked", until=f"{until:%H:%M %d/%m}")
        case _:
            return say("login.busy")
