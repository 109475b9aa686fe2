"""What the evaluator reads: batches by number, history up to the offset.

A row counts as known when its batch number is at most the consumer's offset of its writer, so a
reader that starts again sees exactly what it had seen. Rows that are recorded only (replayed
history, retained copies) are left out everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection

from ioc.domain.alert import Sample
from ioc.domain.evaluation import Batch, Candidate, Row, Writer
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.observation import DatastreamId, Flag, Quality

Db = Connection[tuple[Any, ...]]

CONSUMER: Final = "evaluator"
RECORDED_ONLY: Final = int(Flag.HISTORICAL | Flag.RETAINED)
# Enough to catch up at some 100,000 rows a second, few enough for 10 MB and one transaction.
_BATCHES: Final = 200
_ROWS: Final = 20_000
# A first evaluator on an old database begins here instead of with years of history.
_FIRST_LOOK_BACK: Final = "1 hour"


class Past(NamedTuple):
    """History of one datastream: what held at the start, and the rows after it as they came."""

    before: Sample | None
    rows: list[Sample]


def adopt_writers(conn: Db, partitions: Collection[int]) -> None:
    """Give writers that appeared an offset: none of the last hour's batches is skipped."""
    conn.execute(
        "insert into consumer_offset (consumer, partition, writer, batch_no)"
        " select %s, p, w.id, coalesce((select max(b.batch_no) from ingest_batch b"
        "  where b.writer = w.id and b.committed_at < now() - %s::interval), 0)"
        " from ingest_writer w, unnest(%s::smallint[]) p"
        " where not exists (select from consumer_offset o"
        "  where o.consumer = %s and o.partition = p and o.writer = w.id)"
        " on conflict do nothing",
        (CONSUMER, _FIRST_LOOK_BACK, list(partitions), CONSUMER),
    )


def offsets(conn: Db, partitions: Collection[int]) -> dict[int, dict[int, int]]:
    """Return the last batch evaluated of each writer, by partition."""
    found: dict[int, dict[int, int]] = {partition: {} for partition in partitions}
    for partition, writer, number in conn.execute(
        "select partition, writer, batch_no from consumer_offset"
        " where consumer = %s and partition = any(%s)",
        (CONSUMER, list(partitions)),
    ):
        found[partition][writer] = number
    return found


def save_offsets(conn: Db, partitions: Collection[int], done: Mapping[int, int]) -> None:
    """Store offsets of all these partitions; the caller's transaction holds what they stand for."""
    conn.execute(
        "insert into consumer_offset (consumer, partition, writer, batch_no)"
        " select %s, p, d.writer, d.batch_no from unnest(%s::smallint[]) p,"
        " unnest(%s::smallint[], %s::bigint[]) d (writer, batch_no)"
        " on conflict (consumer, partition, writer)"
        " do update set batch_no = excluded.batch_no, updated_at = now()",
        (CONSUMER, list(partitions), list(done), list(done.values())),
    )


def writers(conn: Db) -> tuple[list[Writer], Micros]:
    """Return all writers with their last batch, and the database's clock, in one snapshot."""
    rows = conn.execute(
        "select w.id, coalesce((select max(b.batch_no) from ingest_batch b"
        " where b.writer = w.id), 0), w.connected_since, w.watermark, w.heartbeat, now()"
        " from ingest_writer w"
    ).fetchall()
    found = [Writer(r[0], r[1], _micros(r[2]), _micros(r[3]), from_datetime(r[4])) for r in rows]
    return found, from_datetime(rows[0][5]) if rows else Micros(0)


def _micros(moment: Any) -> Micros | None:  # noqa: ANN401  a nullable column
    return None if moment is None else from_datetime(moment)


def batches(conn: Db, writer: int, after: int, upto: int) -> list[Batch]:
    """Return the first batches in (after, upto] by number, at most some 20,000 rows.

    The batch's own oldest and newest instants bound the search, so that chunks are excluded.
    """
    heads = conn.execute(
        "select batch_no, n_inserted + n_corrected, coalesce(oldest, '-infinity'),"
        " coalesce(newest, 'infinity') from ingest_batch"
        " where writer = %s and batch_no > %s and batch_no <= %s order by batch_no limit %s",
        (writer, after, upto, _BATCHES),
    ).fetchall()
    if not heads:
        return [Batch(writer, upto, ())]  # their rows fell to retention
    heads = heads[: _within(row[1] for row in heads)]
    written = [row for row in heads if row[1]]
    rows: dict[int, list[Row]] = {row[0]: [] for row in heads}
    if written:
        for number, row in _rows(conn, writer, written):
            rows[number].append(row)
    return [Batch(writer, number, tuple(found)) for number, found in rows.items()]


def _within(sizes: Iterable[int]) -> int:
    """Return how many of the first sizes stay within the limit, at least one."""
    total = taken = 0
    for size in sizes:
        total += size
        if taken and total > _ROWS:
            break
        taken += 1
    return taken


