"""What fuzzing of every shipped feed shares: feeds, golden messages, the promise of a codec."""

from __future__ import annotations

import json
import time
import tracemalloc
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, isnan
from pathlib import Path
from typing import Any, Final

from ingest import feeds
from ingest.codec import Codec, Command, Decoding, Ignored, Message, Status
from ingest.feeds import Source
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import Sighting
from ioc.domain.observation import Decoded, DeviceState, Flag, Quality
from ioc.text import words
from tests.unit.test_golden import GOLDEN, NOW, ROOT, payload

MAX_THING: Final = 200  # the column's own check
# A path of two names; four bytes a character and a unit beside it still fit an index row.
MAX_DATASTREAM: Final = 420
MAX_UNIT: Final = 40
MAX_TEXT: Final = 1000
MAX_TOPIC: Final = 65_535
MEGABYTE: Final = 1 << 20
BYTES_A_BYTE: Final = 60
SPARE_BYTES: Final = MEGABYTE
SECONDS_A_MEGABYTE: Final = 1.0
TRIES: Final = 5
SPARE_SECONDS: Final = 0.25  # the first decode of a process imports and compiles


@dataclass(frozen=True, slots=True)
class Sample:
    """One message of a golden file."""

    topic: str
    payload: bytes
    retain: bool = False


@lru_cache(1)
def shipped() -> dict[str, Source]:
    """Return every feed of config/feeds, examples included."""
    return feeds.load(ROOT / "config" / "feeds", examples=True)


def fresh(feed: str) -> Codec:
    """Return a codec of a feed that remembers nothing."""
    return feeds.source(shipped()[feed].feed).codec


@lru_cache(64)
def lives(feed: str) -> list[list[Sample]]:
    """Return the golden messages of a feed: one list for each codec's life."""
    return [_life(path) for path in sorted(GOLDEN.glob("*/*.json")) if _feed_of(path) == feed]


def _feed_of(path: Path) -> str:
    return path.parent.name


def _life(path: Path) -> list[Sample]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return [
        Sample(one["topic"], payload(one), bool(one.get("retain")))
        for one in document.get("messages", [document])
    ]


def message(feed: str, sample: Sample, received: Micros = NOW) -> Message | None:
    """Return a message as the router hands it over, None for a topic that is not the feed's."""
    levels = sample.topic.split("/")
    for pattern in shipped()[feed].patterns:
        parts = pattern.parts(levels)
        if parts is not None:
            return Message(sample.topic, parts, sample.payload, received, sample.retain)
    return None


def decode(codec: Codec, one: Message) -> Decoding | PayloadError:
    """Decode as the writer does; whatever comes out must be storable, any other error is raised."""
    try:
        found = codec.decode(one)
    except PayloadError as error:
        _refusal(error)
        return error
    for outcome in found.outcomes:
        _outcome(outcome)
    for sight in found.sightings:
        _sighting(sight)
    return found


def _outcome(outcome: Any) -> None:
    match outcome:
        case Decoded():
            _value(outcome)
        case Status(thing, state, detail, at, flags):
            _name(thing, MAX_THING)
            _text(detail, MAX_TEXT)
            _time(at)
            assert type(state) is DeviceState
            assert isinstance(flags, Flag)
        case Command(topic, content):
            _text(topic, MAX_TOPIC)
            assert topic
            assert not set(topic) & {"+", "#"}
            assert isinstance(content, bytes)
        case Ignored(reason):
            assert words("vi")[f"ignored.{reason}"]
        case PayloadError():
            _refusal(outcome)
        case _:
            raise AssertionError(f"no outcome: {outcome!r}")


def _value(value: Decoded) -> None:
    _name(value.thing, MAX_THING)
    if value.datastream:  # "" is the thing's own value, as SenML has it
        _name(value.datastream, MAX_DATASTREAM)
    _time(value.time)
    if value.unit is not None:
        assert len(value.unit) <= MAX_UNIT
        assert value.unit.isprintable()
    assert type(value.result) is float
    assert isfinite(value.result) or isnan(value.result)
    assert not isnan(value.result) or value.quality is not Quality.GOOD
    assert type(value.quality) is Quality
    assert isinstance(value.flags, Flag)


def _name(name: str, most: int) -> None:
    assert type(name) is str
    assert 0 < len(name) <= most
    assert name.isprintable()


def _text(text: str, most: int) -> None:
    assert type(text) is str
    assert len(text) <= most
    assert "\0" not in text
    text.encode()  # half of a surrogate pair cannot be stored


def _time(at: int | None) -> None:
    assert at is None or (type(at) is int and -(1 << 63) <= at < 1 << 63)


def _refusal(error: PayloadError) -> None:
    assert words("vi")[f"reason.{error.reason}"]
    assert words("en")[f"reason.{error.reason}"]
    _text(error.detail, MAX_TEXT)


def _sighting(sight: Sighting) -> None:
    _name(sight.thing, MAX_THING)
    if sight.label is not None:
        _name(sight.label, MAX_THING)
    for degrees in (sight.lon, sight.lat):
        assert degrees is None or (type(degrees) is float and isfinite(degrees))


def memory(codec: Codec, one: Message) -> int:
    """Decode; return the most bytes that were held at once beyond what was there before."""
    words("vi"), words("en")  # read once a process, and no cost of a codec
    tracemalloc.start()
    try:
        decode(codec, one)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def seconds(codec: Codec, one: Message) -> float:
    """Decode; return the least CPU time of this thread in a few tries.

    A busy machine makes a decode dearer by half (caches, a shared core) but never cheaper, so only
    the best try says what the codec costs; the tries end as soon as one is within the limit.
    """
    best = float("inf")
    for _ in range(TRIES):
        begun = time.thread_time()
        decode(codec, one)
        best = min(best, time.thread_time() - begun)
        if best <= time_limit(len(one.payload)):
            break
    return best


def memory_limit(size: int) -> int:
    """Return how many bytes a payload of `size` may cost."""
    return BYTES_A_BYTE * size + SPARE_BYTES


def time_limit(size: int) -> float:
    """Return how many seconds a payload of `size` may cost."""
    return SECONDS_A_MEGABYTE * size / MEGABYTE + SPARE_SECONDS
