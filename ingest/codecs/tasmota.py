"""Tasmota: `tele/<device>/SENSOR`, `/STATE` and `/LWT`, wherever FullTopic puts the prefix.

The last level of the topic is the kind of message; the device is what the feed's topic names.
`Time` is local without a zone (SetOption52 adds one, `Time 2` an `Epoch` beside it). Units stand
beside the sensors, for all of them: `TempUnit`, `PressureUnit`, `SpeedUnit`.

"ON" and "OFF" are texts here: the words are the installer's own (StateText), so what they mean is
not fixed by the format, and the same relay has no number in any message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ingest.codec import EMPTY, Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.reading import json_values, moments, naming, paths, tree
from ingest.reading.deletions import unless_deleted
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.tree import Leaf, Shape
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec
from ioc.domain.observation import DeviceState, Flag

_UNITS: Final = {  # the last key of a path, without a trailing number -> where its unit stands
    "Temperature": "TempUnit",
    "DewPoint": "TempUnit",
    "HeatIndex": "TempUnit",
    "OBJTMP": "TempUnit",
    "AMBTMP": "TempUnit",
    "Pressure": "PressureUnit",
    "SeaPressure": "PressureUnit",
}
_SHAPE: Final = Shape(
    used=frozenset({"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit"}),
    metadata=frozenset(
        {
            "Uptime", "SleepMode", "SSId", "BSSId", "APMac", "Wifi/Mode", "Downtime", "Hostname",
            "IPAddress", "Mac", "Id", "Address", "Type", "Model", "Firmware", "TotalStartTime",
        }
    ),
)  # fmt: skip
_VALUES: Final = frozenset({"SENSOR", "STATE"})
_WITHOUT_VALUES: Final = {
    "INFO1": Ignored("metadata"),
    "INFO2": Ignored("metadata"),
    "INFO3": Ignored("metadata"),
    "UPTIME": Ignored("metadata"),
    "HASS_STATE": Ignored("metadata"),
    "RESULT": Ignored("unused"),
    "MARGINS": Ignored("unused"),
}
_LIFE: Final = {"online": DeviceState.ONLINE, "offline": DeviceState.OFFLINE}

_MICROGRAM: Final = "µg/m³"
# What is certain of every Tasmota; a chip's own temperature is no air temperature.
_DATASTREAMS: Final[Mapping[str, DatastreamSpec]] = {
    "ESP32/Temperature": DatastreamSpec(),
    "ENERGY/Power": DatastreamSpec("power", "W"),
    "ENERGY/Power/*": DatastreamSpec("power", "W"),
    "ENERGY/Voltage": DatastreamSpec("voltage", "V"),
    "ENERGY/Voltage/*": DatastreamSpec("voltage", "V"),
    "ENERGY/Current": DatastreamSpec("current", "A"),
    "ENERGY/Current/*": DatastreamSpec("current", "A"),
    "ENERGY/Frequency": DatastreamSpec("mains_frequency", "Hz"),
    "ENERGY/Frequency/*": DatastreamSpec("mains_frequency", "Hz"),
    "ENERGY/Total": DatastreamSpec("energy", "kWh"),
    "ENERGY/Total/*": DatastreamSpec("energy", "kWh"),
    "ENERGY/Today": DatastreamSpec(None, "kWh"),
    "ENERGY/Today/*": DatastreamSpec(None, "kWh"),
    "ENERGY/Yesterday": DatastreamSpec(None, "kWh"),
    "ENERGY/Yesterday/*": DatastreamSpec(None, "kWh"),
    "ENERGY/Period": DatastreamSpec(None, "Wh"),
    "ENERGY/Period/*": DatastreamSpec(None, "Wh"),
    "ENERGY/ApparentPower": DatastreamSpec(None, "VA"),
    "ENERGY/ApparentPower/*": DatastreamSpec(None, "VA"),
    "ENERGY/ReactivePower": DatastreamSpec(None, "var"),
    "ENERGY/ReactivePower/*": DatastreamSpec(None, "var"),
    "*/Temperature": DatastreamSpec("temperature"),
    "*/Humidity": DatastreamSpec("humidity", "%"),
    "*/DewPoint": DatastreamSpec("dew_point"),
    "*/Pressure": DatastreamSpec("air_pressure"),
    "*/Illuminance": DatastreamSpec("illuminance", "lx"),
    "*/CarbonDioxide": DatastreamSpec("co2", "ppm"),
    "*/eCO2": DatastreamSpec(None, "ppm"),
    "*/PM1": DatastreamSpec("pm1", _MICROGRAM),
    "*/PM2.5": DatastreamSpec("pm25", _MICROGRAM),
    "*/PM10": DatastreamSpec("pm10", _MICROGRAM),
    "*/CF1": DatastreamSpec(None, _MICROGRAM),
    "*/CF2.5": DatastreamSpec(None, _MICROGRAM),
    "*/CF10": DatastreamSpec(None, _MICROGRAM),
    "UptimeSec": DatastreamSpec("uptime", "s"),
    "Vcc": DatastreamSpec(None, "V"),
    "Wifi/Signal": DatastreamSpec("rssi", "dBm"),
    "Wifi/RSSI": DatastreamSpec(None, "%"),  # Tasmota's RSSI is a quality of 0 to 100
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`thing`: parts of the topic in braces that name the device."""

    thing: str = "{device}"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError where the topics do not name the device."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode), _DATASTREAMS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._thing = naming.of_topic(options.thing, feed)
        self._moment = moments.reader("auto", feed.zone)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        kind = message.topic.rpartition("/")[2]
        thing = self._thing(message)
        if kind == "LWT":
            return Decoding([_life(thing, message)])
        if kind in _WITHOUT_VALUES:
            return Decoding([_WITHOUT_VALUES[kind]])
        if kind not in _VALUES:
            raise PayloadError("unknown_topic", paths.shown(message.topic))
        return Decoding(self._values(thing, json_values.document(message.payload)))

    def _values(self, thing: str, root: dict[str, Any]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        time, flags = None, Flag.NONE
        try:
            time, flags = self._when(root)
        except PayloadError as error:
            outcomes.append(error)
        origin = Origin(thing, time, flags)
        for found in tree.leaves(root, _SHAPE):
            if not isinstance(found, Leaf):
                outcomes.append(found)
                continue
            beside = _UNITS.get(found.key.rstrip("0123456789"), "")
            outcomes.append(typed(origin, found.path, found.value, naming.unit(root.get(beside))))
        return outcomes

    def _when(self, root: dict[str, Any]) -> tuple[Micros | None, Flag]:
        """Return the device's time: its UTC count where it sends one."""
        return self._moment(root.get("Epoch", root.get("Time")))


def _life(thing: str, message: Message) -> Outcome:
    if not message.payload:
        return EMPTY
    word = message.payload[:32].decode(errors="replace").strip()
    state = _LIFE.get(word.lower())
    return PayloadError("bad_state", paths.shown(word)) if state is None else Status(thing, state)
