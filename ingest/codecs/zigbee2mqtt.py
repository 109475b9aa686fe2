"""Zigbee2MQTT: `<base>/<friendly name>`, where the name may hold "/" and spaces.

Keys differ from device to device; those whose unit the format fixes are listed here, the units of
the others are learned from `bridge/devices`. `last_seen`, where it is switched on, is the bridge's
clock. The bridge itself is the thing "bridge", through which all others speak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ingest.codec import (
    EMPTY,
    METADATA,
    Codec,
    Decoding,
    FeedView,
    Ignored,
    Message,
    Outcome,
    Status,
)
from ingest.reading import json_values, moments, naming, paths, tree
from ingest.reading.json_values import parse
from ingest.reading.measured import Origin, typed
from ingest.reading.options import read_options
from ingest.reading.tree import Leaf, Shape
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import DeviceState, Flag

BRIDGE: Final = "bridge"
# A coordinator holds some 300 devices of some 30 keys; beyond these a list is no inventory.
MAX_UNITS: Final = 20_000
MAX_BRIDGES: Final = 64
_MAX_EXPOSED_DEPTH: Final = 4  # a light's features hold composites, and those hold no more
_SHAPE: Final = Shape(
    used=frozenset({"last_seen"}), metadata=frozenset({"update", "update_available", "device"})
)
_ORDERS: Final = frozenset({"set", "get"})
_BRIDGE_TOPICS: Final = {
    "event": Ignored("event_kind"),
    "logging": Ignored("unused"),
    "log": Ignored("unused"),
    "request": Ignored("unused"),
    "response": Ignored("unused"),
}
_LIFE: Final = {"online": DeviceState.ONLINE, "offline": DeviceState.OFFLINE}
_WORD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_ .:-]{0,63}")
_JSON_WORDS: Final = frozenset({b"true", b"false", b"null", b"NaN", b"Infinity"})
_DISCOVERY: Final = Ignored("discovery")

# `voltage` is mV of a battery in one device and V of the mains in the next, `illuminance` lux or a
# raw count, `voc` ppb or µg/m³: those are learned.
_DATASTREAMS: Final = {
    "temperature": DatastreamSpec("temperature", "°C"),
    "humidity": DatastreamSpec("humidity", "%"),
    "pressure": DatastreamSpec("air_pressure", "hPa"),
    "battery": DatastreamSpec("battery", "%"),
    "linkquality": DatastreamSpec("link_quality"),
    "illuminance_lux": DatastreamSpec("illuminance", "lx"),
    "pm25": DatastreamSpec("pm25", "µg/m³"),
    "pm10": DatastreamSpec("pm10", "µg/m³"),
    "co2": DatastreamSpec("co2", "ppm"),
    "power": DatastreamSpec("power", "W"),
    "current": DatastreamSpec("current", "A"),
    "energy": DatastreamSpec("energy", "kWh"),
    "ac_frequency": DatastreamSpec("mains_frequency", "Hz"),
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name`: the part of the topic that holds what follows the base topic."""

    name: str = "name"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError where the topics have no part that holds the name."""
    wanted = read_options(options, Options)
    if wanted.name not in feed.names:
        raise ConfigError(f"the topic has no part {{{wanted.name}*}}: write it as base/{{name*}}")
    return Codec(_Reader(wanted, feed).decode, _DATASTREAMS, stateful=True)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._part = options.name
        self._moment = moments.reader("auto", feed.zone)
        self._units: dict[str, dict[tuple[str, str], str]] = {}  # base topic -> (name, key) -> unit

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        name = message.parts[self._part]
        base = message.topic.removesuffix(name)
        head, _, last = name.rpartition("/")
        if name == BRIDGE or name.startswith(f"{BRIDGE}/"):
            return Decoding([self._bridge(base, name.removeprefix(BRIDGE)[1:], message)])
        if head and last == "availability":
            device = naming.checked(head)
            return Decoding([_life(device, message.payload)], _through_bridge(device))
        if head and (last in _ORDERS or _ORDERS.intersection(name.split("/")[-2:-1])):
            return Decoding([Ignored("unused")])
        if not message.payload:  # a renamed or removed device: its retained state is deleted
            return Decoding([EMPTY])
        root = _content(message.payload, bare=bool(head))
        if not isinstance(root, dict):
            return Decoding([_attribute(head, last, root)])
        device = naming.checked(name)
        return Decoding(self._state(base, device, root), _through_bridge(device))

    def _bridge(self, base: str, topic: str, message: Message) -> Outcome:
        if topic == "state":
            return _life(BRIDGE, message.payload)
        if topic == "devices" and message.payload:
            self._learn(base, parse(message.payload))
            return _DISCOVERY
        return _BRIDGE_TOPICS.get(topic.partition("/")[0], METADATA)

    def _learn(self, base: str, devices: Any) -> None:  # noqa: ANN401  JSON
        """Replace what is known of one bridge's devices: the list is always whole."""
        if not isinstance(devices, list):
            raise PayloadError("not_of_format", f"{BRIDGE}/devices holds no list")
        learned: dict[tuple[str, str], str] = {}
        for device in devices:
            name = device.get("friendly_name") if isinstance(device, dict) else None
            if not isinstance(name, str):
                continue
            definition = device.get("definition")
            exposes = definition.get("exposes") if isinstance(definition, dict) else None
            for key, unit in _exposed(exposes, 1):
                if len(learned) < MAX_UNITS and key not in _DATASTREAMS:
                    learned[name, key] = unit
        self._units.pop(base, None)
        if len(self._units) >= MAX_BRIDGES:
            self._units.pop(next(iter(self._units)))
        self._units[base] = learned

    def _state(self, base: str, thing: str, root: dict[str, Any]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        time, flags = None, Flag.NONE
        try:
            time, flags = self._seen(root.get("last_seen"))
        except PayloadError as error:
            outcomes.append(PayloadError(error.reason, f"last_seen: {error.detail}"))
        origin = Origin(thing, time, flags)
        units = self._units.get(base, {})
        for found in tree.leaves(root, _SHAPE):
            if isinstance(found, Leaf):
                unit = units.get((thing, found.path))
                outcomes.append(typed(origin, found.path, found.value, unit))
            else:
                outcomes.append(found)
        return outcomes

    def _seen(self, raw: Any) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
        """Return when the bridge last heard the device, if it says so."""
        time, flags = self._moment(raw)
        return time, Flag.NONE if time is None else flags | Flag.TIME_GATEWAY


def _through_bridge(device: str) -> list[Sighting]:
    return [Sighting(device, parent=BRIDGE)]


def _exposed(exposes: Any, depth: int) -> Iterator[tuple[str, str]]:  # noqa: ANN401  JSON
    """Yield (key, unit) of what a definition exposes; a composite's keys stand below its own."""
    if not isinstance(exposes, list) or depth > _MAX_EXPOSED_DEPTH:
        return
    for one in exposes:
        if not isinstance(one, dict):
            continue
        key, unit = one.get("property"), naming.unit(one.get("unit"))
        if isinstance(key, str) and unit is not None:
            yield key, unit
        prefix = f"{key}/" if one.get("type") == "composite" and isinstance(key, str) else ""
        for below, its_unit in _exposed(one.get("features"), depth + 1):
            yield prefix + below, its_unit


def _content(payload: bytes, *, bare: bool) -> Any:  # noqa: ANN401  JSON
    """Parse a payload; `output: attribute` sends words `bare`: ON, single, closed."""
    if bare and payload not in _JSON_WORDS and _WORD.fullmatch(payload):
        return payload.decode()
    return parse(payload)


def _attribute(head: str, key: str, value: Any) -> Outcome:  # noqa: ANN401  JSON
    """Read `output: attribute`, where each key has a topic of its own and a bare value."""
    if not head or isinstance(value, list):
        raise PayloadError("not_of_format", "an object belongs on a device's own topic")
    name = paths.channel(key)
    return typed(Origin(naming.checked(head)), name, value)


def _life(thing: str, payload: bytes) -> Outcome:
    """Read a state: the word alone (before 2.0) or {"state": word}."""
    if not payload:
        return EMPTY
    word = payload[:32].decode(errors="replace").strip().strip('"')
    if word.startswith("{"):
        found = json_values.document(payload).get("state")
        word = found if isinstance(found, str) else ""
    state = _LIFE.get(word.lower())
    return PayloadError("bad_state", paths.shown(word)) if state is None else Status(thing, state)
