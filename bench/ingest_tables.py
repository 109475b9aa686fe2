"""What the database can do: psql COPY, our own binary COPY, the write statement, a deep table."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection

from bench.machine import BenchError
from ioc.rows import Rows
from ioc.storage import batches, bulk, pool
from ioc.storage.observations import Sending, Stamp
from ioc.storage.packed import PG_EPOCH_US

Db = Connection[tuple[Any, ...]]

SERIES: Final = 2000
BATCH: Final = 5000  # rows of one commit
ROUND_US: Final = 1000  # between two values of a datastream: some minutes, as in live traffic
# Datastreams of COPY and of deep tables; those of devices are counted from 1.
COPIED: Final = 1_000_000
DEEP: Final = 2_000_000
STEP: Final = 50  # datastreams of one statement
_COPY: Final = (
    "copy observation (datastream_id, phenomenon_time, result, quality, flags, received, writer,"
    " batch_no) from stdin"
)
_BINARY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_BINARY_END: Final = b"\xff\xff"
# One row of binary COPY: each value has its length in front.
_LAYOUT: Final = np.dtype(
    [
        ("columns", ">i2"),
        ("l1", ">i4"), ("datastream", ">i4"),
        ("l2", ">i4"), ("time", ">i8"),
        ("l3", ">i4"), ("result", ">f8"),
        ("l4", ">i4"), ("quality", ">i2"),
        ("l5", ">i4"), ("flags", ">i2"),
        ("l6", ">i4"), ("received", ">i8"),
        ("l7", ">i4"), ("writer", ">i2"),
        ("l8", ">i4"), ("batch", ">i8"),
    ]
)  # fmt: skip
_LENGTHS: Final = {"l1": 4, "l2": 8, "l3": 8, "l4": 2, "l5": 2, "l6": 8, "l7": 2, "l8": 8}

_FILL: Final = """
insert into observation (datastream_id, phenomenon_time, result, quality, flags, received, writer,
  batch_no)
select d, %(begin)s::timestamptz + s * interval '1 second', 20 + s %% 100 / 100.0, 0, 0,
  %(begin)s::timestamptz + s * interval '1 second', 0, 0
from generate_series(%(first)s::int, %(last)s::int) d, generate_series(0, %(each)s::int - 1) s
"""
_FILL_MINUTES: Final = """
insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
select d, m, 60, 60, 1230, 20, 21, 20.5, m + interval '59 seconds'
from generate_series(%(first)s::int, %(last)s::int) d, generate_series(
  date_trunc('minute', %(begin)s::timestamptz),
  %(begin)s::timestamptz + %(each)s * interval '1 second', interval '1 minute') m
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Made:
    """One batch of good values, as columns."""

    datastreams: NDArray[np.int64]
    times: NDArray[np.int64]  # µs; also when they were received
    results: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.times)


def made_rows(batch: int, base_us: int, first: int = 1) -> Made:
    """Return one batch: datastreams in turn, each value later than the one before."""
    numbers = np.arange(batch * BATCH, (batch + 1) * BATCH)
    times = base_us + numbers // SERIES * ROUND_US
    return Made(first + numbers % SERIES, times, 20 + numbers % 97 / 100)


def as_batch(made: Made) -> Sending:
    """Return the rows in the form in which the product's write statement takes them."""
    good = np.zeros(len(made), np.int64)
    rows = Rows(made.datastreams, made.times, made.results, good, good, made.times)
    return Sending(rows, np.full(len(made), np.nan), np.zeros(len(made), bool))


def binary_rows(made: Made) -> bytes:
    """Return rows as the body of a binary COPY."""
    packed: NDArray[Any] = np.zeros(len(made), _LAYOUT)
    packed["columns"] = 8
    for name, size in _LENGTHS.items():
        packed[name] = size
    packed["datastream"], packed["result"] = made.datastreams, made.results
    packed["time"] = packed["received"] = made.times - PG_EPOCH_US
    return _BINARY_HEADER + packed.tobytes() + _BINARY_END


