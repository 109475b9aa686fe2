"""What ESPHome and everything with Home Assistant's MQTT discovery publish.

Announcements are remembered: units, the words for on and off, where a value stands in a JSON
state, which topics tell whether a thing can be reached. ESPHome's own topics
(`<node>/sensor/<object>/state`, `<node>/status`) are read without them, under the same names, so
nothing moves when an announcement comes late.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from math import isnan, nan
from typing import Any, Final

import msgspec

from ingest.codec import EMPTY, TEXT, Codec, Decoding, FeedView, Ignored, Message, Outcome, Status
from ingest.codecs.homeassistant import discovery
from ingest.codecs.homeassistant.discovery import Announcement, Availability, Entity, Place, Source
from ingest.reading import json_values, naming, paths
from ingest.reading.options import read_options
from ingest.reading.paths import ABSENT
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import Sighting
from ioc.domain.observation import Decoded, DeviceState, Quality

# Entities and availabilities that are kept, about 1 kB each: a province of 2,000 ESPHome nodes with
# 10 values. Beyond it the announcements that are oldest are forgotten: values go on, without units.
MAX_REMEMBERED: Final = 50_000
MAX_DEVICES: Final = 10_000  # whose identifiers are kept, and who wait for a parent
_MAX_WORD: Final = 1024  # bytes of an availability message; a JSON one has some 20
_NOTHING: Final = frozenset({"unavailable", "unknown", "none", "nan", ""})
_NUMBERS: Final = frozenset({"sensor", "number"})
_DISCOVERED: Final = Ignored("discovery")
_CONFIG_LEVELS: Final = (4, 5)  # prefix/component/[node/]object/config


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`discovery_prefix`: the first level of announcements, as set in Home Assistant."""

    discovery_prefix: str = "homeassistant"


