"""The only reader of the machine's clock; everything else takes `now` as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from ioc.domain.instant import Micros


class Clock(Protocol):
    """Where a process gets its time; tests pass their own."""

    def now(self) -> Micros:
        """Return the current instant."""
        ...


class SystemClock:
    """The wall clock of this machine."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)


def now() -> datetime:
    """Return the aware UTC time, for shells that need no injected clock."""
    return datetime.now(UTC)
