"""Files as tables: what is in a file, and one inner layer of it as columns and geometry.

Each format is a module with a class that has `inner()` and `read(name)`; the content of the file
decides which, its name only where the content cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from numpy.typing import NDArray

MAX_FILE: Final = 1 << 30  # bytes; a province's half million points are 150 MB of GeoJSON
MAX_ROWS: Final = 1_000_000  # the largest layer asked for is half of that
MAX_COLUMNS: Final = 256


@dataclass(frozen=True, slots=True)
class Table:
    """One inner layer as the file has it, nothing decoded.

    `columns`: values by the file's own names, object arrays of one length. `geometry`: shapely
    objects, None where columns hold the coordinates. `wkt`: the declared system. `row`: the number
    a person sees beside the first row.
    """

    name: str
    columns: dict[str, NDArray[Any]]
    geometry: NDArray[Any] | None
    wkt: str | None = None
    row: int = 1
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        if self.geometry is not None:
            return len(self.geometry)
        return len(next(iter(self.columns.values()), ()))


class Source(Protocol):
    """One file."""

    def inner(self) -> list[str]:
        """Return the names of the layers in it."""

    def read(self, name: str) -> Table:
        """Return one of them; LayerFileError where it cannot be read."""
