"""An observation, as OGC SensorThings means it, and what is known about how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NewType

from ioc.domain.instant import Micros

DatastreamId = NewType("DatastreamId", int)
ThingId = NewType("ThingId", int)


class Quality(IntEnum):
    """Trust in a result; stored as smallint. Status words of TT 10/2021 map onto it."""

    GOOD = 0
    CALIBRATING = 1
    FAULT = 2
    SUSPECT = 3
    MISSING = 4


class Flag(IntFlag):
    """Facts beside the quality; stored as smallint."""

    NONE = 0
    HISTORICAL = 1  # replayed history: recorded, never evaluated
    RETAINED = 2  # the broker's retained copy: proves nothing about now
    SIMULATED = 4
    TIME_ZONE = 8  # the time had no offset: the feed's declared zone was applied
    TIME_RECEIVED = 16  # no device time: the moment of arrival stands in
    TIME_CORRECTED = 32  # the device time was a boot counter or older than 1971: arrival stands in


@dataclass(frozen=True, slots=True)
class Decoded:
    """One value as a codec read it from a message, before anybody knows which datastream it is.

    `time` is the device's own (µs) or None; `flags` carry only TIME_ZONE and HISTORICAL here.
    `result` is NaN where the device said "no value" (quality then MISSING or FAULT).
    """

    thing: str
    property: str
    time: Micros | None
    result: float
    quality: Quality = Quality.GOOD
    flags: Flag = Flag.NONE
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One stored value of one datastream; unique by (datastream, phenomenon_time)."""

    datastream: DatastreamId
    phenomenon_time: Micros
    result: float
    quality: Quality = Quality.GOOD
    flags: Flag = Flag.NONE
