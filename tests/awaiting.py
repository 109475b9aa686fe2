"""Wait for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], timeout: float = 10.0, *, every: float = 0.02) -> T:
    """Return the first true answer of `condition`; AssertionError after `timeout` seconds.

    An exception of `condition` is not swallowed.
    """
    until = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > until:
            name = getattr(condition, "__name__", str(condition))
            raise AssertionError(f"{name} was not true within {timeout} s; last: {answer!r}")
        time.sleep(every)
