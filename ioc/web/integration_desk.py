"""What the page `/integrations` fetches. Not part of the API: shapes are the page's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from ioc import integrations
from ioc.domain.exchange import Standing
from ioc.domain.instant import Micros, to_datetime
from ioc.integrations import Integration
from ioc.text import say
from ioc.web import spreadsheet
from ioc.web.queries.integrations import IntegrationQueries
from ioc.web.services import Services

_COLUMNS = ("id", "name", "owner", "standing", "newest", "success", "failed_share", "alerts")


def router(services: Services) -> APIRouter:
    """Return /desk/integrations and its file. Raises ConfigError for a catalogue with a mistake."""
    routes = APIRouter(prefix="/desk/integrations", include_in_schema=False)
    queries = IntegrationQueries(services.database)
    catalogue = integrations.load(services.settings.config_dir / "integrations.yaml")
    zone = ZoneInfo(services.settings.province.zone)

    async def rows() -> list[dict[str, Any]]:
        now = to_datetime(services.clock.now())
        return list(_listed(catalogue, await queries.exchanges(now)))

    @routes.get("")
    async def board() -> Response:
        now = services.clock.now()
        security = await queries.security(to_datetime(now))
        found = {"exchanges": await rows(), "security": security, "now": now // 1000}
        return Response(orjson.dumps(found), media_type="application/json")

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"]) -> Response:
        heads = [say(f"integrations.{name}") for name in _COLUMNS]
        cells = [
            [spreadsheet.harmless(_cell(row, name, zone)) for name in _COLUMNS]
            for row in await rows()
        ]
        if form == "csv":
            body = spreadsheet.as_csv(heads, cells)
        else:
            body = spreadsheet.as_xlsx(say("integrations.nav"), heads, cells)
        name = f'attachment; filename="ket-noi.{form}"'
        return Response(
            body, media_type=spreadsheet.MEDIA[form], headers={"Content-Disposition": name}
        )

    return routes


def _listed(
    catalogue: tuple[Integration, ...], found: Mapping[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the catalogue's exchanges in order, then those that only a heartbeat knows."""
    for one in catalogue:
        known = found.get(one.id, {"standing": Standing.NO_SOURCE.value, "said": {}, "alerts": 0})
        asked = None if one.probe is None else one.probe.url
        yield dict(known) | {"id": one.id, "name": one.vi, "owner": one.owner, "probe": asked}
    named = {one.id for one in catalogue}
    for code, known in found.items():
        if code not in named:
            yield known | {"id": code, "owner": None, "probe": None}


def _cell(row: dict[str, Any], name: str, zone: ZoneInfo) -> Any:  # noqa: ANN401  a cell
    value = row.get(name)
    match name:
        case "standing":
            return say(f"integrations.state.{value}")
        case "newest" | "success" if value is not None:
            local = to_datetime(Micros(value * 1000)).astimezone(zone)
            return local.replace(tzinfo=None, microsecond=0)
        case "failed_share" if value is not None:
            return round(100 * value, 2)
        case _:
            return value
