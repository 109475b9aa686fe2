"""Tasmota: where the device's name stands, and what no device sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Status
from ingest.codecs import tasmota
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "tele/{device}/{kind}"
KEYS = ("Time", "Epoch", "TempUnit", "PressureUnit", "BME280", "ENERGY", "Temperature", "Uptime")
WORDS = ("2026-11-22T08:15:00", "1970-01-01T00:00:01", "C", "hPa", "ON", 1795310100, 21.5)


def made(thing: str = "{device}", names: tuple[str, ...] = ("device", "kind")) -> Codec:
    return tasmota.build({"thing": thing}, Feed(names=names))


@pytest.mark.parametrize(
    ("pattern", "topic", "template", "thing"),
    [
        ("{device}/tele/SENSOR", "quat-3/tele/SENSOR", "{device}", "quat-3"),
        ("{site}/{device}/tele/{kind}", "p3/quat/tele/SENSOR", "{site}/{device}", "p3/quat"),
    ],
)
def test_full_topic(pattern: str, topic: str, template: str, thing: str) -> None:
    """The prefix may stand anywhere; the feed's topic says which levels name the device."""
    names = ("site", "device") if "site" in pattern else ("device",)
    found = made(template, names).decode(message(pattern, topic, {"A": 1})).outcomes
    assert found == [Decoded(thing, "A", None, 1.0)]


@pytest.mark.parametrize("template", ["{site}", "device"])
def test_options_that_name_nothing(template: str) -> None:
    """A thing that the topics do not name is refused before anything starts."""
    with pytest.raises(ConfigError, match="thing"):
        made(template)


def test_unknown_option() -> None:
    """An option that the codec does not know is refused by name."""
    with pytest.raises(ConfigError, match="zone"):
        tasmota.build({"zone": "UTC"}, Feed(names=("device",)))


def test_last_will_is_a_state() -> None:
    """A last will is read whatever its case; it never becomes a value."""
    found = made().decode(message(PATTERN, "tele/a/LWT", b"OFFLINE")).outcomes
    assert [type(one) for one in found] == [Status]


def test_unknown_kind() -> None:
    """A kind of message that Tasmota has not is refused, so that somebody looks."""
    with pytest.raises(PayloadError, match="unknown_topic"):
        made().decode(message(PATTERN, "tele/a/WHAT", b"{}"))


def test_chip_temperature_is_no_air_temperature() -> None:
    """The ESP32's own temperature is not classified as the air's."""
    datastreams = made().datastreams
    assert datastreams["*/Temperature"].property == "temperature"
    assert datastreams["ESP32/Temperature"].property is None


@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    survives(made(), message(PATTERN, "tele/a/SENSOR", monsters()[name]))


def test_records_are_bounded() -> None:
    """Of a message with more values than a batch should hold the rest is refused."""
    found = survives(made(), message(PATTERN, "tele/a/SENSOR", {"A": list(range(20_000))}))
    assert found is not None
    assert len(found.outcomes) == 10_001
    last = found.outcomes[-1]
    assert isinstance(last, PayloadError)
    assert last.reason == "too_many_records"


@ANY
@given(payloads(KEYS, WORDS), st.sampled_from(["SENSOR", "STATE", "LWT", "INFO1", "X"]))
def test_any_payload(payload: bytes, kind: str) -> None:
    """Any bytes and any JSON become sound outcomes or a refusal."""
    survives(made(), message(PATTERN, f"tele/a/{kind}", payload))
