"""`/geo/{layer}/export`: what a layer's filters choose, as a file."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ioc import exports
from ioc.exports import MEDIA, Format
from ioc.vn2000 import System
from ioc.web.ogc import asking
from ioc.web.ogc.asking import AskedWronglyError
from ioc.web.ogc.collections import Described
from ioc.web.ogc.routes import Ogc
from ioc.web.problem import problem
from ioc.web.queries.features_wanted import LARGEST_PAGE, Item, Wanted
from ioc.web.services import Services

MOST: Final = 100_000  # features of a file made while somebody waits; the command has no limit


class Choice(BaseModel):
    """The codes of the features that are wanted; of things their ids."""

    codes: Annotated[list[str], Field(max_length=MOST)]


def router(services: Services) -> APIRouter:
    """Return /geo/{layer}/export."""
    routes = APIRouter(include_in_schema=False)
    ogc = Ogc(services)

    @routes.get("/geo/{layer}/export")
    async def export(request: Request, layer: str) -> Response:
        one = await ogc.one(layer)
        if one is None:
            return problem(404, "not_found")
        try:
            return await _export(request, ogc, one)
        except AskedWronglyError as error:
            return problem(400, "parameter", parameter=error.name)

    # What a table's filter let through, by code: longer than an address may be.
    @routes.post("/geo/{layer}/export")
    async def chosen(request: Request, layer: str, choice: Choice) -> Response:
        one = await ogc.one(layer)
        if one is None:
            return problem(404, "not_found")
        try:
            return await _export(request, ogc, one, frozenset(choice.codes))
        except AskedWronglyError as error:
            return problem(400, "parameter", parameter=error.name)

    return routes


async def _export(
    request: Request, ogc: Ogc, one: Described, codes: frozenset[str] | None = None
) -> Response:
    given = dict(asking.single(request.query_params.multi_items()))
    try:
        form = Format(given.pop("format", "geojson"))
    except ValueError:
        raise AskedWronglyError("format") from None
    asked = asking.question(list(given.items()), one, ogc.systems, ogc.province.zone)
    items = await _all(ogc, one, asked.wanted)
    if items is None:
        return problem(413, "too_large")
    if codes is not None:
        items = [item for item in items if item.id in codes]
    system = asked.served.system
    body = await asyncio.to_thread(_file, form, one.name, items, system)
    headers = {"Content-Disposition": f'attachment; filename="{one.name}.{form}"'}
    return Response(body, 200, headers, MEDIA[form])


async def _all(ogc: Ogc, one: Described, wanted: Wanted) -> list[Item] | None:
    """Return the features of every page; None where they are too many."""
    found: list[Item] = []
    after: str | None = ""
    while after is not None:
        page = await ogc.page(one, replace(wanted, limit=LARGEST_PAGE, after=after, offset=0))
        if page.matched > MOST:
            return None
        found += page.items
        after = page.after
    return found


def _file(form: Format, name: str, items: list[Item], system: System) -> bytes:
    placed = [(one.shape, one.properties) for one in items if one.shape is not None]
    with tempfile.TemporaryDirectory(prefix="ioc-export-") as folder:
        path = Path(folder) / f"{name}.{form}"
        exports.write(form, exports.given(name, placed), path, system)
        return path.read_bytes()
