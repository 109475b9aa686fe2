"""Home Assistant's discovery: what is remembered, what is forgotten, what is never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Ignored, Status
from ingest.codecs import homeassistant
from ingest.codecs.homeassistant import MAX_REMEMBERED, Memory
from ingest.codecs.homeassistant.discovery import Announcement, Availability, Entity, Place, Source
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "{topic*}"
CONFIG = "homeassistant/sensor/tram3/pm25/config"
STATE = "tram3/sensor/pm25/state"
KEYS = (
    "~", "stat_t", "state_topic", "unit_of_meas", "val_tpl", "avty", "avty_t", "avty_mode",
    "dev", "ids", "cmps", "p", "t", "pl_on", "device", "availability", "components", "platform",
)  # fmt: skip
WORDS = (
    STATE, "~/state", "x/life", "{{ value_json.a }}", "{{ value }}", "{{ a | int }}", "all", "any",
    "sensor", "binary_sensor", "ON", "online", "µg/m³", 41.5,
)  # fmt: skip


def made() -> Codec:
    return homeassistant.build({}, Feed(names=()))


def told(codec: Codec, topic: str, payload: object) -> list[Any]:
    return list(codec.decode(message(PATTERN, topic, payload)).outcomes)


def test_a_name_is_seen() -> None:
    """The device's name in an announcement is what people are shown for the thing."""
    config = {"stat_t": STATE, "dev": {"ids": "x", "name": " Trạm 3 "}}
    (seen,) = made().decode(message(PATTERN, CONFIG, config)).sightings
    assert (seen.thing, seen.label) == ("tram3", "Trạm 3")


@pytest.mark.parametrize(
    ("template", "datastream"),
    [
        ("{{ value_json.a }}", "a"),
        ("{{value_json['a']}}", "a"),
        ('{{ value_json["a"].b[0] }}', "a/b/0"),
        ("{{ value }}", "v"),
        ("{{ value | float }}", "v"),
        ("{{ value_json.a | is_defined }}", "a"),
        ("{{ value_json.a|float(0)|round(1) }}", "a"),
    ],
)
def test_plain_templates(template: str, datastream: str) -> None:
    """A template that is a path is read, and names the datastream."""
    codec = made()
    told(codec, "homeassistant/sensor/v/config", {"stat_t": "t/v", "val_tpl": template})
    payload: object = {"a": 7} if datastream == "a" else {"a": {"b": [7]}}
    (value,) = told(codec, "t/v", 7 if datastream == "v" else payload)
    assert value == Decoded("v", datastream, None, 7.0)


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.a + value_json.b }}",
        "{{ value_json.a // 10 }}",
        "{{ value_json.a ** 2 }}",
        "{{ value_json.a * 2 }} m",
        "{{ value_json.a * }}",
        "{{ " + "(" * 100 + "value_json.a" + ")" * 100 + " * 2 }}",
        "{{ (value_json.a * 2) | round(99) }}",
        "{{ states('sensor.x') | float * 2 }}",
        "{{ value_json.a | default(value_json.b) }}",
        "{{ value | round(a) }}",
        "{% if value %}1{% endif %}",
        1,
        "",
    ],
)
def test_templates_of_another_language(template: object) -> None:
    """A template beyond plain arithmetic is refused, not guessed; its topic says nothing."""
    codec = made()
    config = {"stat_t": "t/v", "val_tpl": template}
    found = told(codec, "homeassistant/sensor/v/config", config)
    assert found[0] == Ignored("discovery")
    assert isinstance(found[1], PayloadError)
    assert found[1].reason == "bad_template"
    with pytest.raises(PayloadError, match="unknown_topic"):
        told(codec, "t/v", {"a": 1})


