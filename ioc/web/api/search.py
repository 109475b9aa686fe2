"""`/api/v1/search`: places on the map by name, code, old unit name or commune, without marks."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from ioc.web.queries.places import MOST_FOUND
from ioc.web.services import Services


class FoundOut(BaseModel):
    """One place; `key` is a thing's id, else a code. WGS 84 degrees."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["thing", "feature", "commune"]
    layer: str
    key: str
    name: str
    detail: str
    lon: float
    lat: float


class FoundPage(BaseModel):
    items: list[FoundOut]


def add(api: APIRouter, services: Services) -> None:
    """Add the route."""

    @api.get("/search")
    async def search(
        q: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*$")],
        limit: Annotated[int, Query(ge=1, le=MOST_FOUND)] = 12,
    ) -> FoundPage:
        found = await services.places.search(q, limit)
        return FoundPage(items=[FoundOut.model_validate(one) for one in found])
