"""Times as a feed's devices write them, read from a recording and written back. Pure.

Ingest has its own, stricter reader; this one must read what people keep in files (2018/10/21 with
slashes) and write what that reader takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime

_EPOCHS: Final = {"epoch_s": SECOND, "epoch_ms": 1000, "epoch_us": 1}  # µs of one count
_MILLIS_FROM: Final = 1e11  # "auto": a larger count is milliseconds, then microseconds
_MICROS_FROM: Final = 1e14

Move = Callable[[Micros], Micros]


@dataclass(frozen=True, slots=True)
class Clock:
    """How one feed writes its times: `form` is its time_format, `zone` that of naive ones."""

    form: str
    zone: ZoneInfo

    def read(self, written: str | float) -> Micros:
        """Return the instant; ValueError when it names none."""
        if isinstance(written, str):
            written = written.strip()
            if "%" in self.form:
                return self._aware(datetime.strptime(written, self.form))  # noqa: DTZ007
            count = _number(written)
            if count is None:
                return self._aware(datetime.fromisoformat(written.replace("/", "-")))
            written = count
        return Micros(round(written * self._unit(written)))

    def write(self, instant: Micros) -> str | int | float:
        """Return the instant in the feed's own form; the finest it can hold."""
        if "%" in self.form:
            return to_datetime(instant).astimezone(self.zone).strftime(self.form)
        if self.form == "epoch_s":
            return instant / SECOND
        if self.form in _EPOCHS:
            return instant // _EPOCHS[self.form]
        return to_datetime(instant).isoformat()

    def _unit(self, count: float) -> int:
        if self.form in _EPOCHS:
            return _EPOCHS[self.form]
        if abs(count) < _MILLIS_FROM:
            return SECOND
        return 1000 if abs(count) < _MICROS_FROM else 1

    def _aware(self, moment: datetime) -> Micros:
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=self.zone))


def _number(text: str) -> float | None:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None


def moved(body: Any, path: Sequence[str], clock: Clock, move: Move) -> Any:  # noqa: ANN401  JSON
    """Return a copy of `body` with the time at `path` moved; what cannot be read stays as it is."""
    if isinstance(body, list):
        return [moved(entry, path, clock, move) for entry in body]
    if not path:
        return _moved_time(body, clock, move)
    if not isinstance(body, dict) or path[0] not in body:
        return body
    return body | {path[0]: moved(body[path[0]], path[1:], clock, move)}


def _moved_time(written: Any, clock: Clock, move: Move) -> Any:  # noqa: ANN401  JSON
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return written
    try:
        return clock.write(move(clock.read(written)))
    except (ValueError, OverflowError):
        return written  # ingest is to say what is wrong with it
