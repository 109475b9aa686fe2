"""AirGradient: `airgradient/readings/<serial>`, one flat JSON object with the format's own units.

`pm02` IS PM2.5. Two monitors in one housing come as `channels/1/...`. There is no time. `boot`
counts the readings since the start: where it falls, the device has started again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ingest.codec import Codec, Decoding, FeedView, Message, Outcome, Status
from ingest.reading import json_values, naming, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.tree import Leaf, Shape
from ioc.domain.intake import DatastreamSpec
from ioc.domain.observation import Decoded, DeviceState

# Serial numbers whose last boot counter is kept: 100 bytes each; beyond it the longest silent one
# goes, and its next restart is not told.
MAX_DEVICES: Final = 20_000
RESTARTED: Final = "restart"
_COUNTERS: Final = frozenset({"boot", "bootCount"})
_SHAPE: Final = Shape(metadata=frozenset({"serialno", "firmware", "model", "ledMode"}))

_MICROGRAM: Final = "µg/m³"
_FIXED: Final[dict[str, DatastreamSpec]] = {
    "wifi": DatastreamSpec("rssi", "dBm"),
    "rco2": DatastreamSpec("co2", "ppm"),
    "pm01": DatastreamSpec("pm1", _MICROGRAM),
    "pm02": DatastreamSpec("pm25", _MICROGRAM),
    "pm02Compensated": DatastreamSpec("pm25", _MICROGRAM),
    "pm10": DatastreamSpec("pm10", _MICROGRAM),
    "pm01Standard": DatastreamSpec(None, _MICROGRAM),
    "pm02Standard": DatastreamSpec(None, _MICROGRAM),
    "pm10Standard": DatastreamSpec(None, _MICROGRAM),
    "atmp": DatastreamSpec("temperature", "°C"),
    "atmpCompensated": DatastreamSpec("temperature", "°C"),
    "rhum": DatastreamSpec("humidity", "%"),
    "rhumCompensated": DatastreamSpec("humidity", "%"),
    "tvocIndex": DatastreamSpec("tvoc_index"),
    "noxIndex": DatastreamSpec("nox_index"),
}
_DATASTREAMS: Final = _FIXED | {f"channels/*/{key}": spec for key, spec in _FIXED.items()}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`thing`: parts of the topic in braces that name the device."""

    thing: str = "{serial}"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError where the topics do not name the device."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode), _DATASTREAMS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._thing = naming.of_topic(options.thing, feed)
        self._boots: OrderedDict[tuple[str, str], float] = OrderedDict()

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        thing = self._thing(message)
        outcomes: list[Outcome] = []
        restarted = False
        for found in tree.leaves(json_values.document(message.payload), _SHAPE):
            one = (
                typed(Origin(thing), found.path, found.value) if isinstance(found, Leaf) else found
            )
            outcomes.append(one)
            if isinstance(one, Decoded) and one.datastream in _COUNTERS and not message.retain:
                restarted |= self._fell(one)
        if restarted:
            outcomes.append(Status(thing, DeviceState.ONLINE, RESTARTED))
        return Decoding(outcomes)

    def _fell(self, counter: Decoded) -> bool:
        """Remember a boot counter; say whether it is lower than the one before."""
        key = (counter.thing, counter.datastream)
        before = self._boots.pop(key, counter.result)
        self._boots[key] = counter.result
        if len(self._boots) > len(_COUNTERS) * MAX_DEVICES:
            self._boots.popitem(last=False)
        return counter.result < before
