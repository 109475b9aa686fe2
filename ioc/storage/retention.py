"""What is old goes: chunks where there are chunks, slices of rows where there are none."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

from ioc.storage import things

Db = Connection[tuple[Any, ...]]

SLICE: Final = 20_000  # rows of one DELETE: well below a second, so writers hardly wait
_KEEP_BATCHES: Final = "7 days"  # evaluators that were away longer start over

# Properties may be kept for different times; a chunk goes when the longest of them is over.
_LONGEST_RAW: Final = "select max(raw_days) from observed_property"

_OLD_RAW: Final = """
delete from observation where ctid = any (array(
  select o.ctid from observation o
  join datastream d on d.id = o.datastream_id join observed_property p on p.code = d.property
  where o.phenomenon_time < now() - p.raw_days * interval '1 day' limit %s))
"""

_OLD_DETAILS: Final = """
delete from status_detail where ctid = any (array(
  select s.ctid from status_detail s
  join datastream d on d.id = s.datastream_id join observed_property p on p.code = d.property
  where s.phenomenon_time < now() - p.raw_days * interval '1 day' limit %s))
"""

_OLD_MINUTES: Final = """
delete from observation_minute where ctid = any (array(
  select m.ctid from observation_minute m
  join datastream d on d.id = m.datastream_id join observed_property p on p.code = d.property
  where m.minute < now() - p.minute_days * interval '1 day' limit %s))
"""

_OLD_HOURS: Final = """
delete from observation_hour where ctid = any (array(
  select h.ctid from observation_hour h
  join datastream d on d.id = h.datastream_id join observed_property p on p.code = d.property
  where h.hour < now() - p.hour_days * interval '1 day' limit %s))
"""

_OLD_INDEX_DETAILS: Final = """
delete from index_detail where ctid = any (array(
  select i.ctid from index_detail i
  join datastream d on d.id = i.datastream_id join observed_property p on p.code = d.property
  where i.phenomenon_time < now() - p.hour_days * interval '1 day' limit %s))
"""

_OLD_LETTERS: Final = """
delete from dead_letter where id in (
  select id from dead_letter where received < now() - %s * interval '1 day' limit %s)
"""

_OLD_BATCHES: Final = """
delete from ingest_batch b where committed_at < now() - %s::interval and batch_no <
  (select max(batch_no) from ingest_batch where writer = b.writer)
"""

_EXPIRED: Final = """
select id from thing
where state = 'pending' and created_at < now() - %s * interval '1 day' limit 500
"""


def drop_old_observations(conn: Db) -> int:
    """Remove raw values beyond their retention; return chunks (TimescaleDB) or rows removed."""
    _in_slices(conn, _OLD_DETAILS)
    row = conn.execute(_LONGEST_RAW).fetchone()
    if row is None or row[0] is None:
        return 0
    if not _has_chunks(conn):
        return _in_slices(conn, _OLD_RAW)
    dropped = conn.execute(
        "select drop_chunks('observation', now() - %s * interval '1 day')", (row[0],)
    )
    return len(dropped.fetchall())


def drop_old_rollups(conn: Db) -> int:
    """Remove minutes and hours beyond their retention; return the rows removed."""
    _in_slices(conn, _OLD_INDEX_DETAILS)
    return _in_slices(conn, _OLD_MINUTES) + _in_slices(conn, _OLD_HOURS)


def drop_old_letters(conn: Db, days: int) -> int:
    """Remove dead letters and batch rows beyond their time; return the dead letters removed."""
    conn.execute(_OLD_BATCHES, (_KEEP_BATCHES,))
    removed = 0
    while gone := conn.execute(_OLD_LETTERS, (days, SLICE)).rowcount:
        removed += gone
    return removed


def expire_pending(conn: Db, days: int) -> int:
    """Forget things that nobody admitted in time, with all they sent; return how many."""
    with conn.transaction():
        gone = [row[0] for row in conn.execute(_EXPIRED, (days,))]
        if not gone:
            return 0
        streams = [
            row[0]
            for row in conn.execute("select id from datastream where thing_id = any(%s)", (gone,))
        ]
        conn.execute("delete from observation where datastream_id = any(%s)", (streams,))
        conn.execute("delete from status_detail where datastream_id = any(%s)", (streams,))
        conn.execute("delete from observation_minute where datastream_id = any(%s)", (streams,))
        conn.execute("delete from observation_hour where datastream_id = any(%s)", (streams,))
        conn.execute("delete from observation_hour_dirty where datastream_id = any(%s)", (streams,))
        conn.execute("delete from thing where id = any(%s) and state = 'pending'", (gone,))
        things.announce(conn)
    return len(gone)


def _has_chunks(conn: Db) -> bool:
    found = conn.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone()
    return found is not None


def _in_slices(conn: Db, query: Any) -> int:  # noqa: ANN401  psycopg wants a literal; ours are
    removed = 0
    while gone := conn.execute(query, (SLICE,)).rowcount:
        removed += gone
    return removed
