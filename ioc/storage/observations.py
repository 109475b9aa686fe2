"""Observations: one statement a batch writes rows, minutes, dirty hours and the batch itself.

`ioc.storage.bulk` is the faster way for a large batch of news; it falls back on this one.

Minutes are fed only from the rows that were really inserted, so a redelivered batch changes
nothing. Only a batch that inserted fewer rows than it held is looked at again: the same key with
the same value was absorbed, with another value it is a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, Final

import numpy as np
from psycopg import Connection

from ioc.domain.instant import Micros, to_datetime
from ioc.domain.intake import Row
from ioc.domain.observation import Flag, Quality
from ioc.rows import Bools, Floats, Ints, Rows
from ioc.storage import packed

Db = Connection[tuple[Any, ...]]
Spot = tuple[int, int]  # datastream, phenomenon time: the key of an observation


@dataclass(frozen=True, slots=True)
class Sending:
    """The rows of one batch, in the order of arrival; `originals` NaN: the unit is as sent."""

    rows: Rows
    originals: Floats
    redelivered: Bools

    def take(self, chosen: Ints | Bools) -> Sending:
        return Sending(self.rows.take(chosen), self.originals[chosen], self.redelivered[chosen])


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which batch of which writer a row belongs to."""

    writer: int
    number: int


@dataclass(slots=True)
class Outcome:
    """What a batch did; `rows` were inserted or corrected."""

    rows: Rows
    inserted: int
    absorbed: int = 0
    corrected: int = 0


@dataclass(slots=True)
class _Stored:
    """An observation as the database has it, or will have it."""

    result: float
    quality: int
    flags: int
    received: int
    original: float | None
    stamp: Stamp

    def same(self, result: float, quality: int, flags: int) -> bool:
        """Say whether the station said the same; what our grading made of it does not count.

        Grading looks at what came before, so a redelivered value may be graded otherwise.
        """
        equal = result == self.result or (result != result and self.result != self.result)  # noqa: PLR0124  NaN
        return equal and _said(quality, flags) == _said(self.quality, self.flags)


def _said(quality: int, flags: int) -> int:
    return Quality.GOOD if flags & Flag.GRADED else quality


# quality = 0 is GOOD; NaN sorts above Infinity in PostgreSQL, so this is "finite" too.
_WRITE: Final = """
with ins as (
  insert into observation
    (datastream_id, phenomenon_time, result, quality, flags, received, writer, batch_no, original)
  select d, t, r, q, f, v, %(writer)s, %(number)s, nullif(s, 'NaN')
  from unnest(%(d)s::int4[], %(t)s::timestamptz[], %(r)s::float8[], %(q)s::int2[],
              %(f)s::int2[], %(v)s::timestamptz[], %(s)s::float8[])
    with ordinality as u (d, t, r, q, f, v, s, o)
  order by d, t, o
  on conflict do nothing
  returning datastream_id, phenomenon_time, result,
    quality = 0 and result > '-Infinity' and result < 'Infinity' as good),
minute as (
  insert into observation_minute as m
    (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
  select datastream_id, date_trunc('minute', phenomenon_time), count(*),
    count(*) filter (where good), coalesce(sum(result) filter (where good), 0),
    min(result) filter (where good), max(result) filter (where good),
    (array_agg(result order by phenomenon_time desc) filter (where good))[1],
    max(phenomenon_time) filter (where good)
  from ins group by 1, 2 order by 1, 2
  on conflict (datastream_id, minute) do update set
    n = m.n + excluded.n, n_good = m.n_good + excluded.n_good, sum = m.sum + excluded.sum,
    min = least(m.min, excluded.min), max = greatest(m.max, excluded.max),
    last = case when m.last_time is null or excluded.last_time > m.last_time
                then excluded.last else m.last end,
    last_time = greatest(m.last_time, excluded.last_time)),
dirty as (
  -- "do update" locks a mark that is there: the hour builder cannot take it before we commit
  insert into observation_hour_dirty (datastream_id, hour)
  select distinct datastream_id, date_trunc('hour', phenomenon_time) from ins
  where phenomenon_time < date_trunc('hour', now()) order by 1, 2
  on conflict (datastream_id, hour) do update set hour = excluded.hour),
batch as (
  insert into ingest_batch (writer, batch_no, n_messages, n_inserted, n_absorbed, n_corrected,
                            n_refused, oldest, newest)
  select %(writer)s, %(number)s, %(messages)s, count(*), %(held)s - count(*), 0, %(refused)s,
    min(phenomenon_time), max(phenomenon_time)
  from ins
  returning n_inserted)
select n_inserted from batch
"""

_STORED: Final = """
select o.datastream_id, (extract(epoch from o.phenomenon_time) * 1000000)::bigint, o.result,
  o.quality, o.flags, (extract(epoch from o.received) * 1000000)::bigint, o.original, o.writer,
  o.batch_no
from (select distinct d, t from unnest(%(d)s::int4[], %(t)s::timestamptz[]) as u (d, t)) as k
join observation o on o.datastream_id = k.d and o.phenomenon_time = k.t
where o.phenomenon_time between %(oldest)s and %(newest)s
"""

