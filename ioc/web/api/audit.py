"""The audit as programs and the page `/audit` read it: newest first, narrowed, or whole as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response, StreamingResponse

from ioc.web.api import cursor as cursors
from ioc.web.api.shapes import Page
from ioc.web.queries.audit import Line, Wanted
from ioc.web.services import Services

_WORD: Final = r"^[^\x00]*$"
_AT_ONCE: Final = 2000
MOST_EXPORTED: Final = 1_000_000  # a spreadsheet holds no more; a narrower filter does the rest
# A cell that begins so is a formula to a spreadsheet, and what is written here came from outside.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Text = Annotated[str | None, Query(max_length=200, pattern=_WORD)]


class AuditOut(BaseModel):
    """One line; `detail` of a change is {"from": …, "to": …}."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    address: str | None


def _wanted(
    actor: Text = None,
    action: Text = None,
    object: Text = None,  # noqa: A002  the word in the address
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Wanted:
    return Wanted(actor or None, action or None, object or None, since, until)


Filter = Annotated[Wanted, Depends(_wanted)]


def add(api: APIRouter, services: Services) -> None:
    """Add /audit, /audit/actions and /audit.csv."""
    queries = services.queries

    @api.get("/audit")
    async def lines(
        wanted: Filter,
        limit: Annotated[int, Query(ge=1, le=cursors.LARGEST_PAGE)] = 100,
        cursor: Annotated[str | None, Query(max_length=cursors.LONGEST)] = None,
    ) -> Page[AuditOut]:
        before = cursors.decode_id(cursor) if cursor else None
        rows = await queries.audit(wanted, before=before, limit=limit)
        end = cursors.encode(rows[-1].id) if len(rows) == limit else None
        return Page(items=[AuditOut.model_validate(row) for row in rows], next=end)

    @api.get("/audit/actions")
    async def actions() -> list[str]:
        return await queries.audit_actions()

    @api.get("/audit.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
    async def export(wanted: Filter) -> Response:
        # The first page is read before the answer begins: a refusal still is one.
        first = await queries.audit(wanted, before=None, limit=_AT_ONCE)
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        rows = _rows(services, wanted, first)
        return StreamingResponse(rows, 200, headers, "text/csv; charset=utf-8")


async def _rows(services: Services, wanted: Wanted, page: list[Line]) -> AsyncIterator[bytes]:
    zone = services.settings.province.zone
    yield b"\xef\xbb\xbf"  # or a spreadsheet reads the accents as something else
    yield _csv([["id", "at", "actor", "action", "object", "from", "to", "detail", "address"]])
    sent = 0
    while page:
        yield _csv([_cells(line, zone) for line in page])
        sent += len(page)
        if len(page) < _AT_ONCE or sent >= MOST_EXPORTED:
            return
        page = await services.queries.audit(wanted, before=page[-1].id, limit=_AT_ONCE)


def _cells(line: Line, zone: str) -> list[str]:
    rest = {key: value for key, value in line.detail.items() if key not in ("from", "to")}
    parts = [line.detail.get("from"), line.detail.get("to"), rest or None]
    texts = ["" if part is None else orjson.dumps(part).decode() for part in parts]
    at = line.at.astimezone(ZoneInfo(zone)).isoformat()
    cells = [line.actor, line.action, line.object, *texts, line.address or ""]
    return [str(line.id), at, *(_harmless(cell) for cell in cells)]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
