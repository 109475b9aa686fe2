"""An observation, as OGC SensorThings means it, and what is known about how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from typing import NamedTuple, NewType

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
    TIME_GATEWAY = 64  # the device has no clock: the time is that of the gateway that heard it
    GRADED = 128  # the station said "good", our grading said otherwise


class TimeSource(StrEnum):
    """Whose clock a phenomenon time comes from."""

    DEVICE = "device"
    DEVICE_LOCAL = "device_local"
    GATEWAY = "gateway"
    RECEIVE = "receive"
    CORRECTED = "corrected"


def time_source(flags: Flag) -> TimeSource:
    """Return whose clock it was; the weakest of several facts counts."""
    if flags & Flag.TIME_CORRECTED:
        return TimeSource.CORRECTED
    if flags & Flag.TIME_RECEIVED:
        return TimeSource.RECEIVE
    if flags & Flag.TIME_GATEWAY:
        return TimeSource.GATEWAY
    return TimeSource.DEVICE_LOCAL if flags & Flag.TIME_ZONE else TimeSource.DEVICE


class DeviceState(StrEnum):
    """What a device, or its recorder, says of its own life."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    DISABLED = "disabled"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"  # who would know is away: never shown as offline


STATE_CODES: dict[DeviceState, int] = {state: code for code, state in enumerate(DeviceState)}


class Decoded(NamedTuple):
    """One value as a codec read it from a message, before anybody knows which datastream it is.

    `datastream` is the raw key path of the format, joined by "/"; `unit` as sent. `time` is the
    device's own (µs) or None; `flags` carry only TIME_ZONE, TIME_GATEWAY and HISTORICAL here.
    `result` is NaN where the device said "no value" (quality then MISSING or FAULT).
    """

    thing: str
    datastream: str
    time: Micros | None
    result: float
    unit: str | None = None
    quality: Quality = Quality.GOOD
    flags: Flag = Flag.NONE


@dataclass(frozen=True, slots=True)
class Observation:
    """One stored value of one datastream; unique by (datastream, phenomenon_time)."""

    datastream: DatastreamId
    phenomenon_time: Micros
    result: float
    quality: Quality = Quality.GOOD
    flags: Flag = Flag.NONE
