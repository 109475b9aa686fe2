"""`/api/v1/compliance/{station}`: a month of a station against the limits of its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from ioc.domain.compliance import Interruption
from ioc.domain.indices import ZONE_HOURS, Derived
from ioc.domain.instant import to_datetime
from ioc.domain.station_month import Parameter, Run, Verdict
from ioc.reports import links
from ioc.text import say
from ioc.web.problem import problem
from ioc.web.queries.compliance import ComplianceQueries, StationMonth
from ioc.web.services import Services

_LARGEST: Final = 2**31 - 1

Station = Annotated[int, Path(ge=1, le=_LARGEST)]
# As far as hours are kept, and not beyond what a date can be counted in.
MonthText = Annotated[str | None, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class RunOut(BaseModel):
    """Windows that follow each other. `worst`: the value furthest beyond; `chart`: where it is."""

    since: datetime
    until: datetime
    worst: float
    windows: int
    chart: str

    @classmethod
    def of(cls, run: Run, thing: int, code: str) -> Self:
        return cls(
            since=_moment(run.first),
            until=_moment(run.last + 1),
            worst=run.worst,
            windows=run.windows,
            chart=links.chart(thing, code, run.first, run.last),
        )


class LimitOut(BaseModel):
    """One limit. Windows `judged` are complete; `unjudged` had too few valid hours.

    `breaches` are means over the limit's own window. `early_warnings` are values beyond the number
    in a window that is not complete: no breach. `window_s` null: it holds for each single value.
    """

    basis: str
    low: float | None
    high: float | None
    function: str | None
    window_s: int | None
    confidence: str
    source: str
    given_by: str
    valid_from: date | None
    valid_to: date | None
    judged: int
    unjudged: int
    beyond: int
    breaches: list[RunOut]
    early_warnings: list[RunOut]

    @classmethod
    def of(cls, verdict: Verdict, thing: int, code: str, given_by: Mapping[str, str]) -> Self:
        limit = verdict.limit
        averaging = limit.averaging
        return cls(
            basis=limit.standard,
            low=limit.low,
            high=limit.high,
            function=averaging and averaging.function,
            window_s=averaging and averaging.length_s,
            confidence=limit.confidence,
            source=limit.source,
            given_by=given_by.get(limit.id, ""),
            valid_from=limit.valid_from,
            valid_to=limit.valid_to,
            judged=verdict.judged,
            unjudged=verdict.unjudged,
            beyond=verdict.beyond,
            breaches=[RunOut.of(run, thing, code) for run in verdict.breaches],
            early_warnings=[RunOut.of(run, thing, code) for run in verdict.early],
        )


class ParameterOut(BaseModel):
    """One parameter. `mean`, `low`, `high` are of valid one-hour means; `hours` are over.

    `calibrating_hours`, `fault_hours`: null where the single values are no longer kept.
    """

    datastream_id: int
    property: str
    name: str
    unit: str
    mean: float | None
    low: float | None
    high: float | None
    hours: int
    valid_hours: int
    valid_share: float | None
    enough: bool
    calibrating_hours: float | None
    fault_hours: float | None
    chart: str
    limits: list[LimitOut]

    @classmethod
    def of(cls, one: Parameter, found: StationMonth) -> Self:
        stream, there, month = one.stream, one.availability, found.month
        thing, kept = found.place.thing_id, month.statuses
        last = min(month.period.end, month.period.now) - 1
        return cls(
            datastream_id=stream.id,
            property=stream.observed_property,
            name=stream.name,
            unit=stream.unit,
            mean=one.mean,
            low=one.low,
            high=one.high,
            hours=there.hours,
            valid_hours=there.valid,
            valid_share=there.share,
            enough=there.enough,
            calibrating_hours=there.calibrating if kept else None,
            fault_hours=there.fault if kept else None,
            chart=links.chart(thing, stream.code, month.period.first, last),
            limits=[LimitOut.of(v, thing, stream.code, found.given_by) for v in one.verdicts],
        )


class InterruptionOut(BaseModel):
    """More than an hour without any message; `notice`: the owner must write to the department."""

    since: datetime
    until: datetime | None
    notice: bool

    @classmethod
    def of(cls, gap: Interruption) -> Self:
        until = None if gap.until is None else datetime.fromtimestamp(gap.until, UTC)
        return cls(since=datetime.fromtimestamp(gap.since, UTC), until=until, notice=gap.notice)


class CategoryOut(BaseModel):
    """How many days (VN_AQI) or hours (VN_WQI) had a category; null: no index."""

    of: str
    category: str | None
    name: str
    count: int


class ComplianceOut(BaseModel):
    """A station's month; `running`: it is not over. Words are Vietnamese."""

    thing_id: int
    name: str
    source: str
    simulated: bool
    month: str
    running: bool
    since: datetime
    until: datetime
    parameters: list[ParameterOut]
    interruptions: list[InterruptionOut]
    categories: list[CategoryOut]

    @classmethod
    def of(cls, found: StationMonth) -> Self:
        place, month = found.place, found.month
        return cls(
            thing_id=place.thing_id,
            name=place.name,
            source=place.source,
            simulated=place.simulated,
            month=f"{month.first:%Y-%m}",
            running=month.running,
            since=_moment(month.period.first),
            until=_moment(min(month.period.end, month.period.now)),
            parameters=[ParameterOut.of(one, found) for one in month.parameters],
            interruptions=[InterruptionOut.of(gap) for gap in month.interruptions],
            categories=[
                CategoryOut(of=of, category=name, name=category_name(of, name), count=count)
                for of in (Derived.AQI_DAY, Derived.WQI)
                for name, count in month.categories(of).items()
            ],
        )


def add(api: APIRouter, services: Services) -> None:
    """Add the route."""
    queries = ComplianceQueries(services.database)

    @api.get("/compliance/{station}", response_model=ComplianceOut)
    async def compliance(station: Station, month: MonthText = None) -> Any:  # noqa: ANN401  a shape or a problem
        now = services.clock.now()
        found = await queries.month(station, first_day(month, to_datetime(now)), now)
        return problem(404, "not_found") if found is None else ComplianceOut.of(found)


def first_day(month: str | None, now: datetime) -> date:
    """Return the first day of a month "2026-11"; of the running one in Viet Nam without."""
    if month is not None:
        return date.fromisoformat(f"{month}-01")
    local = now + timedelta(hours=ZONE_HOURS)
    return date(local.year, local.month, 1)


def category_name(of: Derived, category: str | None) -> str:
    """Return a category in words."""
    if category is None:
        return say("station.no_index")
    return say(f"{'wqi' if of is Derived.WQI else 'aqi'}.category.{category}")


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
