"""What the quality of alerts is counted from: the event log, and what delivery says of itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ioc.domain.alert import Kind
from ioc.domain.instant import DAY, HOUR, Micros, from_datetime, to_datetime
from ioc.domain.kpi import Line, Report, Source, per_bucket, report
from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries.scope import ALERT_WITHIN

# A month at ISA-18.2's most that can be managed is 45,000 lines, a province-wide outage 50,000.
MOST_LINES: Final = 300_000


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Messages of a period: sent, and given up after every retry."""

    sent: int
    failed: int


@dataclass(frozen=True, slots=True)
class Quality:
    """A report with everything a page says beside it; `buckets` are raises by `width` µs."""

    since: Micros
    until: Micros
    report: Report
    deliveries: Deliveries
    names: dict[Source, tuple[str, str]]
    buckets: list[int]
    width: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a report needs; `cut` says that the period has more lines than were read."""

    lines: list[Line]
    deliveries: Deliveries
    cut: bool


async def quality(conn: Db, since: Micros, until: Micros) -> Quality:
    """Return how good the alerts of a period were."""
    found = await evidence(conn, to_datetime(since), to_datetime(until))
    width = HOUR if until - since <= 2 * DAY else DAY
    # 300,000 lines take about a second of computing: not on the loop that serves the screens.
    counted = await asyncio.to_thread(report, found.lines, since, until)
    buckets = await asyncio.to_thread(per_bucket, found.lines, since, until, width)
    sources = [source for source, _ in counted.top]
    called = await names(conn, sources) if sources else {}
    return Quality(since, until, counted, found.deliveries, called, buckets, width, found.cut)


async def evidence(conn: Db, since: datetime, until: datetime) -> Evidence:
    """Read the whole logs of every alert that was open between two instants, newest first."""
    cursor = await conn.execute(
        "select a.id::text, a.rule_id, a.datastream_id,"
        " coalesce((e.payload ->> 'severity')::int, a.severity), e.occurrence, e.kind,"
        " e.event_time, e.recorded_at, e.actor, e.payload ->> 'reason'"
        " from alert_event e join alert a on a.id = e.alert_id"
        " where (a.closed_at is null or a.closed_at >= %(since)s) and e.recorded_at < %(until)s"
        + ALERT_WITHIN
        + " order by e.recorded_at desc limit %(most)s",
        {"since": since, "until": until, "most": MOST_LINES} | limits(),
    )
    rows = await cursor.fetchall()
    lines = [_line(row) for row in rows]
    return Evidence(lines, await _deliveries(conn, since, until), len(rows) == MOST_LINES)


def _line(row: tuple[Any, ...]) -> Line:
    alert, rule, datastream, severity, occurrence, kind, time, recorded, actor, reason = row
    return Line(
        alert,
        rule,
        datastream,
        severity,
        occurrence,
        Kind(kind),
        from_datetime(time),
        from_datetime(recorded),
        actor,
        reason,
    )


async def _deliveries(conn: Db, since: datetime, until: datetime) -> Deliveries:
    cursor = await conn.execute(
        "select count(*) filter (where outcome = 'delivered'),"
        " count(*) filter (where outcome = 'dead') from notify_log"
        " where at >= %s and at < %s",
        (since, until),
    )
    row = await cursor.fetchone() or (0, 0)
    return Deliveries(row[0], row[1])


async def names(conn: Db, sources: list[Source]) -> dict[Source, tuple[str, str]]:
    """Return the place and the rule's name of each (rule, datastream)."""
    cursor = await conn.execute(
        "select r.id, d.id, t.name, coalesce(v.definition #>> '{name,vi}', r.name)"
        " from unnest(%s::text[], %s::int[]) as s (rule, stream)"
        " join rule r on r.id = s.rule join datastream d on d.id = s.stream"
        " join thing t on t.id = d.thing_id"
        " left join rule_version v on v.rule_id = r.id and v.version = r.current_version",
        ([rule for rule, _ in sources], [stream for _, stream in sources]),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in await cursor.fetchall()}
