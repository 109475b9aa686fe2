"""A station's month against its limits: hours, statuses, messages, limits and indices, joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ioc.domain import station_month
from ioc.domain.compliance import Hour, Period
from ioc.domain.indices import ZONE_HOURS, Derived
from ioc.domain.instant import Micros, from_datetime
from ioc.domain.legal_limit import Averaging, LegalLimit
from ioc.domain.station_month import LOOK_BACK, Given, IndexAt, Month, Stream
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.indices import Place
from ioc.web.queries.scope import WITHIN

_PLACE: Final = """
select t.id, t.name, t.short_name, l.lon, l.lat, f.title_vi, t.simulated
from thing t join feed f on f.name = t.feed left join location l on l.thing_id = t.id
where t.state = 'admitted' and t.id = %(thing)s
"""
_STREAMS: Final = """
select d.id, d.code, d.property, case when d.code = d.property then p.name_vi else d.name end,
  d.unit, p.decimals, greatest(1, floor(3600 / d.expected_period_s)), p.raw_days
from datastream d join observed_property p on p.code = d.property
where d.thing_id = %s and not d.derived and p.kind = 'quantity' order by d.id
"""
# Hours are built some minutes after their end; what is not there yet comes from the minutes.
_HOURS: Final = """
with done as (select coalesce((select done_until from rollup_progress where name = 'hour'),
  '-infinity') as until),
part as (
  select datastream_id, hour, n, n_good, sum, min, max from observation_hour
  where datastream_id = any(%(streams)s) and hour >= %(since)s and hour < %(until)s
    and hour < (select until from done)
  union all
  select datastream_id, date_trunc('hour', minute), sum(n), sum(n_good), sum(sum), min(min),
    max(max)
  from observation_minute
  where datastream_id = any(%(streams)s) and minute < %(until)s
    and minute >= greatest(%(since)s, (select until from done))
  group by 1, 2)
select datastream_id, (extract(epoch from hour) / 3600)::int, n::int, n_good::int,
  sum / nullif(n_good, 0), min, max
from part
"""
_STATUSES: Final = """
select datastream_id, floor(extract(epoch from phenomenon_time) / 3600)::int,
  count(*) filter (where quality = 1), count(*) filter (where quality = 2)
from observation
where datastream_id = any(%(streams)s) and phenomenon_time >= %(since)s
  and phenomenon_time < %(until)s and quality in (1, 2)
group by 1, 2
"""
_RECEIVED: Final = """
select coalesce(array_agg(distinct extract(epoch from minute)::int), '{}') from observation_minute
where datastream_id = any(%(streams)s) and minute >= %(since)s and minute < %(until)s
"""
_LIMITS: Final = """
select id::text, basis, property, unit, low, high, function, window_s, min_coverage, source,
  confidence, valid_from, valid_to, put_by
from legal_limit where thing_id = %s order by property, window_s nulls first, valid_from nulls first
"""
_INDICES: Final = """
select d.property, i.phenomenon_time, nullif(o.result, 'NaN'), i.reason
from datastream d join index_detail i on i.datastream_id = d.id
left join observation o on o.datastream_id = d.id and o.phenomenon_time = i.phenomenon_time
  and o.phenomenon_time > %(since)s and o.phenomenon_time <= %(until)s
where d.thing_id = %(thing)s and d.derived and d.property = any(%(of)s)
  and i.phenomenon_time > %(since)s and i.phenomenon_time <= %(until)s order by 1, 2
"""
_OLDEST: Final = "select min(hour) from observation_hour where datastream_id = any(%s)"
_COUNTED: Final = (Derived.AQI_DAY, Derived.WQI)


@dataclass(frozen=True, slots=True)
class StationMonth:
    """A station's month. `since`: the month of its oldest hour; `given_by`: limit -> who put it."""

    place: Place
    month: Month
    since: date | None
    given_by: Mapping[str, str]


class ComplianceQueries:
    """Months of stations, within the scope of who asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def month(self, thing: int, first: date, now: Micros) -> StationMonth | None:
        """Return the month that begins with `first`; None for an unknown station or one of others.

        A thing without measured numbers is no station.
        """
        async with self._database.connection() as conn:
            cursor = await conn.execute(_PLACE + WITHIN, {"thing": thing} | limits())
            place = await cursor.fetchone()
            streams = await (await conn.execute(_STREAMS, (thing,))).fetchall()
            if place is None or not streams:
                return None
            given, by = await _given(conn, thing, streams, (first, now))
            row = await (await conn.execute(_OLDEST, ([one[0] for one in streams],))).fetchone()
        oldest = None if row is None or row[0] is None else row[0] + timedelta(hours=ZONE_HOURS)
        since = None if oldest is None else date(oldest.year, oldest.month, 1)
        return StationMonth(Place(*place), station_month.month(first, given, now), since, by)


async def _given(
    conn: Db, thing: int, rows: list[tuple[Any, ...]], of: tuple[date, Micros]
) -> tuple[Given, dict[str, str]]:
    first, now = of
    period = station_month.period_of(first, now)
    streams = [Stream(*row[:7]) for row in rows]
    keys = {"streams": [one.id for one in streams], "until": _moment(period.end)}
    asked = keys | {"since": _moment(period.first)}
    hours = await _hours(conn, keys, period)
    received = await (await conn.execute(_RECEIVED, asked)).fetchone()
    held = [
        (_limit(row), row[-1]) for row in await (await conn.execute(_LIMITS, (thing,))).fetchall()
    ]
    found = await conn.execute(
        _INDICES,
        {"thing": thing, "of": [str(one) for one in _COUNTED]}
        | {"since": asked["since"], "until": asked["until"]},
    )
    indices = [
        IndexAt(Derived(kind), from_datetime(at), None if value is None else round(value), reason)
        for kind, at, value, reason in await found.fetchall()
    ]
    kept = _moment(now // 3_600_000_000) - timedelta(days=min(row[7] for row in rows))
    given = Given(
        streams,
        hours,
        [limit for limit, _ in held],
        sorted(received[0]) if received else [],
        indices,
        statuses=kept <= _moment(period.first),
    )
    return given, {limit.id: by for limit, by in held}


async def _hours(conn: Db, keys: dict[str, Any], period: Period) -> dict[int, dict[int, Hour]]:
    asked = keys | {"since": _moment(period.first - LOOK_BACK)}
    told = await (await conn.execute(_STATUSES, asked)).fetchall()
    statuses = {(stream, hour): (calibrating, fault) for stream, hour, calibrating, fault in told}
    found: dict[int, dict[int, Hour]] = {}
    for stream, hour, *values in await (await conn.execute(_HOURS, asked)).fetchall():
        n, n_good, mean, low, high = values
        calibrating, fault = statuses.get((stream, hour), (0, 0))
        own = Hour(n, n_good, mean, low, high, calibrating, fault)
        found.setdefault(stream, {})[hour] = own
    return found


def _limit(row: tuple[Any, ...]) -> LegalLimit:
    key, basis, code, unit, low, high, function, window, coverage, source, sure, begin, end = row[
        :13
    ]
    return LegalLimit(
        id=key,
        standard=basis,
        observed_property=code,
        unit=unit,
        low=low,
        high=high,
        averaging=None if function is None else Averaging(function, window),
        min_coverage=coverage,
        source=source,
        title_vi=basis,
        title_en=basis,
        confidence=sure,
        valid_from=begin,
        valid_to=end,
    )


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
