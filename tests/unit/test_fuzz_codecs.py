"""Every shipped feed, examples included, against bytes that no device of it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.preparing import MAX_PAYLOAD, Preparer
from ioc.domain.intake import Arrival
from tests.unit import codec_fuzz as fuzz
from tests.unit.codec_fuzz import MEGABYTE, Sample
from tests.unit.codec_limits import monsters
from tests.unit.full_counts import RIG, examples
from tests.unit.test_golden import NOW

pytestmark = pytest.mark.rig
FEEDS: Final = sorted(fuzz.shipped())
any_feed = pytest.mark.parametrize("feed", FEEDS)

# ---------------------------------------------------------------- topics

_ODD_PARTS: Final = (
    "", " ", ".", "..", "a b", "\ufffd", "x" * 300, "trạm-đo", "\u202e\u200f", "a\tb", "$SYS",
    "%00", "{thing}", "1e5", "-", "null", "é\u0301" * 90,
)  # fmt: skip


def _parts(pattern: Any) -> st.SearchStrategy[str]:
    odd = st.sampled_from(_ODD_PARTS) | st.text(
        st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), max_size=12
    )
    tail = st.lists(odd, min_size=1, max_size=4).map("/".join)
    levels = [odd if level is None else st.just(level) for level in pattern.levels]
    if pattern.tail:
        levels[-1] = tail
    return st.tuples(*levels).map("/".join)


def topics(feed: str) -> st.SearchStrategy[str]:
    """Return topics of a feed: those of its golden messages, and odd names in its patterns."""
    known = [sample.topic for life in fuzz.lives(feed) for sample in life]
    made = st.one_of([_parts(pattern) for pattern in fuzz.shipped()[feed].patterns])
    return st.sampled_from(known) | made if known else made


# ---------------------------------------------------------------- payloads


def _keys(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree
        for inner in tree.values():
            yield from _keys(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _keys(inner)


def words_of(feed: str) -> list[str]:
    """Return the keys that the golden JSON payloads of a feed have."""
    found: set[str] = {"a"}
    for life in fuzz.lives(feed):
        for sample in life:
            try:
                found.update(_keys(json.loads(sample.payload)))
            except (ValueError, RecursionError):
                continue
    return sorted(found)


_LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.integers(-(1 << 64), 1 << 64)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from([
        "", "NaN", "41,5", "1e999", "-0", "0x1", "\ud800", "a\0b", "x" * 10_000, "2026-11-22T08:30",
        "2026-11-22T01:30:00Z", "9999-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00", 1e300,
        1_795_311_000, 1_795_311_000_000, 1_795_311_000_000_000_000, 2**63, -(2**63),
    ])
)  # fmt: skip


def trees(feed: str) -> st.SearchStrategy[Any]:
    """Return JSON values in which the feed's own keys turn up at any depth."""
    names = st.sampled_from(words_of(feed)) | st.text(
        st.characters(exclude_categories=()), max_size=8
    )
    return st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=20,
    )


