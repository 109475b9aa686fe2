"""Units as devices write them, and the way from one to another. The library is pint."""

from __future__ import annotations

from typing import NamedTuple


class UnitError(Exception):
    """A unit that nobody knows, or that is of another dimension than the wanted one."""


class Conversion(NamedTuple):
    """`wanted = sent * factor + offset`."""

    factor: float
    offset: float


def conversion(sent: str | None, wanted: str) -> Conversion | None:
    """Return how to convert, None where nothing has to be done (the same unit, or none sent).

    Raises UnitError.
    """
    if sent is None or sent == wanted:
        return None
    raise UnitError(sent)
