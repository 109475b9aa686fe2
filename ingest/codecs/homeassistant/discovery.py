"""Home Assistant's MQTT discovery: a `config` message -> what its state topics mean.

Keys may be abbreviated, "~" stands for the base topic. Of templates only paths are read, and the
filters after them that leave a number what it is (is_defined, float, trim; round and int: what was
measured is kept, not what would be shown; default: where nothing was sent nothing is made up);
plain arithmetic on one value is done as written (`formula`); what else computes is refused rather
than guessed.
`expire_after` is not kept: silence is judged by the feed's own limit, against the clock, which a
codec does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from ingest.codecs.homeassistant import formula
from ingest.codecs.homeassistant.formula import Formula
from ingest.reading import json_values, naming, paths
from ingest.reading.paths import ABSENT
from ioc.domain.errors import PayloadError
from ioc.domain.intake import Sighting

MAX_TOPIC: Final = 512  # characters; the longest seen have some 120
MAX_SOURCES: Final = 16  # availability topics of one entity; a bridge and the device make two
MAX_IDS: Final = 16  # of one device
MAX_COMPONENTS: Final = 1000  # of one device; a large inverter announces some 200
_MAX_TEMPLATE: Final = 256
_MAX_WORD: Final = 80  # a payload word such as "online"

_LONG: Final = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "cmps": "components", "dev": "device",
    "ids": "identifiers", "p": "platform", "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available", "pl_off": "payload_off", "pl_on": "payload_on",
    "stat_cla": "state_class", "stat_t": "state_topic", "t": "topic",
    "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
# What of a device's config its components share; anything else of it is no matter here.
_SHARED: Final = frozenset({"~", "device", "state_topic", *_LONG.values()} - {"components"})
_READ: Final = frozenset({"sensor", "binary_sensor", "number"})  # all others say words
_QUOTED: Final = r"""(?:'[^'\]]+'|"[^"\]]+")"""
# An argument of a filter.
_GIVEN: Final = r"""(?:\w+\s*=\s*)?(?:-?[\d.]+|[Nn]one|[Tt]rue|[Ff]alse|'[^']*'|"[^"]*")"""
_GIVENS: Final = rf"\(\s*(?:{_GIVEN}\s*(?:,\s*{_GIVEN}\s*)?)?\)"
_KEY: Final = (
    rf"(?:\.get\(\s*{_QUOTED}\s*(?:,\s*{_GIVEN}\s*)?\)|\.[A-Za-z_]\w*"
    rf"|\[\s*(?:{_QUOTED}|\d{{1,4}})\s*\])"
)
_FILTER: Final = (
    rf"\s*\|\s*(?:is_defined|trim|string|(?:float|int|round|default|d)(?:{_GIVENS})?)(?!\w)"
)
_TEMPLATE: Final = re.compile(
    rf"\{{\{{-?\s*(?:value|value_json((?:{_KEY})+))(?:{_FILTER}){{0,4}}\s*-?\}}\}}"
)
_KEYS: Final = re.compile(
    r"""\.get\(\s*(?:'([^'\]]+)'|"([^"\]]+)")[^)]*\)|\.(\w+)"""
    r"""|\[\s*(?:'([^'\]]+)'|"([^"\]]+)"|(\d{1,4}))\s*\]"""
)
# {{ (value_json.x | float) | round(1) }}: the first pair, which changes nothing
_PARENTHESES: Final = re.compile(r"^(\{\{-?)\s*\(((?:[^()]|\([^()]*\))*)\)")
# ESPHome's own topics, whatever was announced: <node>/<component>/<object>/state
_COMPONENTS: Final = frozenset(
    {
        "sensor", "binary_sensor", "text_sensor", "switch", "number", "select", "text", "light",
        "fan", "cover", "lock", "climate", "valve", "event", "update",
    }
)  # fmt: skip
_ESPHOME_LEVELS: Final = 4


class Place(NamedTuple):
    """Where a value stands: its topic; `path` None: the payload itself, else inside its JSON."""

    topic: str
    path: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Entity:
    """One announced value."""

    thing: str
    datastream: str
    component: str
    place: Place
    unit: str | None = None
    on: str = "ON"
    off: str = "OFF"
    numeric: bool = True  # a text in its place is an error
    formula: Formula | None = None  # None: as it was sent


