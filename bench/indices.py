"""What a late hour costs: `python -m bench.indices [--stations N]`. Prints JSON, exits 0.

Every station has 48 h of six pollutants; then one hour that lies 13 h back comes for all of them,
the worst case of an hour: 12 indices of hours and one or two of days look at it. Measured from the
committed late values to the deltas on Redis: hours rebuilt, indices computed, written, published.

Then the page `/indices` in a browser: the answer with a week of all stations, and one step of its
slider, in the page's own clock, over every frame; and a station's monthly report as PDF, from the
request to the last byte.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from bench import index_pages
from bench.ingest_rig import fresh_database, services
from bench.machine import say
from bench.report import Figure, Report
from ioc import catalogue
from ioc.clock import SystemClock
from ioc.domain import aqi
from ioc.domain.aqi import Pollutant
from ioc.live import state
from ioc.storage import derived, migrate, pool, rollups, things

Db = Connection[tuple[Any, ...]]

PROPERTIES: Final = ("pm25", "pm10", "o3", "no2", "so2", "co")
BACK: Final = 13  # hours: as far as a NowCast of the last closed hour reaches, and one more
RUNS: Final = 3
CATALOG: Final = Path(__file__).resolve().parents[1] / "config" / "catalog"

_STATIONS: Final = """
with f as (insert into feed (name, title_vi, title_en, expected_period_s)
  values ('b', 'b', 'b', 300) returning name),
t as (insert into thing (feed, external_id, name, short_name, kind, state)
  select name, 's' || n, 's' || n, 's' || n, 'environment', 'admitted'
  from f, generate_series(1, %(stations)s) n returning id)
insert into datastream (thing_id, property, unit, expected_period_s, stale_after_s, name, code)
select t.id, p.code, p.unit, 300, 900, p.code, p.code from t, observed_property p
where p.code = any(%(properties)s)
"""

# Minutes as the writer leaves them; `late` hours are marked as it marks them.
_MINUTES: Final = """
insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
select d.id, m, 1, 1, v, v, v, v, m
from datastream d, generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 s',
  '5 minutes') m, lateral (select 20 + %(add)s + (d.id * 7 + extract(hour from m)) %% 40 as v) x
where not d.derived
on conflict (datastream_id, minute) do update set sum = excluded.sum, last = excluded.last
"""
_MARK: Final = """
insert into observation_hour_dirty select id, %s from datastream where not derived
on conflict do nothing
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=500)
    given = parser.parse_args()
    known = services()
    live = state.Live(state.connect(known.redis), "bench-indices:")
    told = Report("indices")
    told.calibration = {"stations": given.stations, "index_us": _one_index()}
    with fresh_database(known.database) as url, pool.connect(url, name="bench") as conn:
        conn.execute("set statement_timeout = '5min'")
        _fill(conn, given.stations)
        begin = time.perf_counter()
        count = _work(conn, live)
        say(f"{count} indices from scratch in {time.perf_counter() - begin:.1f} s")
        runs, indices = [], []
        for run in range(RUNS):
            _late(conn, run + 1.0)
            begin = time.perf_counter()
            indices.append(_work(conn, live))
            runs.append(round(time.perf_counter() - begin, 3))
        told.figures = {
            "late_hour_on_the_bus_s": Figure(runs, "s", 2, at_least=False),
            "indices_changed": Figure(indices, "indices"),
        }
        pages = index_pages.measure(conn, url, known)
        steps = sorted(pages.steps_ms)
        told.calibration |= {"week_kb_packed": pages.answer_kb, "pdf_kb": pages.pdf_kb}
        if steps:  # a machine without a browser has none
            told.figures |= {
                "slider_step_p99_ms": Figure(_percentile(steps, 0.99), "ms", 100, at_least=False),
                "slider_step_median_ms": Figure(_percentile(steps, 0.5), "ms", 100, at_least=False),
            }
        told.figures |= {
            "week_of_stations_answer_s": Figure(pages.answer_s, "s"),
            "month_pdf_s": Figure(pages.pdf_s, "s", 5, at_least=False),
        }
    told.emit()
    return 0


def _fill(conn: Db, stations: int) -> None:
    migrate.run(conn)
    things.upsert_properties(conn, catalogue.load(CATALOG))
    conn.execute(_STATIONS, {"stations": stations, "properties": list(PROPERTIES)})
    row = conn.execute(
        "select date_trunc('hour', now()) - interval '48 hours', date_trunc('hour', now())"
    ).fetchone()
    assert row
    conn.execute(_MINUTES, {"since": row[0], "until": row[1], "add": 0})
    conn.execute("analyze")
    derived.register(conn)
    rollups.build_closed_hours(conn)


def _late(conn: Db, add: float) -> None:
    """Let one hour of every station come again with other values."""
    row = conn.execute(
        "select done_until - make_interval(hours => %(back)s),"
        " done_until - make_interval(hours => %(back)s - 1)"
        " from rollup_progress where name = 'hour'",
        {"back": BACK},
    ).fetchone()
    assert row
    conn.execute(_MINUTES, {"since": row[0], "until": row[1], "add": add * 50})
    conn.execute(_MARK, (row[0],))


def _work(conn: Db, live: state.Live) -> int:
    """Do what the ingest process does at each turn until nothing is left; return the indices."""
    clock, count = SystemClock(), 0
    while rollups.build_dirty_inputs(conn):
        pass
    while (written := derived.recompute(conn, clock.now())) is not None:
        rows, stamp = written.rows, written.stamp
        live.publish(stamp.writer, stamp.number, rows, state.newest(rows), clock.now())
        count += len(rows)
    return count


def _percentile(values: list[float], share: float) -> list[float]:
    """Return one value of sorted ones, as the only run."""
    return [values[min(int(share * len(values)), len(values) - 1)]]


def _one_index() -> float:
    """Return the microseconds of one index of the pure domain."""
    particles = {Pollutant.PM25: [20.0 + n for n in range(12)]}
    gases = {Pollutant.NO2: 40.0, Pollutant.SO2: 20.0}
    begin = time.perf_counter()
    for _ in range(1000):
        aqi.hourly(particles, gases)
    return round((time.perf_counter() - begin) * 1000, 1)


if __name__ == "__main__":
    sys.exit(main())
