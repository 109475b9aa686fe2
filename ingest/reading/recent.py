"""What a codec remembers between messages, bounded: the entry touched longest ago goes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `limit` entries. To get is not to touch: only `put` makes an entry recent."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)

    def drop_oldest(self, old: Callable[[V], bool]) -> None:
        """Drop the entry touched longest ago where it is too old: one each time, never a sweep."""
        oldest = next(iter(self._entries), None)
        if oldest is not None and old(self._entries[oldest]):
            del self._entries[oldest]

    def items(self) -> list[tuple[K, V]]:
        """Return a snapshot, longest untouched first."""
        return list(self._entries.items())

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
