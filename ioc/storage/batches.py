"""The writer: one connection, one row in `ingest_writer`, batch numbers without holes.

A batch is tried once by `Recorder.commit`; who calls it tries again. When the answer to COMMIT was
lost, the number in the database tells at the next try whether the batch is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

import numpy as np
from psycopg import Connection, Notify, sql

from ioc.domain.instant import Micros, to_datetime
from ioc.domain.intake import Batch, Letter, Remembered, digest
from ioc.domain.names import shown
from ioc.domain.observation import Flag, Quality
from ioc.domain.quality import WINDOW, Limits
from ioc.rows import Committed, Floats, Ints, Rows
from ioc.storage import bulk, dead_letters, observations, pool, things
from ioc.storage.observations import Sending, Stamp
from ioc.storage.registry import Learned, Registry
from ioc.storage.slot_table import Table

Db = Connection[tuple[Any, ...]]

_LOCK_CLASS: Final = 7_501_002  # with the writer's id: one writing connection for each client id

_WRITER: Final = """
insert into ingest_writer (client_id) values (%s)
on conflict (client_id) do update set heartbeat = now() returning id
"""

_REMEMBER: Final = """
insert into ingest_unacknowledged (writer, packet_id, payload_hash, batch_no)
select %s, p, h, %s from unnest(%s::int4[], %s::bytea[]) as u (p, h)
on conflict (writer, packet_id) do update set payload_hash = excluded.payload_hash,
  batch_no = excluded.batch_no
"""


def writer_id(conn: Db, client_id: str) -> int:
    """Return the id of a client's writer, registering it."""
    row = conn.execute(_WRITER, (client_id,)).fetchone()
    assert row is not None
    return int(row[0])


def last_number(conn: Db, writer: int) -> int:
    """Return the newest batch number of a writer, 0 before the first."""
    row = conn.execute(
        "select batch_no from ingest_batch where writer = %s order by batch_no desc limit 1",
        (writer,),
    ).fetchone()
    return int(row[0]) if row else 0


def sign(conn: Db, client_id: str, watermark: Micros, connected_since: Micros | None) -> None:
    """Say that the writer lives and up to which instant all that reached it is committed."""
    conn.execute(
        "update ingest_writer set watermark = greatest(watermark, %s), connected_since = %s,"
        " heartbeat = now() where client_id = %s",
        (
            to_datetime(watermark),
            None if connected_since is None else to_datetime(connected_since),
            client_id,
        ),
    )


class Graded(Protocol):
    """Qualities of a batch in its own order."""

    @property
    def qualities(self) -> Ints: ...


class Grader(Protocol):
    """Judges values by their limits and by what came before; slots are datastream ids."""

    def place(self, slot: int, limits: Limits) -> None: ...
    def load(self, slots: Ints, times: Ints, results: Floats) -> None: ...
    def grade(self, slots: Ints, times: Ints, results: Floats, qualities: Ints) -> Any: ...  # noqa: ANN401  its own Graded
    def keep(self, graded: Any) -> None: ...  # noqa: ANN401  what `grade` returned


class Standby(Exception):  # noqa: N818  no error: another process of this client id is the active one
    """The writer's lock is held by another connection."""


def take_lock(conn: Db, kind: int, number: int) -> None:
    """Take a lock that lasts as long as the connection; raises Standby when another has it."""
    row = conn.execute("select pg_try_advisory_lock(%s, %s)", (kind, number)).fetchone()
    if row is None or not row[0]:
        raise Standby(f"{kind}/{number}")


