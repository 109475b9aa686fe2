"""What every codec promises of every message, and messages that try to break it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import isinf, isnan
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from ingest.codec import Codec, Decoding, Ignored, Message, Status
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Quality
from ioc.text import words

NOW: Final = Micros(1_795_311_000_000_000)  # 2026-11-22T01:30:00Z


@dataclass(frozen=True)
class View:
    """What a codec sees of its feed."""

    name: str = "thu"
    zone: str = "Asia/Ho_Chi_Minh"
    names: Sequence[str] = ()


def keep(codec: Codec, message: Message) -> Decoding | PayloadError:
    """Decode; whatever comes out must be storable, printable and have words."""
    try:
        found = codec.decode(message)
    except PayloadError as error:
        _told(error)
        return error
    assert found.outcomes, "a message vanished without a word"
    for outcome in found.outcomes:
        match outcome:
            case Decoded():
                _value(outcome)
            case Status(thing):
                assert thing
                assert thing.isprintable()
            case Ignored(reason):
                assert words("vi")[f"ignored.{reason}"]
            case PayloadError():
                _told(outcome)
    for sight in found.sightings:
        assert sight.label is None or sight.label.isprintable()
        assert sight.lon is None or abs(sight.lon) <= 180
    return found


def _value(value: Decoded) -> None:
    for name in (value.thing, value.datastream):
        assert name
        assert name.isprintable()
        assert len(name) <= 420, "two names and what joins them"
    assert value.time is None or isinstance(value.time, int)
    assert not isinf(value.result)
    assert not isnan(value.result) or value.quality is not Quality.GOOD


def _told(error: PayloadError) -> None:
    assert words("vi")[f"reason.{error.reason}"]
    assert words("en")[f"reason.{error.reason}"]
    msgspec.json.encode(error.detail)
    assert "\0" not in error.detail


texts = st.text(st.characters(exclude_categories=()), max_size=20)
numbers = st.integers() | st.just(10**400) | st.floats()
leaves = st.none() | st.booleans() | numbers | texts | st.sampled_from(["nan", "1,5", "", "0x1"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn, template: Mapping[str, Any]) -> bytes:
    """Return a message of the format with some of its parts replaced or lost."""
    root: Any = deepcopy(dict(template))
    for _ in range(draw(st.integers(1, 3))):
        holder = root
        while True:
            key = draw(
                st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
            )
            inner = holder[key]
            if not (isinstance(inner, (dict, list)) and inner and draw(st.booleans())):
                break
            holder = inner
        if isinstance(holder, dict) and len(holder) > 1 and draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(values)
    return json.dumps(root).encode()


payloads = st.binary(max_size=300) | values.map(lambda one: json.dumps(one).encode())
