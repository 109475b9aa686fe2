"""Messages that no device sends and every decoder must survive."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any, Final

from hypothesis import strategies as st

from ingest import topics
from ingest.codec import Codec, Command, Decoding, Ignored, Message, Status
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Quality
from ioc.text import words
from tests.unit.full_counts import examples

RECEIVED: Final = Micros(1_795_311_000_000_000)  # 2026-11-22T01:30:00Z
ANY: Final = examples(100, 3000)


@dataclass(frozen=True)
class Feed:
    """What a codec may know of its feed."""

    name: str = "test"
    zone: str = "Asia/Ho_Chi_Minh"
    names: Sequence[str] = field(default_factory=tuple)


def message(pattern: str, topic: str, payload: object, *, retain: bool = False) -> Message:
    """Return a message as the router hands it over; what is no bytes becomes JSON."""
    parts = topics.parse(pattern).parts(topic.split("/"))
    assert parts is not None
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, parts, raw, RECEIVED, retain)


def survives(codec: Codec, one: Message) -> Decoding | None:
    """Decode; fail for anything but sound outcomes or PayloadError."""
    try:
        found = codec.decode(one)
    except PayloadError as error:
        _sound_refusal(error)
        return None
    for outcome in found.outcomes:
        match outcome:
            case Decoded():
                _sound_value(outcome)
            case PayloadError():
                _sound_refusal(outcome)
            case Status(thing, _, detail):
                _sound_name(thing)
                detail.encode()
            case Ignored(reason):
                assert f"ignored.{reason}" in words("en")
            case Command():
                raise AssertionError("these formats answer nothing")
    for sighting in found.sightings:
        _sound_name(sighting.thing)
    return found


def _sound_value(value: Decoded) -> None:
    _sound_name(value.thing)
    _sound_name(value.datastream)
    assert isinstance(value.result, float)
    assert isfinite(value.result) or isnan(value.result)
    assert isnan(value.result) <= (value.quality in (Quality.MISSING, Quality.FAULT))
    assert value.time is None or type(value.time) is int
    (value.unit or "").encode()


def _sound_name(name: str) -> None:
    assert 0 < len(name) <= 200
    assert name.isprintable()
    name.encode()


def _sound_refusal(error: PayloadError) -> None:
    assert f"reason.{error.reason}" in words("en")
    assert f"reason.{error.reason}" in words("vi")
    error.detail.encode()
    assert len(error.detail) < 1000


def near(keys: Sequence[str], values: Sequence[object]) -> st.SearchStrategy[Any]:
    """Return JSON-shaped values made of a format's own keys and words, and of anything else."""
    leaf = (
        st.sampled_from(list(values))
        | st.none()
        | st.booleans()
        | st.integers(-(10**400), 10**400)
        | st.floats()
        | st.text(max_size=20)
    )
    key = st.sampled_from(list(keys)) | st.text(max_size=20)
    return st.recursive(
        leaf,
        lambda below: st.lists(below, max_size=4) | st.dictionaries(key, below, max_size=5),
        max_leaves=25,
    )


def payloads(keys: Sequence[str], values: Sequence[object]) -> st.SearchStrategy[bytes]:
    """Return any bytes, JSON near a format's own, and such JSON cut or torn."""
    whole = near(keys, values).map(lambda v: json.dumps(v).encode())
    cut = st.builds(lambda raw, at: raw[: at % (len(raw) + 1)], whole, st.integers(0))
    torn = st.builds(
        lambda raw, at, junk: raw[: at % (len(raw) + 1)] + junk + raw[at % (len(raw) + 1) :],
        whole,
        st.integers(0),
        st.binary(max_size=4),
    )
    return st.binary(max_size=60) | whole | cut | torn


def monsters() -> Mapping[str, bytes]:
    """Return payloads of up to 1 MiB that cost a careless decoder its stack, memory or time."""
    return {
        "deep array": b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        "nearly too deep": b'{"Time":' + b"[" * 900 + b"]" * 900 + b"}",
        "deep objects": b'{"a":' * 900 + b"1" + b"}" * 900,
        "long key": b'{"' + b"k" * 1_000_000 + b'":1}',
        "long text": b'{"a":"' + b"9" * 1_000_000 + b'"}',
        "long number": b'{"a":' + b"9" * 1_000_000 + b"}",
        "long exponent": b'{"a":1e' + b"9" * 1000 + b"}",
        "many values": b'{"a":[' + b"1," * 450_000 + b"1]}",
        "many empty": b'{"a":[' + b"{}," * 300_000 + b"{}]}",
        "surrogates": b'{"\\ud800":"\\udfff","a":"\\ud800"}',
        "spaces": b'{"a":' + b" " * 900_000 + b"nan",
        "opening": b'{"value_type":' * 70_000,
        "escaped quotes": b'{"a":nan,"b":"' + b'\\"' * 500_000,
        "bare words": b'{"a":NaN,"b":Infinity,"c":nan,"d":-inf}',
    }