class Recorder:
    """Commits batches of one client. For one thread.

    `letters` False: refusals are returned but not stored again (a retry of dead letters).
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        registry: Registry,
        make_grader: Callable[[], Grader],
        *,
        letters: bool = True,
    ) -> None:
        self._make_grader = make_grader
        self._start_grading()
        self._letters = letters
        self._url = url
        self._client_id = client_id
        self._registry = registry
        self._conn: Db | None = None
        self._stale = False  # somebody changed the registry since it was read
        self._tried: tuple[Batch, int] | None = None
        self._rows = bulk.Writer()
        self.writer = 0
        self.number = 0

    def _start_grading(self) -> None:
        """Forget what values did before: history is read again, another may have written."""
        self._grader = self._make_grader()
        self._placed = np.zeros(0, np.bool_)
        self._graded: Graded | None = None

    def open(self) -> None:
        """Connect, become the only writer of this client id, learn what the database knows.

        Raises psycopg.OperationalError, and Standby while another connection writes for it.
        """
        conn = pool.connect(self._url, name="ingest")
        try:
            # A peer that lost its power must not hold the lock for two hours: gone in 4 s.
            conn.execute(
                "select set_config('tcp_keepalives_idle', '1', false),"
                " set_config('tcp_keepalives_interval', '1', false),"
                " set_config('tcp_keepalives_count', '3', false),"
                # Ten thousand messages of ten values are sorted and returned in memory.
                " set_config('work_mem', '64MB', false)"
            )
            self.writer = writer_id(conn, self._client_id)
            take_lock(conn, _LOCK_CLASS, self.writer)
            self.number = last_number(conn, self.writer)
            conn.add_notify_handler(self._heard)
            conn.execute(sql.SQL("listen {}").format(sql.Identifier(things.CHANGED)))
            self._load(conn)
        except BaseException:
            conn.close()
            raise
        self._conn = conn

    def close(self) -> None:
        """Give the connection back; the next commit opens another."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def remembered(self) -> list[Remembered]:
        """Return the time-less messages that may be delivered again; opens the connection."""
        conn = self._connection()
        rows = conn.execute(
            "select packet_id, payload_hash from ingest_unacknowledged where writer = %s",
            (self.writer,),
        )
        return [Remembered(packet_id, bytes(digest)) for packet_id, digest in rows]

    def forget_session(self) -> None:
        """Forget the window: the broker has no session of ours, nothing will come again."""
        self._connection().execute(
            "delete from ingest_unacknowledged where writer = %s", (self.writer,)
        )

    def _heard(self, _notify: Notify) -> None:
        self._stale = True

    def _load(self, conn: Db) -> None:
        """Read the registry, and grade by the limits that it says now."""
        self._stale = False
        try:
            self._registry.load(conn)
        except BaseException:
            self._stale = True
            raise
        self._start_grading()

    def commit(self, batch: Batch) -> Committed:
        """Write a batch in one transaction.

        Raises psycopg.OperationalError (try the same batch again), DataError or IntegrityError
        (the database refuses a row of it: split it).
        """
        conn = self._connection()
        if self._tried is not None and self._tried[0] is batch and self.number >= self._tried[1]:
            return Committed(self.writer, self._tried[1], None)
        number = self.number + 1
        self._tried = (batch, number)
        with conn.transaction():
            # What was announced before this BEGIN came with its answer: no batch that begins after
            # a change was committed is written by what was known before, and none waits to ask.
            if self._stale:
                self._load(conn)
            committed, learned = self._write(conn, batch, Stamp(self.writer, number))
        self.number = number
        self._registry.keep(learned, batch.slots)
        if self._graded is not None:
            self._grader.keep(self._graded)
        return committed

    def _grade(self, conn: Db, sending: Sending) -> tuple[Sending, Graded]:
        """Grade the rows by what their datastreams did before; flag what we made worse."""
        rows = sending.rows
        for stream in self._unplaced(conn, rows.datastreams):
            self._grader.place(stream, self._registry.limits[stream])
        graded = self._grader.grade(rows.datastreams, rows.times, rows.results, rows.qualities)
        lowered = graded.qualities != rows.qualities
        flags = np.where(lowered, rows.flags | int(Flag.GRADED), rows.flags)
        return replace(sending, rows=replace(rows, qualities=graded.qualities, flags=flags)), graded

    def _unplaced(self, conn: Db, streams: Ints) -> list[int]:
        """Return the streams with limits that the grader sees for the first time, loaded."""
        if not len(streams):
            return []
        highest = int(streams.max())
        if highest >= len(self._placed):
            self._placed = np.resize(self._placed, 2 * highest + 2) & (
                np.arange(2 * highest + 2) < len(self._placed)
            )
        fresh = np.unique(streams[~self._placed[streams]])
        self._placed[fresh] = True
        limited = [stream for stream in fresh.tolist() if stream in self._registry.limits]
        if limited:
            self._grader.load(*observations.last_good(conn, limited, WINDOW))
        return limited

    def _connection(self) -> Db:
        if self._conn is None or self._conn.closed:
            self.open()
        assert self._conn is not None
        return self._conn

    def _write(self, conn: Db, batch: Batch, stamp: Stamp) -> tuple[Committed, Learned]:
        slots = np.array(batch.streams, np.int64)
        table = self._registry.look_up(batch.slots, slots)
        keys = batch.slots.keys
        missing = {keys[slot] for slot in np.unique(slots[table.ids < 0]).tolist()}
        learned = self._registry.learn(conn, missing, batch.sightings)
        if missing:
            _fill(table, slots, batch, learned)
        sending, refused = _convert(batch, table), list(_misplaced(batch, learned))
        unknown = np.flatnonzero(table.ids < 0)
        if len(unknown):
            refused += _unknown(batch, unknown, learned)
            sending = sending.take(table.ids >= 0)
        sending, self._graded = self._grade(conn, sending)
        letters = [*batch.letters, *refused]
        outcome = self._rows.write(
            conn, sending, stamp, messages=batch.messages, refused=len(letters)
        )
        if letters and self._letters:
            dead_letters.insert(conn, letters, stamp.writer, stamp.number)
        remembered = [*batch.remembered, *_refusals(letters)]
        if remembered:
            _remember(conn, remembered, stamp)
        committed = Committed(
            stamp.writer,
            stamp.number,
            outcome.rows,
            outcome.inserted,
            outcome.absorbed,
            outcome.corrected,
            learned.created,
            letters,
            remembered,
        )
        return committed, learned