class Source(NamedTuple):
    """One word on whether a thing can be reached."""

    place: Place
    available: str
    not_available: str


@dataclass(frozen=True, slots=True)
class Availability:
    """How the words of several sources make one state."""

    thing: str
    mode: Literal["all", "any", "latest"]
    sources: tuple[Source, ...]


@dataclass(slots=True)
class Announcement:
    """What one config message says; `refused` are its parts that cannot be used."""

    entities: list[Entity]
    availabilities: list[Availability]
    sightings: list[Sighting]
    refused: list[PayloadError]
    owns: dict[str, str] = field(default_factory=dict)  # identifiers of devices -> their things
    hangs: dict[str, str] = field(default_factory=dict)  # things -> a parent's identifier


def esphome(topic: str, prefix: str) -> tuple[str, str, str] | None:
    """Return (thing, component, datastream) of ESPHome's own state topic, None if it is none.

    States below the announcements' `prefix` look alike, but no node is called so.
    """
    levels = topic.split("/")
    if len(levels) < _ESPHOME_LEVELS or levels[-1] != "state" or levels[0] == prefix:
        return None
    if levels[-3] not in _COMPONENTS:
        return None
    return "/".join(levels[:-3]), levels[-3], levels[-2]


def read(levels: list[str], payload: bytes) -> Announcement:
    """Read the config on `prefix/component/[node/]object`; PayloadError where none can be read."""
    config = _plain(json_values.document(payload))
    prefix, component, *nodes, object_id = levels
    found = Announcement([], [], [], [])
    parts = [(paths.shown(component), object_id, config)]
    if component == "device":
        parts = list(_components(config))
    for kind, name, one in parts:
        try:
            _entity(_Part(kind, name, prefix, nodes), one, found)
        except PayloadError as error:
            found.refused.append(PayloadError(error.reason, f"{paths.shown(name)}: {error.detail}"))
    return found


