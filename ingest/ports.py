"""What the pipeline needs from outside, as it sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ioc.domain.intake import Arrival, Batch, Remembered
from ioc.rows import Committed


class Store(Protocol):
    """History. `commit` tries a batch once, in one transaction."""

    def commit(self, batch: Batch) -> Committed: ...
    def remembered(self) -> list[Remembered]: ...
    def forget_session(self) -> None: ...
    def close(self) -> None: ...


class Inbox(Protocol):
    """Where messages come from."""

    def take(self) -> list[Arrival]:
        """Wait for messages of one session; empty when there were none for a while."""
        ...

    def done(self, arrivals: Sequence[Arrival]) -> None:
        """Acknowledge messages that are committed."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Send an answer to a device, at most once; it is asked for again when it is lost."""
        ...

    def began_clean(self, session: int) -> bool:
        """Say whether the broker had nothing left of us when the session began."""
        ...


Announce = Callable[[Committed], None]


@dataclass(frozen=True, slots=True)
class Failures:
    """How the store fails: `away` is tried again, `refused` is split until one message is left.

    An error of both kinds is `refused`: tried again it would stop the writer for ever.
    """

    away: tuple[type[Exception], ...]
    refused: tuple[type[Exception], ...]
