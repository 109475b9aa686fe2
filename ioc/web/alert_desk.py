"""What the page `/alerts` fetches: lists, one alert with its log and chart, choices of filters.

Not part of the API: shapes and words are the page's own and change with it (programs read
`/api/v1/alerts`). Like `/live` it answers whoever may see alerts, a wall's kiosk included.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ioc.domain.flood import BEGINS_ABOVE
from ioc.domain.handling import NEEDS_NOTE, STEPS, Handling
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.permission import Action
from ioc.web import alert_table, identity
from ioc.web.api import cursor as cursors
from ioc.web.api.v1 import Cursor, Word, alert_place
from ioc.web.problem import problem
from ioc.web.queries import History
from ioc.web.queries.alerts import LARGEST_PAGE, Filter, Listing, Standing
from ioc.web.queries.alerts_rows import Tab
from ioc.web.services import Services

_BEFORE: Final = timedelta(hours=6)  # of the chart, before the alert began
_AFTER: Final = timedelta(hours=2)  # after it returned
_MOST_HOURS: Final = 366 * 24
_LONGEST: Final = timedelta(days=7)  # then the begin is out of sight; minutes are kept much longer


_FILES: Final = {
    "csv": (alert_table.as_csv, "text/csv; charset=utf-8"),
    "xlsx": (
        alert_table.as_xlsx,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}


class Wanted(BaseModel):
    """The query of a list, as the address of the page has it too."""

    tab: Tab = Tab.OPEN
    severity: Annotated[list[int], Field(max_length=4)] = []
    state: Standing | None = None
    kind: Word = None
    area: Word = None
    rule: Word = None
    hours: Annotated[int | None, Field(ge=1, le=_MOST_HOURS)] = None
    q: Word = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    cursor: Cursor = None
    grouped: bool = False

    def filter(self, now: Micros) -> Filter:
        """Return what the query asks for, at `now`."""
        return Filter(
            tab=self.tab,
            severities=tuple(self.severity),
            standing=self.state,
            kind=self.kind,
            area=self.area,
            rule=self.rule,
            since=to_datetime(now) - timedelta(hours=self.hours) if self.hours else None,
            words=self.q or "",
        )


def router(services: Services) -> APIRouter:
    """Return /desk/alerts and what lies below it."""
    routes = APIRouter(prefix="/desk/alerts", include_in_schema=False)
    queries = services.queries

    @routes.get("")
    async def listing(
        wanted: Annotated[Wanted, Query()],
    ) -> Response:
        found = await queries.desk_listing(
            wanted.filter(services.clock.now()),
            limit=wanted.limit,
            before=alert_place(wanted.cursor) if wanted.cursor else None,
            grouped=wanted.grouped,
        )
        return _json(_listing(found))

    @routes.get("/choices")
    async def choices() -> Response:
        found = asdict(await queries.desk_choices())
        if not _may(Action.HANDLE_ALERT):
            found["people"] = []  # names of accounts are for those who give work to them
        return _json(found)

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"], wanted: Annotated[Wanted, Query()]) -> Response:
        now, zone = services.clock.now(), ZoneInfo(services.settings.province.zone)
        rows = await queries.desk_export(wanted.filter(now), limit=alert_table.MOST)
        cells = alert_table.table(rows, zone)
        make, media = _FILES[form]
        stamp = to_datetime(now).astimezone(zone).strftime("%Y%m%d-%H%M")
        name = f'attachment; filename="canh-bao-{stamp}.{form}"'
        body = await asyncio.to_thread(make, cells)
        return Response(body, media_type=media, headers={"Content-Disposition": name})

    @routes.get("/{alert_id}")
    async def detail(alert_id: UUID) -> Response:
        row = await queries.desk_alert(alert_id)
        if row is None:
            return problem(404, "not_found")
        log = await queries.desk_log(alert_id)
        since, until = _around(row, to_datetime(services.clock.now()))
        past = await queries.history_around(row["thing"], row["code"], since=since, until=until)
        return _json(
            {"row": row, "log": log, "chart": _chart(past, since, until), "steps": _steps(row)}
        )

    return routes


def _listing(found: Listing) -> dict[str, Any]:
    flood = found.flood
    return {
        "rows": found.rows,
        "total": found.total,
        "next": None if found.next is None else cursors.encode(*map(str, found.next)),
        "counts": found.counts,
        "groups": [asdict(group) for group in found.groups],
        "masks": [_mask(one) for one in found.masks],
        "flood": {
            "raises": flood.raises,
            "limit": BEGINS_ABOVE,
            "since": None if flood.since is None else flood.since // 1000,
        },
    }


def _mask(one: Any) -> dict[str, Any]:  # noqa: ANN401  a mask as the store lists it
    return {
        "id": one.id,
        "kind": one.kind,
        "about": one.about,
        "starts": from_datetime(one.starts) // 1000,
        "ends": from_datetime(one.ends) // 1000,
        "reason": one.reason,
        "by": one.by_user,
    }


def _steps(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of the handling that whoever asks may take now, and what each needs."""
    return [
        {"to": to.value, "note": (now, to) in NEEDS_NOTE, "assignee": to is Handling.ASSIGNED}
        for (now, to), action in STEPS.items()
        if now == row["handling"] and _may(action)
    ]


def _may(action: Action) -> bool:
    who = identity.current()
    return who is not None and who.may(action)


def _around(row: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Return the window of the chart: the alert with some time before and after it."""
    begin = to_datetime(Micros(row["raised"] * 1000))
    end = now
    if row["returned"] is not None:
        end = min(now, to_datetime(Micros(row["returned"] * 1000)) + _AFTER)
    return max(begin - _BEFORE, end - _LONGEST), end


def _chart(past: History | None, since: datetime, until: datetime) -> dict[str, Any] | None:
    if past is None:
        return None
    return {
        "since": from_datetime(since) // 1000,
        "until": from_datetime(until) // 1000,
        "step_s": past.step_s,
        "gap_s": past.gap_s,
        "unit": past.unit,
        "decimals": past.decimals,
        "states": past.states,
        "times": past.times,
        "mean": past.mean if past.states is None else past.last,
        "low": past.low,
        "high": past.high,
    }


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
