"""What the page `/indicators` fetches and sends. Not part of the API: shapes are the page's own."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ioc.domain.instant import to_datetime
from ioc.domain.permission import Action
from ioc.indicator_file import FileError
from ioc.text import say
from ioc.web import spreadsheet
from ioc.web.identity import current
from ioc.web.indicator_commands import IndicatorCommands, Sent
from ioc.web.problem import problem
from ioc.web.queries.indicators import Board, IndicatorQueries
from ioc.web.security import caller_address
from ioc.web.services import Services

COLUMNS: Final = (
    "id", "name", "topic", "unit", "value", "at", "target", "year", "forecast", "standing", "due",
    "owner", "source",
)  # fmt: skip

Code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Name = Annotated[str, Query(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]
Digest = Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")]


def router(services: Services) -> APIRouter:
    """Return /desk/indicators and what lies below it."""
    routes = APIRouter(prefix="/desk/indicators", include_in_schema=False)
    queries = IndicatorQueries(services.database)
    _reading(routes, services, queries)
    _writing(routes, services, IndicatorCommands(services.database, queries))
    return routes


def _reading(routes: APIRouter, services: Services, queries: IndicatorQueries) -> None:
    @routes.get("")
    async def board() -> Response:
        found = await queries.board(_today(services))
        who = current()
        may = who is not None and who.may(Action.PUT_INDICATOR)
        return _json({"rows": found.rows, "strangers": found.strangers, "may_put": may})

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"]) -> Response:
        today = _today(services)
        body = await asyncio.to_thread(_file, form, await queries.board(today))
        name = f'attachment; filename="chi-so-{today:%Y%m%d}.{form}"'
        return Response(
            body, media_type=spreadsheet.MEDIA[form], headers={"Content-Disposition": name}
        )

    @routes.get("/{code}")
    async def one(code: Code) -> Response:
        found = await queries.one(code, _today(services))
        return problem(404, "not_found") if found is None else _json(found)


def _writing(routes: APIRouter, services: Services, commands: IndicatorCommands) -> None:
    @routes.post("/file")
    async def file(request: Request, name: Name, seen: Digest = None) -> Response:
        """Look at a file; with the digest of the one that was looked at, record it."""
        address = caller_address(request.scope, request.headers)
        sent = Sent(name, await request.body(), address, seen)
        do = commands.look if seen is None else commands.put
        try:
            return _json(await do(sent, _today(services)))
        except FileError as error:
            return problem(422, "refused", detail=str(error))


def _today(services: Services) -> date:
    zone = ZoneInfo(services.settings.province.zone)
    return to_datetime(services.clock.now()).astimezone(zone).date()


def _file(form: str, board: Board) -> bytes:
    heads = [say(f"indicators.column.{name}") for name in COLUMNS]
    cells = [[spreadsheet.harmless(_cell(row, name)) for name in COLUMNS] for row in board.rows]
    if form == "csv":
        return spreadsheet.as_csv(heads, cells)
    return spreadsheet.as_xlsx(say("indicators.file.sheet"), heads, cells)


def _cell(row: dict[str, Any], name: str) -> Any:  # noqa: ANN401  a cell
    if name == "standing":
        return say(f"indicators.standing.{row[name]}")
    if name == "forecast" and row[name] is not None:
        return round(row[name], max(row["decimals"], 1))
    return row[name]


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
