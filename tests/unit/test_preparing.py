"""Preparing: the quick lane is the whole way made faster, and nothing else."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import feeds, topics
from ingest.codec import Codec, Decoding, Message, Outcome, Status
from ingest.feeds import Feed, Source
from ingest.preparing import Preparer
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.intake import Arrival, Batch
from ioc.domain.observation import Decoded, DeviceState, Flag

NOW: Final = Micros(1_795_311_000_000_000)
ONE: Final = {"a": {"path": "v", "unit": "mm", "max": 10}}
TWO: Final = {"a": {"path": "v"}, "b": {"path": "deep.w", "unit": ""}}


def source(values: dict[str, Any], time_format: str = "auto", **more: Any) -> Source:
    """Make a feed of numbers at fixed places."""
    options = {"time": "t", "time_format": time_format, "values": values}
    return feeds.source(
        msgspec.convert(
            {
                "name": "f", "title": {"vi": "F", "en": "F"}, "codec": "json", "kind": "rain",
                "topic": "s/{thing}", "expected_period_s": 60, "options": options, **more,
            },
            Feed,
        )
    )  # fmt: skip


def slowed(quick: Source) -> Source:
    """Return the same feed without its quick reader."""
    assert quick.codec.quick is not None
    return Source(
        quick.feed, quick.patterns, Codec(quick.codec.decode), quick.spec, quick.past_limit
    )


def told(batch: Batch) -> tuple[Any, ...]:
    """Return what a batch says, comparable."""
    keys = batch.slots.keys
    rows = [
        (keys[s], t, repr(r), q, f, o)
        for s, t, r, q, f, o in zip(
            batch.streams, batch.times, batch.results, batch.qualities, batch.flags,
            batch.origins, strict=True,
        )
    ]  # fmt: skip
    letters = [(letter.reason, letter.detail) for letter in batch.letters]
    return rows, letters, batch.remembered


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**20), 10**20),
    st.none(),
    st.booleans(),
    st.text("a1,.é", max_size=5),
)
instants = st.one_of(
    st.integers(int(NOW) // 1000 - 10**9, int(NOW) // 1000 + 10**6),
    st.integers(0, 10**19),
    st.sampled_from(
        ["2026-11-22T01:15:00Z", "2026-11-22T08:15:00+07:00", "2026-11-22T08:15:00", "2026-11-22"]
    ),
    st.floats(0, 2e9),
    st.none(),
)
records = st.dictionaries(
    st.sampled_from(["t", "v", "w", "deep", "x"]),
    st.one_of(instants, numbers, st.dictionaries(st.just("w"), numbers)),
)


@given(
    st.lists(st.tuples(records, st.booleans()), max_size=5),
    st.sampled_from([ONE, TWO]),
    st.sampled_from(["auto", "epoch_ms", "iso"]),
    st.sampled_from(["real", "simulated"]),
)
def test_the_quick_lane_says_what_the_whole_way_says(
    sent: list[tuple[dict[str, Any], bool]], values: Any, time_format: str, kind: str
) -> None:
    """Same rows, same flags, same refusals, whatever stands in the message."""
    made = source(values, time_format, simulated=kind == "simulated")
    arrivals = [
        Arrival("s/x", json.dumps(record).encode(), NOW, n + 1, retain=retain)
        for n, (record, retain) in enumerate(sent)
    ]
    quick = Preparer({"f": made}).prepare(arrivals)
    assert told(quick) == told(Preparer({"f": slowed(made)}).prepare(arrivals))


def test_a_codec_that_breaks_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one format costs its message a dead letter; the others go on."""

    def broken(message: Message) -> Decoding:
        raise ZeroDivisionError(message.topic)

    good = source(ONE)
    bad = source(ONE, topic="bad/{thing}", name="g")
    bad = Source(bad.feed, bad.patterns, Codec(broken), bad.spec, bad.past_limit)
    body = json.dumps({"t": int(NOW) // 1000, "v": 1}).encode()
    batch = Preparer({"f": good, "g": bad}).prepare(
        [Arrival("bad/x", body, NOW, 1), Arrival("s/x", body, NOW, 2)]
    )
    assert [letter.reason for letter in batch.letters] == ["codec_failed"]
    assert batch.results == [1.0]
    assert caplog is not None


def test_a_codec_that_returns_nonsense_stops_nobody() -> None:
    """A result that is no number costs its part a dead letter, not the writer its batch."""

    def broken(_message: Message) -> Decoding:
        odd: Any = "4.2 mm"
        return Decoding([Decoded("x", "v", NOW, odd), Decoded("x", "v", NOW, 1.0)])

    bad = source(ONE)
    bad = Source(bad.feed, bad.patterns, Codec(broken), bad.spec, bad.past_limit)
    batch = Preparer({"f": bad}).prepare([Arrival("s/x", b"{}", NOW, 1)])
    assert [letter.reason for letter in batch.letters] == ["codec_failed"]
    assert batch.results == [1.0]
    assert len(batch.times) == len(batch.streams) == len(batch.origins) == 1


def test_halves_hold_everything_once() -> None:
    """Splitting a refused batch neither loses nor repeats a value, a letter or a digest."""
    made = source(ONE)
    bodies = [b'{"t":null,"v":1}', b"broken", b'{"v":2}', b'{"v":"x"}', b'{"v":3}']
    arrivals = [Arrival(f"s/{n}", body, NOW, n + 1) for n, body in enumerate(bodies)]
    whole = Preparer({"f": made}).prepare(arrivals)
    first, second = whole.halves()
    assert first.results + second.results == whole.results
    assert first.letters + second.letters == whole.letters
    assert first.remembered + second.remembered == whole.remembered
    assert [second.arrivals[o].topic for o in second.origins] == ["s/2", "s/4"]
    assert all(flag & Flag.TIME_RECEIVED for flag in whole.flags)


def test_a_states_detail_stands_beside_its_row() -> None:
    """What a state came with goes with it, also where values stand between."""
    outcomes: list[Outcome] = [
        Decoded("cam", "fps", None, 0.0),
        Status("cam", DeviceState.DEGRADED, "signal loss"),
        Decoded("cam", "bitrate", None, 0.0),
        Status("nvr", DeviceState.ONLINE),
    ]
    plain = source(ONE)
    made = Source(
        plain.feed,
        plain.patterns,
        Codec(lambda _message: Decoding(outcomes)),
        plain.spec,
        plain.past_limit,
    )
    batch = Preparer({"f": made}).prepare([Arrival("s/x", b"{}", NOW)])
    names = [batch.slots.keys[slot][1:3] for slot in batch.streams]
    assert {names[at]: detail for at, detail in batch.details.items()} == {
        ("cam", "@status"): "signal loss",
        ("nvr", "@status"): "",
    }


def test_codecs_hear_what_is_retained_before_the_next_values() -> None:
    """After a gap a codec that remembers hears retained messages first; nothing of them is kept."""
    heard: list[str] = []
    gone: list[str] = []

    def decode(message: Message) -> Decoding:
        heard.append(message.payload.decode())
        if message.payload == b"bad":
            raise PayloadError("bad_state")
        return Decoding([Decoded("x", "v", None, 1.0)])

    def with_codec(name: str, codec: Codec) -> Source:
        made = source(ONE)
        return Source(made.feed, [topics.parse(f"{name}/{{x}}")], codec, made.spec, made.past_limit)

    preparer = Preparer(
        {
            "f": with_codec("f", Codec(decode, stateful=True)),
            "asks": with_codec("a", Codec(decode, stateful=True, forget=lambda: gone.append("a"))),
            "plain": with_codec("p", Codec(decode)),
        },
        lambda: [
            Arrival(f"{name}/x", text, NOW, retain=True)
            for name, text in (("f", b"bad"), ("f", b"unit"), ("a", b"a"), ("p", b"p"), ("q", b"q"))
        ],
    )
    live = [Arrival("f/x", b"value", NOW)]
    preparer.missed()
    assert preparer.prepare(live).results == [1.0]
    assert (heard, gone) == (["bad", "unit", "value"], ["a"])
    preparer.prepare(live)
    assert heard[3:] == ["value"]
