"""What a chart costs among many rows: `python -m bench.charts [--series N]`. Prints JSON, exits 0.

Every series has five years of hours and thirty days of minutes, as ingest leaves them (88,000 rows
each); then the page's own query is asked for 30 days and for five years of one series after
another, so that no series is warm from the time before.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection, Connection

from bench.ingest_rig import fresh_database, services
from bench.machine import say
from bench.report import Figure, Report
from ioc.storage import migrate, pool
from ioc.web.queries import history

Db = Connection[tuple[Any, ...]]

SPANS: Final = (("chart_30_days_ms", 720, 60.0), ("chart_5_years_ms", 43_830, 150.0))
_REGISTRY: Final = """
with f as (insert into feed (name, title_vi, title_en, expected_period_s)
  values ('b', 'b', 'b', 60) returning name),
p as (insert into observed_property (code, name_vi, name_en, unit, kind)
  values ('v', 'v', 'v', '', 'quantity') returning code),
t as (insert into thing (feed, external_id, name, short_name, kind, state)
  select name, n::text, n::text, n::text, 'environment', 'admitted'
  from f, generate_series(1, %s) n returning id)
insert into datastream (thing_id, property, unit, expected_period_s, stale_after_s, name, code)
select t.id, p.code, '', 60, 300, 'v', 'v' from t, p
"""
_HOURS: Final = """
insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last, last_time)
select d.id, h, 60, 60, 600, 5, 15, 10, h from generate_series(
  date_trunc('hour', now()) - interval '5 years', date_trunc('hour', now()), '1 hour') h,
  datastream d
"""
_MINUTES: Final = """
insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
select d.id, m, 1, 1, 10, 10, 10, 10, m from generate_series(
  date_trunc('minute', now()) - interval '30 days', now(), '1 minute') m, datastream d
"""


def fill(conn: Db, series: int) -> int:
    """Store the rows; return how many there are."""
    say(f"{series} series")
    migrate.run(conn)
    conn.execute("set statement_timeout = 0")
    conn.execute(_REGISTRY, (series,))
    rows = conn.execute(_HOURS).rowcount + conn.execute(_MINUTES).rowcount
    conn.execute("vacuum analyze observation_hour, observation_minute")
    return rows


async def ask(url: str, things: list[int], hours: int) -> list[float]:
    """Return the ms of one question for each thing."""
    found = []
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        await history.read(conn, things[0], "v", hours=1, now=datetime.now(UTC))
        for thing in things[1:]:
            before = time.perf_counter()
            await history.read(conn, thing, "v", hours=hours, now=datetime.now(UTC))
            found.append((time.perf_counter() - before) * 1000)
    return found


def main() -> None:
    """Measure on a database of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=60, help="570 make 50 million rows")
    series = parser.parse_args().series
    told = Report("charts")
    with fresh_database(services().database) as url, pool.connect(url, name="bench") as conn:
        told.calibration["rows"] = fill(conn, series)
        things = [row[0] for row in conn.execute("select id from thing order by id limit 21")]
        for name, hours, goal in SPANS:
            runs = asyncio.run(ask(url, things, hours))
            told.figures[name] = Figure(runs, "ms", goal, at_least=False)
    told.emit()


if __name__ == "__main__":
    main()
