"""Derived datastreams: the indices of stations, kept as exact as the hours they are made of.

`rollups` marks (station, hour) in the transaction that changes a mean; here marks are taken and
every index that looks at one is computed again and written like any observation: another value is
a correction, an equal one is absorbed. One process at a time does this (a lock of ingest's).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Final

import numpy as np
import orjson
from psycopg import Connection

from ioc.domain import indices
from ioc.domain.indices import Derived, Kind, Means, Span, Value
from ioc.domain.instant import DAY, HOUR, Micros, from_datetime
from ioc.domain.observation import Flag, Quality
from ioc.rows import Rows
from ioc.storage import batches, observations, packed
from ioc.storage.observations import Sending, Stamp

Db = Connection[tuple[Any, ...]]
Station = tuple[int, Kind]

CLIENT: Final = "ioc-indices"  # the writer of derived values
SLICE: Final = 1000  # marks a transaction: at most 14 indices each, about a second
_HISTORY: Final = "90 days"  # as far as raw values are kept, a new station gets its indices
_LATE: Final = DAY  # older than this it is history: recorded, not evaluated
_PERIOD_S: Final = {Derived.AQI_HOUR: 3600, Derived.AQI_DAY: 86_400, Derived.WQI: 3600}

_NEW_STATIONS: Final = """
insert into index_station (thing_id, kind)
select distinct d.thing_id, m.kind
from unnest(%(marks)s::text[], %(kinds)s::text[]) as m (property, kind)
join datastream d on d.property = m.property and not d.derived
join thing t on t.id = d.thing_id and t.state = 'admitted'
join observed_property p on p.code = d.property and p.unit = d.unit
on conflict do nothing
"""

# Of two instruments for one parameter the first counts; one in another unit counts for nothing.
_NEW_INPUTS: Final = """
insert into index_input (datastream_id, thing_id, kind, parameter)
select distinct on (s.thing_id, s.kind, m.parameter) d.id, s.thing_id, s.kind, m.parameter
from unnest(%(properties)s::text[], %(kinds)s::text[], %(parameters)s::text[])
  as m (property, kind, parameter)
join datastream d on d.property = m.property and not d.derived
join observed_property p on p.code = d.property and p.unit = d.unit
join index_station s on s.thing_id = d.thing_id and s.kind = m.kind
where not exists (select from index_input i where i.thing_id = s.thing_id and i.kind = s.kind
  and i.parameter = m.parameter)
order by s.thing_id, s.kind, m.parameter, d.id
on conflict do nothing returning datastream_id
"""

_NEW_STREAMS: Final = """
insert into datastream (thing_id, property, unit, expected_period_s, stale_after_s, name, code,
  derived)
select s.thing_id, m.property, p.unit, m.period, 2 * m.period, m.property, m.property, true
from unnest(%(properties)s::text[], %(kinds)s::text[], %(periods)s::float8[])
  as m (property, kind, period)
join index_station s on s.kind = m.kind
join observed_property p on p.code = m.property
where not exists (
  select from datastream d where d.thing_id = s.thing_id and d.name = m.property)
on conflict do nothing
"""

_MARK_HISTORY: Final = """
insert into index_dirty (thing_id, kind, hour)
select distinct i.thing_id, i.kind, h.hour
from index_input i join observation_hour h using (datastream_id)
where i.datastream_id = any(%s) and h.hour > now() - %s::interval
order by 1, 2, 3 on conflict (thing_id, kind, hour) do update set hour = excluded.hour
"""

_TAKE: Final = """
with taken as (
  delete from index_dirty where (thing_id, kind, hour) in (
    select thing_id, kind, hour from index_dirty order by hour limit %s for update skip locked)
  returning thing_id, kind, hour)
select t.thing_id, t.kind, s.weighted, thing.simulated,
  array_agg((extract(epoch from t.hour) / 3600)::int)
