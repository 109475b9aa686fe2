"""The ChirpStack codec: what it remembers, its two encodings, its limits."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from chirpstack_api.integration import integration_pb2
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Ignored, Message
from ingest.codecs import chirpstack
from ingest.reading.tree import MAX_DEPTH, MAX_VALUES
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded
from tests.unit.codec_promises import NOW, View, keep, mangled, payloads

VIEW: Final = View(names=("app", "dev", "event"))
EUI: Final = "24e124136b502217"
KINDS: Final = ("up", "status", "location", "log", "join", "ack", "txack", "integration", "khac")
TEMPLATE: Final[dict[str, Any]] = {
    "deduplicationId": "00000000-0000-4000-8000-000000000001",
    "time": "2026-11-22T01:15:07.412530918+00:00",
    "deviceInfo": {"deviceProfileName": "EM500-UDL", "deviceName": "Cống", "devEui": EUI},
    "fPort": 85,
    "data": "AXVkA4LoAw==",
    "object": {"distance": 1000.0, "history": [{"timestamp": 1795309200, "distance": 1.0}]},
    "margin": 7,
    "batteryLevel": 50.5,
    "level": "ERROR",
    "code": "UPLINK_CODEC",
    "description": "lỗi",
    "location": {"latitude": 21.0889, "longitude": 105.7712},
}


def codec(**options: Any) -> Codec:
    return chirpstack.build(options, VIEW)


def message(payload: bytes, kind: str = "up", received: int = NOW, *, dup: bool = False) -> Message:
    parts = {"app": "a", "dev": EUI, "event": kind}
    topic = f"application/a/device/{EUI}/event/{kind}"
    return Message(topic, parts, payload, Micros(received), dup=dup)


def up(number: int = 1, **more: Any) -> bytes:
    body = {key: TEMPLATE[key] for key in ("time", "deviceInfo")} | {"object": {"distance": 1.0}}
    return json.dumps({"deduplicationId": str(number), **body, **more}).encode()


def test_a_repeated_event_is_ignored_for_ten_minutes() -> None:
    """A copy is a duplicate at once and after ten minutes, not a microsecond later."""
    one = codec()
    assert isinstance(one.decode(message(up())).outcomes[0], Decoded)
    assert one.decode(message(up())).outcomes == [Ignored("duplicate")]
    last = NOW + chirpstack.REMEMBERED_FOR
    assert one.decode(message(up(), received=last)).outcomes == [Ignored("duplicate")]
    assert isinstance(one.decode(message(up(), received=last + 1)).outcomes[0], Decoded)


def test_a_redelivery_is_read_again() -> None:
    """DUP says that the broker does not know whether we stored it: it must not be lost."""
    one = codec()
    one.decode(message(up()))
    assert isinstance(one.decode(message(up(), dup=True)).outcomes[0], Decoded)


def test_a_refused_event_is_not_remembered() -> None:
    """An event of which a part was refused is read again when it comes again."""
    one = codec()
    broken = up(object={"a": 1, "": 2})
    assert any(isinstance(o, PayloadError) for o in one.decode(message(broken)).outcomes)
    assert isinstance(one.decode(message(up())).outcomes[0], Decoded)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest event is forgotten when there are too many, and costs no more for a long id."""
    monkeypatch.setattr(chirpstack, "MAX_REMEMBERED", 3)
    one = codec()
    for number in range(4):
        one.decode(message(up(number)))
    assert isinstance(one.decode(message(up(0))).outcomes[0], Decoded)
    assert one.decode(message(up(3))).outcomes == [Ignored("duplicate")]
    long = up(deduplicationId="x" * 100_000)
    assert isinstance(one.decode(message(long)).outcomes[0], Decoded)
    assert one.decode(message(long)).outcomes == [Ignored("duplicate")]


def test_old_events_are_forgotten_as_new_ones_come() -> None:
    """Memory follows the rate of the last ten minutes, not the life of the process."""
    reader = chirpstack._Reader(chirpstack.Options(), VIEW)
    for number in range(5):
        reader.decode(message(up(number)))
    for number in range(5, 15):
        reader.decode(message(up(number), received=NOW + 2 * chirpstack.REMEMBERED_FOR))
    assert len(reader._known) == 10


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("up", integration_pb2.UplinkEvent),
        ("status", integration_pb2.StatusEvent),
        ("location", integration_pb2.LocationEvent),
    ],
)
def test_both_encodings_say_the_same(kind: str, type_: Any) -> None:
    """The same event in JSON and in protobuf gives the same outcomes and sightings."""
    names = {field.json_name for field in type_.DESCRIPTOR.fields}
    event = {key: value for key, value in TEMPLATE.items() if key in names}
    binary = json_format.ParseDict(event, type_()).SerializeToString()
    text = codec().decode(message(json.dumps(event).encode(), kind))
    packed = codec(encoding="protobuf").decode(message(binary, kind))
    assert {repr(o) for o in text.outcomes} - {repr(o) for o in packed.outcomes} == set()
    assert text.sightings == packed.sightings


def test_a_location_places_the_device() -> None:
    """A location event says where the device is and what people call it."""
    found = codec().decode(message(json.dumps(TEMPLATE).encode(), "location"))
    (sight,) = found.sightings
    assert (sight.thing, sight.label) == (EUI, "Cống")
    assert (sight.lon, sight.lat) == (105.7712, 21.0889)


