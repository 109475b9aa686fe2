"""The configurable JSON codec: both shapes, its limits, hostile payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given

from ingest.codec import Ignored
from ingest.codecs.configurable_json import build
from ingest.reading.json_values import MAX_RECORDS, parse, read
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded, Quality
from tests.unit.codec_feeds import Feed, hostile, many, message, nested, outcomes, reasons, survives

DECLARED: dict[str, Any] = {
    "records": "data",
    "time": "t",
    "label": "name",
    "location": {"lon": "lon", "lat": "lat"},
    "quality": {"path": "st", "codes": {"00": "good", "02": "fault"}},
    "values": {"pm25": {"path": "a.b", "unit": "µg/m³"}, "on": {"path": "s", "states": {"on": 1}}},
}
CHANNELS: dict[str, Any] = {
    "thing": "station",
    "records": "data",
    "time": "t",
    "time_format": ["iso", "%H:%M:%S %d/%m/%Y"],
    "channels": {"name": "n", "value": "v", "unit": "u", "time": "t2"},
}
KEYS = ("data", "t", "t2", "a", "b", "s", "st", "n", "v", "u", "station", "name", "lon", "lat")


@many
@given(hostile(*KEYS))
@example(nested(*KEYS)(990))
@example(b'{"station":"S","data":[{"n":"x","v":[' + b"[" * 970 + b"]" * 970 + b"]}]}")
def test_any_payload_is_outcomes_or_a_refusal(payload: bytes) -> None:
    """Whatever the bytes are: outcomes fit to be stored, or a PayloadError."""
    for options in (DECLARED, CHANNELS):
        survives(build(options, Feed()), message(payload, thing="x"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "either `values` or `channels`"),
        ({**DECLARED, "channels": CHANNELS["channels"]}, "either `values` or `channels`"),
        ({**CHANNELS, "time_format": []}, "empty list"),
        ({**CHANNELS, "time_format": ["iso", "stardate"]}, "stardate"),
        ({**CHANNELS, "chanels": 1}, "chanels"),
        ({**CHANNELS, "thing": "{pump}"}, "{pump}"),
        ({**DECLARED, "values": {}}, "values"),
    ],
)
def test_wrong_options_name_the_remedy(options: dict[str, Any], says: str) -> None:
    """Options that cannot work are refused before anything starts, by name."""
    with pytest.raises(ConfigError) as refusal:
        build(options, Feed())
    assert says in str(refusal.value)


def test_records_have_a_limit() -> None:
    """10,000 records are taken, one more is refused as a whole."""
    codec = build({"records": "d", "values": {"x": {"path": "v"}}}, Feed())
    full = outcomes(codec, message(json.dumps({"d": [{"v": 1}] * MAX_RECORDS}), thing="x"))
    assert len(full) == MAX_RECORDS
    more = outcomes(codec, message(json.dumps({"d": [{"v": 1}] * (MAX_RECORDS + 1)}), thing="x"))
    assert reasons(more) == ["too_many_records"]


def test_a_station_is_sighted_once() -> None:
    """A message with many channels of one station describes the station once."""
    codec = build({**CHANNELS, "label": "station"}, Feed())
    rows = [{"n": "a", "v": 1}, {"n": "b", "v": 2}]
    found = codec.decode(
        message(json.dumps({"station": "S", "t": "2026-11-22T01:00Z", "data": rows}))
    )
    assert [(one.thing, one.label) for one in found.sightings] == [("S", "S")]


def test_a_code_nobody_explained_is_suspect() -> None:
    """Status words: known ones map, unknown ones are suspect, none is good."""
    codec = build({**DECLARED, "records": None}, Feed())
    for status, quality in (("02", Quality.FAULT), ("77", Quality.SUSPECT), (None, Quality.GOOD)):
        (one,) = outcomes(codec, message(json.dumps({"a": {"b": 1}, "st": status}), thing="x"))
        assert isinstance(one, Decoded)
        assert one.quality is quality


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    """Duplicate keys are read as every JSON reader reads them."""
    codec = build({"values": {"x": {"path": "v"}}}, Feed())
    (one,) = outcomes(codec, message('{"v": 1, "v": 2}', thing="x"))
    assert isinstance(one, Decoded)
    assert one.result == 2


def test_an_empty_retained_message_deletes() -> None:
    """Only the retained one is understood; the other is a fault of the device."""
    codec = build({"values": {"x": {"path": "v"}}}, Feed())
    assert outcomes(codec, message(b"", retain=True, thing="x")) == [Ignored("empty")]
    assert reasons(outcomes(codec, message(b"", thing="x"))) == ["empty"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b" \n", "empty"),
        (b"\x01\x02", "binary"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a": 1', "bad_json"),
    ],
)
def test_why_it_is_no_json(payload: bytes, reason: str) -> None:
    """Each way not to be JSON has a reason of its own."""
    with pytest.raises(PayloadError) as refusal:
        parse(payload)
    assert refusal.value.reason == reason


def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    """Windows loggers put one in front."""
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "value"),
    [(1, 1), (-0.5, -0.5), ("41.5", 41.5), ("41,5", 41.5), (" 7 ", 7), ("1e3", 1000), (".5", 0.5)],
)
def test_numbers_as_devices_write_them(raw: Any, value: float) -> None:
    """Numbers, texts of numbers and the decimal comma."""
    assert read(raw) == value


@pytest.mark.parametrize(
    "raw",
    ["1.234,5", "1,234.5", "12 3", "0x10", "1_0", True, [1], {"a": 1}, "x" * 500, 10**400, "1e999"],
)
def test_what_can_be_two_numbers_is_none(raw: Any) -> None:
    """Ambiguous, endless and typed otherwise: refused, never guessed."""
    with pytest.raises(PayloadError) as refusal:
        read(raw)
    assert refusal.value.reason == "bad_value"
