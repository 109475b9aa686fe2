"""What the writer knows of each number of a key, as arrays: the hot path asks no dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from ioc.rows import Bools, Floats, Ints

_UNKNOWN: Final = -1


class Ref(NamedTuple):
    """A datastream, and the way from what is sent to what is stored."""

    id: int
    factor: float = 1.0
    offset: float = 0.0
    odd_unit: bool = False  # sent in a unit that cannot be converted: stored as sent, suspect


@dataclass(slots=True)
class Table:
    """What is known of each slot, as arrays; `ids` -1: nothing yet."""

    ids: Ints
    factors: Floats
    offsets: Floats
    odd: Bools

    @classmethod
    def empty(cls, size: int) -> Table:
        unknown = np.full(size, _UNKNOWN, np.int64)
        return cls(unknown, np.ones(size), np.zeros(size), np.zeros(size, np.bool_))

    def put(self, slot: int, ref: Ref) -> None:
        self.ids[slot], self.factors[slot], self.offsets[slot], self.odd[slot] = ref

    def take(self, slots: Ints) -> Table:
        return Table(self.ids[slots], self.factors[slots], self.offsets[slots], self.odd[slots])

    def grown(self, size: int) -> Table:
        bigger = Table.empty(size)
        for name in ("ids", "factors", "offsets", "odd"):
            getattr(bigger, name)[: len(self.ids)] = getattr(self, name)
        return bigger
