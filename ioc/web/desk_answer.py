"""Answers of the desk's own routes: JSON of the page's shape, and a table as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, tzinfo

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ioc.domain.permission import Action
from ioc.web import spreadsheet
from ioc.web.identity import current
from ioc.web.security import caller_address


def as_json(value: object, status: int = 200) -> Response:
    """Return a page's own answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


async def as_file(
    form: str, name: str, title: str, heads: Sequence[str], cells: spreadsheet.Cells
) -> Response:
    """Return a table to take away, in which nothing runs as a formula."""
    harmless = [[spreadsheet.harmless(cell) for cell in row] for row in cells]
    if form == "csv":
        body = await asyncio.to_thread(spreadsheet.as_csv, heads, harmless)
    else:
        body = await asyncio.to_thread(spreadsheet.as_xlsx, title[:31], heads, harmless)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, media_type=spreadsheet.MEDIA[form], headers=headers)


def ms(at: datetime | None) -> int | None:
    """Return an instant as the browser counts it."""
    return None if at is None else int(at.timestamp() * 1000)


def local(at: datetime | None, zone: tzinfo) -> datetime | None:
    """Return an instant as a spreadsheet shows it: the province's time, without a zone."""
    return None if at is None else at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def may(action: Action) -> bool:
    """Tell whether who asks may do `action`."""
    who = current()
    return who is not None and who.may(action)


def address(request: Request) -> str | None:
    """Return where a request comes from, for the audit."""
    return caller_address(request.scope, request.headers)
