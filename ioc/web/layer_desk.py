"""What the page `/layers` fetches and sends. Not part of the API: shapes are the page's own."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ioc.web.layer_commands import Choices
from ioc.web.problem import problem
from ioc.web.queries.layers import Upload
from ioc.web.security import caller_address
from ioc.web.services import Services

Job = Annotated[int, Path(ge=1, le=2**53)]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Chosen(BaseModel):
    """What a clerk says of a file."""

    model_config = ConfigDict(extra="forbid")

    layer: Text = ""
    crs: Annotated[str, Field(pattern=r"^(auto|EPSG:[0-9]{4,6})$")] = "auto"
    encoding: Annotated[str, Field(pattern=r"^(auto|utf-8|tcvn3|vni)$")] = "auto"
    mapping: Annotated[dict[Text, Text], Field(max_length=500)] = {}


def router(services: Services) -> APIRouter:
    """Return /desk/layers and what lies below it."""
    routes = APIRouter(prefix="/desk/layers", include_in_schema=False)
    _reading(routes, services)
    _files(routes, services)
    _writing(routes, services)
    return routes


def _reading(routes: APIRouter, services: Services) -> None:
    queries = services.layers

    @routes.get("")
    async def listing() -> Response:
        rows = [asdict(row) for row in await queries.layers()]
        uploads = [_told(one) for one in await queries.uploads()]
        return _json({"layers": rows, "uploads": uploads})

    @routes.get("/uploads/{job}")
    async def upload(job: Job) -> Response:
        found = await queries.upload(job)
        return problem(404, "not_found") if found is None else _json(_told(found))

    @routes.get("/undo/{job}")
    async def undone(job: Job) -> Response:
        found = await queries.undone(job)
        if found is None:
            return problem(404, "not_found")
        return _json({"state": found[0], "error": found[1]})


def _files(routes: APIRouter, services: Services) -> None:
    queries = services.layers

    @routes.get("/uploads/{job}/preview.geojson")
    async def preview(request: Request, job: Job) -> Response:
        body = await queries.preview(job)
        if body is None:
            return problem(404, "not_found")
        headers = {}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await asyncio.to_thread(gzip.decompress, body)
        return Response(body, 200, headers, "application/geo+json")

    @routes.get("/uploads/{job}/refused.csv")
    async def refused(job: Job) -> Response:
        body = await queries.refused(job)
        if body is None:
            return problem(404, "not_found")
        headers = {"Content-Disposition": f'attachment; filename="tu-choi-{job}.csv"'}
        return Response(body, 200, headers, "text/csv; charset=utf-8")


def _writing(routes: APIRouter, services: Services) -> None:
    commands = services.layer_commands

    @routes.post("/uploads", status_code=201)
    async def upload(
        request: Request, name: Annotated[str, Query(min_length=1, max_length=400)]
    ) -> Response:
        size = int(request.headers["content-length"])  # the gate saw to it
        job = await commands.upload(name, size, request.stream(), _address(request))
        return _json({"job": job}, 201)

    @routes.post("/uploads/{job}/look", status_code=202)
    async def look(job: Job, body: Chosen) -> Response:
        choices = Choices(body.layer, body.crs, body.encoding, body.mapping)
        await commands.look_again(job, choices)
        return _json({"job": job}, 202)

    @routes.post("/uploads/{job}/confirm", status_code=202)
    async def confirm(request: Request, job: Job) -> Response:
        await commands.confirm(job, _address(request))
        return _json({"job": job}, 202)

    @routes.post("/uploads/{job}/cancel", status_code=202)
    async def cancel(request: Request, job: Job) -> Response:
        await commands.cancel(job, _address(request))
        return _json({"job": job}, 202)

    @routes.post("/{layer}/undo", status_code=202)
    async def undo(layer: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$")]) -> Response:
        return _json({"job": await commands.undo(layer)}, 202)


def _told(one: Upload) -> dict[str, Any]:
    chosen = {name: one.argument.get(name) for name in ("layer", "crs", "encoding", "mapping")}
    return {
        "id": one.id,
        "state": one.state,
        "stage": one.stage,
        "stopping": one.stop,
        "name": one.argument.get("name"),
        "bytes": one.argument.get("bytes"),
        "confirmed": one.argument.get("yes") is True,
        "chosen": chosen,
        "result": one.result,
        "error": one.error,
        "by": one.by,
        "at": one.at,
        "finished": one.finished,
    }


def _address(request: Request) -> str | None:
    return caller_address(request.scope, request.headers)


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
