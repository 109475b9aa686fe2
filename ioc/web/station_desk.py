"""What the page `/station/<id>` fetches: the month as HTML, and the same as PDF and XLSX."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ioc.domain.instant import to_datetime
from ioc.reports import pdf, station, station_words, station_workbook
from ioc.reports.page import html as page_html
from ioc.settings import Settings
from ioc.web.api.compliance import MonthText, first_day
from ioc.web.problem import problem
from ioc.web.queries.compliance import ComplianceQueries, StationMonth
from ioc.web.services import Services

_LARGEST: Final = 2**31 - 1
_TYPES: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
StationId = Annotated[int, Path(ge=1, le=_LARGEST)]


def router(services: Services) -> APIRouter:
    """Return /desk/station and what lies below it."""
    routes = APIRouter(prefix="/desk/station", include_in_schema=False)
    queries = ComplianceQueries(services.database)
    settings = services.settings

    async def read(thing: int, month: str | None) -> StationMonth | None:
        now = services.clock.now()
        return await queries.month(thing, first_day(month, to_datetime(now)), now)

    def about(found: StationMonth, root: str = "") -> station.Station:
        place = found.place
        return station.Station(
            place.thing_id,
            place.name,
            place.source,
            place.simulated,
            found.given_by,
            ZoneInfo(settings.province.zone),
            to_datetime(services.clock.now()),
            root,
        )

    @routes.get("/{thing}")
    async def month(thing: StationId, month: MonthText = None) -> Response:
        found = await read(thing, month)
        if found is None:
            return problem(404, "not_found")
        return Response(
            await asyncio.to_thread(_page, found, about(found)), media_type="application/json"
        )

    @routes.get("/{thing}/report")
    async def report(
        thing: StationId,
        form: Annotated[Literal["pdf", "xlsx"], Query(alias="format")] = "pdf",
        month: MonthText = None,
    ) -> Response:
        found = await read(thing, month)
        if found is None:
            return problem(404, "not_found")
        given = about(found, settings.web.public_url.rstrip("/"))
        try:
            made = await asyncio.to_thread(_file, form, found, given, settings)
        except pdf.RendererMissingError as error:
            return problem(501, "no_renderer", reason=str(error))
        name = f"{station_words.file_name(thing, found.month.first)}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(made, 200, headers, _TYPES[form])

    return routes


def _page(found: StationMonth, about: station.Station) -> bytes:
    month = found.month
    return orjson.dumps(
        {
            "title": about.name,
            "lines": station.lines(month, about),
            "month": f"{month.first:%Y-%m}",
            "since": None if found.since is None else f"{found.since:%Y-%m}",
            "empty": not any(one.means or one.availability.valid for one in month.parameters)
            and not month.indices,
            "html": station.body(month, about),
        }
    )


def _file(form: str, found: StationMonth, about: station.Station, settings: Settings) -> bytes:
    issuer = f"{settings.province.title_vi} {settings.province.name}"
    if form == "xlsx":
        return station_workbook.make(found.month, about, issuer)
    document = station.document(found.month, about, issuer)
    return pdf.render(page_html(document), settings.assets_dir)
