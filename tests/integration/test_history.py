"""What a backtest reads of the database: everything that was measured, in order, and bounded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ioc.domain.errors import Refusal
from ioc.domain.instant import DAY, MINUTE, Micros, from_datetime
from ioc.domain.observation import DatastreamId, Flag, Quality
from ioc.storage import history

Db = Connection[tuple[Any, ...]]

START = datetime(2026, 3, 1, tzinfo=UTC)
ZERO = from_datetime(START)
ONE, TWO, NONE = DatastreamId(1), DatastreamId(2), DatastreamId(3)


def put(conn: Db, datastream: int, minute: float, result: float, *facts: int) -> None:
    quality, flags = (*facts, 0, 0)[:2]
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
        " received, writer, batch_no) values (%s, %s, %s, %s, %s, now(), 1, 1)",
        (datastream, START + timedelta(minutes=minute), result, quality, flags),
    )


def test_columns_are_in_order_over_days_and_bounded_in_time(conn: Db) -> None:
    """Rows of [start, end) come in order of time, whatever order they were written in."""
    for minute in (2 * 1440.0, 1.0, 1440.0, 0.0, -1.0, 3 * 1440.0):
        put(conn, 1, minute, minute)
        put(conn, 2, minute, -minute)
    found = history.read(conn, [ONE, TWO, NONE], ZERO, Micros(ZERO + 3 * DAY))
    minutes = [0, 1, 1440, 2880]
    assert ((found[ONE].times - ZERO) // MINUTE).tolist() == minutes
    assert found[ONE].results.tolist() == minutes
    assert found[TWO].results.tolist() == [-m for m in minutes]
    assert found[NONE].times.tolist() == []


def test_quality_and_flags(conn: Db) -> None:
    """Only GOOD is good, NaN stays NaN, replayed history counts, retained copies do not."""
    put(conn, 1, 0, 1.0, Quality.GOOD)
    put(conn, 1, 1, 2.0, Quality.SUSPECT)
    put(conn, 1, 2, float("nan"), Quality.MISSING)
    put(conn, 1, 3, 4.0, Quality.GOOD, Flag.HISTORICAL)
    put(conn, 1, 4, 5.0, Quality.GOOD, Flag.RETAINED)
    found = history.read(conn, [ONE], ZERO, Micros(ZERO + DAY))[ONE]
    assert found.good.tolist() == [True, False, False, True]
    assert isnan(found.results[2])
    assert ((found.times - ZERO) // MINUTE).tolist() == [0, 1, 2, 3]


def test_too_much_is_refused(conn: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the named limit nothing is cut off in silence: the question is refused."""
    monkeypatch.setattr(history, "MOST_ROWS", 3)
    for minute in range(4):
        put(conn, 1, minute, 0.0)
    assert len(history.read(conn, [ONE], ZERO, Micros(ZERO + 3 * MINUTE))[ONE].times) == 3
    with pytest.raises(Refusal, match="more than 3 values"):
        history.read(conn, [ONE], ZERO, Micros(ZERO + DAY))


def test_a_web_worker_reads_the_same(conn: Db, database_url: str) -> None:
    """The asynchronous form returns what the other does."""
    put(conn, 1, 0, 1.5)

    async def ask() -> dict[DatastreamId, history.Columns]:
        async with await psycopg.AsyncConnection.connect(database_url) as other:
            return await history.read_async(other, [ONE], ZERO, Micros(ZERO + DAY))

    found = asyncio.run(ask())[ONE]
    assert (found.times.tolist(), found.results.tolist()) == ([ZERO], [1.5])
