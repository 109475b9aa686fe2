"""What walls fetch beside the live line, and how a desk steers them. The pages' own shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ioc import limits as regulations
from ioc.domain.flood import WINDOW
from ioc.domain.indices import Derived
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.legibility import Screen, sizes
from ioc.domain.playlist import LONGEST_S, MOST_ITEMS, SHORTEST_S, Item, Layout, Plan
from ioc.domain.uptime import FAULTS, CameraState, Uptime
from ioc.text import say
from ioc.web.problem import problem
from ioc.web.queries.alerts import Filter
from ioc.web.queries.cameras import CameraQueries, Standing
from ioc.web.queries.indices import IndexQueries, IndexRow
from ioc.web.queries.wall import FLOOD_LIMIT, WallQueries
from ioc.web.security import caller_address
from ioc.web.services import Services
from ioc.web.wall_commands import TooManyWallsError, Wall, WallCommands

SLA: Final = 0.995  # what owners of cameras promise; contracts of the field name 99.5 %
_MOST_STATIONS: Final = 500
_MOST_INDICES: Final = 8
_MOST_LONGEST: Final = 4  # a fifth runs into the age of the data when names take two lines
_MS: Final = 1000

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class Measures(BaseModel):
    """A wall as somebody measured it."""

    diagonal_in: Annotated[float, Field(ge=10, le=1000, allow_inf_nan=False)]
    width_px: Annotated[int, Field(ge=640, le=30720)]
    height_px: Annotated[int, Field(ge=480, le=17280)]
    viewer_m: Annotated[float, Field(ge=0.3, le=60, allow_inf_nan=False)]


class Turn(BaseModel):
    layout: Layout
    dwell_s: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)]


class Wanted(BaseModel):
    """A wall as the desk wants it; `pinned` null: its list."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]*$")]
    items: Annotated[list[Turn], Field(max_length=MOST_ITEMS)]
    pinned: Layout | None = None
    room: Annotated[str, Field(pattern="^(dark|lit)$")] = "dark"
    screen: Measures | None = None

    def wall(self, name: str, now: Micros) -> Wall:
        plan = Plan(tuple(Item(t.layout, t.dwell_s) for t in self.items), now, self.pinned)
        screen = None if self.screen is None else Screen(**self.screen.model_dump())
        return Wall(name, self.title, plan, self.room, screen)


class Seen(BaseModel):
    layout: Layout


def router(services: Services) -> APIRouter:
    """Return /wall-data/… and /desk/walls…."""
    routes = APIRouter(include_in_schema=False)
    _data(routes, services)
    _steering(routes, services)
    return routes


def _data(routes: APIRouter, services: Services) -> None:
    zone = ZoneInfo(services.settings.province.zone)
    cameras = CameraQueries(services.database, services.clock, services.settings.province.zone)
    wall = WallQueries(services.database, regulations.load(services.settings.config_dir / "limits"))
    indices = IndexQueries(services.database)

    @routes.get("/wall-data/environment")
    async def environment() -> Response:
        now = to_datetime(services.clock.now())
        rows, _ = await indices.newest(after=0, limit=_MOST_STATIONS)
        worst = await wall.worst(now, now.astimezone(zone).date())
        values = [asdict(one) | {"time": _stamp(one.time)} for one in worst]
        shown = [_index(row, old=row.is_old(now)) for row in rows if row.of is not Derived.AQI_DAY]
        return _json({"indices": _worst_indices(shown), "worst": values} | _stamped(services))

    @routes.get("/wall-data/network")
    async def network() -> Response:
        found = await wall.network(to_datetime(services.clock.now()))
        return _json(found | _stamped(services))

    @routes.get("/wall-data/alerts")
    async def alerts() -> Response:
        listing = await services.queries.desk_listing(Filter(), limit=1, grouped=True)
        flood = listing.flood
        first = None
        if flood.since is not None:
            first = await wall.first_out(to_datetime(Micros(flood.since - WINDOW)))
        said = {"raises": flood.raises, "limit": FLOOD_LIMIT, "since": _ms(flood.since)}
        groups = [asdict(group) for group in listing.groups]
        return _json({"flood": said, "groups": groups, "first": first} | _stamped(services))

    @routes.get("/wall-data/cameras")
    async def standing() -> Response:
        found, begin = await cameras.standing()
        month = to_datetime(begin).astimezone(zone).month
        return _json(_cameras(found) | {"month": month, "sla": SLA} | _stamped(services))


