"""What the tests of codecs share: a feed in memory, messages, payloads that nobody would send."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from ingest.codec import Codec, Command, Decoding, Ignored, Message, Outcome, Status
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded
from tests.unit.full_counts import examples

NOW: Final = Micros(1_795_311_000_000_000)  # 2026-11-22T01:30:00Z
many = examples(100, 5000)
OUTCOMES: Final = (Decoded, Status, Command, Ignored, PayloadError)


@dataclass(frozen=True)
class Feed:
    """What a codec may know of its feed."""

    names: Sequence[str] = ("thing",)
    name: str = "test"
    zone: str = "Asia/Ho_Chi_Minh"
    parts: Mapping[str, str] = field(default_factory=dict)


def message(
    payload: bytes | str, topic: str = "t", *, retain: bool = False, **parts: str
) -> Message:
    """Return a message; `parts` are those of its topic."""
    content = payload.encode() if isinstance(payload, str) else payload
    return Message(topic, parts, content, NOW, retain)


def outcomes(codec: Codec, *messages: Message) -> list[Outcome]:
    """Return what becomes of messages; a message of which nothing can be read is a refusal."""
    found: list[Outcome] = []
    for one in messages:
        try:
            found.extend(codec.decode(one).outcomes)
        except PayloadError as error:
            found.append(error)
    return found


def reasons(found: Sequence[Outcome]) -> list[str]:
    """Return the codes of refusals and of what was ignored, in order."""
    return [one.reason for one in found if isinstance(one, (PayloadError, Ignored))]


def survives(codec: Codec, one: Message) -> None:
    """Decode; fail on anything but outcomes or a PayloadError, or text no store would take."""
    try:
        found = codec.decode(one)
    except PayloadError as error:
        found = Decoding([error])
    for outcome in found.outcomes:
        assert isinstance(outcome, OUTCOMES)
        if isinstance(outcome, Decoded):
            assert outcome.datastream
            _fit(outcome.thing, outcome.datastream, outcome.unit or "")
        elif isinstance(outcome, Status):
            _fit(outcome.thing, outcome.detail)
        elif isinstance(outcome, PayloadError):
            _fit(outcome.detail)


def _fit(*texts: str) -> None:
    for text in texts:
        assert "\0" not in text
        text.encode()  # a lone surrogate cannot be stored


def json_like(*keys: str) -> st.SearchStrategy[Any]:
    """Return JSON values in which the given keys and odd ones turn up at any depth."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(min_value=-(10**400), max_value=10**400)
        | st.floats()
        | st.text(max_size=20)
        | st.sampled_from(["", "true", "41,5", "NaN", "\ud800", "a\0b", "x" * 300, "2026-11-22T08"])
    )
    names = st.sampled_from(keys) | st.text(max_size=8) | st.sampled_from(["", "\ud800", "y" * 300])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    )


def hostile(*keys: str) -> st.SearchStrategy[bytes]:
    """Return payloads: any bytes, any JSON with the format's own keys, deep nesting."""
    return (
        st.binary(max_size=200)
        | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
        | json_like(*keys).map(lambda value: json.dumps(value).encode())
        | st.integers(min_value=1, max_value=3000).map(nested(*keys))
        | st.integers(min_value=300, max_value=9000).map(endless(*keys))
    )


def endless(*keys: str) -> Callable[[int], bytes]:
    """Return a function digits -> an object whose keys hold integers of so many."""
    inside = ",".join(f'"{key}":%s' for key in keys)
    return lambda digits: ("{" + inside.replace("%s", "9" * digits) + "}").encode()


def nested(*keys: str) -> Callable[[int], bytes]:
    """Return a function depth -> an object whose keys hold lists nested so deep."""
    inside = ",".join(f'"{key}":%s' for key in keys)

    def at(depth: int) -> bytes:
        deep = "[" * depth + "]" * depth
        return ("{" + inside.replace("%s", deep) + "}").encode()

    return at
