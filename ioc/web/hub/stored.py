"""What the hub reads: rows of the database and of Redis as the picture and `/live` want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson
import redis.asyncio as redis
import structlog

from ioc import catalogue
from ioc.domain import hold
from ioc.domain.instant import from_datetime, from_seconds
from ioc.domain.intake import STATUS
from ioc.exposition import Report, unpack
from ioc.storage import alerts, snapshot
from ioc.web.database import Db
from ioc.web.picture import Feed, Sample, Stream, Thing, Urgency
from ioc.web.queries.scope import WITHIN

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """The `alerts` section of `/live`, and what all open alerts come to for each thing."""

    section: dict[str, object]
    urgencies: dict[int, Urgency]


@dataclass(frozen=True, slots=True)
class Writers:
    """The ingest processes' signs as the database has them, µs."""

    heartbeat: int | None
    connected_since: int | None


NO_ALERTS = OpenAlerts(
    {"open": [], "counts": dict.fromkeys("1234", 0), "total": 0, "unacked": 0}, {}
)


async def read_alerts(conn: Db) -> OpenAlerts:
    """Read the list, the counts, and the most urgent open alert of each thing."""
    found = await alerts.open_alerts_async(conn)
    urgencies = {int(i): Urgency(severity, acked) for i, (severity, acked) in found.things.items()}
    return OpenAlerts(found.section, urgencies)


def alerts_of(section: dict[str, object], sees: frozenset[int]) -> dict[str, object]:
    """Return the `alerts` section of the things that somebody sees, counted from its own list."""
    listed = cast("list[dict[str, Any]]", section["open"])
    mine = [row for row in listed if row["thing"] in sees]
    counts = Counter(str(row["severity"]) for row in mine)
    return section | {
        "open": mine,
        "counts": dict.fromkeys("1234", 0) | counts,
        "total": len(mine),
        "unacked": sum(not row["acked"] for row in mine),
        "masked": 0,
    }


async def read_within(conn: Db, limits: Mapping[str, object]) -> frozenset[int]:
    """Read which things are within a scope (`identity.limits`)."""
    query = "select t.id from thing t where t.state <> 'retired'" + WITHIN  # noqa: S608  literals
    cursor = await conn.execute(query, limits)
    return frozenset([row[0] for row in await cursor.fetchall()])


async def read_registry(conn: Db) -> tuple[list[Feed], list[Thing]]:
    """Read feeds and things with their datastreams, without any value yet."""
    found = await snapshot.registry(conn)
    things = {row.id: Thing(row.id, row.feed, row.kind, row.admitted) for row in found.things}
    for row in found.streams:
        if row.thing_id in things:  # one admitted between two statements comes next time
            expected, stale = row.expected_period_s, row.stale_after_s
            things[row.thing_id].streams.append(
                Stream(
                    row.id,
                    row.code,
                    from_seconds(expected),
                    from_seconds(stale),
                    category=row.category,
                    offline=row.offline,
                    holds=row.property in hold.HELD,
                    measured=row.name != STATUS and row.property != catalogue.UNCLASSIFIED,
                )
            )
    feeds = [
        Feed(row.name, row.title, from_seconds(row.expected_period_s), row.simulated)
        for row in found.feeds
    ]
    return feeds, list(things.values())


async def read_newest(conn: Db) -> list[Sample]:
    """Read the newest value of every datastream."""
    return [
        Sample(row.stream, row.time, row.result, row.quality, row.flags, row.received)
        for row in await snapshot.newest(conn)
    ]


async def read_layers(conn: Db) -> dict[str, str]:
    """Read the current version of each layer."""
    return await snapshot.layers(conn)


async def read_writers(conn: Db) -> Writers:
    """Read the ingest processes' signs of life."""
    row = await snapshot.writers(conn)
    return Writers(_us(row.heartbeat), _us(row.connected_since))


async def read_partitions(conn: Db) -> dict[int, str | None]:
    """Read which evaluator holds which partition."""
    return await snapshot.partitions(conn)


async def read_reports(client: redis.Redis, prefix: str) -> dict[str, Report]:
    """Read the numbers that processes left in Redis."""
    found: dict[Any, Any] = await client.hgetall(f"{prefix}metrics")  # bytes, both
    reports = {name.decode(): unpack(packed) for name, packed in found.items()}
    for name in [name for name, report in reports.items() if report is None]:
        log.warning("report_unreadable", process=name)
    return {name: report for name, report in reports.items() if report is not None}


def from_state(key: Any, value: Any) -> Sample:  # noqa: ANN401  bytes, which redis types as either
    """Return one field of Redis' `state` hash as a sample."""
    _, moment, result, quality, flags, received = orjson.loads(value)
    return Sample(int(key), moment, result, quality, flags, received)


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else from_datetime(moment)