_FORMER: Final = """
select c.datastream_id, (extract(epoch from c.phenomenon_time) * 1000000)::bigint, c.result,
  c.quality
from (select distinct d, t from unnest(%(d)s::int4[], %(t)s::timestamptz[]) as u (d, t)) as k
join observation_correction c on c.datastream_id = k.d and c.phenomenon_time = k.t
"""

_KEEP_OLD: Final = """
insert into observation_correction (datastream_id, phenomenon_time, result, quality, flags,
  received, original, writer, batch_no, corrected_by_writer, corrected_by_batch)
values (%s, to_timestamp(0) + %s * interval '1 microsecond', %s, %s, %s,
  to_timestamp(0) + %s * interval '1 microsecond', %s, %s, %s, %s, %s)
"""

_CORRECT: Final = """
update observation o set result = r, quality = q, flags = f, received = v, writer = %(writer)s,
  batch_no = %(number)s, original = nullif(s, 'NaN')
from unnest(%(d)s::int4[], %(t)s::timestamptz[], %(r)s::float8[], %(q)s::int2[], %(f)s::int2[],
            %(v)s::timestamptz[], %(s)s::float8[]) as u (d, t, r, q, f, v, s)
where o.datastream_id = d and o.phenomenon_time = t
  and o.phenomenon_time between %(oldest)s and %(newest)s
"""

_REBUILD_MINUTES: Final = """
with touched as (
  select distinct d, date_trunc('minute', t) as minute
  from unnest(%(d)s::int4[], %(t)s::timestamptz[]) as u (d, t)),
fresh as (
  select k.d, k.minute, count(*) as n, count(*) filter (where good) as n_good,
    coalesce(sum(result) filter (where good), 0) as sum, min(result) filter (where good) as min,
    max(result) filter (where good) as max,
    (array_agg(result order by phenomenon_time desc) filter (where good))[1] as last,
    max(phenomenon_time) filter (where good) as last_time
  from touched k
  join lateral (
    select result, phenomenon_time,
      quality = 0 and result > '-Infinity' and result < 'Infinity' as good
    from observation o
    where o.datastream_id = k.d and o.phenomenon_time >= k.minute
      and o.phenomenon_time < k.minute + interval '1 minute'
      and o.phenomenon_time between %(oldest)s::timestamptz - interval '1 minute'
        and %(newest)s::timestamptz + interval '1 minute') as o on true
  group by 1, 2)
update observation_minute m set n = f.n, n_good = f.n_good, sum = f.sum, min = f.min, max = f.max,
  last = f.last, last_time = f.last_time
from fresh f where m.datastream_id = f.d and m.minute = f.minute
"""

_MARK_HOURS: Final = """
insert into observation_hour_dirty (datastream_id, hour)
select distinct d, date_trunc('hour', t)
from unnest(%(d)s::int4[], %(t)s::timestamptz[]) as u (d, t)
where t < date_trunc('hour', now()) order by 1, 2
on conflict (datastream_id, hour) do update set hour = excluded.hour
"""

_COUNT: Final = """
update ingest_batch set n_inserted = %s, n_absorbed = %s, n_corrected = %s,
  oldest = to_timestamp(0) + %s * interval '1 microsecond',
  newest = to_timestamp(0) + %s * interval '1 microsecond'
where writer = %s and batch_no = %s
"""

# A day: what a sensor did before that says nothing about a jump now, and few chunks are read.
_LAST_GOOD: Final = """
select d, (extract(epoch from o.phenomenon_time) * 1000000)::bigint, o.result
from unnest(%s::int4[]) as d cross join lateral (
  select phenomenon_time, result from observation
  where datastream_id = d and quality = 0 and phenomenon_time > now() - interval '1 day'
  order by phenomenon_time desc limit %s) as o
"""

_LATEST: Final = """
select d.id, (extract(epoch from o.phenomenon_time) * 1000000)::bigint, o.result, o.quality,
  o.flags, (extract(epoch from o.received) * 1000000)::bigint
from datastream d
cross join lateral (
  select phenomenon_time, result, quality, flags, received from observation
  where datastream_id = d.id and flags & %(not_alive)s <> %(not_alive)s
  order by phenomenon_time desc limit 1) as o
"""


def write(conn: Db, sending: Sending, stamp: Stamp, *, messages: int, refused: int) -> Outcome:
    """Write one batch inside the caller's transaction; the number must be the writer's next.

    Raises psycopg.DataError or IntegrityError when the database refuses a row.
    """
    rows = sending.rows
    found = conn.execute(
        _WRITE,
        {
            "d": packed.int4(rows.datastreams),
            "t": packed.timestamptz(rows.times),
            "r": packed.float8(rows.results),
            "q": packed.int2(rows.qualities),
            "f": packed.int2(rows.flags),
            "v": packed.timestamptz(rows.received),
            "s": packed.float8(sending.originals),
            "writer": stamp.writer,
            "number": stamp.number,
            "messages": messages,
            "held": len(rows),
            "refused": refused,
        },
        binary=True,
    ).fetchone()
    inserted: int = found[0] if found else 0
    if inserted == len(rows):
        return Outcome(rows, inserted)
    outcome = _settle(conn, sending, stamp, inserted)
    _count(conn, outcome, stamp)
    return outcome


