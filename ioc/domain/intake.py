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

Key = tuple[
    str, str, str, str
]  # feed, the device's own id, raw datastream, unit as sent ("": none)
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
    """What is known of a raw key path.

    The catalogue's property (None: not classified), the unit where messages do not name one, the
    range in which the sensor is right.
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
        """Return what is known of a raw key path: its own entry, else the first `*` pattern."""
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
    """What a message says about the thing itself: a name, a position, what it speaks through.

    `parent` is a thing of the same feed: a gateway, a recorder, a bridge.
    """

    thing: str
    label: str | None = None
    lon: float | None = None
    lat: float | None = None
    parent: str | None = None


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


class Slots:
    """Dense numbers for keys, so that the hot path handles integers.

    `keys[slot]` is the key. `generation` rises when all numbers are given anew.
    """

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.generation = 0
        self._slot: dict[Key, int] = {}

    def of(self, key: Key) -> int:
        """Return the number of a key, giving it one."""
        slot = self._slot.get(key)
        if slot is None:
            slot = self._slot[key] = len(self.keys)
            self.keys.append(key)
        return slot

    def clear(self) -> None:
        """Forget every number."""
        self.keys, self._slot = [], {}
        self.generation += 1


@dataclass(slots=True)
class Batch:
    """Everything that one transaction takes in. Columns have one entry a value.

    `origins` is the index into `arrivals`. `sightings` is by (feed, thing). `commands` are topics
    and payloads to publish once the batch is committed.
    """

    slots: Slots
    arrivals: list[Arrival] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)  # numbers of `slots`
    times: list[int] = field(default_factory=list)
    results: list[float] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    sightings: dict[tuple[str, str], Sighting] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    commands: list[tuple[str, bytes]] = field(default_factory=list)
    details: dict[int, str] = field(
        default_factory=dict
    )  # of states, by their place in the columns
    messages: int = 0  # with those absorbed before decoding

    def halves(self) -> tuple[Batch, Batch]:
        """Split by message, without decoding again: codecs may have moved on since."""
        middle = len(self.arrivals) // 2
        return self._part(0, middle), self._part(middle, len(self.arrivals))

    def _part(self, start: int, end: int) -> Batch:
        arrivals = self.arrivals[start:end]
        mine = {id(arrival) for arrival in arrivals}
        packets = {arrival.packet_id for arrival in arrivals}
        chosen = [i for i, origin in enumerate(self.origins) if start <= origin < end]
        return Batch(
            self.slots,
            arrivals,
            [self.streams[i] for i in chosen],
            [self.times[i] for i in chosen],
            [self.results[i] for i in chosen],
            [self.qualities[i] for i in chosen],
            [self.flags[i] for i in chosen],
            [self.origins[i] - start for i in chosen],
            self.sightings,
            [letter for letter in self.letters if id(letter.arrival) in mine],
            [kept for kept in self.remembered if kept.packet_id in packets],
            self.commands if end == len(self.arrivals) else [],
            {new: self.details[old] for new, old in enumerate(chosen) if old in self.details},
            len(arrivals),
        )
