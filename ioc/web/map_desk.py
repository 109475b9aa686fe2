"""What the page `/map` fetches beside layers and `/live`. Shapes are the page's own."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path
from starlette.responses import Response

from ioc.web.services import Services

LARGEST_ID: Final = 2**31 - 1  # integer of the database


def router(services: Services) -> APIRouter:
    """Return /desk/map and what lies below it."""
    routes = APIRouter(prefix="/desk/map", include_in_schema=False)

    @routes.get("/things")
    async def things() -> Response:
        return _json(await services.places.things())

    @routes.get("/things/{thing}/alerts")
    async def alerts(thing: Annotated[int, Path(ge=1, le=LARGEST_ID)]) -> Response:
        return _json(await services.places.alerts(thing))

    return routes


def _json(value: Any) -> Response:  # noqa: ANN401
    return Response(orjson.dumps(value), media_type="application/json")
