"""Uptime of cameras: every microsecond counted once, announced work left out, silence unknown."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.instant import HOUR, MINUTE, Micros
from ioc.domain.uptime import (
    FAULTS,
    Axis,
    CameraState,
    Run,
    Span,
    Uptime,
    Words,
    camera_state,
    merged,
    outages,
    spans,
    uptime,
)

END = 1000
STALE = 30


def runs_of(pieces: list[tuple[int, int, int]]) -> Axis:
    """Return an axis from (pause, length, code) one after the other."""
    found, at = [], 0
    for pause, length, code in pieces:
        found.append(Run(Micros(at + pause), Micros(at + pause + length), code))
        at += pause + length
    return Axis(found, STALE)


pieces = st.lists(
    st.tuples(st.integers(1, 200), st.integers(0, 200), st.integers(0, 5)), max_size=8
)
axes = st.builds(runs_of, pieces)
words = st.builds(Words, axes, axes, axes)
work = st.lists(
    st.tuples(st.integers(-50, END), st.integers(1, 300)).map(
        lambda pair: (Micros(pair[0]), Micros(pair[0] + pair[1]))
    ),
    max_size=4,
)


@given(words)
def test_spans_cover_the_period_once(given_words: Words) -> None:
    """What counted fills the period without a hole, and neighbours differ."""
    found = spans(given_words, Micros(0), Micros(END))
    assert (found[0].begin, found[-1].end) == (0, END)
    for before, after in pairwise(found):
        assert before.end == after.begin
        assert before.state is not after.state
    for moment in range(0, END, 37):
        [one] = [span for span in found if span.begin <= moment < span.end]
        assert one.state is given_words.at(Micros(moment))


@given(words, work)
def test_every_moment_is_counted_once(
    given_words: Words, announced: list[tuple[Micros, Micros]]
) -> None:
    """Up, down, unknown and left out come to the whole period, with any overlapping work."""
    total = uptime(spans(given_words, Micros(0), Micros(END)), announced)
    assert total.up + total.down + total.unknown + total.left_out == END
    assert total.share is None or 0 <= total.share <= 1


@given(words, work)
def test_announcing_work_never_harms(
    given_words: Words, announced: list[tuple[Micros, Micros]]
) -> None:
    """Maintenance takes time out of both sums and adds to neither."""
    found = spans(given_words, Micros(0), Micros(END))
    bare, told = uptime(found, []), uptime(found, announced)
    assert told.up <= bare.up
    assert told.down <= bare.down
    assert told.left_out >= bare.left_out
    assert (told.repairs, told.repair_time) == (bare.repairs, bare.repair_time)


@given(words)
def test_an_outage_is_one_however_it_changes(given_words: Words) -> None:
    """Outages are apart, cover exactly the faults, and only those that ended were repaired."""
    found = spans(given_words, Micros(0), Micros(END))
    broken = outages(found)
    assert all(a.end < b.begin for a, b in pairwise(broken))
    faulty = sum(span.end - span.begin for span in found if span.state in FAULTS)
    assert sum(one.end - one.begin for one in broken) == faulty
    assert uptime(found, []).repairs == sum(one.end < END for one in broken)


def test_silence_is_unknown_not_offline() -> None:
    """A camera of which nobody speaks is unknown once its word is old, and not down."""
    axis = Axis([Run(Micros(0), Micros(HOUR), 0)], 15 * MINUTE)
    found = spans(Words(axis), Micros(0), Micros(2 * HOUR))
    kept = Micros(HOUR + 15 * MINUTE)
    online = Span(Micros(0), kept, CameraState.ONLINE)
    assert found == [online, Span(kept, Micros(2 * HOUR), CameraState.UNKNOWN)]
    assert uptime(found, []) == Uptime(up=kept, unknown=45 * MINUTE)
    assert uptime(found, []).share == 1.0


def test_the_device_s_own_life_counts_first() -> None:
    """Of an unreachable camera the last word on its picture says nothing."""
    assert camera_state(2, 1, 1) is CameraState.OFFLINE
    assert camera_state(5, 1, 1) is CameraState.UNKNOWN
    assert camera_state(4, 1, 1) is CameraState.PLANNED
    assert camera_state(0, 1, 1) is CameraState.NO_SIGNAL
    assert camera_state(1, 4, 2) is CameraState.NOT_RECORDING
    assert camera_state(0, 4, 0) is CameraState.ONLINE
    assert camera_state(None, 0, 0) is CameraState.UNKNOWN


def test_work_that_overlaps_is_left_out_once() -> None:
    """Two masks over one hour take one hour out, and the mean time to repair stays."""
    found = [
        Span(Micros(0), Micros(HOUR), CameraState.ONLINE),
        Span(Micros(HOUR), Micros(3 * HOUR), CameraState.OFFLINE),
        Span(Micros(3 * HOUR), Micros(4 * HOUR), CameraState.ONLINE),
    ]
    twice = [(Micros(HOUR), Micros(2 * HOUR))] * 2
    assert merged(twice) == twice[:1]
    total = uptime(found, twice)
    assert (total.up, total.down, total.left_out) == (2 * HOUR, HOUR, HOUR)
    assert total.mttr == 2 * HOUR
    assert total.share == 2 / 3
