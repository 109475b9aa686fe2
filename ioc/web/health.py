"""Probes: alive, ready, and what Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from ioc.exposition import CONTENT_TYPE, text
from ioc.web.metrics import families
from ioc.web.services import Services

# Three missed signs of life of a process that gives one every few seconds.
_SILENT_MS: Final = 15_000


def router(services: Services) -> APIRouter:
    """Return /healthz, /readyz and /metrics."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def alive() -> Response:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> Response:
        components = _components(services)
        well = all(part["ok"] for part in components.values())
        body = {"status": "ok" if well else "degraded", "components": components}
        return Response(orjson.dumps(body), 200 if well else 503, media_type="application/json")

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(text(await families(services)), media_type=CONTENT_TYPE)

    return routes


def _components(services: Services) -> dict[str, dict[str, object]]:
    health = services.hub.health()
    now = services.clock.now() // 1000
    found: dict[str, dict[str, object]] = {}
    for name in ("database", "redis"):
        found[name] = {"ok": health[name], "detail": "reachable" if health[name] else "away"}
    for name in ("ingest", "evaluator", "dispatcher"):
        found[name] = _sign(health[name], now)
    held = shared(services.hub.partitions())
    found["evaluator"]["detail"] = f"{found['evaluator']['detail']}; partitions: {held}"
    return found


def shared(partitions: Mapping[int, str | None]) -> str:
    """Return who holds which partitions, in one line."""
    by_owner: dict[str, list[int]] = {}
    for partition, owner in sorted(partitions.items()):
        by_owner.setdefault(owner or "nobody", []).append(partition)
    parts = (f"{owner} {' '.join(map(str, held))}" for owner, held in by_owner.items())
    return ", ".join(parts) or "unknown"


def _sign(last: object, now: int) -> dict[str, object]:
    if not isinstance(last, int):
        return {"ok": False, "detail": "no sign of life"}
    age = now - last
    return {"ok": age < _SILENT_MS, "detail": f"last sign of life {age / 1000:.1f} s ago"}
