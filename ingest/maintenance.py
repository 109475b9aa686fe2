"""What happens beside the messages, each on a thread and a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

LIFE_S: Final = 1.0  # evaluators judge silence by the watermark: at most two seconds old
REPORT_S: Final = 2.0  # Prometheus asks every 15 s or so
LIVE_S: Final = 5.0  # how soon an emptied Redis is filled again
HOURS_S: Final = 30.0
INDICES_S: Final = 0.5  # a late hour is on the screens within two seconds, work and all
BOARDS_S: Final = 60.0  # figures of days and months
RETENTION_S: Final = 3600.0
LETTERS_S: Final = 2.0  # somebody watches the page that asked

log = structlog.get_logger()


class Periodic:
    """Calls a job again and again; a failing job is logged and tried at its next turn."""

    def __init__(
        self,
        name: str,
        every_s: float,
        job: Callable[[], object],
        close: Callable[[], object] = lambda: None,
    ) -> None:
        """`close` gives back what the job holds, once it is not called any more."""
        self._close = close
        self._every = every_s
        self._job = job
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._close()

    def _run(self) -> None:
        while True:
            self._once()
            if self._stop.wait(self._every):
                return

    def _once(self) -> None:
        try:
            self._job()
        except Exception:
            if not self._failing:  # one trace an outage, not one a second
                log.exception("job_failed", job=self._thread.name)
            self._failing = True
        else:
            self._failing = False