def _rows(conn: Db, writer: int, heads: Sequence[tuple[Any, ...]]) -> Iterable[tuple[int, Row]]:
    cursor = conn.execute(
        "select batch_no, datastream_id,"
        " (extract(epoch from phenomenon_time) * 1000000)::bigint, result, quality"
        " from (select batch_no, datastream_id, phenomenon_time, result, quality, flags"
        "  from observation where writer = %(writer)s and batch_no = any(%(numbers)s)"
        "  and phenomenon_time between %(oldest)s::timestamptz and %(newest)s::timestamptz"
        "  and batch_no between %(first)s and %(last)s"
        " union all select batch_no, datastream_id, phenomenon_time, result, quality, flags"
        "  from observation_correction where writer = %(writer)s"
        "  and batch_no = any(%(numbers)s)"
        "  and (corrected_by_writer, corrected_by_batch) <> (writer, batch_no)) o"
        " where (flags & %(only)s) = 0 order by 1, 2, 3",
        {
            "writer": writer,
            "numbers": [row[0] for row in heads],
            "first": heads[0][0],
            "last": heads[-1][0],
            "oldest": min(row[2] for row in heads),
            "newest": max(row[3] for row in heads),
            "only": RECORDED_ONLY,
        },
    )
    for number, datastream, time, result, quality in cursor:
        sample = Sample(Micros(time), result, quality == Quality.GOOD)
        yield number, Row(DatastreamId(datastream), sample)


def newest(
    conn: Db, ids: Sequence[DatastreamId], done: Mapping[int, int]
) -> dict[DatastreamId, Micros]:
    """Return the newest known phenomenon time of each datastream that has any."""
    cursor = conn.execute(
        "select d.id, (extract(epoch from o.phenomenon_time) * 1000000)::bigint"
        " from unnest(%(ids)s::integer[]) d (id) cross join lateral ("
        "  select phenomenon_time from observation where datastream_id = d.id"
        "  and (flags & %(only)s) = 0 and batch_no <= (%(numbers)s::bigint[])"
        "   [array_position(%(writers)s::smallint[], writer)]"
        "  order by phenomenon_time desc limit 1) o",
        {"ids": list(ids), **_known(done)},
    )
    return {DatastreamId(row[0]): Micros(row[1]) for row in cursor}


def since(
    conn: Db, starts: Mapping[DatastreamId, Micros | None], done: Mapping[int, int]
) -> dict[DatastreamId, Past]:
    """Return known rows after each start (None: all) in order of arrival, and what held then.

    Old versions of corrected rows are there too, in their own place: a correction that came too
    late changed nothing then and changes nothing now.
    """
    cursor = conn.execute(
        "with d as (select * from unnest(%(ids)s::integer[], %(starts)s::timestamptz[])"
        "  as d (id, start)),"
        " o as (select d.id, o.* from d cross join lateral ("
        "  select phenomenon_time, result, quality, flags, received, writer, batch_no"
        "   from observation where datastream_id = d.id and phenomenon_time > d.start"
        "  union all"
        "  select phenomenon_time, result, quality, flags, received, writer, batch_no"
        "   from observation_correction"
        "   where datastream_id = d.id and phenomenon_time > d.start"
        "   and (corrected_by_writer, corrected_by_batch) <> (writer, batch_no)"
        "  union all (select phenomenon_time, result, quality, flags, received, writer, batch_no"
        "   from observation where datastream_id = d.id and phenomenon_time <= d.start"
        "   and (flags & %(only)s) = 0 and batch_no <= (%(numbers)s::bigint[])"
        "    [array_position(%(writers)s::smallint[], writer)]"
        "   order by phenomenon_time desc limit 1)) o)"
        " select o.id, (extract(epoch from phenomenon_time) * 1000000)::bigint, result, quality,"
        " phenomenon_time <= d.start,"
        " min(received) over (partition by o.id, writer, batch_no) as arrived"
        " from o join d on d.id = o.id where (flags & %(only)s) = 0"
        " and batch_no <= (%(numbers)s::bigint[])[array_position(%(writers)s::smallint[], writer)]"
        " order by o.id, arrived, batch_no, phenomenon_time",
        {
            "ids": list(starts),
            "starts": [
                "-infinity" if start is None else to_datetime(start).isoformat()
                for start in starts.values()
            ],
            **_known(done),
        },
    )
    found: dict[DatastreamId, Past] = {}
    for datastream, time, result, quality, before, _ in cursor:
        sample = Sample(Micros(time), result, quality == Quality.GOOD)
        past = found.get(datastream, Past(None, []))
        if before:
            found[datastream] = past._replace(before=sample)
        else:
            past.rows.append(sample)
            found[datastream] = past
    return found


def _known(done: Mapping[int, int]) -> dict[str, Any]:
    return {"writers": list(done), "numbers": list(done.values()), "only": RECORDED_ONLY}


def newest_datastream(conn: Db) -> int:
    """Return the highest id of any datastream, 0 without one."""
    row = conn.execute("select coalesce(max(id), 0) from datastream").fetchone()
    return int(row[0]) if row else 0


def candidates(
    conn: Db, properties: Sequence[str], partitions: Collection[int], after: int = 0
) -> list[Candidate]:
    """Return these partitions' datastreams, with a higher id than `after`, of admitted things."""
    rows = conn.execute(
        "select d.id, t.id, d.property, t.kind, t.feed, t.external_id, t.simulated,"
        " d.expected_period_s, d.stale_after_s from datastream d join thing t on t.id = d.thing_id"
        " where t.state = 'admitted' and d.property = any(%s) and d.id > %s"
        " and evaluator_partition(d.id) = any(%s::smallint[]) order by d.id",
        (list(properties), after, list(partitions)),
    ).fetchall()
    return [Candidate(*row) for row in rows]
