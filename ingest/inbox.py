"""Messages received and not yet committed: the network's thread fills, the writer takes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from ioc.clock import Clock
from ioc.domain.instant import SECOND, Micros
from ioc.domain.intake import Arrival

QUIET_S: Final = 0.002  # nothing new for so long: the window of the broker may be full, so commit
# Above so many messages a second a batch waits four lingers: rows of one minute then share its
# rollup, which is a third of a batch's cost, and nobody sees 50 ms more of a flood.
DENSE: Final = 25_000
PATIENCE: Final = 4
IDLE_S: Final = 0.25  # how long `take` waits before it lets the loop look around
# What may lie here beside Receive Maximum (large payloads, messages without QoS): beyond it the
# reader stops reading, and TCP holds the broker.
MAX_BYTES: Final = 64 << 20
BATCH_BYTES: Final = 8 << 20  # of one transaction, so that 1 MB messages do not make a long one
# A message is stamped before it can be seen here; no thread is held up longer than this.
WATERMARK_MARGIN: Final = Micros(SECOND // 10)


class Inbox:
    """A bounded queue that knows which connection each message came by."""

    def __init__(self, clock: Clock, *, linger_s: float, batch_cap: int) -> None:
        self._clock = clock
        self._linger_s = linger_s
        self._cap = batch_cap
        self._pending: deque[Arrival] = deque()
        self._bytes = 0
        self._room = threading.Condition()
        self._filled = threading.Event()
        self._in_hand: Micros | None = None
        self._clean: set[int] = set()
        self._stopping = False
        self.session = 0

    def stop(self) -> None:
        """Let a `push` that waits for room go on."""
        with self._room:
            self._stopping = True
            self._room.notify_all()

    def connected(self, *, session_present: bool) -> None:
        """Begin another session; drop what the broker is about to deliver again.

        Else each reconnect during an outage of the database would add a window of messages.
        """
        with self._room:
            self.session += 1
            if not session_present:
                self._clean = {self.session}
                return
            kept = [a for a in self._pending if a.packet_id is None]
            self._pending.clear()
            self._pending.extend(kept)
            self._bytes = sum(len(a.payload) for a in kept)
            self._room.notify_all()

    def began_clean(self, session: int) -> bool:
        """Say whether the broker had no session of ours when this connection began."""
        return session in self._clean

    def push(self, arrivals: Sequence[Arrival], size: int) -> None:
        """Take messages of `size` bytes in; waits while there is no room."""
        with self._room:
            while self._bytes > MAX_BYTES and not self._stopping:
                self._room.wait()
            self._pending.extend(arrivals)
            self._bytes += size
        if not self._filled.is_set():
            self._filled.set()

    def take(self) -> list[Arrival]:
        """Return pending messages of one session, waiting for a fuller batch up to the linger.

        The wait ends early when nothing new came for 2 ms: the window of unacknowledged messages
        may be full, and then only a commit brings more.
        """
        if not self._pending:
            self._filled.clear()
            if not self._pending and not self._filled.wait(IDLE_S):
                return []
        self._linger()
        return self._pop()

    def finished(self) -> None:
        """Forget what was taken last: it is committed."""
        self._in_hand = None

    def watermark(self) -> Micros:
        """Return the instant before which nothing that reached us is uncommitted."""
        oldest = self._clock.now()
        in_hand = self._in_hand
        if in_hand is not None:
            oldest = min(oldest, in_hand)
        with contextlib.suppress(IndexError):  # the writer may take the last one now
            oldest = min(oldest, self._pending[0].received)
        return Micros(oldest - WATERMARK_MARGIN)

    def __len__(self) -> int:
        return len(self._pending)

    def _linger(self) -> None:
        begun = time.monotonic()
        have = 0
        while len(self._pending) > have:
            have = len(self._pending)
            dense = have > DENSE * self._linger_s
            ends = begun + self._linger_s * (PATIENCE if dense else 1)
            if have >= self._cap or time.monotonic() >= ends:
                return
            time.sleep(QUIET_S)

    def _pop(self) -> list[Arrival]:
        pending = self._pending
        with self._room:
            if not pending:
                return []
            self._in_hand = pending[0].received
            count = min(len(pending), self._cap)
            if self._bytes > BATCH_BYTES or pending[0].session != pending[-1].session:
                count = self._fitting(count)
            taken = [pending.popleft() for _ in range(count)]
            self._bytes -= sum([len(arrival[1]) for arrival in taken])
            self._room.notify_all()
        return taken

    def _fitting(self, most: int) -> int:
        """Return how many of the oldest messages are of one session and of a batch's size."""
        session, size = self._pending[0].session, 0
        for count, arrival in enumerate(islice(self._pending, most)):
            if arrival.session != session or size >= BATCH_BYTES:
                return count
            size += len(arrival.payload)
        return most
