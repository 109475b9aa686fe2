"""Probes: alive, ready, and what Prometheus reads."""

from __future__ import annotations

import resource
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from ioc.domain.instant import SECOND
from ioc.web.metrics import CONTENT_TYPE, Metric, text
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
        return Response(text(_metrics(services)), media_type=CONTENT_TYPE)

    return routes


def _components(services: Services) -> dict[str, dict[str, object]]:
    health = services.hub.health()
    now = services.clock.now() // 1000
    found: dict[str, dict[str, object]] = {}
    for name in ("database", "redis"):
        found[name] = {"ok": health[name], "detail": "reachable" if health[name] else "away"}
    for name in ("ingest", "evaluator"):
        found[name] = _sign(health[name], now)
    return found


def _sign(last: object, now: int) -> dict[str, object]:
    if not isinstance(last, int):
        return {"ok": False, "detail": "no sign of life"}
    age = now - last
    return {"ok": age < _SILENT_MS, "detail": f"last sign of life {age / 1000:.1f} s ago"}


def _metrics(services: Services) -> list[Metric]:
    hub, health = services.hub, services.hub.health()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
    found = [
        Metric("ioc_web_live_clients", "gauge", "Open streams of this worker.", hub.clients),
        Metric("ioc_web_changes_total", "counter", "Changes of the live picture.", hub.seq),
        Metric("ioc_web_loop_errors_total", "counter", "Bugs met by live loops.", hub.loop_errors),
        Metric(
            "ioc_web_database_failures_total",
            "counter",
            "Uses of the database that found it away.",
            services.database.failures,
        ),
        Metric("ioc_web_pushes_total", "counter", "Bodies the broker took.", services.broker.taken),
        Metric(
            "ioc_web_pushes_not_taken_total",
            "counter",
            "Bodies the broker did not take or confirm.",
            services.broker.not_taken,
        ),
        Metric("ioc_web_peak_memory_bytes", "gauge", "Largest resident memory so far.", memory),
    ]
    for name in ("database", "redis"):
        up = 1.0 if health[name] else 0.0
        found.append(Metric(f"ioc_web_{name}_up", "gauge", f"1 while {name} answers.", up))
    now = services.clock.now() / SECOND
    for name in ("ingest", "evaluator"):
        last = health[name]
        if isinstance(last, int):
            age = max(now - last / 1000, 0)
            help_text = f"Time since the last sign of life of {name}."
            found.append(Metric(f"ioc_web_{name}_silence_seconds", "gauge", help_text, age))
    return found
