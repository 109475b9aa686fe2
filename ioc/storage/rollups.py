"""Hours from minutes: the hour that has just ended for all series, then hours marked dirty."""

from __future__ import annotations

from typing import Any, Final, LiteralString

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

# Every station has an index of every hour, also of one in which it was silent. "do update" locks a
# mark that is there: it is not taken before the means it is about are committed.
_MARK_CLOSED: Final = """
insert into index_dirty (thing_id, kind, hour) select thing_id, kind, %s from index_station
order by 1, 2 on conflict (thing_id, kind, hour) do update set hour = excluded.hour
"""

_MARK_REBUILT: Final = """
insert into index_dirty (thing_id, kind, hour)
select distinct i.thing_id, i.kind, k.h
from unnest(%(d)s::int[], %(h)s::timestamptz[]) as k (d, h)
join index_input i on i.datastream_id = k.d
order by 1, 2, 3 on conflict (thing_id, kind, hour) do update set hour = excluded.hour
"""

_TAKE: Final = """
delete from observation_hour_dirty where (datastream_id, hour) in (
  select datastream_id, hour from observation_hour_dirty
  where hour < date_trunc('hour', now() - %s::interval){only}
  order by hour limit %s for update skip locked) returning datastream_id, hour
"""
_TAKE_ANY: Final = _TAKE.replace("{only}", "")
_TAKE_INPUTS: Final = _TAKE.replace(
    "{only}", " and datastream_id in (select datastream_id from index_input)"
)


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
            conn.execute(_MARK_CLOSED, (hour,))
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
    return _build(conn, _TAKE_ANY)


def build_dirty_inputs(conn: Db) -> int:
    """Do the same for the hours that an index is made of: people wait for it."""
    return _build(conn, _TAKE_INPUTS)


def _build(conn: Db, take: LiteralString) -> int:
    with conn.transaction():
        taken = conn.execute(take, (SETTLE, DIRTY_SLICE)).fetchall()
        if taken:
            keys = {"d": [d for d, _ in taken], "h": [h for _, h in taken]}
            conn.execute(_DIRTY, keys)
            conn.execute(_MARK_REBUILT, keys)
    return len(taken)
