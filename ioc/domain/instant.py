"""Instants as integers: microseconds since the Unix epoch, UTC.

The hot path (decode, write, evaluate) never builds a datetime; the rims convert here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NewType

Micros = NewType("Micros", int)

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_FURTHEST: Final = (1 << 63) - 1  # what a column of 64 bits holds: the year 294,247
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def from_datetime(moment: datetime) -> Micros:
    """Convert an aware datetime; a naive one raises TypeError (it names no instant)."""
    return Micros((moment - _EPOCH) // _TICK)


def to_datetime(instant: Micros) -> datetime:
    """Return the aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def bounded(micros: int) -> Micros:
    """Return an instant of 64 bits: a wilder count, which any digits make, is the furthest one."""
    return Micros(max(-_FURTHEST, min(_FURTHEST, micros)))


def from_seconds(seconds: float) -> int:
    """Return a duration in microseconds."""
    return round(seconds * SECOND)
