"""Shelly: how a device is called, and what no device sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Ignored, Message
from ingest.codecs import shelly
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "{device}/{path*}"
KEYS = ("method", "params", "ts", "switch:0", "errors", "last_updated_ts", "events", "id", "tC")
WORDS = ("NotifyStatus", "NotifyFullStatus", "NotifyEvent", 1.33, 1795310107.41, "true", "read")


def made(**options: object) -> Codec:
    return shelly.build(options, Feed(names=("device",)))


def status(topic: str) -> Message:
    return message("{site}/{device}/{path*}", topic, {"tC": 19.9})


@pytest.mark.parametrize(("options", "thing"), [({}, "p3/ht-01"), ({"thing": "{device}"}, "ht-01")])
def test_how_it_is_called(options: dict[str, object], thing: str) -> None:
    """A device is its whole MQTT prefix, unless the feed says which levels name it."""
    found = made(**options).decode(status("p3/ht-01/status/temperature:0")).outcomes
    assert found == [Decoded(thing, "temperature:0/tC", None, 19.9)]


def test_options() -> None:
    """A thing that the topics do not name is refused before anything starts."""
    with pytest.raises(ConfigError):
        made(thing="{site}")
    with pytest.raises(ConfigError):
        made(prefix="x")


@pytest.mark.parametrize("topic", ["a/rpc", "a/command", "a/debug/log"])
def test_what_is_said_to_devices(topic: str) -> None:
    """Requests and logs on a device's topics hold no measurement."""
    assert made().decode(message(PATTERN, topic, b"x")).outcomes == [Ignored("unused")]


def test_unknown_topic() -> None:
    """A topic that the format has not is refused, so that somebody looks."""
    with pytest.raises(PayloadError, match="unknown_topic"):
        made().decode(message(PATTERN, "a/relay/0", b"on"))


@pytest.mark.parametrize("topic", ["a/events/rpc", "a/status/switch:0", "a/online"])
@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str, topic: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    payload = monsters()[name]
    survives(made(), message(PATTERN, topic, payload))
    frame = b'{"method":"NotifyStatus","params":' + payload + b"}"
    survives(made(), message(PATTERN, topic, frame))


def test_events_are_bounded() -> None:
    """A frame with more events than a batch should hold is refused."""
    frame = {"method": "NotifyEvent", "params": {"events": [0] * 10_001}}
    with pytest.raises(PayloadError, match="too_many_records"):
        made().decode(message(PATTERN, "a/events/rpc", frame))


@ANY
@given(
    payloads(KEYS, WORDS), st.sampled_from(["a/events/rpc", "a/status/switch:0", "a/online", "a/b"])
)
def test_any_payload(payload: bytes, topic: str) -> None:
    """Any bytes and any JSON become sound outcomes or a refusal."""
    survives(made(), message(PATTERN, topic, payload))


frames = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["NotifyStatus", "NotifyFullStatus", "NotifyEvent", "x"]),
        "params": st.dictionaries(
            st.sampled_from(KEYS),
            st.sampled_from(WORDS)
            | st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS) | st.none()),
        ),
    }
)


@ANY
@given(frames)
def test_any_frame(frame: dict[str, object]) -> None:
    """A frame whose parts are of any kind becomes sound outcomes or a refusal."""
    survives(made(), message(PATTERN, "a/events/rpc", frame))