@pytest.mark.parametrize(
    ("template", "sent", "result"),
    [
        ("{{ value_json.a | float / 10 }}", 235, 23.5),
        ("{{ value_json.a | float / 10 }}", "235", 23.5),
        ("{{ value_json.a | float(default=0) * 0.1 }}", 235, 23.5),
        ("{{ value_json.a * 0.1 }}", 235, 23.5),
        ("{{ (value_json.a * 0.1) | round(1) }}", 7, 0.7),
        ("{{ value_json['a'] | int * 2 }}", 7.9, 14.0),
        ("{{ (value_json.a | float(0)) + 1 }}", 2, 3.0),
        ("{{ 100 - value_json.a * 2 - 1 }}", 10, 79.0),
        ("{{ -(value_json.a - 32) * 5 / 9 }}", 50, -10.0),
        ("{{ value_json.a / 10 | round(0) }}", 25, 2.5),  # a filter binds closer than a sign
        ("{{ value_json.a * value_json.a }}", 3, 9.0),
    ],
)
def test_plain_arithmetic(template: str, sent: object, result: float) -> None:
    """A template that computes with one value gives what Home Assistant would show."""
    codec = made()
    told(codec, "homeassistant/sensor/v/config", {"stat_t": "t/v", "val_tpl": template})
    (value,) = told(codec, "t/v", {"a": sent})
    assert value == Decoded("v", "a", None, result)


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ("{{ value_json.a * 2 }}", {"a": "7"}),  # "77" there
        ("{{ 1 / value_json.a }}", {"a": 0}),
        ("{{ value_json.a * value_json.a }}", {"a": 1e300}),
        ("{{ value_json.a | float * 2 }}", {"a": {}}),
        ("{{ value * 2 }}", b"7"),
    ],
)
def test_arithmetic_that_fails(template: str, payload: object) -> None:
    """What the template could not compute is a refused value, never a number that was made up."""
    codec = made()
    config = {"stat_t": "t/v", "val_tpl": template, "unit_of_meas": "m"}
    told(codec, "homeassistant/sensor/v/config", config)
    (refused,) = told(codec, "t/v", payload)
    assert isinstance(refused, PayloadError)
    assert refused.reason in ("bad_value", "bad_number", "not_a_number")


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_device_hangs_on_its_gateway(*, parent_first: bool) -> None:
    """`via_device` names an identifier of the gateway, whichever of both was announced first."""
    gateway = {"stat_t": "g/up", "dev": {"ids": ["0x1", "mac"], "name": "Cổng"}}
    sensor = {"stat_t": "s/t", "dev": {"ids": "0x2", "via_device": "mac"}}
    messages = [("gateway/up", gateway), ("tram9/t", sensor)]
    codec, seen = made(), []
    for name, config in messages if parent_first else reversed(messages):
        topic = f"homeassistant/sensor/{name}/config"
        seen += codec.decode(message(PATTERN, topic, config)).sightings
    assert [(s.thing, s.parent) for s in seen if s.parent] == [("tram9", "gateway")]


def test_one_status_for_a_thing() -> None:
    """Ten entities of one node announce the same last will: one state comes of it."""
    codec = made()
    for number in range(10):
        config = {"stat_t": f"tram3/sensor/v{number}/state", "avty_t": "tram3/status"}
        told(codec, f"homeassistant/sensor/tram3/v{number}/config", config)
    assert [type(one) for one in told(codec, "tram3/status", b"offline")] == [Status]


def test_words_are_forgotten_with_their_entity() -> None:
    """The last word on a topic goes with the last entity that names the topic."""
    codec, config = made(), {"stat_t": STATE, "avty_mode": "all", "avty": [{"t": "g"}, {"t": "d"}]}
    told(codec, CONFIG, config)
    told(codec, "g", b"online")
    told(codec, CONFIG, b"")
    told(codec, CONFIG, config)
    (state,) = told(codec, "d", b"online")
    assert state.state.value == "unknown"


def announcement(number: int) -> Announcement:
    thing = f"t{number}"
    return Announcement(
        [Entity(thing, "v", "sensor", Place(f"{thing}/v", None))],
        [Availability(thing, "all", (Source(Place("gw", None), "1", "0"),))],
        [],
        [],
    )


