"""The routes of the province's sign-on: there, and back."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from ioc.web.door import admitted, caller
from ioc.web.oidc import Back, SignOnError
from ioc.web.security import read_cookies, safe_next
from ioc.web.services import Services

log = structlog.get_logger()

COOKIE: Final = "ioc_sign_on"
_PATH: Final = "/login/sign-on"
_AGE_S: Final = 600  # to type a password over there
_LONGEST: Final = 4096
_FAILED: Final = "/login?sign_on=failed"


def router(services: Services) -> APIRouter:
    """Return /login/sign-on and /login/sign-on/back."""
    routes = APIRouter(include_in_schema=False)
    public = services.settings.web.public_url
    secure = public.startswith("https://")

    def back_address(request: Request) -> str:
        base = public.rstrip("/") or f"http://{request.headers.get('host', '')}"
        return f"{base}{_PATH}/back"

    @routes.get(_PATH)
    async def there(request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        try:
            begun = await services.sign_on.begin(back_address(request), target)
        except SignOnError as error:
            return _refuse(error)
        answer = RedirectResponse(begun.url, 303)
        # Lax: the sign-on leads back here by a link of its own.
        answer.set_cookie(
            COOKIE, begun.kept, _AGE_S, path=_PATH, httponly=True, secure=secure, samesite="lax"
        )
        return answer

    @routes.get(f"{_PATH}/back")
    async def back(request: Request) -> Response:
        query = request.query_params
        given = Back(
            query.get("code", "")[:_LONGEST],
            query.get("state", "")[:_LONGEST],
            read_cookies(request.headers).get(COOKIE, ""),
        )
        try:
            result, target = await services.sign_on.finish(
                given, back_address(request), caller(request)
            )
        except SignOnError as error:
            return _refuse(error)
        answer = admitted(services.settings, result, safe_next(target))
        answer.delete_cookie(COOKIE, path=_PATH, httponly=True, secure=secure, samesite="lax")
        return answer

    return routes


def _refuse(error: SignOnError) -> Response:
    log.warning("sign_on_refused", reason=str(error))
    return RedirectResponse(_FAILED, 303)