def build(options: Mapping[str, Any], _feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError for options it does not understand."""
    wanted = read_options(options, Options)
    if not wanted.discovery_prefix or "/" in wanted.discovery_prefix:
        raise ConfigError("discovery_prefix is one level of a topic, without '/'")
    return Codec(_Reader(wanted).decode, stateful=True)


class _Reader:
    def __init__(self, options: Options) -> None:
        self._prefix = options.discovery_prefix
        self._memory = Memory()

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        levels = message.topic.split("/")
        if levels[0] == self._prefix and levels[-1] == "config":
            return self._announced(levels, message)
        entities = self._memory.entities(message.topic)
        availabilities = self._memory.availabilities(message.topic)
        if not entities and not availabilities:
            return Decoding([self._by_name(levels, message)])
        if not message.payload:
            return Decoding([EMPTY])
        outcomes = self._lives(availabilities, message)
        outcomes += _values(entities, message)
        return Decoding(outcomes)

    def _announced(self, levels: list[str], message: Message) -> Decoding:
        if len(levels) not in _CONFIG_LEVELS:
            raise PayloadError("unknown_topic", paths.shown(message.topic))
        if not message.payload:
            self._memory.forget(message.topic)
            return Decoding([EMPTY])
        found = discovery.read(levels[:-1], message.payload)
        self._memory.keep(message.topic, found)
        sightings = found.sightings + self._memory.relate(found)
        return Decoding([_DISCOVERED, *found.refused], sightings)

    def _by_name(self, levels: list[str], message: Message) -> Outcome:
        """Read a topic that nobody announced: ESPHome's own, or Home Assistant's own state."""
        own = discovery.esphome(message.topic, self._prefix)
        if own is not None:
            if not message.payload and message.retain:
                return EMPTY
            thing, component, datastream = own
            place = Place(message.topic, None)
            named = naming.checked(thing), naming.checked(datastream)
            return _value(Entity(*named, component, place), _text(message.payload))
        if levels == [self._prefix, "status"]:
            return Ignored("unused")
        if levels[-1] == "status" and len(levels) > 1:
            thing = naming.checked("/".join(levels[:-1]))
            return _esphome_life(thing, message.payload)
        raise PayloadError("unknown_topic", paths.shown(message.topic))

    def _lives(self, availabilities: Iterable[Availability], message: Message) -> list[Outcome]:
        """Return one state a thing; several entities of one thing announce the same."""
        self._memory.heard[message.topic] = message.payload[:_MAX_WORD]
        states: dict[str, Outcome] = {}
        for one in availabilities:
            if one.thing in states:
                continue
            state = _state(one, self._memory.heard, message.topic)
            if state is None:
                word = paths.shown(message.payload[:_MAX_WORD].decode(errors="replace"))
                states[one.thing] = PayloadError("bad_state", word)
            else:
                states[one.thing] = Status(one.thing, state)
        return list(states.values())


class Memory:
    """What was announced, by the topic of the announcement and by the topics it names; bounded."""

    def __init__(self) -> None:
        self.heard: dict[str, bytes] = {}  # the last word on each availability topic
        self._announced: OrderedDict[str, Announcement] = OrderedDict()
        self._entities: dict[str, dict[tuple[str, int], Entity]] = {}
        self._availabilities: dict[str, dict[tuple[str, int], Availability]] = {}
        self._size = 0
        self._owners: OrderedDict[str, str] = OrderedDict()  # identifier of a device -> its thing
        self._waiting: OrderedDict[str, str] = OrderedDict()  # thing -> a parent's identifier

    def relate(self, found: Announcement) -> list[Sighting]:
        """Return who hangs on whom, now that both are known; announcements come in any order."""
        for device, thing in found.owns.items():
            _remember(self._owners, device, thing)
        hanging = dict(found.hangs)
        if found.owns and self._waiting:
            hanging |= {t: via for t, via in self._waiting.items() if via in found.owns}
        sightings = []
        for thing, via in hanging.items():
            parent = self._owners.get(via)
            if parent is None:
                _remember(self._waiting, thing, via)
            elif parent != thing:
                self._waiting.pop(thing, None)
                sightings.append(Sighting(thing, parent=parent))
        return sightings

    def entities(self, topic: str) -> list[Entity]:
        """Return the values on a topic, each once."""
        found = self._entities.get(topic, {}).values()
        return list({(e.thing, e.datastream): e for e in found}.values())

    def availabilities(self, topic: str) -> list[Availability]:
        return list(self._availabilities.get(topic, {}).values())

    def keep(self, topic: str, found: Announcement) -> None:
        """Remember an announcement in place of an earlier one on its topic."""
        self.forget(topic)
        self._announced[topic] = found
        for number, entity in enumerate(found.entities):
            self._entities.setdefault(entity.place.topic, {})[topic, number] = entity
        for number, one in enumerate(found.availabilities):
            for source in one.sources:
                self._availabilities.setdefault(source.place.topic, {})[topic, number] = one
        self._size += _size(found)
        while self._size > MAX_REMEMBERED:
            self.forget(next(iter(self._announced)))

    def forget(self, topic: str) -> None:
        """Forget an announcement; one that is not known is no matter."""
        found = self._announced.pop(topic, None)
        if found is None:
            return
        self._size -= _size(found)
        for number, entity in enumerate(found.entities):
            _drop(self._entities, entity.place.topic, (topic, number))
        for number, one in enumerate(found.availabilities):
            for source in one.sources:
                _drop(self._availabilities, source.place.topic, (topic, number))
                if source.place.topic not in self._availabilities:
                    self.heard.pop(source.place.topic, None)


def _size(found: Announcement) -> int:
    return 1 + len(found.entities) + sum(len(one.sources) for one in found.availabilities)


def _remember(known: OrderedDict[str, str], key: str, value: str) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_DEVICES:
        known.popitem(last=False)


def _drop(index: dict[str, dict[tuple[str, int], Any]], topic: str, key: tuple[str, int]) -> None:
    known = index.get(topic, {})
    known.pop(key, None)
    if not known:
        index.pop(topic, None)


def _state(one: Availability, heard: Mapping[str, bytes], topic: str) -> DeviceState | None:
    """Return the state that all sources make together; None where the last word is no word.

    A source that was never heard leaves `all` and `any` open: the state is unknown, not offline.
    """
    words = [_reachable(source, heard.get(source.place.topic)) for source in one.sources]
    latest = [w for w, s in zip(words, one.sources, strict=True) if s.place.topic == topic]
    if latest[-1] is None:
        return None
    if one.mode == "latest":
        return DeviceState.ONLINE if latest[-1] else DeviceState.OFFLINE
    decides = one.mode == "any"
    if decides in words:
        return DeviceState.ONLINE if decides else DeviceState.OFFLINE
    if None in words:
        return DeviceState.UNKNOWN
    return DeviceState.OFFLINE if decides else DeviceState.ONLINE


def _reachable(source: Source, payload: bytes | None) -> bool | None:
    if payload is None:
        return None
    word = payload.decode(errors="replace").strip()
    if source.place.path is not None:
        try:
            found = discovery.inside(json_values.parse(payload), source.place.path)
        except PayloadError:
            return None
        word = found if isinstance(found, str) else paths.shown(found)
    if word == source.available:
        return True
    return False if word == source.not_available else None


def _values(entities: Iterable[Entity], message: Message) -> list[Outcome]:
    outcomes: list[Outcome] = []
    root: Any = ABSENT
    for entity in entities:
        path = entity.place.path
        try:
            if path is None:
                raw: Any = _text(message.payload)
            else:
                root = json_values.parse(message.payload) if root is ABSENT else root
                raw = discovery.inside(root, path)
        except PayloadError as error:
            return [*outcomes, error]  # the one payload of all of them
        if raw is not ABSENT:  # a partial update
            outcomes.append(_value(entity, raw))
    return outcomes or ([PayloadError("missing_value")] if root is not ABSENT else [])


def _value(entity: Entity, raw: Any) -> Outcome:  # noqa: ANN401  JSON
    """Return an entity's value: a number, or 1 and 0 of a binary sensor."""
    word = raw.strip() if isinstance(raw, str) else raw
    if raw is None or (isinstance(word, str) and word.lower() in _NOTHING):
        return _observed(entity, nan)
    if entity.component == "binary_sensor":
        return _binary(entity, word)
    if entity.component not in _NUMBERS:
        return TEXT
    try:
        if isinstance(word, bool):
            word = int(word)
        computed = entity.formula
        result = json_values.read(word, None) if computed is None else computed.of(word)
        return _observed(entity, result)
    except PayloadError as error:
        if isinstance(word, str) and not entity.numeric:
            return TEXT
        return PayloadError(error.reason, f"{entity.datastream}: {error.detail}")


def _binary(entity: Entity, word: Any) -> Outcome:  # noqa: ANN401  JSON
    shown = paths.shown(word)
    if shown.lower() == entity.on.lower():
        return _observed(entity, 1.0)
    if shown.lower() == entity.off.lower():
        return _observed(entity, 0.0)
    if isinstance(word, bool):  # a template that renders true where the words are ON and OFF
        return _observed(entity, float(word))
    return PayloadError("bad_state", f"{entity.datastream}: {shown}")


def _observed(entity: Entity, result: float) -> Decoded:
    quality = Quality.MISSING if isnan(result) else Quality.GOOD
    return Decoded(entity.thing, entity.datastream, None, result, entity.unit, quality)


def _esphome_life(thing: str, payload: bytes) -> Outcome:
    if not payload:
        return EMPTY
    word = payload[:_MAX_WORD].decode(errors="replace").strip()
    if word.lower() not in ("online", "offline"):
        return PayloadError("bad_state", paths.shown(word))
    return Status(thing, DeviceState(word.lower()))


def _text(payload: bytes) -> str:
    if not payload.strip():
        raise PayloadError("empty")
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadError("not_utf8", f"byte {error.start}") from error
