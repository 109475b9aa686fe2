"""What `/integrations` reads: exchanges by their heartbeat, and counters of security operations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString

from ioc.domain.exchange import standing
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

MOST: Final = 500  # things of either kind: far more than a province has

_NEWEST: Final[LiteralString] = (
    "select t.id, t.external_id, t.name, t.simulated, d.property, d.stale_after_s, o.result,"
    " o.phenomenon_time, p.name_vi, p.unit, p.decimals"
    " from thing t join datastream d on d.thing_id = t.id"
    " join observed_property p on p.code = d.property"
    " cross join lateral (select result, phenomenon_time from observation"
    "  where datastream_id = d.id and quality = 0 order by phenomenon_time desc limit 1) o"
    " where t.kind = %(kind)s and t.state = 'admitted'" + WITHIN
    + " order by t.name, t.id, d.id limit 10000"
)  # fmt: skip
# Of the past day; a success is looked for as far back as values are kept.
_PAST: Final[LiteralString] = (
    "select t.id, (select phenomenon_time from observation where datastream_id = d.id"
    "  and quality = 0 and result = 0 order by phenomenon_time desc limit 1),"
    " (select count(*) filter (where result <> 0)::float8 / nullif(count(*), 0) from observation"
    "  where datastream_id = d.id and quality = 0"
    "  and phenomenon_time > %(now)s - interval '24 hours')"
    " from thing t join datastream d on d.thing_id = t.id and d.property = 'exchange_status'"
    " where t.kind = 'integration' and t.state = 'admitted'" + WITHIN
)
_ALERTS: Final[LiteralString] = (
    "select a.thing_id, min(a.severity), count(*) from alert a join thing t on t.id = a.thing_id"
    " where a.closed_at is null and t.kind = 'integration'" + WITHIN + " group by 1"
)


class IntegrationQueries:
    """The reading half of the board of exchanges; all raise DatabaseAwayError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exchanges(self, now: datetime) -> dict[str, dict[str, Any]]:
        """Return what is known of each exchange that ever said anything, by its id."""
        async with self._database.connection() as conn:
            newest = await _all(conn, _NEWEST, {"kind": "integration"})
            past = {row[0]: row[1:] for row in await _all(conn, _PAST, {"now": now})}
            alerts = {row[0]: row[1:] for row in await _all(conn, _ALERTS, {})}
        found: dict[str, dict[str, Any]] = {}
        for row in newest:
            one = found.setdefault(row[1], _exchange(row, past, alerts))
            one["said"][row[4]] = row[6]
            if one["newest"] is None or row[7] > one["newest"]:
                one["newest"] = row[7]
        return {code: _judged(one, now) for code, one in found.items()}

    async def security(self, now: datetime) -> list[dict[str, Any]]:
        """Return each security operations centre with its counters."""
        async with self._database.connection() as conn:
            rows = await _all(conn, _NEWEST, {"kind": "security"})
        found: dict[int, dict[str, Any]] = {}
        for thing, external, name, simulated, code, stale_s, result, at, words, unit, _ in rows:
            centre = found.setdefault(
                thing,
                {"id": thing, "external_id": external, "name": name, "simulated": simulated,
                 "counters": {}},
            )  # fmt: skip
            centre["counters"][code] = {
                "name": words,
                "value": result,
                "unit": unit,
                "at": _ms(at),
                "stale": (now - at).total_seconds() > stale_s,
            }
        return list(found.values())


def _exchange(row: tuple[Any, ...], past: dict[int, Any], alerts: dict[int, Any]) -> dict[str, Any]:
    success, errors = past.get(row[0], (None, None))
    severity, count = alerts.get(row[0], (None, 0))
    return {
        "thing": row[0],
        "external_id": row[1],
        "name": row[2],
        "simulated": row[3],
        "stale_after_s": row[5],
        "newest": None,
        "said": {},
        "success": None if success is None else _ms(success),
        "failed_share": errors,
        "severity": severity,
        "alerts": count,
    }


def _judged(one: dict[str, Any], now: datetime) -> dict[str, Any]:
    state = one["said"].get("exchange_status")
    age = (now - one["newest"]).total_seconds()
    verdict = standing(None if state is None else state != 0, age, one["stale_after_s"])
    return one | {"standing": verdict.value, "newest": _ms(one["newest"])}


async def _all(conn: Db, query: LiteralString, values: dict[str, Any]) -> list[Any]:
    return await (await conn.execute(query, values | limits())).fetchall()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
