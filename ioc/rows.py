"""Observations of one batch as columns: what the writer commits and the live path follows.

Columns become packed arrays, Redis' stream entry and the newest values without a loop in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ioc.domain.intake import Letter, Remembered, Row

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

_KINDS: Final[Sequence[Any]] = (np.int64, np.int64, np.float64, np.int64, np.int64, np.int64)


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry a value, in the order of arrival. Times are µs; a result without a value is NaN."""

    datastreams: Ints
    times: Ints
    results: Floats
    qualities: Ints
    flags: Ints
    received: Ints

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rows:
        """Make columns of rows."""
        columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(_KINDS)
        return cls(*(np.array(c, k) for c, k in zip(columns, _KINDS, strict=True)))

    def __len__(self) -> int:
        return len(self.datastreams)

    def __iter__(self) -> Iterator[Row]:
        return zip(
            self.datastreams.tolist(),
            self.times.tolist(),
            self.results.tolist(),
            self.qualities.tolist(),
            self.flags.tolist(),
            self.received.tolist(),
            strict=True,
        )

    def take(self, chosen: Ints | Bools) -> Rows:
        """Return the rows at some positions, or where a mask is true."""
        return Rows(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def joined(self, later: Rows) -> Rows:
        """Return these rows and then the later ones."""
        return Rows(
            *(np.concatenate((getattr(self, f.name), getattr(later, f.name))) for f in fields(self))
        )

    def newest(self, *, but: int) -> Rows:
        """Return the newest row of each datastream, of equal times the later one.

        Rows that carry all flags of `but` prove nothing about now and are left out.
        """
        alive = self if not len(self) else self.take(self.flags & but != but)
        order = np.lexsort((alive.times, alive.datastreams))
        streams = alive.datastreams[order]
        last = np.ones(len(order), bool)
        last[:-1] = streams[1:] != streams[:-1]
        return alive.take(order[last])


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch. `rows` were inserted or corrected; None: known to history only.

    None stands where the answer to COMMIT was lost: the batch is there, its rows are not repeated.
    """

    writer: int
    number: int
    rows: Rows | None
    inserted: int = 0
    absorbed: int = 0
    corrected: int = 0
    new_things: int = 0
    letters: list[Letter] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