from taken t join index_station s using (thing_id, kind) join thing on thing.id = t.thing_id
group by 1, 2, 3, 4
"""

_MEANS: Final = """
select i.thing_id, i.kind, i.parameter,
  array_agg((extract(epoch from h.hour) / 3600)::int) filter (where h.hour is not null),
  array_agg(h.sum / h.n_good) filter (where h.hour is not null)
from unnest(%(things)s::int[], %(kinds)s::text[], %(first)s::int[], %(last)s::int[])
  as k (thing_id, kind, first, last)
join index_input i on i.thing_id = k.thing_id and i.kind = k.kind
join datastream d on d.id = i.datastream_id
left join observation_hour h on h.datastream_id = i.datastream_id
  and h.hour between to_timestamp(k.first * 3600.0) and to_timestamp(k.last * 3600.0)
  and h.n_good > 0
  and h.n_good >= %(share)s * greatest(1, floor(3600 / d.expected_period_s))
group by 1, 2, 3
"""

_STREAMS: Final = """
select thing_id, property, id from datastream where derived and thing_id = any(%s)
"""

_DETAIL: Final = """
insert into index_detail (datastream_id, phenomenon_time, sub_indices, dominant, coverage, reason)
select d, t, s::jsonb, m, c, r
from unnest(%(d)s::int4[], %(t)s::timestamptz[], %(s)s::text[], %(m)s::text[], %(c)s::float8[],
  %(r)s::text[]) as u (d, t, s, m, c, r)
order by d, t
on conflict (datastream_id, phenomenon_time) do update set sub_indices = excluded.sub_indices,
  dominant = excluded.dominant, coverage = excluded.coverage, reason = excluded.reason
