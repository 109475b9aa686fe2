"""Text that a device, or a careless codec, sends and the database cannot hold.

The codec here is a stranger's: it keeps none of the promises that ours keep. The writer goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pytest
from psycopg import Connection

from ingest import feeds
from ingest.codec import Codec, Decoding, Message
from ingest.feeds import Feed, Source
from ingest.grading import Grader
from ingest.metrics import Counters
from ingest.pipeline import Pipeline
from ingest.preparing import Preparer
from ingest.store import FAILURES
from ioc.catalogue import Property
from ioc.clock import SystemClock
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros, from_datetime
from ioc.domain.intake import Arrival, Sighting
from ioc.domain.location import Province
from ioc.domain.observation import Decoded
from ioc.storage import things
from ioc.storage.batches import Recorder
from ioc.storage.registry import Registry
from tests.integration.ingest_rig import broken_invariants, one

Db = Connection[tuple[Any, ...]]
Make = Callable[[str, int], Decoding]

# Random letters: PostgreSQL compresses an index row, so equal ones would fit.
LONG: Final = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyzđạởữ", k=10_000))
HOSTILE: Final = {"nul": "a\0b", "surrogate": "a\ud800b", "long": LONG, "empty": ""}
CATALOGUE: Final = {
    "pm25": Property("Bụi", "Dust", "µg/m³"),
    "unclassified": Property("Chưa phân loại", "Not classified", ""),
}


class Hand:
    """An inbox that hands out one batch and remembers what was acknowledged."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self._next = [list(arrivals)]
        self.done_ids: list[int | None] = []

    def take(self) -> list[Arrival]:
        return self._next.pop() if self._next else []

    def done(self, arrivals: Sequence[Arrival]) -> None:
        self.done_ids += [arrival.packet_id for arrival in arrivals]

    def publish(self, topic: str, payload: bytes) -> None:
        raise AssertionError((topic, payload))

    def began_clean(self, session: int) -> bool:
        return bool(session)


def source(make: Make, names: Sequence[str]) -> Source:
    """Return a feed whose codec makes of `{n}` what `make(names[n], n)` returns."""
    feed = msgspec.convert(
        {
            "name": "f", "title": {"vi": "F", "en": "F"}, "codec": "json", "kind": "rain",
            "topic": "s/{thing}", "expected_period_s": 60, "admit": True,
            "options": {"values": {"v": {"path": "v"}}},
        },
        Feed,
    )  # fmt: skip
    made = feeds.source(feed)

    def decode(message: Message) -> Decoding:
        n = int(message.payload)
        return make(names[n], n)

    return Source(made.feed, made.patterns, Codec(decode), made.spec, made.past_limit)


def turn(url: str, conn: Db, make: Make, names: Sequence[str]) -> Hand:
    """Take in one message for each name, in one batch, through the real pipeline."""
    things.upsert_properties(conn, CATALOGUE)
    one_source = source(make, names)
    things.upsert_feeds(conn, [one_source.spec])
    now = from_datetime(one(conn, "select now()"))
    hand = Hand([Arrival("s/x", b"%d" % n, Micros(now + n), n + 1) for n in range(len(names))])
    registry = Registry({"f": one_source.spec}, Province().place, CATALOGUE, pending_per_feed=99)
    recorder = Recorder(url, "w", registry, Grader)
    sources = {"f": one_source}
    tries: list[float] = []

    def wait(pause: float) -> bool:
        tries.append(pause)
        return len(tries) > 3  # a store that is "away" so often over one batch: the writer is stuck

    pipeline = Pipeline(
        Preparer(sources),
        hand,
        recorder,
        FAILURES,
        lambda _: None,
        Counters(SystemClock(), registry),
        wait,
    )
    try:
        pipeline.turn()
    finally:
        recorder.close()
    return hand


def as_thing(name: str, _n: int) -> Decoding:
    return Decoding([Decoded(name, "v", None, 1.0)])


def as_datastream(name: str, _n: int) -> Decoding:
    return Decoding([Decoded("x", name, None, 1.0)])


def as_unit(name: str, _n: int) -> Decoding:
    return Decoding([Decoded("x", "v", None, 1.0, unit=name)])


def as_label(name: str, n: int) -> Decoding:
    return Decoding([Decoded(f"x{n}", "v", None, 1.0)], [Sighting(f"x{n}", label=name)])


def as_detail(name: str, n: int) -> Decoding:
    if name.startswith("good"):
        return Decoding([Decoded("x", "v", None, float(n))])
    return Decoding([PayloadError("bad_value", name)])


GOOD: Final = [f"good{n}" for n in range(5)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("make", [as_thing, as_datastream, as_unit, as_label, as_detail])
def test_no_text_stops_the_writer(database_url: str, conn: Db, make: Make, text: str) -> None:
    """What is good beside it is stored, all is acknowledged, nothing is tried for ever."""
    hand = turn(database_url, conn, make, [*GOOD[:3], text, *GOOD[3:]])
    assert hand.done_ids == [1, 2, 3, 4, 5, 6]
    assert broken_invariants(conn) == []
    kept = one(conn, "select count(*) from observation")
    refused = one(conn, "select count(*) from dead_letter")
    # A name for people is mended; no unit, and a path of no keys (SenML), are as good as others.
    harmless = make is as_label or (make in {as_unit, as_datastream} and not text)
    assert (kept, refused) == ((6, 0) if harmless else (5, 1))
    assert one(conn, "select coalesce(max(length(name)), 0) from thing") <= 200


def test_a_refusal_says_what_was_wrong(database_url: str, conn: Db) -> None:
    """The dead letter of a name that cannot be stored has its own reason and a printable detail."""
    turn(database_url, conn, as_thing, ["good", "a\0b"])
    turn(database_url, conn, as_datastream, ["good", LONG])
    found = conn.execute("select reason, length(detail) < 200 from dead_letter order by id")
    assert found.fetchall() == [("bad_thing", True), ("bad_name", True)]


def test_many_hostile_names_cost_one_transaction(database_url: str, conn: Db) -> None:
    """A hundred of them in a batch are refused by our own check: the batch is not split."""
    names = [*GOOD, *(f"{n}\0" for n in range(100))]
    turn(database_url, conn, as_datastream, names)
    assert one(conn, "select count(*) from ingest_batch") == 1
    assert one(conn, "select count(*) from dead_letter") == 100