def test_memory_is_bounded() -> None:
    """At the limit the oldest announcement goes, with all that pointed to it."""
    memory = Memory()
    room = MAX_REMEMBERED // 3  # an announcement, its entity, its availability
    for number in range(room + 1):
        memory.keep(f"c{number}", announcement(number))
    assert memory.entities("t0/v") == []
    assert len(memory.entities(f"t{room}/v")) == 1
    assert len(memory.availabilities("gw")) == room


def test_memory_keeps_nothing_of_the_forgotten() -> None:
    """After everything is deleted nothing is left, the words heard included."""
    memory = Memory()
    memory.keep("c", announcement(0))
    memory.keep("c", announcement(1))
    memory.heard["gw"] = b"1"
    memory.forget("c")
    memory.forget("c")
    assert memory.heard == {}
    assert memory.entities("t1/v") == []
    assert memory.availabilities("gw") == []


def test_a_large_announcement_is_bounded() -> None:
    """More components than a device can have are refused, and shared keys are not multiplied."""
    parts = {f"c{i}": {"p": "sensor", "stat_t": "t"} for i in range(1001)}
    with pytest.raises(PayloadError, match="not_of_format"):
        told(made(), "homeassistant/device/x/config", {"cmps": parts})
    shared = {f"junk{i}": 1 for i in range(20_000)}
    fewer = dict(list(parts.items())[:1000])
    assert told(made(), "homeassistant/device/x/config", {"cmps": fewer, **shared}) == [
        Ignored("discovery")
    ]


@pytest.mark.parametrize(
    "options", [{"discovery_prefix": "a/b"}, {"discovery_prefix": ""}, {"prefix": "x"}]
)
def test_options(options: dict[str, Any]) -> None:
    """A prefix that is no level, or an unknown option, is refused before anything starts."""
    with pytest.raises(ConfigError):
        homeassistant.build(options, Feed(names=()))


@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    codec = made()
    config = {"stat_t": "t/v", "val_tpl": "{{ value_json.a }}", "avty_t": "t/l"}
    told(codec, "homeassistant/sensor/v/config", config)
    for topic in ("t/v", "t/l", CONFIG, "homeassistant/device/x/config", STATE, "tram3/status"):
        survives(codec, message(PATTERN, topic, monsters()[name]))


TOPICS = (
    CONFIG, STATE, "homeassistant/device/x/config", "homeassistant/binary_sensor/b/config",
    "tram3/status", "x/life", "tram3/binary_sensor/b/state", "~/state",
)  # fmt: skip


@ANY
@given(st.lists(st.tuples(st.sampled_from(TOPICS), payloads(KEYS, WORDS)), max_size=6))
def test_any_payload(sent: list[tuple[str, bytes]]) -> None:
    """Any bytes and any JSON, one after the other, become sound outcomes or a refusal."""
    codec = made()
    for topic, payload in sent:
        survives(codec, message(PATTERN, topic, payload))


config_values = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(WORDS) for key in KEYS}
    | {"avty": st.lists(st.fixed_dictionaries({"t": st.sampled_from(WORDS)}), max_size=3)},
)


@ANY
@given(st.lists(config_values, max_size=3), st.lists(st.sampled_from(WORDS), max_size=4))
def test_any_announcement(configs: list[dict[str, object]], sent: list[object]) -> None:
    """Whatever is announced, states after it become sound outcomes or a refusal."""
    codec = made()
    for number, config in enumerate(configs):
        topic = f"homeassistant/sensor/tram{number}/pm25/config"
        survives(codec, message(PATTERN, topic, config))
    for word in sent:
        for topic in (STATE, "x/life"):
            raw = word.encode() if isinstance(word, str) else json.dumps(word).encode()
            survives(codec, message(PATTERN, topic, raw))
