"""One client's mailbox: what it has not seen yet, never how often it changed meanwhile.

It holds names of things and sections, not values: the newest value is read when it is sent. Memory
is therefore bounded by the number of things, however slow the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Mailbox:
    """Coalesces; `wake` is set while there is something to send or the stream must end."""

    def __init__(self, sees: frozenset[int] | None = None, *, things: bool = True) -> None:
        self.sees = sees  # things of the client's scope; None: every one
        self.wants_things = things
        self.things: set[int] = set()
        self.sections: set[str] = set()
        self.snapshot = True
        self.closed = False
        self.wake = asyncio.Event()
        self.wake.set()

    def put(self, things: Iterable[int], sections: Iterable[str]) -> None:
        """Note what changed; nothing is noted while a whole snapshot is due anyway."""
        if not self.snapshot:
            if self.wants_things:
                self.things.update(things)
            self.sections.update(sections)
        if self.snapshot or self.things or self.sections:
            self.wake.set()

    def restart(self) -> None:
        """Forget what was noted: the client takes a whole snapshot next."""
        self.things.clear()
        self.sections.clear()
        self.snapshot = True
        self.wake.set()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self.wake.set()

    def take(self) -> tuple[set[int], set[str]]:
        """Return what the client has not seen, and forget it."""
        found = self.things, self.sections
        self.things, self.sections = set(), set()
        self.wake.clear()
        return found

    def take_snapshot(self) -> None:
        """Note that the client gets a whole snapshot now."""
        self.snapshot = False
        self.take()
