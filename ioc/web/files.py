"""What the browser's own modules fetch: assets and words."""

from __future__ import annotations

from hashlib import sha256

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from ioc.text import DEFAULT, words
from ioc.web.assets import Assets
from ioc.web.problem import problem
from ioc.web.services import Services


def router(services: Services) -> APIRouter:
    """Return /assets, /favicon.ico and /text."""
    routes = APIRouter(include_in_schema=False)
    assets = Assets(services.settings.assets_dir)

    @routes.get("/assets/{name:path}")
    async def asset(request: Request, name: str) -> Response:
        return await assets.answer(request, name)

    @routes.get("/favicon.ico")
    @routes.get("/_favicon.ico")
    async def icon(request: Request) -> Response:
        return await assets.answer(request, "favicon.svg")

    _text(routes)
    return routes


def _text(routes: APIRouter) -> None:
    @routes.get("/text/{language}.json")
    async def text(request: Request, language: str) -> Response:
        if language not in ("vi", "en"):
            return problem(404, "not_found")
        found = words("en" if language == "en" else DEFAULT)
        body = orjson.dumps(dict(found), option=orjson.OPT_SORT_KEYS)
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, "application/json")
