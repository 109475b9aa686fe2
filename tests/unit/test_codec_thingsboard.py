"""The ThingsBoard codec: who a device is, its places, limits, any payload."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Message
from ingest.codecs import thingsboard
from ingest.reading.json_values import MAX_RECORDS
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import Sighting
from ioc.domain.observation import Decoded
from tests.unit.codec_promises import NOW, View, keep, mangled, payloads

TEMPLATE: Final[dict[str, Any]] = {
    "device": "Trạm A",
    "Trạm A": [{"ts": 1795309200000, "values": {"t": 22.5, "s": {"a": [1, "2"]}}}, {"t": 1}],
    "Trạm B": {"latitude": 10.95, "longitude": 106.82},
}
TOPICS: Final = (
    "v1/gateway/telemetry", "v1/gateway/attributes", "v1/gateway/connect", "v1/gateway/rpc",
    "tb/tram-03/v1/devices/me/telemetry", "tb/tram-03/v1/devices/me/attributes",
    "v1/devices/me/telemetry", "v1/khac",
)  # fmt: skip


def codec(**options: Any) -> Codec:
    return thingsboard.build(options, View())


def message(topic: str, payload: Any) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    parts = {"device": topic.split("/")[1]} if topic.startswith("tb/") else {}
    return Message(topic, parts, raw, NOW)


def test_there_are_no_options() -> None:
    """An option stops the start."""
    with pytest.raises(ConfigError, match="options"):
        codec(device="x")


@pytest.mark.parametrize("payload", [b"", b"{", b'{"t": 1}'])
def test_the_bare_device_api_is_refused_before_it_is_read(payload: bytes) -> None:
    """Without a prefix nobody knows whose a value is, whatever it is."""
    with pytest.raises(PayloadError, match="no_device"):
        codec().decode(message("v1/devices/me/telemetry", payload))


def test_attributes_can_place_a_device() -> None:
    """Latitude and longitude among the attributes are its place; others are not read."""
    found = codec().decode(
        message("v1/gateway/attributes", {"A": TEMPLATE["Trạm B"], "B": {"n": 1}})
    )
    assert found.sightings == [Sighting("A", None, 106.82, 10.95)]


def test_a_feed_may_use_a_prefix_of_its_own() -> None:
    """A topic part {device} names the device, wherever it stands."""
    topic = "tinh/tram-07/ne/v1/devices/me/telemetry"
    found = codec().decode(Message(topic, {"device": "tram-07"}, b'{"t": 1}', NOW))
    assert [o.thing for o in found.outcomes if isinstance(o, Decoded)] == ["tram-07"]


def test_too_many_records_are_refused() -> None:
    """A message holds at most MAX_RECORDS records, of all its devices together."""
    records = [{"t": 1}] * (MAX_RECORDS - 1)
    full = message("v1/gateway/telemetry", {"A": records, "B": [{"t": 2}]})
    assert len(codec().decode(full).outcomes) == MAX_RECORDS
    over = message("v1/gateway/telemetry", {"A": records, "B": [{"t": 2}], "C": {}})
    with pytest.raises(PayloadError, match="too_many_records"):
        codec().decode(over)
    topic = "tb/tram-03/v1/devices/me/telemetry"
    (refusal,) = codec().decode(message(topic, [{"t": 1}] * (MAX_RECORDS + 1))).outcomes
    assert isinstance(refusal, PayloadError)
    assert (refusal.reason, refusal.detail) == ("too_many_records", f"tram-03: {MAX_RECORDS + 1}")


@given(payloads | mangled(TEMPLATE), st.sampled_from(TOPICS))
def test_any_payload_is_understood_or_refused(payload: bytes, topic: str) -> None:
    """Whatever the bytes are: outcomes that can be stored, or a refusal that can be read."""
    keep(codec(), message(topic, payload))
