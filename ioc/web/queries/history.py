"""One datastream's past for a chart, from the rollups: no more points than a screen has pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

MINUTE_TABLE_HOURS: Final = 7 * 24  # beyond a week an hour is fine enough and 60 times cheaper
MOST_POINTS: Final = 1500  # about one a pixel of the widest chart
LONGEST_HOURS: Final = 10 * 366 * 24  # what hours are kept for

# Steps in minutes that people read off an axis.
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)


@dataclass(frozen=True, slots=True)
class History:
    """Columns of equal length, oldest first; a step without a good value has None in all three.

    `times` are ms since the epoch (begin of the step). A step with no row at all is left out:
    where two times lie further apart than `gap_s`, the line must break.
    """

    thing_id: int
    property: str
    name_vi: str
    name_en: str
    unit: str
    decimals: int
    states: dict[str, int] | None
    step_s: int
    gap_s: float
    times: list[int]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]
    last: list[float | None]
    bad: list[int]  # values of a step that are not good


def step_minutes(hours: int) -> int:
    """Return the width of a step so that `hours` make at most MOST_POINTS steps."""
    finest = 1 if hours <= MINUTE_TABLE_HOURS else 60
    fitting = (s for s in _STEPS if s >= finest and hours * 60 <= s * MOST_POINTS)
    return next(fitting, _STEPS[-1])


async def read(
    conn: Db, thing_id: int, property_code: str, *, hours: int, now: datetime
) -> History | None:
    """Return the past `hours` (1 … ten years) of a property of an admitted thing, or None."""
    row = await _datastream(conn, thing_id, property_code)
    if row is None:
        return None
    hours = max(1, min(hours, LONGEST_HOURS))
    step = step_minutes(hours)
    rows = await _steps(conn, row[0], step, since=now - timedelta(hours=hours), until=now)
    return History(
        thing_id=thing_id,
        property=property_code,
        name_vi=row[1],
        name_en=row[2],
        unit=row[3],
        decimals=row[4],
        states=row[5],
        step_s=step * 60,
        # 1.5 periods: the same line at which a value counts as late.
        gap_s=max(step * 60.0, row[6] * 1.5),
        times=[int(r[0].timestamp() * 1000) for r in rows],
        mean=[r[1] for r in rows],
        low=[r[2] for r in rows],
        high=[r[3] for r in rows],
        last=[r[4] for r in rows],
        bad=[r[5] for r in rows],
    )


async def _datastream(conn: Db, thing_id: int, property_code: str) -> tuple[Any, ...] | None:
    cursor = await conn.execute(
        "select d.id, case when d.code = d.property then p.name_vi else d.name end,"
        " case when d.code = d.property then p.name_en else d.name end,"
        " d.unit, p.decimals, p.states, d.expected_period_s"
        " from datastream d join observed_property p on p.code = d.property"
        " join thing t on t.id = d.thing_id"
        " where d.thing_id = %(thing)s and d.code = %(code)s and t.state = 'admitted'" + WITHIN,
        {"thing": thing_id, "code": property_code} | limits(),
    )
    return await cursor.fetchone()


async def _steps(
    conn: Db, datastream: int, step: int, *, since: datetime, until: datetime
) -> list[tuple[Any, ...]]:
    values = {"ds": datastream, "step": timedelta(minutes=step), "since": since, "until": until}
    if step < 60:  # noqa: PLR2004  minutes of an hour
        cursor = await conn.execute(
            "select date_bin(%(step)s, minute, '2000-01-01 00:00+00') as step,"
            " sum(sum) / nullif(sum(n_good), 0), min(min), max(max),"
            " (array_agg(last order by minute desc) filter (where n_good > 0))[1],"
            " sum(n - n_good)::integer"
            " from observation_minute where datastream_id = %(ds)s"
            " and minute >= %(since)s and minute <= %(until)s group by 1 order by 1",
            values,
        )
    else:
        cursor = await conn.execute(
            # Hours are built some time after their minutes; what is not there yet comes from them.
            "with part as ("
            " select hour as at, n, n_good, sum, min, max, last from observation_hour"
            "  where datastream_id = %(ds)s and hour >= %(since)s and hour <= %(until)s"
            " union all"
            " select minute, n, n_good, sum, min, max, last from observation_minute"
            "  where datastream_id = %(ds)s and minute <= %(until)s and minute >= coalesce("
            "   (select max(hour) + interval '1 hour' from observation_hour"
            "     where datastream_id = %(ds)s), %(since)s) and minute >= %(since)s)"
            " select date_bin(%(step)s, at, '2000-01-01 00:00+00'),"
            " sum(sum) / nullif(sum(n_good), 0), min(min), max(max),"
            " (array_agg(last order by at desc) filter (where n_good > 0))[1],"
            " sum(n - n_good)::integer"
            " from part group by 1 order by 1",
            values,
        )
    return await cursor.fetchall()
