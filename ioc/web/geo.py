"""`/geo`: published layers as documents and tiles, and the list that says which has what.

A version never changes, so its documents and tiles are kept by browsers for good; the list is asked
for again, and answered 304 while nothing is new. Who sees a part of the province is given addresses
of his own, asked for again each time: the same browser may be somebody else's tomorrow.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from hashlib import sha256
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from ioc import layer_schema
from ioc.layer_schema import Schema
from ioc.text import DEFAULT, words
from ioc.tiles import CELLS, CLUSTER_IDS, DEEPEST, DETAIL, SOURCE_LAYER
from ioc.web.identity import limits
from ioc.web.problem import problem
from ioc.web.queries.published import PublishedQueries, PublishedRow
from ioc.web.queries.scope import limited
from ioc.web.services import Services

_FOREVER: Final = "private, max-age=31536000, immutable"
# Layers live on in memory, so that a wall that reloads while the database is away keeps its map.
# The base map and 4,500 points are about 1 MB; a version that is not asked for any more falls out.
_LAYER_BYTES: Final = 64 << 20
_TILE_BYTES: Final = 64 << 20  # some thousand tiles: all that a morning's users look at
_DOCUMENT_TYPE: Final = "application/geo+json"
_TILE_TYPE: Final = "application/vnd.mapbox-vector-tile"

Step = Annotated[int, Path(ge=0, lt=2**DEEPEST)]


class LayerCache:
    """Bodies by what names them, the longest unused ones dropped first."""

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
    """Return every route below /geo."""
    routes = APIRouter(prefix="/geo", include_in_schema=False)
    queries = PublishedQueries(services.database)
    schemas = layer_schema.load(services.settings.config_dir / "layers")
    _list(routes, queries, schemas)
    _documents(routes, queries)
    _tiles(routes, queries)
    return routes


def _list(routes: APIRouter, queries: PublishedQueries, schemas: dict[str, Schema]) -> None:
    @routes.get("/layers.json")
    async def layers(request: Request) -> Response:
        rows = await queries.layers()
        found = [_described(row, schemas.get(row.layer)) for row in rows]
        body = orjson.dumps(found)
        headers = {"ETag": f'"{sha256(body).hexdigest()[:16]}"', "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = "private, no-cache"
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packed = gzip.compress(body, 6, mtime=0)
        return await _unpacked(request, packed, headers, "application/json")


def _described(row: PublishedRow, schema: Schema | None) -> dict[str, Any]:
    """Return a layer as the map is told about it: either `url` or `tiles`."""
    base = f"/geo/{row.layer}/{row.version}"
    title = words(DEFAULT).get(f"ogc.shipped.{row.layer}", row.layer)
    found: dict[str, Any] = {
        "layer": row.layer,
        "title": schema.title["vi"] if schema else title,
        "geometry": row.geometry,
        "version": row.version,
        "count": row.features,
        "attribution": row.attribution,
        "bbox": row.bounds,
        "legend": _legend(schema),
        "imported": row.imported,
    }
    whose = f"?of={_whose()}" if limited(row.layer) else ""
    if row.tiled:
        found["tiles"] = f"{base}/{{z}}/{{x}}/{{y}}.mvt{whose}"
        found["places"] = f"{base}/places.json{whose}"
        found |= {"source_layer": SOURCE_LAYER, "clustered_below": DETAIL, "maxzoom": DEEPEST}
        found["clusters"] = {"cells": CELLS, "first": CLUSTER_IDS}
    else:
        found["url"] = f"{base}.geojson{whose}"
    if row.overview:
        found["overview"] = f"{base}/overview.geojson{whose}"
    return found


def _whose() -> str:
    """Return a word for the part of the province that who asks sees."""
    return sha256(orjson.dumps(limits())).hexdigest()[:16]


async def _part(request: Request, body: bytes | None, kind: str) -> Response:
    """Return what is of a part of the province only: kept, and asked for again each time."""
    if body is None:
        return problem(404, "not_found")
    headers = {"ETag": f'"{sha256(body).hexdigest()[:16]}"', "Cache-Control": "private, no-cache"}
    headers["Vary"] = "Accept-Encoding"
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if not body:
        return Response(status_code=204, headers=headers)
    return await _unpacked(request, body, headers, kind)


def _legend(schema: Schema | None) -> dict[str, Any] | None:
    """Return the field that tells a layer's features apart: the first with a list of values."""
    fields = () if schema is None else schema.fields
    field = next((one for one in fields if one.kind == "choice" and not one.hidden), None)
    if field is None:
        return None
    return {"field": field.name, "title": field.vi, "values": list(field.values)}


def _documents(routes: APIRouter, queries: PublishedQueries) -> None:
    bodies = LayerCache()

    @routes.get("/{layer}/{version}.geojson")
    async def document(request: Request, layer: str, version: str) -> Response:
        return await answer(request, layer, version, overview=False)

    @routes.get("/{layer}/{version}/overview.geojson")
    async def overview(request: Request, layer: str, version: str) -> Response:
        return await answer(request, layer, version, overview=True)

    async def answer(request: Request, layer: str, version: str, *, overview: bool) -> Response:
        if limited(layer):
            mine = await queries.document(layer, version, overview=overview)
            return await _part(request, mine, _DOCUMENT_TYPE)
        headers = {"ETag": f'"{version}"', "Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        key = (layer, f"{version}/overview" if overview else version)
        body = bodies.get(key)
        if body is None:
            body = await queries.document(layer, version, overview=overview)
            if body is None:
                return problem(404, "not_found")
            bodies.put(key, body)
        return await _unpacked(request, body, headers, _DOCUMENT_TYPE)


def _tiles(routes: APIRouter, queries: PublishedQueries) -> None:
    bodies = LayerCache(_TILE_BYTES)

    @routes.get("/{layer}/{version}/places.json")
    async def places(request: Request, layer: str, version: str) -> Response:
        found = await queries.places(layer, version)
        body = None if found is None else gzip.compress(orjson.dumps(found), 6, mtime=0)
        return await _part(request, body, "application/json")

    @routes.get("/{layer}/{version}/{z}/{x}/{y}.mvt")
    async def tile(
        request: Request,
        layer: str,
        version: str,
        z: Annotated[int, Path(ge=0, le=DEEPEST)],
        x: Step,
        y: Step,
    ) -> Response:
        if limited(layer):
            return await _part(request, await queries.tile(layer, version, (z, x, y)), _TILE_TYPE)
        key = (layer, f"{version}/{z}/{x}/{y}")
        body = bodies.get(key)
        if body is None:
            body = await queries.tile(layer, version, (z, x, y))
            if body is None:
                return problem(404, "not_found")
            bodies.put(key, body)
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if not body:
            return Response(status_code=204, headers=headers)
        return await _unpacked(request, body, headers, _TILE_TYPE)


async def _unpacked(request: Request, body: bytes, headers: dict[str, str], kind: str) -> Response:
    """Return a gzipped body, unpacked for the few that do not take it packed."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, 200, headers | {"Content-Encoding": "gzip"}, kind)
    return Response(await asyncio.to_thread(gzip.decompress, body), 200, headers, kind)
