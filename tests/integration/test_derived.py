"""Derived datastreams on the real server: written, corrected, explained, and on the bus."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from ingest.grading import Grader
from ioc import catalogue
from ioc.domain.instant import HOUR, MINUTE, Micros, from_datetime
from ioc.domain.intake import Arrival, Batch, DatastreamSpec, FeedSpec, Slots
from ioc.domain.location import Province
from ioc.storage import derived, rollups, things
from ioc.storage.batches import Recorder
from ioc.storage.registry import Registry
from tests.integration.ingest_rig import broken_invariants, one

Db = Connection[tuple[Any, ...]]
STREAMS = {"pm25": DatastreamSpec("pm25"), "no2": DatastreamSpec("no2")}
SPECS = {"f": FeedSpec("f", "F", "F", "environment", 900, 1800, admit=True, datastreams=STREAMS)}
CATALOG = Path(__file__).resolve().parents[2] / "config" / "catalog"
BACK = 30  # hours of history


@pytest.fixture
def start(conn: Db) -> Micros:
    """Fill the registry; return the beginning of an hour `BACK` hours ago."""
    things.upsert_properties(conn, catalogue.load(CATALOG))
    things.upsert_feeds(conn, SPECS.values())
    now = from_datetime(one(conn, "select now()"))
    return Micros(now // HOUR * HOUR - BACK * HOUR)


@pytest.fixture
def recorder(database_url: str, start: Micros) -> Iterator[Recorder]:
    """Yield a writer."""
    assert start
    known = catalogue.load(CATALOG)
    held = Recorder(
        database_url, "w", Registry(SPECS, Province().place, known, pending_per_feed=2), Grader
    )
    yield held
    held.close()


def send(recorder: Recorder, hour: Micros, result: float, name: str = "pm25", n: int = 4) -> None:
    """Send the first `n` of the four values that an hour has."""
    made = Batch(Slots(), messages=n)
    for step in range(n):
        made.arrivals.append(Arrival("f/x", b"{}", Micros(hour), step + 1, dup=False))
        made.streams.append(made.slots.of(("f", "a", name, "")))
        made.times.append(hour + step * 15 * MINUTE)
        made.results.append(result + (2 * step - n + 1) * 0.5)  # a flat line is no good value
        made.qualities.append(0)
        made.flags.append(0)
        made.origins.append(step)
    recorder.commit(made)


def settle(conn: Db) -> None:
    """Do all the periodic work there is."""
    derived.register(conn)
    rollups.build_closed_hours(conn)
    rollups.build_dirty_hours(conn)
    while derived.recompute(conn, from_datetime(one(conn, "select now()"))):
        pass


def values(conn: Db, code: str = "vn_aqi_hour") -> list[tuple[Any, ...]]:
    """Return all that is kept of one derived datastream."""
    return conn.execute(
        "select o.phenomenon_time, nullif(o.result, 'NaN'), o.quality, i.sub_indices, i.dominant,"
        " i.coverage, i.reason from observation o join datastream d on d.id = o.datastream_id"
        " join index_detail i using (datastream_id, phenomenon_time)"
        " where d.code = %s and d.derived order by 1",
        (code,),
    ).fetchall()


def fill(recorder: Recorder, start: Micros) -> None:
    """Send history with a hole at its seventh hour."""
    for hour in range(BACK):
        if hour != 7:
            send(recorder, Micros(start + hour * HOUR), 10.0 + hour)


def test_late_and_corrected_hours_give_what_a_computation_from_scratch_gives(
    conn: Db, recorder: Recorder, start: Micros
) -> None:
    """After a late hour and a correction every index equals one computed from all of history."""
    fill(recorder, start)
    settle(conn)
    before = values(conn)
    send(recorder, Micros(start + 7 * HOUR), 90.0)
    send(recorder, Micros(start + 20 * HOUR), 3.0)
    settle(conn)
    after, days = values(conn), values(conn, "vn_aqi_day")
    assert after != before
    assert broken_invariants(conn) == []
    conn.execute("delete from index_detail")
    conn.execute(
        "delete from observation o using datastream d where d.id = datastream_id and derived"
    )
    conn.execute(
        "insert into index_dirty select thing_id, kind, h.hour from index_station"
        " cross join (select distinct hour from observation_hour) h on conflict do nothing"
    )
    settle(conn)
    assert (values(conn), values(conn, "vn_aqi_day")) == (after, days)


def test_a_changed_index_is_a_correction_that_is_kept(
    conn: Db, recorder: Recorder, start: Micros
) -> None:
    """The value as it was lies beside the new one; an unchanged one is absorbed."""
    fill(recorder, start)
    settle(conn)
    kept = "select count(*) from observation_correction c join datastream d on d.id = datastream_id"
    assert one(conn, f"{kept} where derived") == 0
    send(recorder, Micros(start + 12 * HOUR), 200.0)
    settle(conn)
    assert one(conn, f"{kept} where derived") >= 10
    count = one(conn, f"{kept} where derived")
    conn.execute(
        "insert into index_dirty select thing_id, kind, %s from index_station",
        (one(conn, "select min(hour) from observation_hour"),),
    )
    settle(conn)
    assert one(conn, f"{kept} where derived") == count


def test_an_hour_of_too_few_values_counts_for_nothing(
    conn: Db, recorder: Recorder, start: Micros
) -> None:
    """Two of four values are no mean of an hour; three are."""
    send(recorder, start, 25.0, n=2)
    send(recorder, Micros(start + HOUR), 25.0, n=3)
    settle(conn)
    assert [row[1] for row in values(conn)[:3]] == [None, None, None]
    send(recorder, start, 25.0, n=3)
    settle(conn)
    assert [row[1] for row in values(conn)[:3]] == [None, 50.0, 50.0]


def test_a_station_that_falls_silent_has_no_index_and_a_reason(
    conn: Db, recorder: Recorder, start: Micros
) -> None:
    """Every closed hour has a row: two hours after the last value there is no data, and why."""
    for hour in range(3):
        send(recorder, Micros(start + hour * HOUR), 25.0)
        send(recorder, Micros(start + hour * HOUR), 100.0, "no2")
    send(recorder, Micros(start + 9 * HOUR), 100.0, "no2")
    settle(conn)
    rows = values(conn)
    assert [row[1] for row in rows[:3]] == [None, 50.0, 50.0]
    assert (rows[9][1], rows[9][2], rows[9][6]) == (None, 4, "no_particles")
    assert rows[9][3] == {"no2": 50.0}
    assert rows[8][6] == "no_data"


def test_what_is_computed_here_has_no_line_to_a_broker(
    conn: Db, recorder: Recorder, start: Micros
) -> None:
    """The writer of indices is not taken for an ingest process that has lost its broker."""
    fill(recorder, start)
    conn.execute("update ingest_writer set connected_since = now()")
    settle(conn)
    assert one(conn, "select count(*) from ingest_writer where internal") == 1
    assert one(
        conn,
        "select bool_and(connected_since is not null) from ingest_writer where not internal",
    )
    assert one(conn, "select extract(epoch from heartbeat) from ingest_writer where internal") == 0


def test_what_is_published_is_what_was_written(conn: Db, recorder: Recorder, start: Micros) -> None:
    """A recomputation returns its rows with the number of their batch, without holes."""
    fill(recorder, start)
    derived.register(conn)
    rollups.build_closed_hours(conn)
    written = derived.recompute(conn, start)
    assert written is not None
    stored = one(conn, "select count(*) from observation where writer = %s", written.stamp.writer)
    assert (len(written.rows), written.stamp.number) == (stored, 1)
    assert any(not isnan(row[2]) for row in written.rows)
