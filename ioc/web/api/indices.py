"""`/api/v1/indices`: VN_AQI and VN_WQI with what QĐ 1459 (Bảng 3) makes mandatory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from ioc.domain import aqi
from ioc.domain.instant import to_datetime
from ioc.text import say
from ioc.web.api import cursor as cursors
from ioc.web.api.shapes import Page
from ioc.web.problem import problem
from ioc.web.queries.indices import IndexQueries, IndexRow, Past
from ioc.web.services import Services

LONGEST_H: Final = 168  # a week of hours: about 180 rows of a station
_LARGEST: Final = 2**31 - 1

Station = Annotated[int, Path(ge=1, le=_LARGEST)]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=cursors.LONGEST)]
Hours = Annotated[int, Query(ge=1, le=LONGEST_H)]


class SubIndexOut(BaseModel):
    """AQIx of one parameter (or its WQI): `value` as it was computed, `index` rounded."""

    parameter: str
    name: str
    value: float
    index: int
    dominant: bool


class IndexOut(BaseModel):
    """The newest index of a station; `index` null has a `reason`. Words are Vietnamese.

    `time` is the end of the hour or day. `coverage`: share of the one-hour means it looks at that
    are valid. `old`: the next one should have come by now. `surface_class`: of a river without
    VN_WQI its class by QCVN 08:2023/BTNMT. `weighted`: of VN_WQI, group IV counts twice.
    """

    thing_id: int
    name: str
    short_name: str
    lon: float | None
    lat: float | None
    datastream_id: int
    of: str
    title: str
    time: datetime
    old: bool
    index: int | None
    category: str | None
    category_name: str | None
    colour: str | None
    advice: str | None
    dominant: str | None
    dominant_name: str | None
    sub_indices: list[SubIndexOut]
    coverage: float
    reason: str | None
    reason_name: str | None
    surface_class: str | None
    surface_class_by: list[str]
    weighted: bool
    method: str
    source: str
    simulated: bool

    @classmethod
    def of_row(cls, row: IndexRow, now: datetime) -> Self:
        place, category, kind = row.place, row.category, row.kind
        return cls(
            thing_id=place.thing_id,
            name=place.name,
            short_name=place.short_name,
            lon=place.lon,
            lat=place.lat,
            datastream_id=row.datastream_id,
            of=row.of,
            title=say(f"indices.{row.of}"),
            time=row.time,
            old=row.is_old(now),
            index=row.index,
            category=category,
            category_name=row.category_key and say(row.category_key),
            colour=category.colour if category else None,
            advice=category and say(f"indices.advice.{kind}.{category}"),
            dominant=row.dominant,
            dominant_name=row.dominant and say(f"indices.parameter.{row.dominant}"),
            sub_indices=[
                SubIndexOut(
                    parameter=name,
                    name=say(f"indices.parameter.{name}"),
                    value=value,
                    index=aqi.rounded(value),
                    dominant=name == row.dominant,
                )
                for name, value in row.sub_indices.items()
            ],
            coverage=row.coverage,
            reason=row.reason,
            reason_name=row.reason_key and say(row.reason_key),
            surface_class=None if row.surface is None else row.surface.level,
            surface_class_by=list(row.surface_names),
            weighted=row.weighted,
            method=say(f"indices.method_{kind}"),
            source=place.source,
            simulated=place.simulated,
        )


class PastOut(BaseModel):
    of: str
    time: datetime
    index: int | None
    reason: str | None

    @classmethod
    def of_past(cls, row: Past) -> Self:
        return cls(of=row.of, time=row.time, index=row.index, reason=row.reason)


class StationIndicesOut(BaseModel):
    """The newest indices of a station, and those of the past `hours`, the oldest first."""

    newest: list[IndexOut]
    past: list[PastOut]


def add(api: APIRouter, services: Services) -> None:
    """Add the routes."""
    queries = IndexQueries(services.database)

    @api.get("/indices")
    async def indices(limit: Limit = 100, cursor: Cursor = None) -> Page[IndexOut]:
        now = to_datetime(services.clock.now())
        rows, last = await queries.newest(after=cursors.decode_id(cursor), limit=limit)
        items = [IndexOut.of_row(row, now) for row in rows]
        return Page(items=items, next=None if last is None else cursors.encode(last))

    @api.get("/indices/{station}", response_model=StationIndicesOut)
    async def station(station: Station, hours: Hours = 24) -> Any:  # noqa: ANN401  a shape or a problem
        now = to_datetime(services.clock.now())
        rows = await queries.station(station)
        if not rows:
            return problem(404, "not_found")
        past = await queries.past(station, now - timedelta(hours=hours))
        return StationIndicesOut(
            newest=[IndexOut.of_row(row, now) for row in rows],
            past=[PastOut.of_past(row) for row in past],
        )
