"""The surroundings of an alert: what lies within reach, and along the lines that pass it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from ioc.domain.vicinity import Along, along, around, away_from_area
from ioc.text import words
from ioc.web.problem import problem
from ioc.web.queries.vicinity import FARTHEST_KM, Line, Named, Vicinity, VicinityQueries
from ioc.web.services import Services

MOST_NEAR: Final = 20  # of one layer, the nearest; the rest is counted
MOST_ALONG: Final = 50  # beside one line, the nearest

Reach = Annotated[float, Query(gt=0, le=FARTHEST_KM, allow_inf_nan=False)]


class PlaceOut(BaseModel):
    """A measured thing, or (then `thing` is null) a row of a layer."""

    thing: int | None
    layer: str
    title: str
    code: str
    name: str
    lon: float
    lat: float


class NearOut(PlaceOut):
    """`km` of an area: to its border, 0 within."""

    km: float


class LayerNearOut(BaseModel):
    """What of one layer, or kind of thing, lies within reach: its nearest, and how many."""

    layer: str
    title: str
    total: int
    items: list[NearOut]


class BesideOut(PlaceOut):
    """`along_km` below zero is before the place (upstream), above zero behind it."""

    along_km: float
    beside_km: float


class AlongOut(BaseModel):
    """A line that passes the place. `drawn`: its direction is only that of the drawing."""

    layer: str
    title: str
    code: str
    name: str
    drawn: bool
    start: str
    end: str
    items: list[BesideOut]


class AroundOut(BaseModel):
    """What lies within reach of an alert, the nearest first, and along the lines that pass it."""

    lon: float
    lat: float
    km: float
    complete: bool
    layers: list[LayerNearOut]
    along: list[AlongOut]


def add(api: APIRouter, services: Services) -> None:
    """Add the route."""
    queries = VicinityQueries(services.database)
    titles = {name: schema.title["vi"] for name, schema in services.layer_schemas.items()}
    kinds = words("vi")

    def title(place: Named | Line) -> str:
        own = kinds.get(f"alerts.thing_kind.{place.layer}")
        return titles.get(place.layer) or own or place.layer

    @api.get("/alerts/{alert_id}/around", response_model=AroundOut)
    async def around_alert(alert_id: UUID, km: Reach = 5.0) -> Any:  # noqa: ANN401  or a problem
        found = await queries.around(alert_id, km)
        if found is None:
            return problem(404, "not_found")
        return await asyncio.to_thread(_answer, found, km, title)


def _answer(found: Vicinity, reach_km: float, title: Callable[[Named | Line], str]) -> AroundOut:
    places = [(n, place.at) for n, place in enumerate(found.places)]
    lines = [
        _line(found, line, beside, title)
        for line in found.lines
        if (beside := along(found.at, line.points, places)) is not None
    ]
    return AroundOut(
        lon=found.at[0],
        lat=found.at[1],
        km=reach_km,
        complete=found.whole,
        layers=_near(found, reach_km, title),
        along=lines,
    )


def _near(
    found: Vicinity, reach_km: float, title: Callable[[Named | Line], str]
) -> list[LayerNearOut]:
    points = [(n, p.at) for n, p in enumerate(found.places) if not p.rings]
    near = [(one.away_km, one.key) for one in around(found.at, points, reach_km)]
    for n, place in enumerate(found.places):
        away = away_from_area(found.at, place.rings)
        if away is not None and away <= reach_km:
            near.append((away, n))
    by_layer: dict[str, list[tuple[float, int]]] = {}
    for away, n in sorted(near):
        by_layer.setdefault(found.places[n].layer, []).append((away, n))
    return [
        LayerNearOut(
            layer=layer,
            title=title(found.places[rows[0][1]]),
            total=len(rows),
            items=[
                NearOut(**_place(found.places[n], title), km=round(away, 3))
                for away, n in rows[:MOST_NEAR]
            ],
        )
        for layer, rows in by_layer.items()
    ]


def _line(
    found: Vicinity,
    line: Line,
    beside: Iterable[Along],
    title: Callable[[Named | Line], str],
) -> AlongOut:
    close = sorted(beside, key=lambda one: abs(one.along_km))[:MOST_ALONG]
    return AlongOut(
        layer=line.layer,
        title=title(line),
        code=line.code,
        name=line.name,
        drawn=line.drawn,
        start=line.start,
        end=line.end,
        items=[
            BesideOut(
                **_place(found.places[one.key], title),
                along_km=round(one.along_km, 3),
                beside_km=round(one.beside_km, 3),
            )
            for one in sorted(close, key=lambda one: one.along_km)
        ],
    )


def _place(place: Named, title: Callable[[Named | Line], str]) -> dict[str, Any]:
    return {
        "thing": place.thing,
        "layer": place.layer,
        "title": title(place),
        "code": place.code,
        "name": place.name or place.code,
        "lon": place.at[0],
        "lat": place.at[1],
    }
