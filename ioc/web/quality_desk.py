"""What the page `/quality` fetches. Not part of the API: shapes are the page's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ioc.domain.instant import to_datetime
from ioc.text import say, words
from ioc.web import spreadsheet
from ioc.web.queries.quality import QualityQueries, month
from ioc.web.services import Services

Feed = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_SHARES: Final = ("right", "complete", "clean", "live")
_COUNTS: Final = ("n", "expected", "wrong", "refused", "corrected")


class Asked(BaseModel):
    """A day, or the month that it is of; without one the newest."""

    of: Literal["day", "month"] = "day"
    at: Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))] = None
    feed: Feed | None = None


def router(services: Services) -> APIRouter:
    """Return /desk/quality and what lies below it."""
    routes = APIRouter(prefix="/desk/quality", include_in_schema=False)
    queries = QualityQueries(services.database, services.settings.province.zone)

    @routes.get("")
    async def board(asked: Annotated[Asked, Query()]) -> Response:
        first, last = _span(services, asked)
        found: dict[str, Any] = {"first": first, "last": last}
        if asked.feed is None:
            found["feeds"] = await queries.feeds(first, last)
            found["worst"] = await queries.worst(last)
        else:
            found["things"] = await queries.things(asked.feed, first, last)
            refusals = await queries.refusals(asked.feed, first, last)
            found["refusals"] = None if refusals is None else [_named(one) for one in refusals]
        return _json(found)

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"], asked: Annotated[Asked, Query()]) -> Response:
        first, last = _span(services, asked)
        if asked.feed is None:
            rows = await queries.feeds(first, last)
        else:
            rows = await queries.things(asked.feed, first, last)
        body = await asyncio.to_thread(_file, form, rows)
        name = f'attachment; filename="chat-luong-{first:%Y%m%d}-{last:%Y%m%d}.{form}"'
        return Response(
            body, media_type=spreadsheet.MEDIA[form], headers={"Content-Disposition": name}
        )

    return routes


def _span(services: Services, asked: Asked) -> tuple[date, date]:
    """Return the days that are asked for; none is yet to come."""
    zone = ZoneInfo(services.settings.province.zone)
    today = to_datetime(services.clock.now()).astimezone(zone).date()
    day = min(asked.at or today, today)
    first, last = (day, day) if asked.of == "day" else month(day)
    return first, min(last, today)


def _named(one: dict[str, Any]) -> dict[str, Any]:
    """Add a reason's words; a newer version's code stands for itself."""
    return one | {"words": words("vi").get(f"reason.{one['reason']}", one["reason"])}


def _file(form: str, rows: list[dict[str, Any]]) -> bytes:
    heads = [say("quality.source"), *(say(f"quality.{name}") for name in _SHARES)]
    heads += [say(f"quality.{name}") for name in _COUNTS] + [say("quality.why")]
    cells = [[spreadsheet.harmless(cell) for cell in _cells(row)] for row in rows]
    if form == "csv":
        return spreadsheet.as_csv(heads, cells)
    return spreadsheet.as_xlsx(say("quality.sheet"), heads, cells)


def _cells(row: dict[str, Any]) -> Iterator[Any]:
    yield row.get("title") or f"{row['name']} ({row['external_id']})"
    yield from (None if one is None else round(100 * one, 2) for one in row["scores"])
    yield from (row[name] for name in _COUNTS)
    yield row["reason"] and say(f"quality.reason.{row['reason']}")


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