def _components(config: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the components of a device's config, each with what all share.

    One that holds its platform alone is deleted.
    """
    components = config.get("components")
    if not isinstance(components, dict) or len(components) > MAX_COMPONENTS:
        raise PayloadError("not_of_format", "components is no object, or holds more than 1000")
    shared = {key: config[key] for key in _SHARED if key in config}
    for name, raw in components.items():
        own = _plain(raw) if isinstance(raw, dict) else {}
        if own.keys() - {"platform"}:
            yield paths.shown(own.get("platform")), name, shared | own


class _Part(NamedTuple):
    component: str
    object_id: str
    prefix: str
    nodes: list[str]


def _entity(part: _Part, config: dict[str, Any], out: Announcement) -> None:
    base = config.get("~")
    topic = config.get("state_topic")
    state = None if topic is None else _topic(topic, base)
    own = None if state is None else esphome(state, part.prefix)
    thing = naming.checked(own[0]) if own is not None else _thing(part, config)
    if state is not None:
        path, computed = _read(part.component, config.get("value_template"))
        name = part.object_id if own is None else own[2]
        named = Entity(thing, name, part.component, Place(state, path), formula=computed)
        out.entities.append(_value(named, config, own is not None))
    elif part.component in _READ:
        raise PayloadError("not_of_format", "state_topic is missing")
    availability = _availability(thing, config, base)
    if availability is not None and availability not in out.availabilities[-1:]:
        out.availabilities.append(availability)
    sighting = Sighting(thing, _label(config))
    if sighting.label is not None and sighting not in out.sightings[-1:]:
        out.sightings.append(sighting)
    _relate(thing, config, out)


def _relate(thing: str, config: Mapping[str, Any], out: Announcement) -> None:
    """Note which identifiers mean a thing, and through which device it speaks (`via_device`)."""
    raw = config.get("device")
    device = _plain(raw) if isinstance(raw, dict) else {}
    ids = device.get("identifiers")
    for one in (ids if isinstance(ids, list) else [ids])[:MAX_IDS]:
        if isinstance(one, str) and one.strip():
            out.owns[one] = thing
    via = device.get("via_device")
    if isinstance(via, str) and via.strip():
        out.hangs[thing] = via


def _read(component: str, template: Any) -> tuple[tuple[str, ...] | None, Formula | None]:  # noqa: ANN401  JSON
    """Return where a value stands and what is computed of it; of words nothing can be."""
    if component not in _READ:
        return None, None
    try:
        return _path(template), None
    except PayloadError:
        short = isinstance(template, str) and len(template) <= _MAX_TEMPLATE
        computed = formula.read(template.strip()) if short else None
        if computed is None or component == "binary_sensor":
            raise
        return computed.path, computed


def _value(named: Entity, config: Mapping[str, Any], numeric: bool) -> Entity:  # noqa: FBT001  of ESPHome
    unit = naming.unit(config.get("unit_of_measurement"))
    path = named.place.path
    return replace(
        named,
        datastream=naming.checked("/".join(path) if path else named.datastream),
        unit=unit,
        on=_word(config, "payload_on", "ON"),
        off=_word(config, "payload_off", "OFF"),
        numeric=numeric or unit is not None or "state_class" in config,
    )


def _thing(part: _Part, config: Mapping[str, Any]) -> str:
    """Return the thing: the topic's node, else the device's first id, else the object itself."""
    if part.nodes:
        return naming.checked("/".join(part.nodes))
    device = config.get("device")
    ids = _plain(device).get("identifiers") if isinstance(device, dict) else None
    first = ids[0] if isinstance(ids, list) and ids else ids
    return naming.checked(first if isinstance(first, str) and first.strip() else part.object_id)


def _label(config: Mapping[str, Any]) -> str | None:
    device = config.get("device")
    name = device.get("name") if isinstance(device, dict) else None
    return naming.label(name)


def _availability(thing: str, config: Mapping[str, Any], base: Any) -> Availability | None:  # noqa: ANN401  JSON
    listed = config.get("availability")
    if listed is None:
        if config.get("availability_topic") is None:
            return None
        whole = dict(config)
        whole["topic"] = config["availability_topic"]
        whole["value_template"] = config.get("availability_template")
        listed = [whole]
    if isinstance(listed, dict):
        listed = [listed]
    if not isinstance(listed, list) or len(listed) > MAX_SOURCES:
        raise PayloadError("not_of_format", "availability is no list, or longer than 16")
    sources = tuple(_source(one, base) for one in listed)
    mode = config.get("availability_mode", "latest")
    if mode not in ("all", "any", "latest"):
        raise PayloadError("not_of_format", f"availability_mode {paths.shown(mode)}")
    return Availability(thing, mode, sources) if sources else None


def _source(raw: Any, base: Any) -> Source:  # noqa: ANN401  JSON
    if not isinstance(raw, dict):
        raise PayloadError("not_of_format", "availability holds what is no object")
    one = _plain(raw)
    return Source(
        Place(_topic(one.get("topic"), base), _path(one.get("value_template"))),
        _word(one, "payload_available", "online"),
        _word(one, "payload_not_available", "offline"),
    )


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with its keys written out."""
    return {_LONG.get(key, key): value for key, value in config.items()}


def _topic(raw: Any, base: Any) -> str:  # noqa: ANN401  JSON
    if isinstance(raw, str) and isinstance(base, str):
        if raw.startswith("~"):
            raw = base + raw[1:]
        elif raw.endswith("~"):
            raw = raw[:-1] + base
    if not isinstance(raw, str) or not 0 < len(raw) <= MAX_TOPIC or not raw.isprintable():
        raise PayloadError("not_of_format", f"topic {paths.shown(raw)}")
    return raw


def _path(template: Any) -> tuple[str, ...] | None:  # noqa: ANN401  JSON
    """Return the keys of {{ value_json.a['b'] }}, None for {{ value }} or no template."""
    if template is None:
        return None
    text = template.strip() if isinstance(template, str) else ""
    found = None
    if len(text) <= _MAX_TEMPLATE:
        found = _TEMPLATE.fullmatch(_PARENTHESES.sub(r"\1 \2", text))
    if found is None:
        raise PayloadError("bad_template", paths.shown(template))
    if found[1] is None:
        return None
    return tuple("".join(step) for step in _KEYS.findall(found[1]))


def _word(config: Mapping[str, Any], key: str, default: str) -> str:
    raw = config.get(key, default)
    text = raw if isinstance(raw, str) else paths.shown(raw)
    return text[:_MAX_WORD]


def inside(document: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401  JSON
    """Return what stands at a path of parsed JSON, ABSENT where nothing does."""
    return paths.getter(list(path))(document) if path else ABSENT
