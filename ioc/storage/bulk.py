"""The fast way for a large batch of news: COPY, and minutes that were counted here.

COPY writes pages at a time where INSERT … ON CONFLICT writes (and logs) a row thrice, so it costs
about half. It is all or nothing: it fails when one row is there already. So it is tried for what
looks new, and when it fails everything is done again by `ioc.storage.observations.write`, which
looks at each row. What COPY took was inserted, every row of it, so the minutes can be summed up
from the columns; they end as the other way would have made them.
"""

from __future__ import annotations

import struct
from typing import Any, Final, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, errors

from ioc.domain.observation import Quality
from ioc.rows import Bools, Floats, Ints, Rows
from ioc.storage import observations, packed
from ioc.storage.observations import Outcome, Sending, Stamp

Db = Connection[tuple[Any, ...]]

# Below it the two more round trips cost as much as COPY saves (measured on loopback).
LEAST: Final = 256
# Batches that are not guessed at after one that held a known row: repetitions come in crowds (a
# broker that redelivers, a logger that sends its day again), and each wrong guess is written twice.
CAUTION: Final = 64

_MINUTE: Final = 60_000_000  # µs
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_END: Final = struct.pack(">h", -1)
_COLUMNS: Final = (
    ("datastream_id", ">i4"),
    ("phenomenon_time", ">i8"),
    ("result", ">f8"),
    ("quality", ">i2"),
    ("flags", ">i2"),
    ("received", ">i8"),
    ("writer", ">i2"),
    ("batch_no", ">i8"),
    ("original", ">f8"),
)
_COPY: Final[LiteralString] = (
    "copy observation (datastream_id, phenomenon_time, result, quality, flags, received, writer,"
    " batch_no) from stdin (format binary)"
)
_COPY_CONVERTED: Final[LiteralString] = (
    "copy observation (datastream_id, phenomenon_time, result, quality, flags, received, writer,"
    " batch_no, original) from stdin (format binary)"
)

_MINUTES: Final = """
with minute as (
  insert into observation_minute as m
    (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
  select d, t, n, g, s, nullif(low, 'NaN'), nullif(high, 'NaN'), nullif(l, 'NaN'),
    case when g > 0 then at end
  from unnest(%(d)s::int4[], %(m)s::timestamptz[], %(n)s::int4[], %(g)s::int4[], %(s)s::float8[],
              %(low)s::float8[], %(high)s::float8[], %(l)s::float8[], %(at)s::timestamptz[])
    as u (d, t, n, g, s, low, high, l, at)
  on conflict (datastream_id, minute) do update set
    n = m.n + excluded.n, n_good = m.n_good + excluded.n_good, sum = m.sum + excluded.sum,
    min = least(m.min, excluded.min), max = greatest(m.max, excluded.max),
    last = case when m.last_time is null or excluded.last_time > m.last_time
                then excluded.last else m.last end,
    last_time = greatest(m.last_time, excluded.last_time)),
dirty as (
  -- "do update" locks a mark that is there: the hour builder cannot take it before we commit
  insert into observation_hour_dirty (datastream_id, hour)
  select distinct d, date_trunc('hour', m)
  from unnest(%(d)s::int4[], %(m)s::timestamptz[]) as u (d, m)
  where m < date_trunc('hour', now()) order by 1, 2
  on conflict (datastream_id, hour) do update set hour = excluded.hour)
insert into ingest_batch (writer, batch_no, n_messages, n_inserted, n_absorbed, n_corrected,
                          n_refused, oldest, newest)
values (%(writer)s, %(number)s, %(messages)s, %(held)s, 0, 0, %(refused)s,
  to_timestamp(0) + %(oldest)s * interval '1 microsecond',
  to_timestamp(0) + %(newest)s * interval '1 microsecond')
"""


class Writer:
    """Writes batches the fast way where it may, and remembers when that was a wrong guess."""

    def __init__(self) -> None:
        self._doubts = 0  # batches left that are not guessed to be new

    def write(
        self, conn: Db, sending: Sending, stamp: Stamp, *, messages: int, refused: int
    ) -> Outcome:
        """Write one batch inside the caller's transaction, as `observations.write` would."""
        order = news(sending.rows, sending.redelivered) if not self._doubts else None
        self._doubts = max(0, self._doubts - 1)
        if order is not None:
            rows = sending.rows.take(order)
            if copy(conn, rows, sending.originals[order], stamp):
                summarise(conn, rows, stamp, messages=messages, refused=refused)
                return Outcome(sending.rows, len(rows))
            self._doubts = CAUTION
        return observations.write(conn, sending, stamp, messages=messages, refused=refused)


