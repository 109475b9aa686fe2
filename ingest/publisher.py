"""The live path: a bounded follower of the writer that may lose batches but never delays it.

A batch that did not reach the stream is read from history by who needs it exactly; the newest
value of each datastream is kept until Redis is back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from ingest.metrics import Counters
from ioc.clock import Clock
from ioc.domain.instant import Micros
from ioc.rows import Committed, Rows

WAITING: Final = 64  # batches: over a second of them at the shortest linger
PAUSE_S: Final = 0.5  # after a failure
IDLE_S: Final = 0.25

_NONE: Final = Rows.of([])

log = structlog.get_logger()


class Bus(Protocol):
    """Where live state is published."""

    def publish(
        self,
        writer: int,
        number: int,
        rows: Rows | None,
        state: Rows,
        now: Micros,
    ) -> int: ...

    def registry_changed(self) -> None: ...


class Publisher:
    """Takes committed batches from the writer; a thread of its own sends them."""

    def __init__(
        self,
        bus: Bus,
        newest: Callable[[Rows], Rows],
        failures: tuple[type[Exception], ...],
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._bus = bus
        self._newest = newest
        self._failures = failures
        self._clock = clock
        self._counters = counters
        self._waiting: deque[Committed] = deque()
        self._owed = _NONE  # bounded by the number of datastreams
        self._registry_owed = False
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what is waiting and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def offer(self, committed: Committed) -> None:
        """Take a batch; never waits."""
        self._waiting.append(committed)
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(IDLE_S)
            self._wake.clear()
            while self._waiting:
                if len(self._waiting) > WAITING:
                    self._skip(self._waiting.popleft())
                    continue
                if not self._send(self._waiting.popleft()) and self._stop.wait(PAUSE_S):
                    return
            if self._stop.is_set():
                return

    def _send(self, committed: Committed) -> bool:
        self._registry_owed |= committed.new_things > 0
        rows = committed.rows
        state = self._merged(rows)
        try:
            self._bus.publish(committed.writer, committed.number, rows, state, self._clock.now())
            self._owed = _NONE
            if self._registry_owed:
                self._bus.registry_changed()
                self._registry_owed = False
        except self._failures as error:
            self._owed = state
            self._counters.not_live()
            log.warning("live_away", error=str(error))
            return False
        return True

    def _skip(self, committed: Committed) -> None:
        self._registry_owed |= committed.new_things > 0
        self._owed = self._merged(committed.rows)
        self._counters.not_live()

    def _merged(self, rows: Rows | None) -> Rows:
        rows = _NONE if rows is None else rows
        return self._newest(self._owed.joined(rows) if len(self._owed) else rows)
