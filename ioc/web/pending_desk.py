"""What the page `/pending` fetches and sends. Not part of the API: shapes are the page's own."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from ioc import geography
from ioc.domain.location import Place, Province
from ioc.domain.permission import Action
from ioc.domain.thing import Kind
from ioc.text import say
from ioc.web import feed_topics
from ioc.web.api import cursor as cursors
from ioc.web.api.v1 import LARGEST_ID, WORD, Cursor, Word
from ioc.web.desk_answer import address, as_file, as_json, local, may, ms
from ioc.web.desk_commands.pending import MOST_AT_ONCE, Admission, PendingCommands
from ioc.web.identity import limits
from ioc.web.queries.pending import PendingQueries, Stranger, Wanted
from ioc.web.services import Services

MOST: Final = 10_000  # rows of a file: what a feed may have waiting
COLUMNS: Final = (
    "external_id", "name", "kind", "feed_title", "topic", "since", "streams", "channels",
    "lon", "lat", "commune",
)  # fmt: skip

Key = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Keys = Annotated[list[Key], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Asked(BaseModel):
    """The query of a list, as the address of the page has it too."""

    feed: Word = None
    q: Word = None
    refused: bool = False
    limit: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 50
    cursor: Cursor = None

    def wanted(self) -> Wanted:
        return Wanted(self.feed, self.q or "", self.refused)


class Admitted(BaseModel):
    """One thing as somebody admits it; what is left out stays as it came."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: Key
    name: Annotated[str | None, Field(min_length=1, max_length=200, pattern=WORD)] = None
    short_name: Annotated[str | None, Field(min_length=1, max_length=32, pattern=WORD)] = None
    kind: Kind | None = None
    lon: Annotated[float | None, Field(ge=102, le=118)] = None  # the country and its waters
    lat: Annotated[float | None, Field(ge=6, le=24)] = None
    commune: Annotated[str | None, Field(max_length=10, pattern=WORD)] = None
    period_s: Annotated[float | None, Field(gt=0, le=365 * 86400)] = None

    @model_validator(mode="after")
    def whole(self) -> Admitted:
        """Refuse half a position, and a commune of nowhere."""
        if (self.lon is None) != (self.lat is None) or (self.commune and self.lon is None):
            raise ValueError("lon, lat")
        return self

    def admission(self, province: Province) -> Admission:
        place, exact = self._place(province)
        return Admission(
            self.id, self.name, self.short_name, self.kind, place, exact, self.period_s
        )

    def _place(self, province: Province) -> tuple[Place | None, bool]:
        if self.lon is None or self.lat is None:
            return None, False
        place = province.place(self.lon, self.lat)
        seat = next((one for one in province.seats if one.code == self.commune), None)
        return (place, False) if seat is None else (replace(place, commune=seat), True)


class Many(BaseModel):
    """Things that are admitted at once."""

    model_config = ConfigDict(extra="forbid")

    things: Annotated[list[Admitted], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Turned(BaseModel):
    """Things that are refused or wait again."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    things: Keys
    reason: Annotated[str, Field(max_length=500, pattern=WORD)] = ""


def router(services: Services) -> APIRouter:
    """Return /desk/pending and what lies below it."""
    routes = APIRouter(prefix="/desk/pending", include_in_schema=False)
    province = geography.province()
    _reading(routes, services, province)
    _writing(routes, services, province)
    return routes


def _reading(routes: APIRouter, services: Services, province: Province) -> None:
    queries = PendingQueries(services.database)
    topics = feed_topics.load(services.settings.config_dir / "feeds")
    zone = ZoneInfo(services.settings.province.zone)

    @routes.get("")
    async def listing(asked: Annotated[Asked, Query()]) -> Response:
        after = cursors.decode_id(asked.cursor) or None
        found = await queries.listing(asked.wanted(), after=after, limit=asked.limit)
        last = found.rows[-1].id if len(found.rows) == asked.limit else None
        body = {
            "rows": [_shown(one, topics) for one in found.rows],
            "total": found.total,
            "feeds": found.feeds,
            "next": None if last is None else cursors.encode(last),
            "admit": may(Action.ADMIT_THING),
            "now": services.clock.now() // 1000,
        }
        return as_json(body)

    @routes.get("/choices")
    async def choices() -> Response:
        mine = limits()["areas"]
        seats = sorted(province.seats, key=lambda seat: seat.name)
        communes = [
            (seat.code, seat.name, seat.lon, seat.lat)
            for seat in seats
            if mine is None or seat.code in mine
        ]
        return as_json({"communes": communes, "rings": province.rings, "kinds": get_args(Kind)})

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"], asked: Annotated[Asked, Query()]) -> Response:
        found = await queries.listing(asked.wanted(), after=None, limit=MOST)
        heads = [say(f"pending.file.{name}") for name in COLUMNS]
        rows = [_shown(one, topics) | {"since": local(one.since, zone)} for one in found.rows]
        cells = [[_cell(row, name) for name in COLUMNS] for row in rows]
        return await as_file(form, "thiet-bi-cho-duyet", say("pending.title"), heads, cells)


def _writing(routes: APIRouter, services: Services, province: Province) -> None:
    commands = PendingCommands(services.database, services.hub)

    @routes.post("/admit")
    async def admit(request: Request, body: Many) -> Response:
        given = [one.admission(province) for one in body.things]
        return as_json(asdict(await commands.admit(given, address(request))))

    @routes.post("/refuse")
    async def refuse(request: Request, body: Turned) -> Response:
        return as_json(asdict(await commands.refuse(body.things, body.reason, address(request))))

    @routes.post("/restore")
    async def restore(request: Request, body: Turned) -> Response:
        return as_json(asdict(await commands.restore(body.things, address(request))))


def _shown(one: Stranger, topics: dict[str, list[str]]) -> dict[str, Any]:
    channels = [asdict(channel) | {"at": ms(channel.at)} for channel in one.channels]
    topic = feed_topics.topic_of(topics, one.feed, one.external_id)
    return asdict(one) | {"since": ms(one.since), "channels": channels, "topic": topic}


def _cell(row: dict[str, Any], name: str) -> Any:  # noqa: ANN401  a cell
    if name == "channels":
        return ", ".join(channel["name"] for channel in row[name])
    return row[name]