"""


@dataclass(frozen=True, slots=True)
class Written:
    """One batch of derived values, to be published once it is committed."""

    stamp: Stamp
    rows: Rows
    marks: int


@dataclass(frozen=True, slots=True)
class _Work:
    """A station whose means changed, and in which hours."""

    station: Station
    weighted: bool
    simulated: bool
    changed: list[int]


def register(conn: Db) -> bool:
    """Give new stations their derived datastreams and mark what is there; True: there were some."""
    with conn.transaction():
        marks = [(name, kind) for kind, names in indices.MARKS.items() for name in sorted(names)]
        columns = {"marks": [name for name, _ in marks], "kinds": [str(kind) for _, kind in marks]}
        conn.execute(_NEW_STATIONS, columns)
        inputs = [(p, k, n) for k, names in indices.INPUTS.items() for p, n in names.items()]
        properties, kinds, parameters = zip(*inputs, strict=True)
        columns = {
            "properties": list(properties),
            "kinds": [str(kind) for kind in kinds],
            "parameters": [str(name) for name in parameters],
        }
        fresh = [stream for (stream,) in conn.execute(_NEW_INPUTS, columns)]
        made = conn.execute(_NEW_STREAMS, _derived_streams()).rowcount
        if fresh:
            conn.execute(_MARK_HISTORY, (fresh, _HISTORY))
    return bool(made)


def set_weighted(conn: Db, thing: int, *, weighted: bool) -> bool:
    """Let a water station's VN_WQI count group IV twice or not; its history is made anew.

    False where the thing has no VN_WQI.
    """
    with conn.transaction():
        changed = conn.execute(
            "update index_station set weighted = %s where thing_id = %s and kind = %s returning 1",
            (weighted, thing, str(Kind.WATER)),
        ).fetchone()
        if changed is None:
            return False
        rows = conn.execute(
            "select datastream_id from index_input where thing_id = %s and kind = %s",
            (thing, str(Kind.WATER)),
        )
        conn.execute(_MARK_HISTORY, ([stream for (stream,) in rows], _HISTORY))
    return True


def _derived_streams() -> dict[str, list[Any]]:
    derived = [(of, kind) for kind, those in indices.OF_KIND.items() for of in those]
    return {
        "properties": [str(of) for of, _ in derived],
        "kinds": [str(kind) for _, kind in derived],
        "periods": [_PERIOD_S[of] for of, _ in derived],
    }


def recompute(conn: Db, now: Micros) -> Written | None:
    """Compute every index that looks at a slice of the marked hours; None where none is marked.

    Nothing that is computed lies beyond the hours that are closed: their closing marks them.
    """
    with conn.transaction():
        work = [
            _Work((thing, Kind(kind)), weighted, simulated, hours)
            for thing, kind, weighted, simulated, hours in conn.execute(_TAKE, (SLICE,))
        ]
        if not work:
            return None
        marks = sum(len(one.changed) for one in work)
        values = list(_values(conn, work))
        if not values:
            return Written(Stamp(0, 0), Rows.of(()), marks)
        return _write(conn, values, now, marks)


def _values(conn: Db, work: list[_Work]) -> Iterator[tuple[int, bool, Value]]:
    """Yield the datastream of each index, whether it is simulated, and the index."""
    closed = _closed(conn)
    spans: dict[Station, Span] = {}
    for one in work:
        hours = indices.touched_hours(one.station[1], one.changed, closed)
        days = indices.touched_days(one.changed, closed)
        if hours or days:
            spans[one.station] = indices.read_span(hours, days)
    means = _means(conn, spans) if spans else {}
    streams = {
        (thing, of): stream
        for thing, of, stream in conn.execute(_STREAMS, ([thing for thing, _ in spans],))
    }
    for one in work:
        thing, kind = one.station
        measured = means.get(one.station, {})
        for value in indices.station(kind, measured, one.changed, closed, weighted=one.weighted):
            stream = streams.get((thing, value.of))
            if stream is not None:
                yield stream, one.simulated, value


def _closed(conn: Db) -> int:
    """Return the first hour that is not closed yet."""
    row = conn.execute("select done_until from rollup_progress where name = 'hour'").fetchone()
    return from_datetime(row[0]) // HOUR if row else 0


def _means(conn: Db, spans: Mapping[Station, Span]) -> dict[Station, dict[str, Means]]:
    found: dict[Station, dict[str, Means]] = defaultdict(dict)
    rows = conn.execute(
        _MEANS,
        {
            "things": [thing for thing, _ in spans],
            "kinds": [str(kind) for _, kind in spans],
            "first": [span.first for span in spans.values()],
            "last": [span.last for span in spans.values()],
            "share": indices.SHARE,
        },
    )
    for thing, kind, parameter, hours, results in rows:
        found[thing, Kind(kind)][parameter] = dict(zip(hours or (), results or (), strict=True))
    return found


def _write(conn: Db, values: list[tuple[int, bool, Value]], now: Micros, marks: int) -> Written:
    rows = Rows.of(
        (
            stream,
            value.time,
            nan if value.index is None else float(value.index),
            Quality.MISSING if value.index is None else Quality.GOOD,
            (Flag.SIMULATED if simulated else 0)
            | (Flag.HISTORICAL if value.time < now - _LATE else 0),
            now,
        )
        for stream, simulated, value in values
    )
    sending = Sending(rows, np.full(len(rows), nan), np.zeros(len(rows), np.bool_))
    writer = _writer(conn)
    stamp = Stamp(writer, batches.last_number(conn, writer) + 1)
    outcome = observations.write(conn, sending, stamp, messages=0, refused=0)
    conn.execute(
        _DETAIL,
        {
            "d": [stream for stream, _, _ in values],
            "t": packed.timestamptz([value.time for _, _, value in values]),
            "s": [orjson.dumps(dict(value.sub_indices)).decode() for _, _, value in values],
            "m": [value.dominant for _, _, value in values],
            "c": [value.coverage for _, _, value in values],
            "r": [value.reason for _, _, value in values],
        },
    )
    return Written(stamp, outcome.rows, marks)


def _writer(conn: Db) -> int:
    """Return our writer; it never had a heartbeat, so nobody waits for its next one."""
    row = conn.execute(
        "insert into ingest_writer (client_id, heartbeat, internal)"
        " values (%s, to_timestamp(0), true)"
        " on conflict (client_id) do update set internal = true returning id",
        (CLIENT,),
    ).fetchone()
    assert row is not None
    return int(row[0])
