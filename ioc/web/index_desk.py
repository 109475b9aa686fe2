"""What the page `/indices` fetches: the frames of a week and what the categories mean."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from ioc.domain import aqi, wqi
from ioc.domain.indices import Derived
from ioc.text import say
from ioc.web.queries.index_frames import FrameQueries, Frames
from ioc.web.services import Services

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

    @routes.get("")
    async def frames(request: Request, of: Derived = Derived.AQI_HOUR) -> Response:
        found = await queries.week(of, services.clock.now())
        packed = "gzip" in request.headers.get("accept-encoding", "")
        body = await asyncio.to_thread(_packed if packed else _plain, found)
        headers = {"Content-Encoding": "gzip"} if packed else {}
        headers |= {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
        return Response(body, 200, headers, "application/json")

    return routes


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