def last_good(conn: Db, streams: Sequence[int], count: int) -> tuple[Ints, Ints, Floats]:
    """Return datastreams, times (µs) and results of the last good values of each stream."""
    rows = conn.execute(_LAST_GOOD, (packed.int4(streams), count)).fetchall()
    found, times, results = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(found, np.int64), np.array(times, np.int64), np.array(results, np.float64)


def latest(conn: Db) -> Iterator[Row]:
    """Yield the newest observation of each datastream: what the live state is rebuilt from.

    A retained copy without a time of its own proves nothing about now and is passed over.
    """
    yield from conn.execute(_LATEST, {"not_alive": int(Flag.RETAINED | Flag.TIME_RECEIVED)})


def _keys(spots: Iterable[Spot]) -> dict[str, Any]:
    held = list(spots)
    times = [time for _, time in held]
    return {
        "d": packed.int4([d for d, _ in held]),
        "t": packed.timestamptz(times),
        "oldest": to_datetime(Micros(min(times))),
        "newest": to_datetime(Micros(max(times))),
    }


def _settle(conn: Db, sending: Sending, stamp: Stamp, inserted: int) -> Outcome:
    """Tell absorbed rows from corrections, in the order of arrival, and apply the corrections."""
    rows = sending.rows
    spots = list(zip(rows.datastreams.tolist(), rows.times.tolist(), strict=True))
    again = sending.redelivered.tolist()
    stored = {
        (d, t): _Stored(result, quality, flags, received, original, Stamp(writer, number))
        for d, t, result, quality, flags, received, original, writer, number in conn.execute(
            _STORED, _keys(spots)
        )
    }
    fresh = {spot for spot, row in stored.items() if row.stamp == stamp}
    suspects = {
        spot
        for spot, (_, _, result, quality, flags, _) in zip(spots, rows, strict=True)
        if not stored[spot].same(result, quality, flags)
    }
    former = _former(conn, suspects) if suspects and any(again) else set()
    changed: dict[Spot, list[_Stored]] = {}
    originals = [None if isnan(one) else one for one in sending.originals.tolist()]
    for spot, row, twice, original in zip(spots, rows, again, originals, strict=True):
        _, _, result, quality, flags, received = row
        now = stored[spot]
        if now.same(result, quality, flags) or (twice and (*spot, repr(result), quality) in former):
            continue
        changed.setdefault(spot, []).append(now)
        stored[spot] = _Stored(result, quality, flags, received, original, stamp)
    corrected = sum(map(len, changed.values()))
    if changed:
        _correct(conn, changed, stored, stamp)
    touched = fresh | changed.keys()
    kept: list[Row] = [
        (*spot, row.result, row.quality, row.flags, row.received)
        for spot in dict.fromkeys(spots)
        if spot in touched
        for row in (stored[spot],)
    ]
    return Outcome(Rows.of(kept), inserted, len(rows) - inserted - corrected, corrected)


def _former(conn: Db, spots: set[Spot]) -> set[tuple[int, int, str, int]]:
    """Return values that were corrected away: a redelivery must not bring them back."""
    return {
        (d, t, repr(result), quality)
        for d, t, result, quality in conn.execute(_FORMER, _keys(spots))
    }


def _correct(
    conn: Db, changed: dict[Spot, list[_Stored]], stored: dict[Spot, _Stored], stamp: Stamp
) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            _KEEP_OLD,
            [
                (
                    *spot,
                    old.result,
                    old.quality,
                    old.flags,
                    old.received,
                    old.original,
                    old.stamp.writer,
                    old.stamp.number,
                    stamp.writer,
                    stamp.number,
                )
                for spot, olds in changed.items()
                for old in olds
            ],
        )
    final = [stored[spot] for spot in changed]
    keys = _keys(changed)
    values = {
        "r": packed.float8([row.result for row in final]),
        "q": packed.int2([row.quality for row in final]),
        "f": packed.int2([row.flags for row in final]),
        "v": packed.timestamptz([row.received for row in final]),
        "s": packed.float8([nan if row.original is None else row.original for row in final]),
        "writer": stamp.writer,
        "number": stamp.number,
    }
    conn.execute(_CORRECT, keys | values)
    conn.execute(_REBUILD_MINUTES, keys)
    conn.execute(_MARK_HOURS, {"d": keys["d"], "t": keys["t"]})


def _count(conn: Db, outcome: Outcome, stamp: Stamp) -> None:
    times = outcome.rows.times.tolist()
    conn.execute(
        _COUNT,
        (
            outcome.inserted,
            outcome.absorbed,
            outcome.corrected,
            min(times, default=None),
            max(times, default=None),
            stamp.writer,
            stamp.number,
        ),
    )
