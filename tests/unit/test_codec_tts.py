"""The codec of The Things Stack: its options, its places, any payload."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Message
from ingest.codecs import tts
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded, Flag
from tests.unit.codec_promises import NOW, View, keep, mangled, payloads

VIEW: Final = View(names=("app", "device", "kind"))
TEMPLATE: Final[dict[str, Any]] = {
    "end_device_ids": {"device_id": "muc-nuoc-03", "dev_eui": "70B3D57ED0054E50"},
    "received_at": "2026-11-22T01:16:42.697091883Z",
    "uplink_message": {
        "f_port": 85,
        "frm_payload": "AXVkA4LoAw==",
        "decoded_payload": {"distance": 1000, "history": [{"timestamp": 1, "distance": 2}]},
        "decoded_payload_warnings": ["w"],
        "normalized_payload": [{"time": "2026-11-22T01:00:00Z", "air": {"temperature": 29.7}}],
        "rx_metadata": [{"received_at": "2026-11-22T01:16:42.45Z", "timestamp": 4213093213}],
        "received_at": "2026-11-22T01:16:42.487592044Z",
        "version_ids": {"model_id": "em500-udl"},
        "locations": {"user": {"latitude": 21.0889, "longitude": 105.7712}},
        "last_battery_percentage": {"value": 98.5, "received_at": "2026-11-22T00:00:00Z"},
    },
    "location_solved": {"location": {"latitude": 21.0889, "longitude": 105.7712}},
    "uplink_normalized": {"normalized_payload": {"air": {"temperature": 29.7}}},
}
KINDS: Final = ("up", "up/normalized", "location/solved", "join", "down/ack", "khac")


def codec(**options: Any) -> Codec:
    return tts.build(options, VIEW)


def message(payload: bytes | dict[str, Any], kind: str = "up") -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    parts = {"app": "kk-tinh@ttn", "device": "muc-nuoc-03", "kind": kind}
    return Message(f"v3/kk-tinh@ttn/devices/muc-nuoc-03/{kind}", parts, raw, NOW)


def undecoded(**more: Any) -> dict[str, Any]:
    frame = {"f_port": 85, "frm_payload": "AXVkA4LoAw=="}
    return {"end_device_ids": TEMPLATE["end_device_ids"], "uplink_message": frame} | more


def test_a_feed_can_name_a_device_s_decoder() -> None:
    """A device that is not of the Device Repository is decoded as the feed says, by its id."""
    with pytest.raises(PayloadError, match="no_decoder"):
        _raise_first(codec())
    found = codec(decoders={"muc-nuoc-03": "em500-udl"}).decode(message(undecoded())).outcomes
    assert [o.datastream for o in found if isinstance(o, Decoded)] == ["distance", "battery"]


def _raise_first(one: Codec) -> None:
    (outcome,) = one.decode(message(undecoded())).outcomes
    assert isinstance(outcome, PayloadError)
    raise outcome


@pytest.mark.parametrize("options", [{"decoders": {"a": "b"}}, {"x": 1}, {"decoders": 5}])
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    """What the options hold that is not understood stops the start, with the place."""
    with pytest.raises(ConfigError, match="options"):
        codec(**options)


def test_the_topic_must_name_device_and_kind() -> None:
    """A topic without {kind} stops the start, with an example of a right one."""
    with pytest.raises(ConfigError, match=r"\{kind\}"):
        tts.build({}, View(names=("app", "device")))


@pytest.mark.parametrize("kind", ["up", "location/solved"])
def test_places_are_seen(kind: str) -> None:
    """A registered or a solved place, and the name that people gave the device."""
    (sight,) = codec().decode(message(TEMPLATE, kind)).sightings
    assert sight == Sighting("70B3D57ED0054E50", "muc-nuoc-03", 105.7712, 21.0889)


def test_a_simulated_uplink_says_so() -> None:
    """What the console simulates is never taken for a measurement of the field."""
    uplink = {"decoded_payload": {"distance": 1}}
    (value,) = codec().decode(message({"simulated": True, "uplink_message": uplink})).outcomes
    assert isinstance(value, Decoded)
    assert value.flags & Flag.SIMULATED


def test_normalized_paths_have_a_fixed_meaning() -> None:
    """The schema fixes the properties and units of normalized payloads, for every feed."""
    assert codec().datastreams["air/temperature"] == DatastreamSpec("temperature", "°C")
    assert codec().datastreams["soil/ec"] == DatastreamSpec(None, "dS/m")


@given(payloads | mangled(TEMPLATE), st.sampled_from(KINDS))
def test_any_payload_is_understood_or_refused(payload: bytes, kind: str) -> None:
    """Whatever the bytes are: outcomes that can be stored, or a refusal that can be read."""
    keep(codec(), message(payload, kind))