def _refusals(letters: Iterable[Letter]) -> Iterator[Remembered]:
    """Yield the refused messages: delivered again they must not become a second dead letter."""
    for letter in letters:
        if letter.arrival.packet_id is not None:
            yield Remembered(letter.arrival.packet_id, digest(letter.arrival))


def _remember(conn: Db, remembered: Iterable[Remembered], stamp: Stamp) -> None:
    newest = dict(remembered)
    conn.execute(_REMEMBER, (stamp.writer, stamp.number, [*newest], [*newest.values()]))


def _fill(table: Table, slots: Ints, batch: Batch, learned: Learned) -> None:
    """Put what this transaction created into the looked-up rows."""
    for position in np.flatnonzero(table.ids < 0).tolist():
        ref = learned.refs.get(batch.slots.keys[slots[position]])
        if ref is not None:
            table.put(position, ref)


def _convert(batch: Batch, table: Table) -> Sending:
    """Give each value its datastream and its unit; what has none keeps the id -1."""
    results = np.array(batch.results, np.float64)
    flags = np.array(batch.flags, np.int64)
    qualities = np.array(batch.qualities, np.int64)
    origins = np.array(batch.origins, np.int64)
    times = np.array([arrival.received for arrival in batch.arrivals], np.int64)
    again = np.array([arrival.dup for arrival in batch.arrivals], np.bool_)
    changed = (table.factors != 1.0) | (table.offsets != 0.0)
    odd = table.odd & (qualities == Quality.GOOD)
    rows = Rows(
        table.ids,
        np.array(batch.times, np.int64),
        results * table.factors + table.offsets,
        np.where(odd, int(Quality.SUSPECT), qualities),
        np.where(odd, flags | int(Flag.GRADED), flags),
        times[origins] if len(origins) else times[:0],
    )
    return Sending(
        rows,
        np.where(changed, results, np.nan),
        again[origins] if len(origins) else again[:0],
    )


def _unknown(batch: Batch, positions: Ints, learned: Learned) -> list[Letter]:
    refused: dict[tuple[int, str], Letter] = {}
    for position in positions.tolist():
        key = batch.slots.keys[batch.streams[position]]
        full = "pending_full" if key[:2] in learned.full else "too_many_datastreams"
        reason = learned.unfit.get(key, full)
        origin = batch.origins[position]
        detail = f"{shown(key[1])}: {shown(key[2])}"
        letter = Letter(key[0], batch.arrivals[origin], reason, detail)
        refused.setdefault((origin, reason), letter)
    return list(refused.values())


def _misplaced(batch: Batch, learned: Learned) -> Iterator[Letter]:
    """Yield a letter for each thing that says it lies outside, with its first message."""
    if not learned.misplaced:
        return
    first: dict[tuple[str, str], int] = {}
    for stream, origin in zip(batch.streams, batch.origins, strict=True):
        first.setdefault(batch.slots.keys[stream][:2], origin)
    for name, error in learned.misplaced.items():
        if name in first:
            arrival = batch.arrivals[first[name]]
            yield Letter(name[0], arrival, error.reason, f"{name[1]}: {error.detail}")


def newest_commit(conn: Db) -> datetime | None:
    """Return when the newest batch of any writer was committed."""
    row = conn.execute("select max(committed_at) from ingest_batch").fetchone()
    return row[0] if row else None
