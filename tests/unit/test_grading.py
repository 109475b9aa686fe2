"""The grading of whole batches is the scalar reference, sample by sample."""

from __future__ import annotations

from math import inf, nan
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import grading
from ingest.grading import Graded, Grader
from ioc.domain.instant import MINUTE, Micros
from ioc.domain.observation import Quality
from ioc.domain.quality import WINDOW, Limits, Past, judge

Row = tuple[int, int, float, int]  # slot, time, result, quality

EVERY: Final = [
    Limits(flat_n=2),  # any repetition: the order of every two rows counts
    Limits(0, 100),
    Limits(0, 100, spike_floor=5),
    Limits(-50, None, spike_floor=0.5, spike_k=3),
    Limits(0, 100, flat_n=3, flat_span=2 * MINUTE),
    Limits(0, 100, spike_floor=5, flat_n=4, flat_tolerance=0.5, flat_span=4 * MINUTE),
    Limits(spike_floor=10, flat_n=3),
]

# Few values, so that runs, levels and repetitions come up; and the ends of what floats hold.
RESULTS: Final = st.one_of(
    st.sampled_from([10.0, 10.0, 10.0, 10.1, 10.4, 12.0, 30.0, 31.0, 80.0, 99.0]),
    st.floats(9, 13),
    st.sampled_from([nan, inf, -inf, 1e308, -1e308, 0.0, -0.0, 5e-324, 101.0, -1.0]),
)
ROW: Final = st.tuples(
    st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 6, 9, 2000]),
    st.integers(0, 200).map(lambda n: n * MINUTE // 2),
    RESULTS,
    st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
)


def limits_of(slot: int) -> Limits:
    return EVERY[slot] if slot < len(EVERY) else Limits()


def made() -> Grader:
    """Return a grader that knows the limits of the first slots, and nothing of the others."""
    grader = Grader()
    for slot, limits in enumerate(EVERY):
        grader.place(slot, limits)
    return grader


def graded(grader: Grader, rows: list[Row]) -> Graded:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return grader.grade(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.float64),
        np.array(columns[3], np.int64),
    )


class Reference:
    """The scalar judge, one past a slot."""

    def __init__(self) -> None:
        self.pasts: dict[int, Past] = {}

    def grade(self, rows: list[Row]) -> list[int]:
        found = [0] * len(rows)
        for n in sorted(range(len(rows)), key=lambda n: rows[n][1]):
            slot, time, result, quality = rows[n]
            past = self.pasts.get(slot, Past())
            found[n], self.pasts[slot] = judge(
                Micros(time), result, Quality(quality), limits_of(slot), past
            )
        return found


@pytest.fixture(params=[0, grading._FEW], ids=["arrays alone", "with the scalar tail"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "_FEW", request.param)


@pytest.mark.usefixtures("few")
@settings(deadline=None)
@given(st.lists(st.lists(ROW, max_size=80), max_size=6))
def test_equals_the_reference(batches: list[list[Row]]) -> None:
    """Any stream, in any order, split into batches anywhere."""
    grader, reference = made(), Reference()
    for rows in batches:
        graded(grader, rows)  # not kept
        found = graded(grader, rows)
        assert found.qualities.tolist() == reference.grade(rows)
        grader.keep(found)


@pytest.mark.usefixtures("few")
@settings(deadline=None)
@given(st.lists(RESULTS, min_size=30, max_size=120), st.sets(st.integers(0, 120)))
def test_equals_the_reference_in_order(results: list[float], cuts: set[int]) -> None:
    """Long series in order, which reach spikes, new levels and runs, in one batch or in many."""
    rows = [
        (slot, (n + 1) * MINUTE, result, 0)
        for n, result in enumerate(results)
        for slot in range(len(EVERY))
    ]
    wanted = Reference().grade(rows)
    grader, begin, found = made(), 0, []
    for end in sorted({min(cut * len(EVERY), len(rows)) for cut in cuts} | {len(rows)}):
        part = graded(grader, rows[begin:end])
        grader.keep(part)
        found += part.qualities.tolist()
        begin = end
    assert found == wanted


@pytest.mark.usefixtures("few")
def test_a_batch_that_is_not_committed_leaves_no_trace() -> None:
    """The same batch again, after the database came back, is graded as the first time."""
    grader = made()
    calm = [(s, n * MINUTE, 20.0 + n % 5, 0) for n in range(1, 20) for s in range(7)]
    grader.keep(graded(grader, calm))
    wild = [(s, n * MINUTE, 90.0 + n % 3, 0) for n in range(20, 40) for s in range(7)]
    before = grader._state.copy()
    first = graded(grader, wild)
    assert (grader._state == before).all()
    assert graded(grader, wild).qualities.tolist() == first.qualities.tolist()
    grader.keep(first)
    again = graded(grader, wild)
    assert again.qualities.tolist() == [0] * len(wild), "by range alone: they are not newer now"


def test_what_is_given_is_not_written_to() -> None:
    """The caller compares: a value that only we doubt is flagged as graded."""
    qualities = np.zeros(1, np.int64)
    found = made().grade(np.array([1]), np.array([1]), np.array([500.0]), qualities)
    assert (qualities[0], found.qualities[0]) == (Quality.GOOD, Quality.SUSPECT)


def test_a_restart_continues() -> None:
    """With the last 12 good values of the store, the next ones are judged as without a restart."""
    values = [20.0 + n % 5 for n in range(1, 40)]
    times = [n * MINUTE for n in range(1, 40)]
    grader = made()
    slots = np.full(WINDOW, 2, np.int64)
    grader.load(slots, np.array(times[-WINDOW:]), np.array(values[-WINDOW:]))
    rows = [(2, 50 * MINUTE, 60.0, 0), (2, 51 * MINUTE, 22.0, 0), (2, 39 * MINUTE, 60.0, 0)]
    assert graded(grader, rows).qualities.tolist() == [3, 0, 0]


def test_loading_doubts_nothing() -> None:
    """What was stored as good stays so, even where limits have changed since."""
    grader = made()
    grader.place(3000, Limits(0, 10, spike_floor=1, flat_n=3))
    grader.load(np.full(14, 3000), np.arange(14) * MINUTE, np.array([500.0] * 13 + [900.0]))
    assert grading._past(grader._state[3000]).window == (500.0,) * 11 + (900.0,)


def test_slots_come_as_they_are_needed() -> None:
    """A datastream that appears needs no restart, and disturbs no other."""
    grader = made()
    calm = [(2, n * MINUTE, 20.0 + n % 5, 0) for n in range(1, 20)]
    grader.keep(graded(grader, calm))
    grader.place(100_000, Limits(0, 1))
    rows = [(100_000, MINUTE, 2.0, 0), (2, 30 * MINUTE, 60.0, 0), (250_000, 1, 2.0, 0)]
    assert graded(grader, rows).qualities.tolist() == [3, 3, 0]


def test_an_empty_batch() -> None:
    """Nothing in, nothing out."""
    grader = made()
    grader.keep(graded(grader, []))
    grader.load(np.array([], np.int64), np.array([], np.int64), np.array([]))
    assert graded(grader, []).qualities.tolist() == []
