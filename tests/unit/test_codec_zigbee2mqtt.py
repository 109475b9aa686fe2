"""Zigbee2MQTT: what is learned of a bridge's devices, and what no bridge sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec
from ingest.codecs import zigbee2mqtt
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "zigbee2mqtt/{name*}"
KEYS = ("last_seen", "state", "update", "friendly_name", "definition", "exposes", "features")
WORDS = ("online", "offline", "2026-11-22T08:15:00Z", "composite", "mV", 1795310100412, 22.5)


def made() -> Codec:
    return zigbee2mqtt.build({}, Feed(names=("name",)))


def told(codec: Codec, topic: str, payload: object, pattern: str = PATTERN) -> list[object]:
    return list(codec.decode(message(pattern, topic, payload)).outcomes)


def inventory(*devices: tuple[str, str, str]) -> list[object]:
    return [
        {"friendly_name": n, "definition": {"exposes": [{"property": p, "unit": u}]}}
        for n, p, u in devices
    ]


def units(codec: Codec, topic: str, payload: object, pattern: str = PATTERN) -> list[str | None]:
    return [o.unit for o in told(codec, topic, payload, pattern) if isinstance(o, Decoded)]


def test_bridges_are_told_apart() -> None:
    """Two bridges of one feed may have devices of one name: each has its own units."""
    codec, pattern = made(), "z2m/{tang}/{name*}"
    told(codec, "z2m/1/bridge/devices", inventory(("o", "voltage", "V")), pattern)
    told(codec, "z2m/2/bridge/devices", inventory(("o", "voltage", "mV")), pattern)
    assert units(codec, "z2m/1/o", {"voltage": 1}, pattern) == ["V"]
    assert units(codec, "z2m/2/o", {"voltage": 1}, pattern) == ["mV"]


def test_units_of_composites() -> None:
    """A unit within a composite belongs to the path of its keys."""
    exposes = [{"type": "composite", "property": "p", "features": [{"property": "a", "unit": "A"}]}]
    codec = made()
    told(
        codec,
        "zigbee2mqtt/bridge/devices",
        [{"friendly_name": "o", "definition": {"exposes": exposes}}],
    )
    assert units(codec, "zigbee2mqtt/o", {"p": {"a": 1}, "a": 1}) == ["A", None]


def test_what_is_learned_is_bounded() -> None:
    """More units than an inventory can have are not kept, nor more bridges than a feed has."""
    codec = made()
    many = inventory(*((f"d{i}", "x", "V") for i in range(zigbee2mqtt.MAX_UNITS + 1)))
    told(codec, "zigbee2mqtt/bridge/devices", many)
    last = zigbee2mqtt.MAX_UNITS
    assert units(codec, f"zigbee2mqtt/d{last - 1}", {"x": 1}) == ["V"]
    assert units(codec, f"zigbee2mqtt/d{last}", {"x": 1}) == [None]
    pattern = "z2m/{tang}/{name*}"
    for floor in range(zigbee2mqtt.MAX_BRIDGES + 1):
        told(codec, f"z2m/{floor}/bridge/devices", inventory(("o", "x", "V")), pattern)
    assert units(codec, "z2m/0/o", {"x": 1}, pattern) == [None]
    assert units(codec, "z2m/1/o", {"x": 1}, pattern) == ["V"]


def test_topic_without_a_name() -> None:
    """A feed whose topic has no open end for names is refused with the remedy."""
    with pytest.raises(ConfigError, match=r"base/\{name\*\}"):
        zigbee2mqtt.build({}, Feed(names=("device",)))


@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    for topic in ("o", "bridge/devices", "bridge/state", "o/availability"):
        survives(made(), message(PATTERN, f"zigbee2mqtt/{topic}", monsters()[name]))


def test_monster_inventory() -> None:
    """An inventory nested without end is read to the depth that real ones have."""
    nested = b'{"property":"a","unit":"V","features":[' * 300 + b"]}" * 300
    payload = b'[{"friendly_name":"o","definition":{"exposes":[' + nested + b"]}}]"
    json.loads(payload)
    survives(made(), message(PATTERN, "zigbee2mqtt/bridge/devices", payload))


TOPICS = ("o", "a/b c", "o/availability", "o/set", "bridge/state", "bridge/devices", "bridge/x")


@ANY
@given(st.lists(st.tuples(st.sampled_from(TOPICS), payloads(KEYS, WORDS)), max_size=4))
def test_any_payload(sent: list[tuple[str, bytes]]) -> None:
    """Any bytes and any JSON, one after the other, become sound outcomes or a refusal."""
    codec = made()
    for topic, payload in sent:
        survives(codec, message(PATTERN, f"zigbee2mqtt/{topic}", payload))


@pytest.mark.parametrize(
    ("key", "reason"), [("", "unnamed_channel"), ("a\u0085b", "bad_name"), ("k" * 300, "bad_name")]
)
def test_a_topic_level_that_is_no_key_is_refused(key: str, reason: str) -> None:
    """Where each key has a topic of its own, its name is checked like one in an object."""
    with pytest.raises(PayloadError) as refusal:
        made().decode(message(PATTERN, f"zigbee2mqtt/o cam/{key}", 12.5))
    assert refusal.value.reason == reason