def cbor_items() -> st.SearchStrategy[bytes]:
    """Return CBOR: whole items with the small integer keys of SenML, and cut or torn ones."""
    leaf = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=9)
        | st.text(max_size=9) | st.just(cbor2.undefined)
    )  # fmt: skip
    keys = st.integers(-10, 10) | st.sampled_from(["n", "v", "bn", "u"])
    tree = st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=6)
            | st.builds(cbor2.CBORTag, st.integers(0, 60_000), inner)
            | st.builds(
                lambda exponent, digits: cbor2.CBORTag(4, [exponent, digits]),
                st.integers(-400, 400),
                st.integers(),
            )
        ),
        max_leaves=15,
    )
    return tree.map(cbor2.dumps)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def protobuf_like() -> st.SearchStrategy[bytes]:
    """Return messages of tags, lengths and values, nested; lengths may lie."""
    number = st.integers(1, 20) | st.integers(1, (1 << 29) - 1)
    plain = st.builds(
        lambda n, value: _varint(n << 3) + _varint(value), number, st.integers(0, (1 << 64) - 1)
    )
    fixed = st.builds(
        lambda kind, n, raw: _varint(n << 3 | (1, 5)[kind]) + raw * (2 - kind),
        st.integers(0, 1), number, st.binary(min_size=4, max_size=4),
    )  # fmt: skip
    lying = st.builds(
        lambda n, length, raw: _varint(n << 3 | 2) + _varint(length) + raw,
        number, st.integers(0, 1 << 40), st.binary(max_size=8),
    )  # fmt: skip

    def within(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        body = st.lists(inner, max_size=5).map(b"".join)
        return st.builds(lambda n, raw: _varint(n << 3 | 2) + _varint(len(raw)) + raw, number, body)

    text = st.text(max_size=10).map(str.encode)
    word = st.builds(lambda n, raw: _varint(n << 3 | 2) + _varint(len(raw)) + raw, number, text)
    item = st.recursive(plain | fixed | word | lying, within, max_leaves=12)
    return st.lists(item, max_size=6).map(b"".join)


def mutated(golden: bytes) -> st.SearchStrategy[bytes]:
    """Return a golden payload with pieces cut, doubled, moved or overwritten."""
    place = st.integers(0, len(golden))
    junk = st.binary(max_size=6) | st.sampled_from(
        [b"\0", b"\xff", b"1e999", b"null", b"[]", b"{}", b'""', b"-", b"9" * 400, b"\\ud800"]
    )

    def change(raw: bytes, step: tuple[int, int, bytes, int]) -> bytes:
        first, second, piece, times = step
        low, high = sorted((min(first, len(raw)), min(second, len(raw))))
        return raw[:low] + (piece or raw[low:high] * times) + raw[high:]

    steps = st.lists(st.tuples(place, place, junk | st.just(b""), st.integers(0, 3)), max_size=4)
    return steps.map(lambda made: _folded(change, golden, made))


def _folded(change: Any, golden: bytes, steps: list[Any]) -> bytes:
    for step in steps:
        golden = change(golden, step)
    return golden


def payloads(feed: str) -> st.SearchStrategy[bytes]:
    """Return everything that may arrive on a topic of the feed."""
    known = [sample.payload for life in fuzz.lives(feed) for sample in life]
    shapes = [
        st.binary(max_size=200),
        trees(feed).map(lambda tree: json.dumps(tree).encode()),
        cbor_items(),
        protobuf_like(),
    ]
    if known:
        shapes.append(st.sampled_from(known).flatmap(mutated))
    return st.one_of(shapes)


@lru_cache(64)
def sequences(feed: str) -> st.SearchStrategy[list[Sample]]:
    """Return a few messages of one codec's life, some after a golden beginning."""
    one = st.builds(Sample, topics(feed), payloads(feed), st.booleans())
    begun = [life[:-1] for life in fuzz.lives(feed) if len(life) > 1]
    before = st.sampled_from(begun) if begun else st.just([])
    return st.tuples(before | st.just([]), st.lists(one, min_size=1, max_size=3)).map(
        lambda both: [*both[0], *both[1]]
    )


# ---------------------------------------------------------------- promises


@any_feed
@examples(40, 3000)
@given(data=st.data())
def test_any_message_is_outcomes_or_a_refusal(feed: str, data: st.DataObject) -> None:
    """Whatever arrives: values that can be stored, refusals with words, in little memory."""
    codec = fuzz.fresh(feed)
    for sample in data.draw(sequences(feed)):
        one = fuzz.message(feed, sample)
        if one is not None:
            assert fuzz.memory(codec, one) <= fuzz.memory_limit(len(sample.payload))


MONSTERS: Final = {
    **monsters(),
    "zeros": bytes(MEGABYTE),
    "ones": b"\xff" * MEGABYTE,
    "cbor arrays": b"\x9f" * MEGABYTE,
    "cbor tags": b"\xc1" * MEGABYTE,
    "cbor promises": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff" + b"\x80" * 1000,
    "cbor maps": b"\x9f" + b"\xbf\xff" * (MEGABYTE // 2 - 1) + b"\xff",
    "cbor texts": b"\x9a\x00\x0f\xff\x00" + b"\x60" * 0x000FFF00,
    "cbor big": b"\xc2\x5a\x00\x0f\xff\x00" + b"\xff" * 0x000FFF00,
    "protobuf empties": b"\x12\x00" * (MEGABYTE // 2),
    "protobuf numbers": b"\x08\x01" * (MEGABYTE // 2),
    "protobuf deep": b"\x12\x7f" * (MEGABYTE // 2),
    "senml records": b"[" + b'{"n":"a","v":1},' * 65_000 + b'{"n":"a","v":1}]',
    "same keys": b"{" + b'"a":1,' * 170_000 + b'"b":1}',
    "many keys": b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60_000)) + b"}",
    "lines": b"a b=1\n" * 170_000,
    "fields": b"a " + b",".join(b"f%d=1" % n for n in range(90_000)),
    "tabs": b"NO2\t1\tmg\t20261122083000\t00\n" * 38_000,
    "pipes": b"a|1|" * 260_000,
}  # fmt: skip


def _limited(feed: str) -> Iterator[tuple[str, Sample]]:
    topic = next((s.topic for life in fuzz.lives(feed) for s in life), None)
    assert topic is not None, f"no golden message of {feed}"
    for name, content in MONSTERS.items():
        yield name, Sample(topic, content[:MEGABYTE])


@pytest.mark.rig
@any_feed
def test_no_megabyte_costs_more_than_its_share(feed: str) -> None:
    """Bombs of one megabyte: at most a second and sixty times their size, then a refusal."""
    codec = fuzz.fresh(feed)
    for name, sample in _limited(feed):
        one = fuzz.message(feed, sample)
        assert one is not None
        size = len(sample.payload)
        assert fuzz.seconds(codec, one) <= fuzz.time_limit(size), name
        if RIG:  # tracing makes it four times as slow
            assert fuzz.memory(codec, one) <= fuzz.memory_limit(size), name


@any_feed
def test_two_megabytes_never_reach_a_decoder(feed: str) -> None:
    """A payload beyond the limit of a dead letter is one refusal, whatever its format."""
    topic = fuzz.lives(feed)[0][0].topic
    arrival = Arrival(topic, b'{"a":' + b"1" * (2 * MEGABYTE) + b"}", NOW)
    batch = Preparer({feed: fuzz.shipped()[feed]}).prepare([arrival])
    assert len(arrival.payload) > MAX_PAYLOAD
    assert [letter.reason for letter in batch.letters] == ["too_large"]
    assert batch.streams == []
