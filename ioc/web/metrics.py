"""What Prometheus reads of the whole centre: this worker, the database, and ingest's own report."""

from __future__ import annotations

import resource
from collections import Counter
from typing import Final

from ioc.domain.alert import Severity
from ioc.domain.instant import SECOND
from ioc.exposition import Family, Report, Sample, labelled, one
from ioc.web.database import DatabaseAwayError
from ioc.web.services import Services

OLD_S: Final = 15  # a report that was not renewed for so long is of a process that is gone


async def families(services: Services) -> list[Family]:
    """Return every family; what cannot be read now is left out, and `…_up` says why."""
    now = services.clock.now()
    return [
        *_worker(services),
        *_signs(services),
        *await _things(services),
        *reported(await services.hub.reports(), now),
    ]


def _worker(services: Services) -> list[Family]:
    hub = services.hub
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
    return [
        one("ioc_web_live_clients", "gauge", "Open streams of this worker.", hub.clients),
        one("ioc_web_changes_total", "counter", "Changes of the live picture.", hub.seq),
        one("ioc_web_loop_errors_total", "counter", "Bugs met by live loops.", hub.loop_errors),
        one(
            "ioc_web_database_failures_total",
            "counter",
            "Uses of the database that found it away.",
            services.database.failures,
        ),
        one("ioc_web_pushes_total", "counter", "Bodies the broker took.", services.broker.taken),
        one(
            "ioc_web_pushes_not_taken_total",
            "counter",
            "Bodies the broker did not take or confirm.",
            services.broker.not_taken,
        ),
        one("ioc_web_peak_memory_bytes", "gauge", "Largest resident memory so far.", memory),
    ]


def _signs(services: Services) -> list[Family]:
    health, found = services.hub.health(), []
    for name in ("database", "redis"):
        up = 1.0 if health[name] else 0.0
        found.append(one(f"ioc_web_{name}_up", "gauge", f"1 while {name} answers.", up))
    now = services.clock.now() / SECOND
    for name in ("ingest", "evaluator", "dispatcher"):
        last = health[name]
        if isinstance(last, int):
            age = max(now - last / 1000, 0)
            words = f"Time since the last sign of life of {name}."
            found.append(one(f"ioc_web_{name}_silence_seconds", "gauge", words, age))
    if health["database"]:
        found.append(_alerts(services.hub.open_alerts()))
    return found


def _alerts(counts: dict[int, int]) -> Family:
    samples = [Sample(counts.get(one, 0), {"severity": one.name.lower()}) for one in Severity]
    return Family("ioc_open_alerts", "gauge", "Alerts that are not closed, by severity.", samples)


async def _things(services: Services) -> list[Family]:
    """Count things by feed and state; a feed without a pending one says 0, so an alert can end."""
    try:
        rows = await services.queries.things_by_feed()
    except DatabaseAwayError:
        return []
    counts = Counter({(feed, state): n for feed, state, n in rows})
    samples = [
        Sample(counts[feed, state], {"feed": feed, "state": state})
        for feed in sorted({feed for feed, _ in counts})
        for state in ("admitted", "pending")
    ]
    words = "Things of a feed; pending ones wait for somebody to admit them."
    return [Family("ioc_things", "gauge", words, samples)] if samples else []


def reported(reports: dict[str, Report], now: int) -> list[Family]:
    """Return what processes say of themselves, each sample with the process' name."""
    return [
        labelled(family, "client", name)
        for name, report in sorted(reports.items())
        if now - report.at <= OLD_S * SECOND
        for family in report.families
    ]
