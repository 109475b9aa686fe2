"""How fast one caller may ask, in the memory of one worker: no caller takes the place of all.

Workers share nothing here: a question to Redis before each body would stop the pushing whenever
Redis is away, and the broker, which is what this protects, takes a hundred times as much. Each
worker gives its part of the pace, so that all together never give more; who keeps one connection
open has the part of one worker.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

BURST_S: Final = 2.0  # what a quiet caller has saved up: a gateway sends its stations all at once
# Requests of one caller in hand. Who does not finish its bodies holds these, not the whole worker.
MOST_EACH: Final = 8
_BUSY_S: Final = 1.0  # what a caller with too many requests in hand is told to wait
# Callers remembered. Only those with a valid token come here, and a province has tens of them.
MOST_KNOWN: Final = 1000


@dataclass(slots=True)
class _Caller:
    left: float
    seen: float
    in_hand: int = 0


class Pace:
    """A token bucket for each caller, and a count of what it has in hand."""

    def __init__(self, per_s: float, workers: int = 1) -> None:
        """`per_s` is that of an installation of so many workers."""
        self._per_s = per_s / workers
        self._full = max(1.0, self._per_s * BURST_S)
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    def enter(self, key: str, now: float) -> float:
        """Let a request in and return 0, or return the seconds to wait; `now` is monotonic.

        Each request that was let in leaves by `leave`.
        """
        caller = self._callers.setdefault(key, _Caller(self._full, now))
        self._callers.move_to_end(key)
        caller.left = min(self._full, caller.left + (now - caller.seen) * self._per_s)
        caller.seen = now
        self._forget()
        if caller.in_hand >= MOST_EACH:
            return _BUSY_S
        if caller.left < 1:
            return (1 - caller.left) / self._per_s
        caller.left -= 1
        caller.in_hand += 1
        return 0.0

    def take(self, key: str, now: float) -> float:
        """Let a request in that nobody waits for the end of; otherwise as `enter`."""
        wait = self.enter(key, now)
        if not wait:
            self.leave(key)
        return wait

    def leave(self, key: str) -> None:
        """Note that a request is answered."""
        caller = self._callers.get(key)
        if caller is not None:
            caller.in_hand = max(0, caller.in_hand - 1)  # it may have been forgotten meanwhile

    def _forget(self) -> None:
        """Drop who was quiet longest."""
        while len(self._callers) > MOST_KNOWN:
            self._callers.popitem(last=False)
