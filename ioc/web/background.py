"""`/background`: the customer's own map below ours, from a PMTiles file or from this very origin.

Off until config/ioc.toml names one. A file is read where it lies; nothing foreign is fetched, so a
map still draws without internet.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path as File
from typing import Annotated, Any, Final

import orjson
import structlog
from fastapi import APIRouter, Path
from starlette.responses import Response

from ioc.settings import Background, Settings
from ioc.tiles import pmtiles
from ioc.tiles.pmtiles import Archive
from ioc.web.problem import problem
from ioc.web.services import Services

log = structlog.get_logger()

_DEEPEST: Final = 22  # zooms of a tile scheme anywhere
_DAY: Final = "private, max-age=86400"  # a customer who changes the file sees it tomorrow
_MEDIA: Final = {
    "vector": "application/vnd.mapbox-vector-tile",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
}

Step = Annotated[int, Path(ge=0, lt=2**_DEEPEST)]


def router(services: Services) -> APIRouter:
    """Return /background.json and /background/{z}/{x}/{y}."""
    routes = APIRouter(include_in_schema=False)
    given = services.settings.background

    @routes.get("/background.json")
    async def described() -> Response:
        body = await asyncio.to_thread(_described, services.settings)
        return Response(orjson.dumps(body), media_type="application/json")

    @routes.get("/background/{z}/{x}/{y}")
    async def tile(z: Annotated[int, Path(ge=0, le=_DEEPEST)], x: Step, y: Step) -> Response:
        archive = await asyncio.to_thread(_archive, given, services.settings.config_dir)
        if archive is None:
            return problem(404, "not_found")
        try:
            body = await asyncio.to_thread(archive.tile, z, x, y)
        except (OSError, ValueError) as error:
            log.warning("background_unread", reason=str(error))
            return problem(404, "not_found")
        headers = {"Cache-Control": _DAY}
        if body is None:
            return Response(status_code=204, headers=headers)
        if archive.gzipped:
            headers["Content-Encoding"] = "gzip"
        return Response(body, 200, headers, _MEDIA[archive.header.kind])

    return routes


def _described(settings: Settings) -> dict[str, Any] | None:
    """Return how the map draws it; None: there is none, or it cannot be read."""
    given = settings.background
    if given.tiles:
        return {
            "kind": given.kind,
            "tiles": given.tiles,
            "minzoom": given.minzoom,
            "maxzoom": given.maxzoom,
            "layers": list(given.layers),
            "attribution": given.attribution,
        }
    archive = _archive(given, settings.config_dir)
    if archive is None:
        return None
    raster = archive.header.kind != "vector"
    told = {} if raster else archive.metadata()
    found = [str(one["id"]) for one in told.get("vector_layers", ()) if isinstance(one, dict)]
    return {
        "kind": "raster" if raster else "vector",
        "tiles": "/background/{z}/{x}/{y}",
        "minzoom": archive.header.minzoom,
        "maxzoom": archive.header.maxzoom,
        "layers": list(given.layers) or found,
        "attribution": given.attribution,
    }


def _archive(given: Background, folder: File) -> Archive | None:
    if not given.file:
        return None
    path = folder / given.file
    try:
        return _opened(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        log.warning("background_unread", file=given.file, reason=str(error))
        return None


@lru_cache(maxsize=2)
def _opened(path: File, _changed: int) -> Archive:
    return pmtiles.opened(path)
