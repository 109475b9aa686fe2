"""The routes of version 1."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from ioc.web.api import (
    accounts,
    around,
    audit,
    compliance,
    directions,
    indices,
    network,
    observations,
    operator,
    push,
    rule_duty,
    rules,
    search,
)
from ioc.web.api import cursor as cursors
from ioc.web.api.answers import REFUSALS, Checked, shared
from ioc.web.api.push_description import SECURITY
from ioc.web.api.shapes import (
    AlertOut,
    DatastreamOut,
    DeadLetterOut,
    FeedOut,
    LayerOut,
    Page,
    ThingDetailOut,
    ThingOut,
)
from ioc.web.problem import problem
from ioc.web.services import Services

PREFIX: Final = "/api/v1"

Limit = Annotated[int, Query(ge=1, le=cursors.LARGEST_PAGE)]
Cursor = Annotated[str | None, Query(max_length=cursors.LONGEST)]
LARGEST_ID: Final = 2**31 - 1  # integer of the database
WORD: Final = r"^[^\x00]*$"  # PostgreSQL knows no text with a NUL

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Name = Annotated[str, Path(max_length=200, pattern=WORD)]
Word = Annotated[str | None, Query(max_length=200, pattern=WORD)]
Reference = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
Row = TypeVar("Row", ThingOut, DatastreamOut, DeadLetterOut)


def router(services: Services) -> APIRouter:
    """Return every route of version 1."""
    api = APIRouter(prefix=PREFIX, route_class=Checked, responses=REFUSALS)
    _registry(api, services)
    observations.add(api, services)
    _layers(api, services)
    push.add(api, services)
    _alerts(api, services)
    rules.add(api, services)
    rule_duty.add(api, services)
    operator.add(api, services)
    network.add(api, services)
    around.add(api, services)
    indices.add(api, services)
    compliance.add(api, services)
    search.add(api, services)
    accounts.add(api, services)
    audit.add(api, services)
    directions.add(api, services)
    _description(api)
    return api


def _registry(api: APIRouter, services: Services) -> None:
    queries = services.queries

    @api.get("/things")
    async def things(
        limit: Limit = 100, cursor: Cursor = None, kind: Word = None
    ) -> Page[ThingOut]:
        rows = await queries.things(after=cursors.decode_id(cursor), limit=limit, kind=kind)
        return _by_id([ThingOut.model_validate(row) for row in rows], limit)

    @api.get("/things/pending")
    async def pending(limit: Limit = 100, cursor: Cursor = None) -> Page[ThingOut]:
        rows = await queries.pending(after=cursors.decode_id(cursor), limit=limit)
        return _by_id([ThingOut.model_validate(row) for row in rows], limit)

    @api.get("/things/{thing_id}", response_model=ThingDetailOut)
    async def thing(thing_id: Id) -> Any:  # noqa: ANN401  a shape or a problem
        return await queries.thing(thing_id) or problem(404, "not_found")

    @api.get("/datastreams")
    async def datastreams(
        limit: Limit = 100, cursor: Cursor = None, thing: Reference = None
    ) -> Page[DatastreamOut]:
        rows = await queries.datastreams(
            thing_id=thing, after=cursors.decode_id(cursor), limit=limit
        )
        return _by_id([DatastreamOut.model_validate(row) for row in rows], limit)

    @api.get("/feeds")
    async def feeds() -> Page[FeedOut]:
        rows = await queries.feeds()
        return Page(items=[FeedOut.model_validate(row) for row in rows], next=None)

    @api.get("/feeds/{feed}/dead-letters", response_model=Page[DeadLetterOut])
    async def dead_letters(feed: Name, limit: Limit = 100, cursor: Cursor = None) -> Any:  # noqa: ANN401
        if not await queries.feed_exists(feed):
            return problem(404, "not_found")
        before = cursors.decode_id(cursor) if cursor else None
        rows = await queries.dead_letters(feed, before=before, limit=limit)
        return _by_id([DeadLetterOut.of(row) for row in rows], limit)


def _layers(api: APIRouter, services: Services) -> None:
    @api.get("/layers")
    async def layers() -> Page[LayerOut]:
        rows = await services.queries.layers()
        return Page(items=[LayerOut.model_validate(row) for row in rows], next=None)


def _alerts(api: APIRouter, services: Services) -> None:
    @api.get("/alerts")
    async def alerts(
        *,
        limit: Limit = 100,
        cursor: Cursor = None,
        open: bool = False,  # noqa: A002  the word in the address
    ) -> Page[AlertOut]:
        before = alert_place(cursor) if cursor else None
        rows = await services.queries.alerts(before=before, limit=limit, open_only=open)
        last = rows[-1] if len(rows) == limit else None
        end = None if last is None else cursors.encode(last.raised_at.isoformat(), str(last.id))
        return Page(items=[AlertOut.model_validate(row) for row in rows], next=end)


def _description(api: APIRouter) -> None:
    made: dict[str, Any] = {}

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        if not made:
            made.update(get_openapi(title="IOC", version="1", routes=api.routes))
            made["components"]["securitySchemes"] = SECURITY
            shared(made)
        return JSONResponse(made)


def alert_place(cursor: str) -> tuple[datetime, UUID]:
    """Return the place in a list of alerts, newest first. Raises CursorError."""
    at, key = cursors.decode(cursor, 2)
    try:
        return cursors.moment(at), UUID(str(key))
    except ValueError as error:
        raise cursors.CursorError("a cursor of another list") from error


def _by_id(rows: list[Row], limit: int) -> Page[Row]:
    return Page(items=rows, next=cursors.encode(rows[-1].id) if len(rows) == limit else None)