def _steering(routes: APIRouter, services: Services) -> None:
    commands = WallCommands(services.database, services.clock, services.hub)

    @routes.post("/wall-data/screens/{wall}/seen", status_code=204)
    async def seen(wall: Name, body: Seen) -> Response:
        await commands.seen(wall, body.layout)
        return Response(status_code=204)

    @routes.get("/desk/walls")
    async def listed() -> Response:
        return _json({"walls": [_wall(one) for one in await commands.listed()]}
                     | _stamped(services))  # fmt: skip

    @routes.post("/desk/walls/{wall}")
    async def put(wall: Name, body: Wanted, request: Request) -> Response:
        address = caller_address(request.scope, request.headers)
        wanted = body.wall(wall, services.clock.now())
        try:
            await commands.put(wanted, address=address)
        except TooManyWallsError:
            return problem(409, "walls", detail=say("walls.too_many"))
        return _json(_wall(wanted))

    @routes.delete("/desk/walls/{wall}", status_code=204)
    async def remove(wall: Name, request: Request) -> Response:
        await commands.remove(wall, address=caller_address(request.scope, request.headers))
        return Response(status_code=204)


def _wall(wall: Wall) -> dict[str, Any]:
    fitted = None if wall.screen is None else asdict(sizes(wall.screen))
    return {
        "name": wall.name,
        **wall.told,
        "sizes": fitted,
        "seen": None if wall.seen_at is None else _stamp(wall.seen_at),
        "seen_layout": wall.seen_layout,
        "updated_by": wall.updated_by,
    }


def _index(row: IndexRow, *, old: bool) -> dict[str, Any]:
    return {
        "thing": row.place.thing_id,
        "name": row.place.short_name,
        "kind": row.kind,
        "index": row.index,
        "category": row.category,
        "words": None if row.category_key is None else say(row.category_key),
        "reason": None if row.reason_key is None else say(row.reason_key),
        "dominant": row.dominant,
        "time": _stamp(row.time),
        "old": old,
    }


def _worst_indices(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, of each kind, how many stand in each category and the worst: high AQI, low WQI."""
    found: dict[str, Any] = {}
    for kind in ("air", "water"):
        mine = [row for row in rows if row["kind"] == kind]
        known = [row for row in mine if row["index"] is not None and not row["old"]]
        sign = -1 if kind == "air" else 1
        worst = sorted(known, key=lambda row: (sign * row["index"], row["name"]))
        found[kind] = {
            "total": len(mine),
            "known": len(known),
            "categories": Counter(str(row["category"]) for row in known),
            "words": {str(row["category"]): row["words"] for row in known},
            "worst": worst[:_MOST_INDICES],
        }
    return found


def _cameras(found: Sequence[Standing]) -> dict[str, Any]:
    counts = Counter(one.state for one in found)
    whole = sum((one.month for one in found), Uptime())
    broken = [one for one in found if one.state not in (CameraState.ONLINE, CameraState.PLANNED)]
    longest = sorted(broken, key=lambda one: (one.since is None, one.since, one.camera.name))
    working = counts[CameraState.ONLINE]
    owed = len(found) - counts[CameraState.PLANNED]
    return {
        "counts": {str(state): counts[state] for state in CameraState},
        "total": len(found),
        "working": working / owed if owed else None,
        "uptime": whole.share,
        "mttr": None if whole.mttr is None else whole.mttr / _MS,
        "owners": [_group(name, of) for name, of in _by(found, "owner")],
        "communes": [
            {key: one[key] for key in ("name", "total", "faults", "unknown")}
            for one in (_group(name, of) for name, of in _by(found, "commune_name"))
            if one["faults"] or one["unknown"]
        ],
        "longest": [
            {"id": one.camera.id, "name": one.camera.name, "owner": one.camera.owner,
             "state": one.state, "since": _ms(one.since)}
            for one in longest[:_MOST_LONGEST]
        ],
    }  # fmt: skip


def _group(name: str, of: Sequence[Standing]) -> dict[str, Any]:
    month = sum((one.month for one in of), Uptime())
    return {
        "name": name,
        "total": len(of),
        "faults": sum(one.state in FAULTS for one in of),
        "unknown": sum(one.state is CameraState.UNKNOWN for one in of),
        "uptime": month.share,
        "cameras": [[one.camera.id, one.state, one.camera.name] for one in of],
    }


def _by(found: Sequence[Standing], field: str) -> list[tuple[str, list[Standing]]]:
    """Return cameras by owner or commune, the largest group first."""
    groups: dict[str, list[Standing]] = {}
    for one in found:
        groups.setdefault(getattr(one.camera, field) or "", []).append(one)
    return sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def _stamped(services: Services) -> dict[str, int]:
    return {"now": services.clock.now() // _MS}


def _stamp(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ms(instant: Micros | None) -> int | None:
    return None if instant is None else instant // _MS


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
