"""The routes of one's own account: plain pages and forms that work without scripts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ioc.settings import Settings
from ioc.text import say
from ioc.web import totp
from ioc.web.door import caller, fields, refusal
from ioc.web.own_account import Refused, person
from ioc.web.pages import account
from ioc.web.pages.login import style_sheets
from ioc.web.security import SESSION_COOKIE, read_cookies
from ioc.web.services import Services


def router(services: Services) -> APIRouter:
    """Return /account and what is below it."""
    routes = APIRouter(include_in_schema=False)
    _overview(routes, services)
    _password(routes, services)
    _factor(routes, services)
    return routes


def _overview(routes: APIRouter, services: Services) -> None:
    settings, own = services.settings, services.own_account
    sheets = style_sheets(settings.assets_dir)

    @routes.get("/account")
    async def overview(request: Request) -> Response:
        rows = await own.sessions(_cookie(request))
        who = person()
        return HTMLResponse(account.overview(settings.province, who, rows, sheets))

    @routes.post("/account/sessions")
    async def end(request: Request) -> Response:
        number = (await fields(request)).get("number", "")
        address = caller(request).address
        if number.isdecimal() and len(number) <= 18:  # noqa: PLR2004  a bigint
            await own.end_session(int(number), address)
        elif not number:
            await own.end_others(_cookie(request), address)
        return RedirectResponse("/account", 303)


def _password(routes: APIRouter, services: Services) -> None:
    settings, own = services.settings, services.own_account
    sheets = style_sheets(settings.assets_dir)

    def show(error: str = "", status: int = 200) -> Response:
        forced = person().must_change
        html = account.password_page(settings.province, sheets, forced=forced, error=error)
        return HTMLResponse(html, status)

    @routes.get("/account/password")
    async def form() -> Response:
        return show()

    @routes.post("/account/password")
    async def change(request: Request) -> Response:
        given = await fields(request)
        new = given.get("new", "")
        if new != given.get("again", ""):
            return show(say("account.differ"), 422)
        refused = await own.change_password(
            _cookie(request), given.get("old", ""), new, caller(request)
        )
        if refused is None:
            return RedirectResponse("/account", 303)
        return show(_why(refused, settings), 422)


def _why(refused: Refused, settings: Settings) -> str:
    if refused.login is not None:
        return refusal(refused.login, settings.province.zone)
    if refused.same:
        return say("account.same")
    policy = settings.door.passwords
    length, classes = policy.length, policy.classes
    said = [say(f"password.{flaw}", length=length, classes=classes) for flaw in refused.flaws]
    return " ".join(said)


def _factor(routes: APIRouter, services: Services) -> None:
    settings, own = services.settings, services.own_account
    sheets = style_sheets(settings.assets_dir)
    issuer = f"{say('desk.short')} {settings.province.name}"  # short: a picture easy to scan

    async def show(error: str = "", status: int = 200) -> Response:
        secret = await own.begin_factor()
        if secret is None:
            return HTMLResponse(account.factor_set_page(settings.province, sheets))
        picture = totp.picture(secret, account=person().actor, issuer=issuer)
        html = account.factor_page(
            settings.province, sheets, secret=secret, picture=picture, error=error
        )
        return HTMLResponse(html, status)

    @routes.get("/account/second-factor")
    async def form() -> Response:
        return await show()

    @routes.post("/account/second-factor")
    async def confirm(request: Request) -> Response:
        code = (await fields(request)).get("code", "")
        codes = await own.confirm_factor(_cookie(request), code, caller(request))
        if codes is None:
            return await show(say("account.code_wrong"), 422)
        return HTMLResponse(account.codes_page(settings.province, sheets, codes))


def _cookie(request: Request) -> str:
    return read_cookies(request.headers).get(SESSION_COOKIE, "")
