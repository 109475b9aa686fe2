"""The fast way to write a batch ends in the same rows as the way that looks at each."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from random import Random
from typing import Any, Final

import numpy as np
from psycopg import Connection

from ioc.domain.instant import HOUR, SECOND, Micros, from_datetime
from ioc.rows import Rows
from ioc.storage import batches, bulk, observations
from ioc.storage.observations import Sending, Stamp
from tests.integration.ingest_rig import one

Db = Connection[tuple[Any, ...]]
APART: Final = 1000  # between the datastreams of the two ways


def sending(random: Random, now: Micros, size: int) -> Sending:
    """Return a batch with everything a row may hold: no value, bad quality, late, converted."""
    keys = {
        (random.randrange(1, 20), now - random.randrange(3 * HOUR) // SECOND * SECOND)
        for _ in range(size)
    }
    values = [random.choice((nan, inf, -inf, *[random.gauss(20, 5)] * 9)) for _ in keys]
    rows = Rows.of(
        (d, t, value, random.choice((0, 0, 0, 3)), random.randrange(8), t + SECOND)
        for (d, t), value in zip(keys, values, strict=True)
    )
    originals = np.array([random.choice((nan, nan, random.random())) for _ in keys])
    return Sending(rows, originals, np.zeros(len(rows), bool))


def moved(given: Sending) -> Sending:
    """Return the batch for the other datastreams."""
    rows = replace(given.rows, datastreams=given.rows.datastreams + APART)
    return replace(given, rows=rows)


def copied(conn: Db, given: Sending, stamp: Stamp) -> bool:
    """Write a batch the fast way, if it can be."""
    order = np.lexsort((given.rows.times, given.rows.datastreams))
    rows = given.rows.take(order)
    if not bulk.copy(conn, rows, given.originals[order], stamp):
        return False
    bulk.summarise(conn, rows, stamp, messages=len(rows), refused=0)
    return True


def told(conn: Db, writer: int, apart: int) -> list[list[tuple[Any, ...]]]:
    """Return what each table holds of a writer, with sums as a human reads them."""
    return [
        conn.execute(question, {"w": writer, "a": apart, "b": apart + APART}).fetchall()
        for question in (
            (
                "select datastream_id - %(a)s, phenomenon_time, result, quality, flags, received,"
                " batch_no, original from observation where writer = %(w)s order by 1, 2"
            ),
            (
                "select datastream_id - %(a)s, minute, n, n_good, round(sum::numeric, 6), min, max,"
                " last, last_time from observation_minute"
                " where datastream_id > %(a)s and datastream_id < %(b)s order by 1, 2"
            ),
            (
                "select datastream_id - %(a)s, hour from observation_hour_dirty"
                " where datastream_id > %(a)s and datastream_id < %(b)s order by 1, 2"
            ),
            (
                "select batch_no, n_messages, n_inserted, n_absorbed, n_corrected, n_refused,"
                " oldest, newest from ingest_batch where writer = %(w)s order by 1"
            ),
        )
    ]


def test_both_ways_end_in_the_same_rows(conn: Db) -> None:
    """Observations, minutes, dirty hours and the batch are equal, whatever the values are."""
    random = Random(4)
    now = from_datetime(one(conn, "select now()"))
    fast, slow = batches.writer_id(conn, "fast"), batches.writer_id(conn, "slow")
    seen: set[tuple[int, int]] = set()
    for number in range(1, 7):
        made = sending(random, now, 400)
        spots = list(zip(made.rows.datastreams.tolist(), made.rows.times.tolist(), strict=True))
        made = made.take(np.array([spot not in seen for spot in spots]))
        seen.update(spots)
        with conn.transaction():
            assert copied(conn, made, Stamp(fast, number))
            done = observations.write(
                conn, moved(made), Stamp(slow, number), messages=len(made.rows), refused=0
            )
        assert done.inserted == len(made.rows)
    for ours, theirs in zip(told(conn, fast, 0), told(conn, slow, APART), strict=True):
        assert ours
        assert repr(ours) == repr(theirs)  # NaN equals NaN here


def test_one_known_row_and_nothing_is_copied(conn: Db) -> None:
    """COPY is all or nothing, and the transaction goes on after it found a known row."""
    now = from_datetime(one(conn, "select now()"))
    writer = batches.writer_id(conn, "w")
    made = sending(Random(5), now, 300)
    with conn.transaction():
        assert copied(conn, made.take(np.arange(1)), Stamp(writer, 1))
    with conn.transaction():
        assert not copied(conn, made, Stamp(writer, 2))
        assert one(conn, "select count(*) from observation") == 1