def news(rows: Rows, redelivered: Bools) -> Ints | None:
    """Return the order by key of a batch that is large and repeats nothing, as far as is known."""
    if len(rows) < LEAST or redelivered.any():
        return None
    order = np.lexsort((rows.times, rows.datastreams))
    streams, times = rows.datastreams[order], rows.times[order]
    twice = (streams[1:] == streams[:-1]) & (times[1:] == times[:-1])
    return None if twice.any() else order


def copy(conn: Db, rows: Rows, originals: Floats, stamp: Stamp) -> bool:
    """Copy rows that are sorted by key; return False, and nothing was done, if one is known.

    Raises psycopg.DataError when the database refuses a value.
    """
    converted = ~np.isnan(originals)
    ways: list[tuple[LiteralString, Bools]] = [(_COPY, ~converted), (_COPY_CONVERTED, converted)]
    try:
        with conn.transaction(), conn.cursor() as cursor:
            for statement, chosen in ways:
                if chosen.any():
                    body = _body(rows.take(chosen), originals[chosen], stamp, statement)
                    with cursor.copy(statement) as sink:
                        sink.write(body)
    except errors.UniqueViolation:
        return False
    return True


def _body(rows: Rows, originals: Floats, stamp: Stamp, statement: str) -> bytes:
    columns = _COLUMNS if statement is _COPY_CONVERTED else _COLUMNS[:-1]
    layout = [("columns", ">i2")]
    for name, kind in columns:
        layout += [(f"{name} size", ">i4"), (name, kind)]
    body: NDArray[Any] = np.empty(len(rows), layout)
    body["columns"] = len(columns)
    for name, kind in columns:
        body[f"{name} size"] = np.dtype(kind).itemsize
    body["datastream_id"], body["result"] = rows.datastreams, rows.results
    body["phenomenon_time"] = rows.times - packed.PG_EPOCH_US
    body["received"] = rows.received - packed.PG_EPOCH_US
    body["quality"], body["flags"] = rows.qualities, rows.flags
    body["writer"], body["batch_no"] = stamp.writer, stamp.number
    if statement is _COPY_CONVERTED:
        body["original"] = originals
    return _HEADER + body.tobytes() + _END


def summarise(conn: Db, rows: Rows, stamp: Stamp, *, messages: int, refused: int) -> None:
    """Add rows that were all inserted, sorted by key, to their minutes, and note the batch."""
    minutes = rows.times // _MINUTE * _MINUTE
    first = np.flatnonzero(
        np.r_[True, (rows.datastreams[1:] != rows.datastreams[:-1]) | (minutes[1:] != minutes[:-1])]
    )
    good = (rows.qualities == Quality.GOOD) & np.isfinite(rows.results)
    n_good = np.add.reduceat(good, first, dtype=np.int64)
    some = n_good > 0
    # The position of the last good row; the first of all where there is none, and unused there.
    last = np.maximum.reduceat(np.where(good, np.arange(len(rows)), 0), first)

    def over(extreme: np.ufunc, idle: float) -> Floats:
        folded: Floats = extreme.reduceat(np.where(good, rows.results, idle), first)
        return np.where(some, folded, np.nan)

    conn.execute(
        _MINUTES,
        {
            "d": packed.int4(rows.datastreams[first]),
            "m": packed.timestamptz(minutes[first]),
            "n": packed.int4(np.diff(np.r_[first, len(rows)])),
            "g": packed.int4(n_good),
            "s": packed.float8(np.add.reduceat(np.where(good, rows.results, 0.0), first)),
            "low": packed.float8(over(np.minimum, np.inf)),
            "high": packed.float8(over(np.maximum, -np.inf)),
            "l": packed.float8(np.where(some, rows.results[last], np.nan)),
            "at": packed.timestamptz(rows.times[last]),
            "writer": stamp.writer,
            "number": stamp.number,
            "messages": messages,
            "refused": refused,
            "held": len(rows),
            "oldest": int(rows.times.min()),
            "newest": int(rows.times.max()),
        },
    )
