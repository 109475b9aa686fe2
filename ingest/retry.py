"""Dead letters tried again, after a feed file, the catalogue or a codec was mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ingest.preparing import Preparer
from ioc.domain.instant import Micros
from ioc.domain.intake import Arrival, Batch
from ioc.rows import Committed

PAGE: Final = 200  # letters of one read: at 1 MiB each still no more than a small server has


class Stored(Protocol):
    """A dead letter as the store returns it."""

    @property
    def id(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def received_micros(self) -> Micros: ...


@dataclass(frozen=True, slots=True)
class Retried:
    """Counts of letters: taken in now, refused again."""

    taken: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Letters:
    """Where dead letters are read and marked."""

    after: Callable[[int, int], Sequence[Stored]]  # (id, limit), oldest first
    mark: Callable[[Sequence[tuple[int, str | None]]], None]


def retry(
    preparer: Preparer,
    letters: Letters,
    commit: Callable[[Batch], Committed],
    refused: tuple[type[Exception], ...],
) -> Retried:
    """Try every waiting letter once, each in a transaction of its own.

    Times are judged as of the first arrival, which also stands in where a message has none: what
    was taken in the first time is absorbed by its key.
    """
    last, taken, again = 0, 0, 0
    while page := letters.after(last, PAGE):
        outcomes: list[tuple[int, str | None]] = []
        for letter in page:
            reason = _one(preparer, letter, commit, refused)
            outcomes.append((letter.id, reason))
            taken, again = (taken + 1, again) if reason is None else (taken, again + 1)
            last = letter.id
        letters.mark(outcomes)
    return Retried(taken, again)


def _one(
    preparer: Preparer,
    letter: Stored,
    commit: Callable[[Batch], Committed],
    refused: tuple[type[Exception], ...],
) -> str | None:
    """Return None when the whole letter was taken in, else the reason it was not."""
    batch = preparer.prepare([Arrival(letter.topic, letter.payload, letter.received_micros)])
    reason = batch.letters[0].reason if batch.letters else None
    batch.letters = []
    if not batch.streams:
        return reason or "missing_value"
    try:
        committed = commit(batch)
    except refused:
        return "database_refused"
    return reason or (committed.letters[0].reason if committed.letters else None)
