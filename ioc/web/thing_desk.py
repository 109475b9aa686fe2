"""What the page `/things` fetches: the list, what its filters offer, the same as a file.

Not part of the API: shapes are the page's own (programs read `/api/v1/things`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ioc.domain.instant import Micros, to_datetime
from ioc.domain.staleness import Freshness
from ioc.text import say
from ioc.web import spreadsheet
from ioc.web.api import cursor as cursors
from ioc.web.api.v1 import LARGEST_ID, Cursor, Word
from ioc.web.queries import things
from ioc.web.services import Services

MOST: Final = 20_000  # rows of a file: a province has about 10,000 things
COLUMNS: Final = (
    "external_id", "name", "kind", "feed_title", "commune", "freshness", "newest", "streams",
    "quiet", "severity", "alerts", "simulated",
)  # fmt: skip


class Asked(BaseModel):
    """The query of a list, as the address of the page has it too."""

    state: Freshness | None = None
    kind: Word = None
    feed: Word = None
    area: Word = None
    q: Word = None
    limit: Annotated[int, Field(ge=1, le=cursors.LARGEST_PAGE)] = 100
    cursor: Cursor = None

    def wanted(self) -> things.Wanted:
        return things.Wanted(self.state, self.kind, self.feed, self.area, self.q or "")


def router(services: Services) -> APIRouter:
    """Return /desk/things and what lies below it."""
    routes = APIRouter(prefix="/desk/things", include_in_schema=False)

    @routes.get("")
    async def listing(asked: Annotated[Asked, Query()]) -> Response:
        now = services.clock.now()
        found = await services.things.listing(
            asked.wanted(), to_datetime(now), limit=asked.limit, after=_place(asked.cursor)
        )
        end = None if found.next is None else cursors.encode(*found.next)
        return _json({"rows": found.rows, "counts": found.counts, "next": end, "now": now // 1000})

    @routes.get("/choices")
    async def choices() -> Response:
        return _json(asdict(await services.things.choices()))

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"], asked: Annotated[Asked, Query()]) -> Response:
        now, zone = to_datetime(services.clock.now()), ZoneInfo(services.settings.province.zone)
        rows = await services.things.export(asked.wanted(), now, limit=MOST)
        body = await asyncio.to_thread(_file, form, rows, zone)
        stamp = now.astimezone(zone).strftime("%Y%m%d-%H%M")
        name = f'attachment; filename="thiet-bi-{stamp}.{form}"'
        return Response(
            body, media_type=spreadsheet.MEDIA[form], headers={"Content-Disposition": name}
        )

    return routes


def _place(cursor: str | None) -> tuple[str, int] | None:
    """Return the place in a list by (name, id). Raises CursorError."""
    if cursor is None:
        return None
    name, key = cursors.decode(cursor, 2)
    if not isinstance(name, str) or "\0" in name or type(key) is not int:
        raise cursors.CursorError("a cursor of another list")
    if not 0 <= key <= LARGEST_ID:
        raise cursors.CursorError("a cursor of another list")
    return name, key


def _file(form: str, rows: list[dict[str, Any]], zone: tzinfo) -> bytes:
    heads = [say(f"register.file.{name}") for name in COLUMNS]
    cells = [[spreadsheet.harmless(_cell(row, name, zone)) for name in COLUMNS] for row in rows]
    if form == "csv":
        return spreadsheet.as_csv(heads, cells)
    return spreadsheet.as_xlsx(say("register.title"), heads, cells)


def _cell(row: Mapping[str, Any], name: str, zone: tzinfo) -> Any:  # noqa: ANN401  a cell
    value = row[name]
    match name:
        case "newest" if value is not None:
            local = to_datetime(Micros(value * 1000)).astimezone(zone)
            return local.replace(tzinfo=None, microsecond=0)
        case "freshness":
            return say(f"register.state.{value}")
        case "severity" if value is not None:
            return say(f"severity.{value}")
        case "simulated":
            return say("register.yes") if value else None
        case _:
            return value


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
