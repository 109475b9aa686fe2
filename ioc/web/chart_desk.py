"""What the page of one thing takes away and sends: its past as a file, and notes at it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from ioc.text import say
from ioc.web.api.v1 import LARGEST_ID, WORD
from ioc.web.desk_answer import address, as_file, as_json, local
from ioc.web.desk_commands.annotations import Annotations, Note
from ioc.web.problem import problem
from ioc.web.queries import History
from ioc.web.queries.history import LONGEST_HOURS
from ioc.web.services import Services

_COLUMNS: Final = ("mean", "low", "high", "last", "bad")

Thing = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Code = Annotated[str | None, Query(max_length=400, pattern=WORD)]
Hours = Annotated[int, Query(ge=1, le=LONGEST_HOURS)]


class Written(BaseModel):
    """A note; `property` None: about the whole thing."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    property: Annotated[str | None, Field(max_length=400, pattern=WORD)] = None
    since: AwareDatetime
    until: AwareDatetime
    words: Annotated[str, Field(min_length=1, max_length=2000, pattern=WORD)]

    @model_validator(mode="after")
    def forward(self) -> Written:
        """Refuse a stretch that ends before it begins."""
        if self.until < self.since:
            raise ValueError("until")
        return self


def router(services: Services) -> APIRouter:
    """Return /desk/thing and what lies below it."""
    routes = APIRouter(prefix="/desk/thing", include_in_schema=False)
    notes = Annotations(services.database)

    @routes.get("/{thing}/export.{form}")
    async def export(
        *, thing: Thing, form: Literal["csv", "xlsx"], property: Code = None,  # noqa: A002
        against: Code = None, hours: Hours = 24,
    ) -> Response:  # fmt: skip
        pasts = [
            past
            for code in (property, against)
            if code and (past := await services.queries.history(thing, code, hours)) is not None
        ]
        if not pasts:
            return problem(404, "not_found")
        zone = ZoneInfo(services.settings.province.zone)
        heads, cells = table(pasts, zone)
        return await as_file(form, f"thiet-bi-{thing}", pasts[0].name_vi, heads, cells)

    @routes.post("/{thing}/notes", status_code=201)
    async def note(request: Request, thing: Thing, body: Written) -> Response:
        given = Note(thing, body.property, body.since, body.until, body.words)
        return as_json({"id": await notes.add(given, address(request))}, 201)

    @routes.delete("/{thing}/notes/{number}", status_code=204)
    async def remove(
        request: Request, thing: Thing, number: Annotated[int, Path(ge=1, le=2**53)]
    ) -> Response:
        await notes.remove(thing, number, address(request))
        return Response(status_code=204)

    return routes


def table(pasts: list[History], zone: ZoneInfo) -> tuple[list[str], list[list[Any]]]:
    """Return heads and rows: an instant a row, the columns of each datastream side by side."""
    heads = [say("chart_page.time")]
    rows: dict[int, list[Any]] = {}
    for place, past in enumerate(pasts):
        unit = f" ({past.unit})" if past.unit else ""
        heads += [f"{past.name_vi}{unit}: {say(f'chart_page.{name}')}" for name in _COLUMNS]
        columns = zip(past.times, *(getattr(past, name) for name in _COLUMNS), strict=True)
        for at, *values in columns:
            row = rows.setdefault(at, [None] * len(_COLUMNS) * len(pasts))
            row[place * len(_COLUMNS) : (place + 1) * len(_COLUMNS)] = values
    return heads, [
        [local(datetime.fromtimestamp(at / 1000, zone), zone), *rows[at]] for at in sorted(rows)
    ]