class Table:
    """The observation table of a migrated database, written to directly."""

    def __init__(self, database: str) -> None:
        self.conn: Db = pool.connect(database, name="bench")
        self._writer = batches.writer_id(self.conn, "bench-direct")
        self._number = batches.last_number(self.conn, self._writer)
        self._rows = bulk.Writer()

    def close(self) -> None:
        self.conn.close()

    def write(self, made: Made) -> float:
        """Write a batch as ingest does, rows and minute rollup; seconds."""
        self._number += 1
        batch = as_batch(made)
        begun = time.perf_counter()
        with self.conn.transaction():
            stamp = Stamp(self._writer, self._number)
            done = self._rows.write(self.conn, batch, stamp, messages=len(made), refused=0)
        seconds = time.perf_counter() - begun
        if done.inserted != len(made):
            raise BenchError(f"{done.inserted} of {len(made)} rows were inserted")
        return seconds

    def copy(self, made: Made) -> float:
        """Write a batch by binary COPY, packed by us, no rollup and no absorbing; seconds."""
        begun = time.perf_counter()
        with self.conn.transaction(), self.conn.cursor() as cursor:
            statement = f"{_COPY} (format binary)".encode()
            with cursor.copy(statement) as copy:
                copy.write(binary_rows(made))
        return time.perf_counter() - begun

    def statement_rate(self, number: int) -> float:
        """Return rows a second of the write statement over batches of 5,000."""
        base = time.time_ns() // 1000
        seconds = sum(self.write(made_rows(n, base, DEEP)) for n in range(number))
        return number * BATCH / seconds

    def statement_and_copy(self, number: int) -> tuple[float, float]:
        """Return rows a second of the write statement and of COPY, batch by batch in turn."""
        base = time.time_ns() // 1000
        write = copy = 0.0
        for n in range(number):
            write += self.write(made_rows(n, base))
            copy += self.copy(made_rows(n, base, COPIED))
        return number * BATCH / write, number * BATCH / copy


@contextmanager
def text_file(rows: int) -> Iterator[Path]:
    """Yield a file for COPY in text format: as many rows of the last hour, by time."""
    base = time.time() - 3600
    with tempfile.NamedTemporaryFile("w", suffix=".copy", encoding="ascii") as file:
        for turn in range(-(-rows // SERIES)):
            moment = datetime.fromtimestamp(base + turn * ROUND_US / 1e6, UTC).isoformat()
            end = f"\t0\t0\t{moment}\t0\t0\n"
            file.writelines(
                f"{COPIED + n}\t{moment}\t{20 + (turn + n) % 97 / 100}{end}"
                for n in range(min(SERIES, rows - turn * SERIES))
            )
        file.flush()
        yield Path(file.name)


def psql_copy(database: str, file: Path, rows: int) -> float:
    """Return rows a second of one psql COPY into the same table, as psql's own clock says."""
    psql = shutil.which("psql")
    if psql is None:
        raise BenchError("no psql: apt install postgresql-client")
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]
    with file.open("rb") as data:
        done = subprocess.run(
            [psql, *options, "-c", r"\timing on", "-c", _COPY],
            stdin=data,
            capture_output=True,
            text=True,
            check=False,
        )
    took = re.search(r"Time: ([\d.]+) ms", done.stdout)
    if done.returncode or took is None:
        raise BenchError(f"psql: {done.stderr.strip()[:200]}")
    return rows * 1000 / float(took[1])


@dataclass(slots=True)
class History:
    """Rows that the server itself writes, one a second for each datastream, back from `end`.

    They are the newest hours of one table, the hard case: all lie in the chunk that is written to.
    """

    database: str
    end: float = field(default_factory=lambda: time.time() - 60)
    rows: int = 0

    def fill(self, rows: int, seconds: float) -> None:
        """Fill up to so many rows, over two connections, one a core; fewer after `seconds`."""
        each = (rows - self.rows) // SERIES
        begin = datetime.fromtimestamp(self.end - each, UTC)
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(2) as both:
            halves = both.map(lambda n: self._half(n * SERIES // 2, begin, each, until), (0, 1))
            self.rows += sum(halves)
        self.end = begin.timestamp()
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute("vacuum (analyze) observation")  # else autovacuum comes while we measure
            conn.execute("checkpoint")

    def _half(self, first: int, begin: datetime, each: int, until: float) -> int:
        done = 0
        with psycopg.connect(self.database, autocommit=True) as conn:
            conn.execute("set synchronous_commit = off")
            for start in range(first, first + SERIES // 2, STEP):
                if time.monotonic() > until:
                    break
                values = {"first": DEEP + start, "last": DEEP + start + STEP - 1}
                values |= {"each": each}
                conn.execute(_FILL, values | {"begin": begin})
                conn.execute(_FILL_MINUTES, values | {"begin": begin})
                done += STEP * each
        return done