def test_a_device_on_mains_has_no_battery_level() -> None:
    """External power: the level that the server then leaves at 0 is not a battery of 0 %."""
    status = json.dumps({"margin": 12, "externalPowerSource": True, "batteryLevel": 0}).encode()
    found = codec().decode(message(status, "status")).outcomes
    named = [o.datastream for o in found if isinstance(o, Decoded)]
    assert named == ["margin", "externalPowerSource"]


def test_a_server_that_decoded_nothing_needs_no_decoder() -> None:
    """An empty object of an unknown model is the server's word; of a known one we decode."""
    frame = {"object": {}, "data": "AXVkA4LoAw==", "fPort": 85}
    known = {"deviceInfo": {"deviceProfileName": "EM500-UDL"}}
    one = codec()
    assert one.decode(message(json.dumps(frame).encode())).outcomes == [Ignored("unused")]
    assert len(one.decode(message(json.dumps(frame | known).encode())).outcomes) == 2


def test_the_topic_names_a_device_that_the_message_does_not() -> None:
    """Without deviceInfo the topic's DevEUI stands in."""
    (value,) = codec().decode(message(up(deviceInfo={}))).outcomes
    assert isinstance(value, Decoded)
    assert value.thing == EUI


def test_a_feed_can_name_a_decoder() -> None:
    """A profile whose name does not hold the model is decoded as the feed says."""
    info = {"devEui": EUI, "deviceProfileName": "Mức nước"}
    frame = json.dumps({"deviceInfo": info, "fPort": 85, "data": "AXVkA4LoAw=="}).encode()
    with pytest.raises(PayloadError, match="no_decoder"):
        codec().decode(message(frame))
    found = codec(decoders={"Mức nước": "em500-udl"}).decode(message(frame)).outcomes
    assert [o.datastream for o in found if isinstance(o, Decoded)] == ["distance", "battery"]


@pytest.mark.parametrize(
    "options", [{"encoding": "xml"}, {"decoders": {"a": "b"}}, {"decoder": {}}, {"encoding": 5}]
)
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    """What the options hold that is not understood stops the start, with the place."""
    with pytest.raises(ConfigError, match="options"):
        codec(**options)


def test_the_topic_must_name_device_and_event() -> None:
    """A topic without {dev} or {event} stops the start, with an example of a right one."""
    with pytest.raises(ConfigError, match=r"\{event\}"):
        chirpstack.build({}, View(names=("app", "dev")))


def test_objects_too_deep_or_too_large_are_refused() -> None:
    """Depth and number of values of an object are limited; the rest of it is kept."""
    deep: Any = 1.0
    for _ in range(MAX_DEPTH):
        deep = {"a": deep}
    found = codec().decode(message(up(object={"deep": deep, "b": 2}))).outcomes
    assert [getattr(o, "reason", "") for o in found] == ["too_deep", ""]
    many = up(object={"kenh": [1] * (MAX_VALUES + 1)})
    with pytest.raises(PayloadError, match="too_many_records"):
        codec().decode(message(many))


def test_a_struct_too_deep_is_refused() -> None:
    """A protobuf object nests no deeper than a JSON one."""
    event = integration_pb2.UplinkEvent()
    inner = event.object
    for _ in range(MAX_DEPTH + 1):
        inner = inner.get_or_create_struct("a")
    with pytest.raises(PayloadError, match="too_deep"):
        codec(encoding="protobuf").decode(message(event.SerializeToString()))


def test_unknown_fields_of_protobuf_are_passed_over() -> None:
    """A field of another wire type is unknown to the schema: it is no value and no error."""
    odd = b"\x12\x03abc" + b"\x19" + bytes(8) + b"\x20\x01"  # of a Value; the last one counts
    entry = b"\x08\x01" + b"\x0a\x01a" + b"\x12" + bytes([len(odd)]) + odd
    struct = b"\x0a" + bytes([len(entry)]) + entry
    number = integration_pb2.UplinkEvent.DESCRIPTOR.fields_by_name["object"].number
    payload = bytes([number << 3 | 2, len(struct)]) + struct
    (value,) = codec(encoding="protobuf").decode(message(payload)).outcomes
    assert isinstance(value, Decoded)
    assert (value.datastream, value.result) == ("a", 1.0)


@given(payloads | mangled(TEMPLATE), st.sampled_from(KINDS), st.sampled_from(["json", "protobuf"]))
def test_any_payload_is_understood_or_refused(payload: bytes, kind: str, encoding: str) -> None:
    """Whatever the bytes are: outcomes that can be stored, or a refusal that can be read."""
    keep(codec(encoding=encoding), message(payload, kind))


@given(mangled({"object": TEMPLATE["object"] | {"a": [1, {"b": None}]}}), st.data())
def test_any_protobuf_is_understood_or_refused(text: bytes, data: st.DataObject) -> None:
    """Protobuf of any object, with bytes changed or cut off, is understood or refused."""
    event = integration_pb2.UplinkEvent(deduplication_id="1", f_port=85, data=b"\x01\x75\x64")
    event.device_info.device_profile_name = "EM500-UDL"
    try:
        json_format.ParseDict(json.loads(text), event)
    except (json_format.ParseError, UnicodeEncodeError, OverflowError):
        return
    whole = bytearray(event.SerializeToString())
    keep(codec(encoding="protobuf"), message(bytes(whole)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    keep(codec(encoding="protobuf"), message(bytes(whole)))
    keep(codec(encoding="protobuf"), message(bytes(whole[:at])))
