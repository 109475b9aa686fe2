"""Hours from minutes: the hour that has just ended for all series, then hours marked dirty."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

Db = Connection[tuple[Any, ...]]

SETTLE: Final = "2 minutes"  # after the end of an hour, for rows on their way
DIRTY_SLICE: Final = 5000  # hours rebuilt in one transaction: about 0.3 s

_CLOSED: Final = """
insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last, last_time)
select datastream_id, %(hour)s, sum(n), sum(n_good), coalesce(sum(sum), 0), min(min), max(max),
  (array_agg(last order by last_time desc) filter (where last_time is not null))[1], max(last_time)
from observation_minute
where minute >= %(hour)s and minute < %(hour)s + interval '1 hour' group by 1
on conflict (datastream_id, hour) do update set n = excluded.n, n_good = excluded.n_good,
  sum = excluded.sum, min = excluded.min, max = excluded.max, last = excluded.last,
  last_time = excluded.last_time
"""

_DIRTY: Final = """
insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last, last_time)
select k.d, k.h, sum(n), sum(n_good), coalesce(sum(sum), 0), min(min), max(max),
  (array_agg(last order by last_time desc) filter (where last_time is not null))[1], max(last_time)
from unnest(%(d)s::int[], %(h)s::timestamptz[]) as k (d, h)
join observation_minute m on m.datastream_id = k.d and m.minute >= k.h
  and m.minute < k.h + interval '1 hour' group by 1, 2
on conflict (datastream_id, hour) do update set n = excluded.n, n_good = excluded.n_good,
  sum = excluded.sum, min = excluded.min, max = excluded.max, last = excluded.last,
  last_time = excluded.last_time
"""


def build_closed_hours(conn: Db) -> int:
    """Build every hour that ended since the last call; return how many. Ours alone: see the lock.

    The first call starts at the oldest minute there is.
    """
    todo = conn.execute(
        "select h from generate_series("
        "  coalesce((select done_until from rollup_progress where name = 'hour'),"
        "           (select date_trunc('hour', min(minute)) from observation_minute)),"
        "  date_trunc('hour', now() - %s::interval) - interval '1 hour', interval '1 hour') as h",
        (SETTLE,),
    ).fetchall()
    for (hour,) in todo:
        with conn.transaction():
            conn.execute(_CLOSED, {"hour": hour})
            conn.execute(
                "insert into rollup_progress values ('hour', %s + interval '1 hour')"
                " on conflict (name) do update set done_until = excluded.done_until",
                (hour,),
            )
    return len(todo)


def build_dirty_hours(conn: Db) -> int:
    """Build a slice of the marked hours again; return how many marks were taken.

    Marks are taken first, minutes read after: a writer that holds a mark is skipped, and one that
    comes later finds no mark and makes another.
    """
    with conn.transaction():
        taken = conn.execute(
            "delete from observation_hour_dirty where (datastream_id, hour) in ("
            "  select datastream_id, hour from observation_hour_dirty"
            "  where hour < date_trunc('hour', now() - %s::interval)"
            "  order by hour limit %s for update skip locked) returning datastream_id, hour",
            (SETTLE, DIRTY_SLICE),
        ).fetchall()
        if taken:
            conn.execute(_DIRTY, {"d": [d for d, _ in taken], "h": [h for _, h in taken]})
    return len(taken)
