"""Questions about the network and coverage."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from ioc.domain.coverage import (
    REACH_KM,
    Grid,
    Hamlet,
    Report,
    Suggestion,
    grid,
    report,
    suggestions,
)
from ioc.domain.location import Point
from ioc.domain.network.cut import Analysis, Impact
from ioc.web.api.network_shapes import (
    CoverageOut,
    ImpactOut,
    NetworkOut,
    SinglePointsOut,
    SuspectsOut,
)
from ioc.web.problem import problem
from ioc.web.queries.network import Net, NetworkQueries
from ioc.web.services import Services

MOST_SEGMENTS: Final = 200  # named in one question
WIDEST_KM: Final = 20.0

Codes = Annotated[list[str], Query(max_length=MOST_SEGMENTS, description="codes of segments")]
Lon = Annotated[float | None, Query(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float | None, Query(ge=-90, le=90, allow_inf_nan=False)]
Radius = Annotated[float, Query(ge=0, le=WIDEST_KM, allow_inf_nan=False)]
Count = Annotated[int, Query(ge=1, le=1000)]


def add(api: APIRouter, services: Services) -> None:
    """Add the routes."""
    queries = NetworkQueries(services.database)
    _network(api, services, queries)
    _places(api, queries)


def _network(api: APIRouter, services: Services, queries: NetworkQueries) -> None:
    @api.get("/network")
    async def network() -> NetworkOut:
        return NetworkOut.of(await queries.net())

    kept: dict[str, bytes] = {}  # the drawing of one version: 1 MB, some 50 ms to write

    @api.get("/network/segments", response_class=Response)
    async def segments() -> Response:
        net = await queries.net()
        if net.version not in kept:
            body = await asyncio.to_thread(_geojson, net)
            kept.clear()
            kept[net.version] = body
        # A browser keeps it and asks whether it is still so: every answer has a tag of its content.
        headers = {"Cache-Control": "private, no-cache"}
        return Response(kept[net.version], 200, headers, "application/geo+json")

    @api.get("/network/impact", response_model=ImpactOut)
    async def impact(
        segment: Codes = [],  # noqa: B006  FastAPI reads it, nobody writes
        lon: Lon = None,
        lat: Lat = None,
        radius_km: Radius = 0.05,
    ) -> Any:  # noqa: ANN401  a shape or a problem
        net = await queries.net()
        if not net.analysis.network.cores:
            return problem(409, "no_core")
        if segment and (unknown := [code for code in segment if code not in net.by_code]):
            return problem(404, "not_found", segments=unknown[:5])
        if not segment and (lon is None or lat is None):
            return problem(422, "no_cut")
        cut = await asyncio.to_thread(_cut, net, segment, lon, lat, radius_km)
        return ImpactOut.of(net.analysis, cut)

    @api.get("/network/single-points")
    async def single_points(limit: Count = 100) -> SinglePointsOut:
        return SinglePointsOut.of(await queries.net(), limit)

    @api.get("/network/suspects")
    async def suspects() -> SuspectsOut:
        net = await queries.net()
        found = await queries.suspicions(net, services.clock.now())
        return SuspectsOut.of(net.analysis, found)


def _places(api: APIRouter, queries: NetworkQueries) -> None:
    @api.get("/coverage")
    async def coverage() -> CoverageOut:
        hamlets, masts = await queries.hamlets()
        found = await asyncio.to_thread(_coverage, hamlets, masts)
        return CoverageOut.of(*found, {h.code: h for h in hamlets}, REACH_KM)


def _coverage(hamlets: list[Hamlet], masts: list[Point]) -> tuple[Report, list[Suggestion], Grid]:
    return report(hamlets), suggestions(hamlets, masts), grid(hamlets, masts)


def _cut(
    net: Net, codes: list[str], lon: float | None, lat: float | None, radius_km: float
) -> Impact:
    if codes or lon is None or lat is None:
        return net.analysis.impact(net.by_code[code] for code in codes)
    return net.analysis.impact(net.analysis.within((lon, lat), radius_km))


def _geojson(net: Net) -> bytes:
    """Return every segment with what its cut takes away; drawn and asked for by its code."""
    analysis: Analysis = net.analysis
    weights: dict[int, int] = {}
    for point in net.points:
        if point.place is None:
            weights.update(dict.fromkeys(point.segments, point.weight))
    features = [
        {
            "type": "Feature",
            "id": number,
            "geometry": {
                "type": "LineString",
                "coordinates": [[round(x, 5), round(y, 5)] for x, y in segment.path],
            },
            "properties": {
                "code": segment.code,
                "name": segment.name,
                "duct": segment.duct,
                "cables": len(analysis.strands_of[number]),
                "weight": weights.get(number, 0),
            },
        }
        for number, segment in enumerate(analysis.network.segments)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})
