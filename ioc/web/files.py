"""What the browser's own modules fetch: assets, words, map layers."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from hashlib import sha256
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from ioc.text import DEFAULT, words
from ioc.web.assets import Assets
from ioc.web.problem import problem
from ioc.web.services import Services

_FOREVER: Final = "private, max-age=31536000, immutable"
# Layers live on in memory, so that a wall that reloads while the database is away keeps its map.
# The base map and 4,500 points are about 1 MB; a version that is not asked for any more falls out.
_LAYER_BYTES: Final = 64 << 20


class LayerCache:
    """Bodies by (layer, version), the longest unused ones dropped first."""

    def __init__(self, most: int = _LAYER_BYTES) -> None:
        self._most = most
        self._size = 0
        self._bodies: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def get(self, key: tuple[str, str]) -> bytes | None:
        if key in self._bodies:
            self._bodies.move_to_end(key)
        return self._bodies.get(key)

    def put(self, key: tuple[str, str], body: bytes) -> None:
        if key not in self._bodies:
            self._bodies[key] = body
            self._size += len(body)
        while self._size > self._most:
            _, dropped = self._bodies.popitem(last=False)
            self._size -= len(dropped)


def router(services: Services) -> APIRouter:
    """Return /assets, /favicon.ico, /text and /geo."""
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
    _geo(routes, services)
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


def _geo(routes: APIRouter, services: Services) -> None:
    layers = LayerCache()

    @routes.get("/geo/{layer}/{version}.geojson")
    async def layer(request: Request, layer: str, version: str) -> Response:
        headers = {"ETag": f'"{version}"', "Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = layers.get((layer, version))
        if body is None:
            found = await services.queries.layer(layer, version)
            if found is None:
                return problem(404, "not_found")
            body = found[0]
            layers.put((layer, version), body)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await asyncio.to_thread(gzip.decompress, body)
        return Response(body, 200, headers, "application/geo+json")
