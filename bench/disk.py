"""Bytes on disk of one stored value and of one minute, as `ioc check` forecasts with them.

`python -m bench.disk --url postgresql://…` makes a database of its own on that server, writes a
million values through the product's own statement and drops it. Batches are what ingest makes of
stations that report round robin: late rows, several values a minute, indexes filled out of order.
"""

from __future__ import annotations

import argparse
import random
import secrets
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from bench.report import Figure, Report
from ioc.domain.instant import SECOND
from ioc.domain.intake import Row
from ioc.rows import Rows
from ioc.storage import migrate, observations
from ioc.storage.observations import Sending, Stamp

Db = Connection[tuple[Any, ...]]

STREAMS: Final = 1000
PERIOD_S: Final = 20  # three values a minute: the rollup row is updated, as with real stations
VALUES: Final = 1_000_000
BATCH: Final = 200  # what a linger of 20 ms gathers at 10,000 values/s
LATE: Final = 0.01  # of the values come up to an hour late
START: Final = 1_795_507_200 * SECOND  # 2026-11-24T08:00Z: the run spans a chunk's border
HOURS: Final = 300  # rows of the hour rollup a datastream: one insert an hour, as the timer does
TABLES: Final = ("observation", "observation_minute", "observation_hour")


def main() -> None:
    """Measure once; the figures are bytes, not times, so the machine's load does not matter."""
    parser = argparse.ArgumentParser(prog="bench.disk", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--values", type=int, default=VALUES)
    wanted = parser.parse_args()
    name = f"bench_disk_{secrets.token_hex(4)}"
    with psycopg.connect(wanted.url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(make_conninfo(wanted.url, dbname=name), autocommit=True) as conn:
                measure(conn, wanted.values).emit()
        finally:
            drop = sql.SQL("drop database {} with (force)")
            server.execute(drop.format(sql.Identifier(name)))


def measure(conn: Db, values: int) -> Report:
    """Fill a fresh database and divide."""
    migrate.run(conn)
    conn.execute("insert into ingest_writer (client_id) values ('bench')")
    fill(conn, values)
    fill_hours(conn)
    conn.execute("vacuum analyze")  # the free-space and visibility maps count too
    report = Report("disk", {"streams": STREAMS, "period_s": PERIOD_S, "batch": BATCH})
    for table in TABLES:
        rows, size = _size(conn, table)
        report.figures[f"{table}_rows"] = Figure([rows], "rows")
        report.figures[f"{table}_bytes_per_row"] = Figure([round(size / rows, 1)], "B")
    return report


def fill(conn: Db, values: int) -> None:
    """Write batches as ingest does."""
    rng = random.Random(1)
    for number, first in enumerate(range(0, values, BATCH), 1):
        rows = Rows.of(_row(n, rng) for n in range(first, min(first + BATCH, values)))
        plain = Sending(rows, np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_))
        with conn.transaction():
            observations.write(conn, plain, Stamp(1, number), messages=len(rows), refused=0)


def _row(n: int, rng: random.Random) -> Row:
    late = rng.randrange(3600) * SECOND if rng.random() < LATE else 0
    time = START + n // STREAMS * PERIOD_S * SECOND + n % STREAMS * 1000 - late
    return n % STREAMS + 1, time, rng.gauss(30, 10), 0, 0, time + late + SECOND


def fill_hours(conn: Db) -> None:
    """Write an hour of every datastream at a time."""
    for hour in range(HOURS):
        conn.execute(
            "insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last,"
            " last_time) select d, t, 180, 180, 5400.5, 10.25, 60.75, 30.5, t"
            " from generate_series(1, %s) d, (select timestamptz '2026-11-24 08:00Z'"
            " + %s * interval '1 hour' as t) moment",
            (STREAMS, hour),
        )


def _size(conn: Db, table: str) -> tuple[int, int]:
    """Return rows and bytes with indexes, maps and TOAST, over all chunks of a hypertable."""
    size = "pg_total_relation_size(%(table)s::regclass)"
    chunks = conn.execute(
        "select count(*) from pg_inherits where inhparent = %s::regclass", (table,)
    ).fetchone()
    if chunks is not None and chunks[0]:
        size = "hypertable_size(%(table)s::regclass)"
    query = sql.SQL("select (select count(*) from {}), ").format(sql.Identifier(table))
    row = conn.execute(query + sql.SQL(size), {"table": table}).fetchone()
    assert row is not None
    return row[0], row[1]


if __name__ == "__main__":
    main()
