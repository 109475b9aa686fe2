"""The leaders' tablet: `/brief` with its state, map and charts, as plain HTML without Dash."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, Response

from ioc.domain.brief import Period, Report
from ioc.domain.instant import to_datetime
from ioc.reports import brief as brief_report
from ioc.reports import pdf
from ioc.reports.page import html as page_html
from ioc.text import say
from ioc.web import brief_state
from ioc.web.pages import brief as page
from ioc.web.problem import problem
from ioc.web.security import caller_address
from ioc.web.services import Services

LARGEST_ID: Final = 2**31 - 1
Kind = Literal["pdf", "xlsx"]
_TYPES: Final[dict[Kind, str]] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Version = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$")]
_FOREVER: Final = "private, max-age=31536000, immutable"


class EndpointIn(BaseModel):
    """A browser, by the address its vendor gave it."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Annotated[str, Field(pattern=r"^https://[!-~]{1,1000}$")]


class BrowserIn(EndpointIn):
    """A browser with the keys that only it can open."""

    p256dh: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{80,100}=*$")]
    auth: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,40}=*$")]


class PushOut(BaseModel):
    """The key to subscribe to, empty when not set up; whether a policy tells this person."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    told: bool


def router(services: Services) -> APIRouter:
    """Return /brief and what lies below it."""
    routes = APIRouter(prefix="/brief", include_in_schema=False)
    shell = page.Shell(services.settings)

    @routes.get("")
    async def brief() -> Response:
        return HTMLResponse(shell.html())

    @routes.get("/sw.js")
    async def worker() -> Response:
        headers = {"Service-Worker-Allowed": "/brief", "Cache-Control": "no-cache"}
        return Response(shell.worker(), 200, headers, "text/javascript; charset=utf-8")

    @routes.get("/app.webmanifest")
    async def manifest() -> Response:
        return Response(orjson.dumps(shell.manifest()), media_type="application/manifest+json")

    _state(routes, services)
    _push(routes, services)
    _report(routes, services)
    return routes


def _push(routes: APIRouter, services: Services) -> None:
    commands = services.briefs.commands

    @routes.get("/push")
    async def state() -> PushOut:
        return PushOut.model_validate(await commands.push_state())

    @routes.post("/push")
    async def subscribe(request: Request, body: BrowserIn) -> PushOut:
        browser = body.endpoint, body.p256dh, body.auth
        done = await commands.subscribe(browser, address=_address(request))
        return PushOut.model_validate(done)

    @routes.delete("/push")
    async def unsubscribe(request: Request, body: EndpointIn) -> PushOut:
        done = await commands.unsubscribe(body.endpoint, address=_address(request))
        return PushOut.model_validate(done)


def _report(routes: APIRouter, services: Services) -> None:
    settings = services.settings
    zone = ZoneInfo(settings.province.zone)
    issuer = f"{settings.province.title_vi} {settings.province.name}"

    def pdf_of(report: Report) -> bytes:
        return pdf.render(
            page_html(brief_report.document(report, issuer, zone)), settings.assets_dir
        )

    @routes.get("/report")
    async def report(
        period: Period = Period.DAY, kind: Annotated[Kind, Query(alias="format")] = "pdf"
    ) -> Response:
        found = await services.briefs.queries.report(period, settings.province.zone)
        try:
            if kind == "pdf":
                made = await asyncio.to_thread(pdf_of, found)
            else:
                from ioc.reports import workbook  # noqa: PLC0415  0.15 s of every start

                made = await asyncio.to_thread(workbook.make, found, issuer, zone)
        except pdf.RendererMissingError as error:
            return problem(501, "no_renderer", reason=str(error))
        name = f"{brief_report.name(found)}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(made, 200, headers, _TYPES[kind])


def _address(request: Request) -> str | None:
    return caller_address(request.scope, request.headers)


def _state(routes: APIRouter, services: Services) -> None:
    queries = services.briefs.queries
    zone = ZoneInfo(services.settings.province.zone)

    @routes.get("/state")
    async def state() -> Response:
        standing, sparks = await queries.standing()
        counts = await queries.counts(standing, services.hub.silent())
        picture = brief_state.Picture(
            now=services.clock.now() // 1000,
            standing=standing,
            sparks=sparks,
            counts=counts,
            layers=services.hub.layers(),
        )
        return Response(orjson.dumps(brief_state.state(picture)), media_type="application/json")

    @routes.get("/map/{province}/{communes}.svg")
    async def overview(province: Version, communes: Version) -> Response:
        drawn = await queries.overview(province, communes, say("brief.map"))
        if not drawn:
            return problem(404, "not_found")
        return Response(drawn, 200, {"Cache-Control": _FOREVER}, "image/svg+xml")

    @routes.get("/chart")
    async def chart(
        request: Request,
        thing: Annotated[int, Query(ge=1, le=LARGEST_ID)],
        code: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")],
        hours: Annotated[int, Query()] = 24,
    ) -> Response:
        asked = hours if hours in brief_state.RANGES else 24
        past = await services.queries.history(thing, code, asked)
        if past is None:
            return problem(404, "not_found")
        now = to_datetime(services.clock.now())
        drawn = brief_state.chart(past, asked, now, zone, request.query_params.get("limit"))
        return Response(drawn, media_type="image/svg+xml")
