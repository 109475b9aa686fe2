"""What datastreams measured between two instants, as columns: for backtests, thirty days at a time.

One row a datastream with its columns as binary arrays, which numpy reads as they lie: psycopg makes
a Python object of each value or message otherwise. Rows replayed from recordings are included, for
a rule is tried on what was measured and not on what was evaluated then; the broker's retained
copies are not, they prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from psycopg import AsyncConnection, Connection
from psycopg.pq.abc import PGresult

from ioc.domain.errors import Refusal
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.observation import DatastreamId, Flag, Quality
from ioc.rows import Bools, Floats, Ints
from ioc.storage.packed import PG_EPOCH_US

# 66 datastreams over 30 days of minutes: 75 MB of columns, some seconds.
MOST_ROWS: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """One datastream, in order of time: µs, result (NaN: none), whether its quality is good."""

    times: Ints
    results: Floats
    good: Bools


@dataclass(frozen=True, slots=True)
class Stream:
    """A datastream of an admitted thing, with what a rule asks of it."""

    datastream: DatastreamId
    external_id: str  # of its thing
    code: str
    observed_property: str
    kind: str
    feed: str
    expected_period_s: float
    stale_after_s: float


_STREAM: Final = (
    "select d.id, t.external_id, d.code, d.property, t.kind, t.feed, d.expected_period_s,"
    " d.stale_after_s from datastream d join thing t on t.id = d.thing_id"
    " where t.state = 'admitted' and "
)


def observing(conn: Connection[tuple[Any, ...]], observed_property: str) -> list[Stream]:
    """Return the datastreams of a property, by id."""
    rows = conn.execute(_STREAM + "d.property = %s order by d.id", (observed_property,))
    return [Stream(*row) for row in rows]


def named(conn: Connection[tuple[Any, ...]], name: str) -> list[Stream]:
    """Return what an id, `thing/code` or `feed/thing/code` may mean: none, one or several."""
    rows = conn.execute(
        _STREAM + "(d.id::text = %(name)s or t.external_id || '/' || d.code = %(name)s"
        " or t.feed || '/' || t.external_id || '/' || d.code = %(name)s) order by d.id",
        {"name": name},
    )
    return [Stream(*row) for row in rows]


_QUERY: Final = (
    "select datastream_id, array_agg(phenomenon_time), array_agg(result), array_agg(quality)"
    " from (select datastream_id, phenomenon_time, result, quality from observation"
    "  where datastream_id = any(%(ids)s::integer[]) and (flags & %(without)s) = 0"
    "  and phenomenon_time >= %(start)s::timestamptz and phenomenon_time < %(end)s::timestamptz"
    "  limit %(most)s) o group by datastream_id"
)
_HEAD: Final = 20  # of a binary array: dimensions, nulls, type, length, lower bound


def read(
    conn: Connection[tuple[Any, ...]], ids: Sequence[DatastreamId], start: Micros, end: Micros
) -> dict[DatastreamId, Columns]:
    """Return the columns of [start, end) of each datastream, empty ones where there is nothing.

    Raises Refusal above MOST_ROWS rows.
    """
    with conn.cursor(binary=True) as cursor:
        cursor.execute(_QUERY, _values(ids, start, end))
        return _decode(cursor.pgresult, ids)


async def read_async(
    conn: AsyncConnection[tuple[Any, ...]], ids: Sequence[DatastreamId], start: Micros, end: Micros
) -> dict[DatastreamId, Columns]:
    """Return what `read` does, for a web worker."""
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(_QUERY, _values(ids, start, end))
        return _decode(cursor.pgresult, ids)


def _values(ids: Sequence[DatastreamId], start: Micros, end: Micros) -> Mapping[str, Any]:
    return {
        "ids": list(ids),
        "without": int(Flag.RETAINED),
        "start": to_datetime(start),
        "end": to_datetime(end),
        "most": MOST_ROWS + 1,
    }


def _decode(result: PGresult | None, ids: Sequence[DatastreamId]) -> dict[DatastreamId, Columns]:
    found = dict.fromkeys(ids, _columns(b"", b"", b""))
    for row in range(result.ntuples if result else 0):
        assert result is not None
        datastream, *columns = (result.get_value(row, column) or b"" for column in range(4))
        found[DatastreamId(int.from_bytes(datastream, "big"))] = _columns(*columns)
    if sum(len(columns.times) for columns in found.values()) > MOST_ROWS:
        raise Refusal(f"more than {MOST_ROWS} values; ask for fewer datastreams or a shorter time")
    return found


def _columns(times: bytes, results: bytes, qualities: bytes) -> Columns:
    when: Ints = _array(times, ">i8").astype(np.int64) + PG_EPOCH_US
    found: Floats = _array(results, ">f8").astype(np.float64)
    good: Bools = _array(qualities, ">i2") == Quality.GOOD
    if (np.diff(when) < 0).any():  # chunks come in any order, and rows as they lie in them
        order = np.argsort(when)
        return Columns(when[order], found[order], good[order])
    return Columns(when, found, good)


def _array(body: bytes, kind: str) -> np.ndarray[Any, Any]:
    element = np.dtype([("length", ">i4"), ("value", kind)])
    return np.frombuffer(body[_HEAD:], element)["value"]
