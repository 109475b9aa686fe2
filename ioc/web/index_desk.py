"""What the page `/indices` fetches: the frames of a week and what the categories mean."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from ioc.domain import aqi, wqi
from ioc.domain.indices import Derived, Kind
from ioc.domain.instant import to_datetime
from ioc.text import say
from ioc.web.queries.index_frames import FrameQueries, Frames
from ioc.web.queries.indices import IndexQueries, IndexRow
from ioc.web.services import Services

BOARD_STATIONS: Final = 500
_LEVEL: Final = 5  # of gzip: 250 kB of small numbers become 40 kB in a few milliseconds
# The largest index of each category, the best first (QĐ 1459, QĐ 1460).
_AQI_TOPS: Final[Mapping[str, tuple[int, int]]] = {
    aqi.Category.GOOD: (0, 50),
    aqi.Category.MODERATE: (51, 100),
    aqi.Category.POOR: (101, 150),
    aqi.Category.BAD: (151, 200),
    aqi.Category.VERY_BAD: (201, 300),
    aqi.Category.HAZARDOUS: (301, 500),
}
_WQI_TOPS: Final[Mapping[str, tuple[int, int]]] = {
    wqi.Category.EXCELLENT: (91, 100),
    wqi.Category.GOOD: (76, 90),
    wqi.Category.MODERATE: (51, 75),
    wqi.Category.BAD: (26, 50),
    wqi.Category.POOR: (10, 25),
    wqi.Category.VERY_POLLUTED: (0, 9),
}


def router(services: Services) -> APIRouter:
    """Return /desk/indices."""
    routes = APIRouter(prefix="/desk/indices", include_in_schema=False)
    queries = FrameQueries(services.database)
    indices = IndexQueries(services.database)

    @routes.get("")
    async def frames(request: Request, of: Derived = Derived.AQI_HOUR) -> Response:
        found = await queries.week(of, services.clock.now())
        packed = "gzip" in request.headers.get("accept-encoding", "")
        body = await asyncio.to_thread(_packed if packed else _plain, found)
        headers = {"Content-Encoding": "gzip"} if packed else {}
        headers |= {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
        return Response(body, 200, headers, "application/json")

    @routes.get("/board")
    async def board() -> Response:
        now = to_datetime(services.clock.now())
        rows, _ = await indices.newest(after=0, limit=BOARD_STATIONS)
        items = [_item(row, now) for row in rows if row.of is not Derived.AQI_DAY]
        return Response(orjson.dumps({"items": _worst(items)}), media_type="application/json")

    return routes


def _item(row: IndexRow, now: datetime) -> dict[str, Any]:
    """Return what QĐ 1459 (Bảng 3) wants on a board, and what web and tablet want beside it."""
    category, dominant = row.category, row.dominant
    return {
        "id": row.place.thing_id,
        "short": row.place.short_name,
        "name": row.place.name,
        "title": say(f"indices.{row.of}"),
        "kind": row.kind,
        "time": round(row.time.timestamp() * 1000),
        "old": row.is_old(now),
        "index": row.index,
        "rank": None if category is None else list(type(category)).index(category),
        "category": row.category_key and say(row.category_key),
        "colour": category and category.colour,
        "advice": category and say(f"indices.advice.{row.kind}.{category}"),
        "dominant": dominant and say(f"indices.parameter.{dominant}"),
        "reason": row.reason_key and say(row.reason_key),
        "surface_class": row.surface and row.surface.level,
        "method": say(f"indices.method_{row.kind}"),
        "source": row.place.source,
        "simulated": row.place.simulated,
    }


def _worst(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the worst categories first, within one the worse index; without an index last."""

    def rank(item: dict[str, Any]) -> tuple[int, int, str]:
        if item["rank"] is None:
            return 1, 0, item["short"]
        worse = item["index"] if item["kind"] == Kind.AIR else -item["index"]
        return -item["rank"], -worse, item["short"]

    return sorted(items, key=rank)


def _packed(found: Frames) -> bytes:
    return gzip.compress(_plain(found), _LEVEL, mtime=0)


def _plain(found: Frames) -> bytes:
    index = "wqi" if found.of is Derived.WQI else "aqi"
    return orjson.dumps(
        {
            "of": found.of,
            "first": found.first * 1000,
            "step": found.step * 1000,
            "count": found.count,
            "worst_first": index == "aqi",  # a high AQI is bad, a high WQI is good
            "reasons": [_reason(found.of, index, one) for one in found.reasons],
            "categories": categories(found.of),
            "stations": [
                {
                    "id": one.thing,
                    "name": one.name,
                    "short": one.short_name,
                    "lon": one.lon,
                    "lat": one.lat,
                    "simulated": one.simulated,
                    "values": one.values,
                }
                for one in found.stations
            ],
        }
    )


def categories(of: Derived) -> list[dict[str, Any]]:
    """Return the categories of an index, the best first: name, colour, range, advice."""
    kind, index = ("water", "wqi") if of is Derived.WQI else ("air", "aqi")
    known: Mapping[Any, tuple[int, int]] = _WQI_TOPS if index == "wqi" else _AQI_TOPS
    return [
        {
            "name": say(f"{index}.category.{category}"),
            "colour": category.colour,
            "low": low,
            "high": high,
            "advice": say(f"indices.advice.{kind}.{category}"),
        }
        for category, (low, high) in known.items()
    ]


def _reason(of: Derived, index: str, reason: str) -> str:
    if of is Derived.AQI_DAY and reason == aqi.Missing.NO_DATA:
        return say("indices.day_no_data")
    return say(f"{index}.missing.{reason}")
