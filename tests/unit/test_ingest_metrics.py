"""What ingest counts: by feed, by reason, and how late a value is when it is committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ingest.metrics import LAG_EDGES, Counters
from ioc.domain.instant import SECOND, Micros
from ioc.domain.intake import Arrival, Letter
from ioc.domain.observation import Flag
from ioc.exposition import Sample
from ioc.rows import Committed, Ints, Rows

NOW: Final = Micros(1_795_311_000_000_000)


class Still:
    """A clock that stands."""

    def now(self) -> Micros:
        return NOW


class Two:
    """Datastreams below 100 are of the first feed."""

    feed_names: Sequence[str] = ("rain", "air")

    def feeds_of(self, datastreams: Ints) -> Ints:
        return datastreams // 100


def committed(*late: tuple[int, float, int], letters: Sequence[Letter] = ()) -> Committed:
    """Make a batch of (datastream, seconds late, flags)."""
    rows = Rows.of(
        (stream, int(NOW - seconds * SECOND), 1.0, 0, flags, int(NOW))
        for stream, seconds, flags in late
    )
    return Committed(1, 1, rows, inserted=len(late), letters=list(letters))


def samples(counters: Counters, name: str) -> list[Sample]:
    return next((f.samples for f in counters.families() if f.name == name), [])


def value(counters: Counters, name: str, suffix: str = "", **labels: str) -> float:
    """Return the one sample with these labels."""
    found = [s.value for s in samples(counters, name) if (s.labels, s.suffix) == (labels, suffix)]
    assert len(found) == 1, (name, labels, samples(counters, name))
    return found[0]


def test_messages_are_counted_by_feed_and_reason() -> None:
    """Received, committed and refused add up over batches; a message of no feed has none."""
    counters = Counters(Still(), Two())
    arrival = Arrival("t", b"x", NOW)
    letters = [Letter("rain", arrival, "not_json"), Letter(None, arrival, "no_feed")]
    for _ in range(2):
        counters.received({"rain": 3, "": 1})
        counters.committed({"rain": 3, "": 1}, committed((1, 0.1, 0), letters=letters))
    assert value(counters, "ioc_ingest_received_total", feed="rain") == 6
    assert value(counters, "ioc_ingest_committed_total", feed="") == 2
    assert value(counters, "ioc_ingest_refused_total", feed="rain", reason="not_json") == 2
    assert value(counters, "ioc_ingest_refused_total", feed="", reason="no_feed") == 2
    assert value(counters, "ioc_ingest_observations_total", outcome="inserted") == 2
    assert value(counters, "ioc_ingest_batches_total") == 2
    counters.retained_unread()
    assert value(counters, "ioc_ingest_retained_unread_total") == 1


def test_lag_is_from_the_value_to_its_commit_by_feed() -> None:
    """Each value falls into the first bucket whose edge it does not exceed."""
    counters = Counters(Still(), Two())
    counters.committed({}, committed((1, 0.05, 0), (2, 0.06, 0), (150, 90_000, 0)))
    counters.committed({}, committed((1, 3, 0)))
    name = "ioc_ingest_lag_seconds"
    counts = [
        value(counters, name, "_bucket", feed="rain", le=le)
        for le in [*map(str, LAG_EDGES), "+Inf"]
    ]
    assert counts == [1, 2, 2, 3, 3, 3, 3, 3, 3]
    assert abs(value(counters, name, "_sum", feed="rain") - 3.11) < 1e-9
    assert value(counters, name, "_bucket", feed="air", le="86400.0") == 0
    assert value(counters, name, "_count", feed="air") == 1


def test_what_is_old_by_its_own_word_is_no_lag() -> None:
    """Retained copies and histories do not look like a slow ingest; a fast clock is no lag."""
    counters = Counters(Still(), Two())
    counters.committed(
        {},
        committed((1, 9_000, Flag.RETAINED), (2, 9_000, Flag.HISTORICAL), (3, -60, 0)),
    )
    assert value(counters, "ioc_ingest_lag_seconds", "_count", feed="rain") == 1
    assert value(counters, "ioc_ingest_lag_seconds", "_sum", feed="rain") == 0
    assert value(counters, "ioc_ingest_lag_seconds", "_bucket", feed="rain", le="0.05") == 1
