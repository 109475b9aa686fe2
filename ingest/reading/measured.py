"""A value under its own name -> an outcome: what formats that name their channels share."""

from __future__ import annotations

from math import isnan
from typing import Any, Final, NamedTuple

from ingest.codec import TEXT, Outcome
from ingest.reading import json_values, paths
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Flag, Quality

MAX_DETAIL: Final = 200  # characters


class Origin(NamedTuple):
    """What the values of one record share: the thing, the time, whose clock it was.

    `absent`: what it means that a value is not there.
    """

    thing: str
    time: Micros | None = None
    flags: Flag = Flag.NONE
    absent: Quality = Quality.MISSING

    def value(self, datastream: str, result: float, unit: str | None = None) -> Decoded:
        """Return one value; NaN is none."""
        quality = self.absent if isnan(result) else Quality.GOOD
        return Decoded(self.thing, datastream, self.time, result, unit, quality, self.flags)


def typed(origin: Origin, datastream: str, raw: Any, unit: str | None = None) -> Outcome:  # noqa: ANN401
    """Return a value of a format whose values have types: a text measures nothing.

    Booleans become 0 and 1, null is a missing value.
    """
    if isinstance(raw, str):
        return TEXT
    return number(origin, datastream, int(raw) if isinstance(raw, bool) else raw, unit)


def number(origin: Origin, datastream: str, raw: Any, unit: str | None = None) -> Outcome:  # noqa: ANN401
    """Return a value of a format that may write numbers as strings."""
    try:
        result = json_values.read(raw)
    except PayloadError as error:
        return PayloadError(error.reason, f"{datastream}: {error.detail}")
    return origin.value(datastream, result, unit)


def readable(error: PayloadError, where: str = "") -> PayloadError:
    """Return a refusal whose detail can be stored and printed, whatever was in the message."""
    detail = paths.shown(error.detail, MAX_DETAIL)
    return PayloadError(error.reason, f"{paths.shown(where)}: {detail}" if where else detail)
