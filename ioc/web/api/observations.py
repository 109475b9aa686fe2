"""A datastream's past: values as they came, or minutes and hours of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from ioc.clock import Clock
from ioc.domain.instant import to_datetime
from ioc.web.api import cursor as cursors
from ioc.web.api.shapes import ObservationOut, Page, StepOut
from ioc.web.queries.operations import Span
from ioc.web.services import Services

_LARGEST_ID: Final = 2**31 - 1
_DAY: Final = timedelta(days=1)
# Raw up to here: some thousand values of a station that speaks every few seconds.
_RAW_UP_TO: Final = timedelta(hours=6)
_MINUTES_UP_TO: Final = timedelta(days=15)


class Resolution(StrEnum):
    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"
    AUTO = "auto"  # by the length of the span


def add(api: APIRouter, services: Services) -> None:
    """Add GET /observations."""

    @api.get("/observations")
    async def observations(
        datastream: Annotated[int, Query(ge=1, le=_LARGEST_ID)],
        resolution: Resolution = Resolution.RAW,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        limit: Annotated[int, Query(ge=1, le=cursors.LARGEST_PAGE)] = 100,
        cursor: Annotated[str | None, Query(max_length=cursors.LONGEST)] = None,
    ) -> Page[ObservationOut] | Page[StepOut]:
        """Newest first. Minutes and hours reach back a day unless `since` says otherwise."""
        before = cursors.moment(cursors.decode(cursor, 1)[0]) if cursor else until
        asked = _settled(resolution, since, until, services.clock)
        if asked is Resolution.RAW:
            return await _raw(services, datastream, since, before, limit)
        end = before or to_datetime(services.clock.now())
        begin = since or _day_before(until or to_datetime(services.clock.now()))
        span = Span(begin, end, asked is Resolution.HOUR)
        rows = await services.queries.steps(datastream, span, limit=limit)
        following = cursors.encode(rows[-1].start.isoformat()) if len(rows) == limit else None
        return Page(items=[StepOut.model_validate(row) for row in rows], next=following)


async def _raw(
    services: Services,
    datastream: int,
    since: datetime | None,
    before: datetime | None,
    limit: int,
) -> Page[ObservationOut]:
    rows = await services.queries.observations(datastream, before=before, since=since, limit=limit)
    end = cursors.encode(rows[-1].phenomenon_time.isoformat()) if len(rows) == limit else None
    return Page(items=[ObservationOut.of(row) for row in rows], next=end)


def _settled(
    asked: Resolution, since: datetime | None, until: datetime | None, clock: Clock
) -> Resolution:
    if asked is not Resolution.AUTO:
        return asked
    end = until or to_datetime(clock.now())
    length = end - (since or _day_before(end))
    if length <= _RAW_UP_TO:
        return Resolution.RAW
    return Resolution.MINUTE if length <= _MINUTES_UP_TO else Resolution.HOUR


def _day_before(moment: datetime) -> datetime:
    """Return the day before; the first day of all has none."""
    try:
        return moment - _DAY
    except OverflowError:
        return moment
