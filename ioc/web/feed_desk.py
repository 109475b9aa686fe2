"""What the page `/feeds` fetches and sends. Not part of the API: shapes are the page's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ioc.domain.instant import to_datetime
from ioc.domain.permission import Action
from ioc.text import say, words
from ioc.web import ingest_report
from ioc.web.api import cursor as cursors
from ioc.web.api.v1 import WORD, Cursor, Word
from ioc.web.desk_answer import address, as_file, as_json, local, may, ms
from ioc.web.desk_commands.letters import LetterCommands
from ioc.web.ingest_report import FeedNumbers, Ingest
from ioc.web.queries.feeds import Board, FeedQueries, FeedToday, Letter, Letters
from ioc.web.services import Services

EXCERPT: Final = 240  # characters of a payload on the page
MOST: Final = 10_000  # letters of a file
COLUMNS: Final = (
    "title", "name", "received", "right", "complete", "clean", "alive", "things", "pending",
    "taken", "refused", "waiting",
)  # fmt: skip
LETTER_COLUMNS: Final = ("id", "received", "topic", "reason", "detail", "size", "payload")

Feed = Annotated[str, Path(max_length=64, pattern=WORD)]


class Asked(BaseModel):
    """Which dead letters; `feed` "": of no feed."""

    feed: Annotated[str, Field(max_length=64, pattern=WORD)] = ""
    reason: Word = None
    all: bool = False
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Cursor = None

    def wanted(self) -> Letters:
        return Letters(self.feed, self.reason, open_only=not self.all)


def router(services: Services) -> APIRouter:
    """Return /desk/feeds and what lies below it."""
    routes = APIRouter(prefix="/desk/feeds", include_in_schema=False)
    queries = FeedQueries(services.database)
    _board(routes, services, queries)
    _letters(routes, services, queries)
    _retry(routes, services, queries)
    return routes


def _board(routes: APIRouter, services: Services, queries: FeedQueries) -> None:
    zone = ZoneInfo(services.settings.province.zone)

    async def read() -> tuple[Board, Ingest]:
        now = to_datetime(services.clock.now())
        day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        board = await queries.board(now, day)
        return board, ingest_report.read(await services.hub.reports(), services.clock.now())

    @routes.get("")
    async def listing() -> Response:
        board, said = await read()
        body = {
            "now": services.clock.now() // 1000,
            "session": {
                "connected_since": ms(board.session.connected_since),
                "heartbeat": ms(board.session.heartbeat),
                "reporting": said.reporting,
                "kept": said.kept,
                "waiting": said.waiting,
            },
            "feeds": [_shown(one, said, whole=board.whole) for one in board.feeds],
            "strays": None if board.strays is None else _shown(board.strays, said, whole=True),
            "letters": board.whole and may(Action.SEE_DEAD_LETTERS),
            "retry": board.whole and may(Action.RETRY_DEAD_LETTERS),
            "pending": may(Action.SEE_PENDING),
        }
        return as_json(body)

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"]) -> Response:
        board, said = await read()
        rows = [_shown(one, said, whole=board.whole) for one in board.feeds]
        heads = [say(f"feeds.file.{name}") for name in COLUMNS]
        cells = [[_cell(row, name, zone) for name in COLUMNS] for row in rows]
        return await as_file(form, "nguon-du-lieu", say("feeds.title"), heads, cells)


def _letters(routes: APIRouter, services: Services, queries: FeedQueries) -> None:
    zone = ZoneInfo(services.settings.province.zone)

    @routes.get("/letters")
    async def letters(asked: Annotated[Asked, Query()]) -> Response:
        before = cursors.decode_id(asked.cursor) if asked.cursor else None
        found = await queries.letters(asked.wanted(), before=before, limit=asked.limit)
        end = cursors.encode(found[-1].id) if len(found) == asked.limit else None
        retry = await queries.retry(asked.feed) if asked.feed else None
        body = {"rows": [_letter(one) for one in found], "next": end, "retry": _retried(retry)}
        return as_json(body)

    @routes.get("/letters/export.{form}")
    async def export(form: Literal["csv", "xlsx"], asked: Annotated[Asked, Query()]) -> Response:
        found = await queries.letters(asked.wanted(), before=None, limit=MOST)
        heads = [say(f"feeds.letter.{name}") for name in LETTER_COLUMNS]
        cells = [[_letter_cell(one, name, zone) for name in LETTER_COLUMNS] for one in found]
        return await as_file(form, "tin-bi-tu-choi", say("feeds.letters"), heads, cells)


def _retry(routes: APIRouter, services: Services, queries: FeedQueries) -> None:
    commands = LetterCommands(services.database)

    @routes.get("/{feed}/retry")
    async def progress(feed: Feed) -> Response:
        return as_json(_retried(await queries.retry(feed)))

    @routes.post("/{feed}/retry", status_code=202)
    async def retry(request: Request, feed: Feed) -> Response:
        return as_json({"retry": await commands.retry(feed, address(request))}, 202)

    @routes.post("/{feed}/retry/stop", status_code=202)
    async def stop(request: Request, feed: Feed) -> Response:
        await commands.stop(feed, address(request))
        return as_json({}, 202)


def _shown(one: FeedToday, said: Ingest, *, whole: bool) -> dict[str, Any]:
    """Return a feed with its four shares, each 0 … 1 or None where nothing says anything yet."""
    refused = None if one.refused is None else sum(one.refused.values())
    numbers = said.feeds.get(one.name, FeedNumbers()) if whole and said.reporting else None
    tried = one.values + (refused or 0)
    return asdict(one) | {
        "newest": ms(one.newest),
        "received": ms(one.received),
        "right": None if refused is None or not tried else one.values / tried,
        "complete": one.came / one.due if one.due else None,
        "clean": one.good / one.values if one.values else None,
        "alive": one.heard / one.things if one.things else None,
        "messages": None if numbers is None else asdict(numbers),
        "retry": _retried(one.retry),
    }


def _letter(one: Letter) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "excerpt": excerpt(one.payload, one.size),
        "size": one.size,
        "reason": one.reason,
        "words": reason(one.reason),
        "detail": one.detail,
        "received": ms(one.received),
        "retried": ms(one.retried_at),
        "again": None if one.retry_reason is None else reason(one.retry_reason),
    }


def excerpt(payload: bytes, size: int) -> str:
    """Return the begin of a payload as one line of text; what is no text stands as dots."""
    shown = payload.decode("utf-8", "replace")[:EXCERPT]
    plain = "".join(c if c.isprintable() and c != "\ufffd" else "·" for c in shown)
    return plain + ("…" if size > len(shown.encode()) else "")


def reason(code: str) -> str:
    """Return why a message was not taken in; a code without words stands for itself."""
    return words("vi").get(f"reason.{code}", code)


def _retried(retry: Any) -> dict[str, Any] | None:  # noqa: ANN401  LetterRetry
    if retry is None:
        return None
    return asdict(retry) | {
        "created_at": ms(retry.created_at),
        "finished_at": ms(retry.finished_at),
    }


def _cell(row: Mapping[str, Any], name: str, zone: tzinfo) -> Any:  # noqa: ANN401  a cell
    match name:
        case "received":
            at = row[name]
            return None if at is None else local(datetime.fromtimestamp(at / 1000, zone), zone)
        case "right" | "complete" | "clean" | "alive":
            return None if row[name] is None else round(100 * row[name], 1)
        case "taken":
            return row["values"]
        case "refused":
            return None if row[name] is None else sum(row[name].values())
        case _:
            return row[name]


def _letter_cell(one: Letter, name: str, zone: tzinfo) -> Any:  # noqa: ANN401  a cell
    match name:
        case "received":
            return local(one.received, zone)
        case "reason":
            return reason(one.reason)
        case "payload":
            return excerpt(one.payload, one.size)
        case _:
            return getattr(one, name)
