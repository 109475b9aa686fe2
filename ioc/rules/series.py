"""The short way to write a series in a test of rules.

Numbers, `a+bxn` / `a-bxn` / `axn` = n + 1 samples, `_` and `_xN` = missing, `NaN` = a bad sample,
`stale` = the series ends here. The notation is that of Prometheus' unit tests of rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

LONGEST: Final = 100_000  # places; 70 days of minutes, some 10 MB

_NUMBER: Final = r"(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[Ii]nf|[Nn]a[Nn])"
_RUN: Final = re.compile(rf"([+-]?{_NUMBER})(?:([+-]{_NUMBER}))?(?:x(\d+))?")
_GAP: Final = re.compile(r"_(?:x(\d+))?")
_SHAPES: Final = "write a number, a+bxn, a-bxn, axn, _, _xN, NaN or stale"


class Mark(Enum):
    """A place of a series that holds no sample."""

    MISSING = "_"
    END = "stale"


Place = float | Mark


def parse(written: str | float) -> list[Place]:
    """Return what stands at each interval; ValueError says what to write instead."""
    places: list[Place] = []
    for token in str(written).split():
        places += _token(token, LONGEST - len(places))
    return places


def _token(token: str, room: int) -> Iterator[Place]:
    if token == Mark.END.value:
        return iter([Mark.END])
    if gap := _GAP.fullmatch(token):
        return iter([Mark.MISSING] * _bounded(token, int(gap[1] or 1), room))
    run = _RUN.fullmatch(token)
    if run is None or (run[2] and not run[3]):
        raise ValueError(f"values: {token!r} is no part of a series; {_SHAPES}")
    first, step = float(run[1]), float(run[2] or 0)
    count = _bounded(token, int(run[3] or 0) + 1, room)
    if not run[2]:
        return iter([first] * count)
    return (first + step * n for n in range(count))


def _bounded(token: str, count: int, room: int) -> int:
    if count > room:
        raise ValueError(f"values: {token!r} makes more than {LONGEST} samples; write fewer")
    return count
