"""sensor.community: torn messages, positions, and what no sensor sends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.codec import Codec, Decoding
from ingest.codecs import sensor_community
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.observation import Decoded
from tests.unit.codec_limits import ANY, Feed, message, monsters, payloads, survives

PATTERN = "sc/{id*}"
KEYS = ("esp8266id", "sensordatavalues", "value_type", "value", "software_version", "age")
WORDS = ("SDS_P1", "68.17", "12779556", "nan", 7, "GPS_lat")


def made() -> Codec:
    return sensor_community.build({}, Feed(names=("id",)))


def post(*values: tuple[object, object]) -> dict[str, object]:
    return {
        "esp8266id": "1",
        "sensordatavalues": [{"value_type": name, "value": value} for name, value in values],
    }


def decoded(payload: object) -> Decoding:
    return made().decode(message(PATTERN, "sc/topic", payload))


def test_a_position_is_seen() -> None:
    """A GPS fix places the thing; the -200 that stands for none does not."""
    (seen,) = decoded(post(("GPS_lat", "10.7"), ("GPS_lon", "106.7"))).sightings
    assert (seen.thing, seen.lon, seen.lat) == ("1", 106.7, 10.7)
    assert decoded(post(("GPS_lat", "-200"), ("GPS_lon", "106.7"))).sightings == []
    assert decoded(post(("GPS_lat", "10.7"), ("GPS_lon", "-200"))).sightings == []


@ANY
@given(st.integers(0), st.binary(min_size=1, max_size=3))
def test_junk_anywhere(at: int, junk: bytes) -> None:
    """Wherever bytes are torn in, no value comes out that was not sent, and none twice."""
    names = [("SDS_P1", "68.17"), ("SDS_P2", "52.25"), ("signal", "-61")]
    raw = json.dumps(post(*names)).encode()
    cut = at % (len(raw) + 1)
    if any(byte < 0x80 and chr(byte) in '0123456789.-+eE,"\\abcdefu ' for byte in junk):
        return  # junk that makes another number of it cannot be told from one
    found = survives(made(), message(PATTERN, "sc/1", raw[:cut] + junk + raw[cut:]))
    values = [one for one in found.outcomes if isinstance(one, Decoded)] if found else []
    sent = {name: float(value) for name, value in names}
    kept = [one for one in values if one.datastream in sent]
    assert all(one.result == sent[one.datastream] for one in kept)
    assert len({one.datastream for one in kept}) == len(kept)


def test_fragments_are_bounded() -> None:
    """A torn message with more records than a batch should hold is refused whole."""
    raw = json.dumps(post(*[("P1", "1")] * 10_001)).encode()[:-1]
    with pytest.raises(PayloadError, match="too_many_records"):
        decoded(raw)


@pytest.mark.parametrize("own", [True, None, "", "a\ufffdb", "a\nb", {}, 1.5])
def test_an_id_that_is_none(own: object) -> None:
    """An id that is broken gives way to the topic's."""
    found = decoded(post(("P1", "1")) | {"esp8266id": own}).outcomes
    assert found == [Decoded("topic", "P1", None, 1.0)]


def test_options() -> None:
    """Options that the topics or the codec do not know are refused before anything starts."""
    with pytest.raises(ConfigError):
        sensor_community.build({}, Feed(names=("device",)))
    with pytest.raises(ConfigError):
        sensor_community.build({"x": 1}, Feed(names=("id",)))


@pytest.mark.parametrize("name", monsters())
def test_monsters(name: str) -> None:
    """No payload costs more than its bytes, and each ends in outcomes or a refusal."""
    payload = monsters()[name]
    survives(made(), message(PATTERN, "sc/1", payload))
    survives(made(), message(PATTERN, "sc/1", b'{"sensordatavalues":' + payload + b"}"))


@ANY
@given(payloads(KEYS, WORDS))
def test_any_payload(payload: bytes) -> None:
    """Any bytes and any JSON become sound outcomes or a refusal."""
    survives(made(), message(PATTERN, "sc/1", payload))
