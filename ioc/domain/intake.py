"""What passes between the broker, the decision and the store: arrivals in, one batch out.

Rows of a batch are kept as columns: they become packed arrays without a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Final, NamedTuple

from ioc.domain.instant import Micros

Key = tuple[str, str, str, str]  # feed, the device's own id, raw datastream, unit as sent ("": none)
Row = tuple[int, int, float, int, int, int]  # datastream, time, result, quality, flags, received


class Arrival(NamedTuple):
    """One MQTT message as it reached us; `session` counts our connections to the broker."""

    topic: str
    payload: bytes
    received: Micros
    packet_id: int | None = None  # None: QoS 0, nothing to acknowledge
    dup: bool = False
    retain: bool = False
    session: int = 0


@dataclass(frozen=True, slots=True)
class DatastreamSpec:
    """What is known of a raw key path: the catalogue's property (None: not classified), the unit
    where messages do not name one, the range in which the sensor is right.
    """

    property: str | None = None
    unit: str | None = None
    valid_min: float | None = None
    valid_max: float | None = None


UNCLASSIFIED: Final = DatastreamSpec()
STATUS: Final = "@status"  # the raw name under which a thing's own word on its life is kept
STATUS_PROPERTIES: Final[Mapping[str, str]] = {
    "camera": "camera_status",
    "network": "network_status",
    "bts": "bts_status",
}


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """What the registry must know of a feed to create the things that appear on it."""

    name: str
    title_vi: str
    title_en: str
    kind: str
    expected_period_s: float
    stale_after_s: float
    simulated: bool = False
    admit: bool = False
    datastreams: Mapping[str, DatastreamSpec] = field(default_factory=dict)

    def describe(self, datastream: str) -> DatastreamSpec:
        """Return what is known of a raw key path: its own entry, else the first pattern with `*`."""
        own = self.datastreams.get(datastream)
        if own is not None:
            return own
        for pattern, spec in self.datastreams.items():
            if "*" in pattern and fnmatchcase(datastream, pattern):
                return spec
        if datastream == STATUS:
            return DatastreamSpec(STATUS_PROPERTIES.get(self.kind, "device_status"))
        return UNCLASSIFIED


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a message says about the thing itself: a name, a position."""

    thing: str
    label: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, or a part of it, that was not taken in; `detail` names the place."""

    feed: str | None
    arrival: Arrival
    reason: str
    detail: str = ""


class Remembered(NamedTuple):
    """A message of the unacknowledged window that only its own bytes can tell from a new one."""

    packet_id: int
    digest: bytes


def digest(arrival: Arrival) -> bytes:
    """Return 16 bytes that tell a message from every other with the same packet id."""
    topic = arrival.topic.encode("utf-8", "surrogatepass")
    return blake2b(topic + b"\0" + arrival.payload, digest_size=16).digest()


@dataclass(slots=True)
class Batch:
    """Everything that one transaction takes in. Columns have one entry a value.

    `origins` is the index into `arrivals`. `sightings` is by (feed, thing).
    """

    arrivals: list[Arrival] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    results: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    sightings: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    messages: int = 0  # with those absorbed before decoding


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch. `rows` were inserted or corrected; None: known to history only.

    None stands where the answer to COMMIT was lost: the batch is there, its rows are not repeated.
    """

    writer: int
    number: int
    rows: list[Row] | None
    inserted: int = 0
    absorbed: int = 0
    corrected: int = 0
    new_things: int = 0
    letters: list[Letter] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
