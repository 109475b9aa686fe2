"""A value under its own name -> an outcome: what formats that name their channels share."""

from __future__ import annotations

from math import isnan
from typing import Any, NamedTuple

from ingest.codecs import Ignored, Message, Outcome, json_values
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Flag, Quality


class Origin(NamedTuple):
    """What the values of one record share: the thing, the time, whose clock it was."""

    thing: str
    time: Micros | None
    flags: Flag = Flag.NONE


def typed(origin: Origin, datastream: str, raw: Any, unit: str | None = None) -> Outcome:  # noqa: ANN401
    """Return a value of a format whose values have types: a text measures nothing.

    Booleans become 0 and 1, null is a missing value.
    """
    if isinstance(raw, str):
        return Ignored("text")
    return number(origin, datastream, int(raw) if isinstance(raw, bool) else raw, unit)


def number(origin: Origin, datastream: str, raw: Any, unit: str | None = None) -> Outcome:  # noqa: ANN401
    """Return a value of a format that may write numbers as strings."""
    try:
        result = json_values.read(raw)
    except PayloadError as error:
        return PayloadError(error.reason, f"{datastream}: {error.detail}")
    quality = Quality.MISSING if isnan(result) else Quality.GOOD
    return Decoded(origin.thing, datastream, origin.time, result, unit, quality, origin.flags)


def deleted(message: Message) -> bool:
    """Say whether a message only deletes what the broker keeps for its topic."""
    return message.retain and not message.payload
