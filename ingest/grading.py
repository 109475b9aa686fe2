"""Grading of whole batches: `ioc.domain.quality.judge` for many datastreams at once.

Datastreams are dense slots. What is remembered of a slot is one record of a table; a batch works on
a copy of the records it touches, and only `keep` (after the commit) makes the copy the truth.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ioc.domain.instant import Micros
from ioc.domain.observation import Quality
from ioc.domain.quality import CONFIRMED, WINDOW, Limits, Past, Run, judge

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Records = npt.NDArray[np.void]

_DOUBTS: Final = CONFIRMED - 1
_STATE: Final = np.dtype([
    ("newest", "i8"),
    ("window", "f8", (WINDOW,)),  # a ring: the next place is pushed % WINDOW
    ("pushed", "i8"),
    ("doubts", "f8", (_DOUBTS,)),  # oldest first
    ("doubted", "i8"),
    ("anchor", "f8"),
    ("since", "i8"),
    ("run", "i8"),
])  # fmt: skip
_LIMITS: Final = np.dtype([
    ("low", "f8"),
    ("high", "f8"),
    ("floor", "f8"),
    ("k", "f8"),
    ("flat_n", "i8"),
    ("tolerance", "f8"),
    ("span", "i8"),
])  # fmt: skip
_OFF: Final = 1 << 62  # more samples than there will ever be
_NEVER: Final = Past().newest
_FIRST_SIZE: Final = 1024
# Below so many slots at once the scalar judge (6 µs a row) is quicker than a round of array
# operations (50 µs however few rows it has): one logger that sends a day in one message.
_FEW: Final = 8


class Graded(NamedTuple):
    """Qualities of a batch in its own order, and what `keep` will remember."""

    qualities: Ints
    slots: Ints
    state: Records


class Grader:
    """What is known of every datastream of this process. For one thread."""

    def __init__(self) -> None:
        self._state = _new_state(_FIRST_SIZE)
        self._limits = _new_limits(_FIRST_SIZE)

    def place(self, slot: int, limits: Limits) -> None:
        """Say what values of a slot may do; a slot that was never placed may do anything."""
        self._grow(slot + 1)
        self._limits[slot] = (
            -np.inf if limits.valid_min is None else limits.valid_min,
            np.inf if limits.valid_max is None else limits.valid_max,
            np.inf if limits.spike_floor is None else limits.spike_floor,
            limits.spike_k,
            limits.flat_n or _OFF,
            limits.flat_tolerance,
            limits.flat_span,
        )

    def load(self, slots: Ints, times: Ints, results: Floats) -> None:
        """Remember good values that are stored already (the last WINDOW of each slot is enough)."""
        if not len(slots):
            return
        self._grow(int(slots.max()) + 1)
        anything = self._limits[slots]
        for name, value in (("low", -np.inf), ("high", np.inf), ("floor", np.inf)):
            anything[name] = value
        anything["flat_n"] = _OFF
        good = np.full(len(slots), Quality.GOOD, np.int64)
        self.keep(self._graded(_Rows(slots, times, results, good), anything))

    def grade(self, slots: Ints, times: Ints, results: Floats, qualities: Ints) -> Graded:
        """Judge a batch; rows of one slot in the order of their event times.

        Nothing is remembered until `keep`: a batch that is not committed leaves no trace.
        """
        if not len(slots):
            return Graded(qualities.copy(), slots.copy(), _new_state(0))
        self._grow(int(slots.max()) + 1)
        return self._graded(_Rows(slots, times, results, qualities.copy()), self._limits[slots])

    def keep(self, graded: Graded) -> None:
        """Remember a batch that is committed. Batches are kept in the order they were graded."""
        self._state[graded.slots] = graded.state

    def _graded(self, rows: _Rows, limits: Records) -> Graded:
        with np.errstate(over="ignore"):  # of values near the end of floats: infinitely far apart
            _by_range(rows, limits)
            order = np.lexsort((rows.times, rows.slots))
            ordered = rows.slots[order]
            starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
            sizes = np.diff(starts, append=len(ordered))
            fullest_first = np.argsort(-sizes, kind="stable")
            starts, sizes = starts[fullest_first], sizes[fullest_first]
            touched = ordered[starts]
            state = self._state[touched]
            for rank in range(int(sizes[0])):
                active = int(np.searchsorted(-sizes, -rank))  # slots with more rows than `rank`
                if active < _FEW:
                    for place in range(active):
                        left = order[starts[place] + rank : starts[place] + sizes[place]]
                        _one_by_one(state[place], limits[left[0]], rows, left)
                    break
                now = order[starts[:active] + rank]
                rows.qualities[now] = _step(state[:active], limits[now], rows.at(now))
        return Graded(rows.qualities, touched, state)

    def _grow(self, size: int) -> None:
        have = len(self._state)
        if size > have:
            more = max(size, 2 * have) - have
            self._state = np.concatenate([self._state, _new_state(more)])
            self._limits = np.concatenate([self._limits, _new_limits(more)])


class _Rows(NamedTuple):
    """Columns of a batch, or of a part of it; `qualities` is written to."""

    slots: Ints
    times: Ints
    results: Floats
    qualities: Ints

    def at(self, rows: Ints) -> _Rows:
        return _Rows(self.slots[rows], self.times[rows], self.results[rows], self.qualities[rows])


def _by_range(rows: _Rows, limits: Records) -> None:
    """Grade what needs no history."""
    good = rows.qualities == Quality.GOOD
    finite = np.isfinite(rows.results)
    outside = (rows.results < limits["low"]) | (rows.results > limits["high"])
    rows.qualities[good & finite & outside] = Quality.SUSPECT
    rows.qualities[good & ~finite] = Quality.MISSING


def _step(state: Records, limits: Records, rows: _Rows) -> Ints:
    """Judge one row of each slot of `state`, which is written to; return the qualities."""
    times, results = rows.times, rows.results
    fresh = times > state["newest"]
    state["newest"] = np.where(fresh, times, state["newest"])
    accepted = fresh & (rows.qualities == Quality.GOOD)
    spikes = _spikes(state, limits, results, accepted)
    accepted[spikes] = False
    rows.qualities[spikes] = Quality.SUSPECT
    state["doubted"][accepted] = 0
    stuck = accepted & _stuck(state, limits, rows, accepted)
    rows.qualities[stuck] = Quality.SUSPECT
    taught = np.flatnonzero(accepted & ~stuck)
    state["window"][taught, state["pushed"][taught] % WINDOW] = results[taught]
    state["pushed"][taught] += 1
    return rows.qualities


def _spikes(state: Records, limits: Records, results: Floats, among: Bools) -> Ints:
    """Return the places of spikes; those that confirm a new level are none."""
    full = np.flatnonzero(among & (state["pushed"] >= WINDOW) & (limits["floor"] < np.inf))
    windows, values, floors = state["window"][full], results[full], limits["floor"][full]
    # Nearly every value lies within the floor of its whole window, and so of the median.
    far = np.flatnonzero(
        (values - windows.min(axis=1) > floors) | (windows.max(axis=1) - values > floors)
    )
    if not len(far):
        return far
    full, windows, values, floors = full[far], windows[far], values[far], floors[far]
    middles = _medians(windows)
    spreads = _medians(np.abs(windows - middles[:, None]))
    allowed = np.maximum(floors, limits["k"][full] * spreads)
    found = np.abs(values - middles) > allowed
    return _unconfirmed(state, full[found], values[found], floors[found])


def _unconfirmed(state: Records, places: Ints, values: Floats, floors: Floats) -> Ints:
    """Start the windows of confirmed levels over, note the other spikes and return their places."""
    near = np.abs(values[:, None] - state["doubts"][places]) <= floors[:, None]
    confirmed = (state["doubted"][places] == _DOUBTS) & near.all(axis=1)
    state["pushed"][places[confirmed]] = 0
    places, values = places[~confirmed], values[~confirmed]
    known = state["doubted"][places]
    doubts = state["doubts"][places]
    whole = known == _DOUBTS
    doubts[whole, :-1] = doubts[whole, 1:]
    doubts[np.arange(len(places)), np.minimum(known, _DOUBTS - 1)] = values
    state["doubts"][places] = doubts
    state["doubted"][places] = np.minimum(known + 1, _DOUBTS)
    return places


def _stuck(state: Records, limits: Records, rows: _Rows, among: Bools) -> Bools:
    """Lengthen or begin the runs of `among`; say which slots' sensors stand still."""
    near = np.abs(rows.results - state["anchor"]) <= limits["tolerance"]
    same = among & (state["run"] > 0) & near
    begun = among & ~same
    state["anchor"][begun] = rows.results[begun]
    state["since"][begun] = rows.times[begun]
    state["run"][begun] = 0
    state["run"] += among
    long: Bools = rows.times - state["since"] >= limits["span"]
    return long & (state["run"] >= limits["flat_n"])


def _medians(windows: Floats) -> Floats:
    ordered = np.sort(windows, axis=1)
    middle: Floats = (ordered[:, WINDOW // 2 - 1] + ordered[:, WINDOW // 2]) / 2
    return middle


def _one_by_one(record: Any, limits: Any, rows: _Rows, left: Ints) -> None:  # noqa: ANN401  records
    """Judge the rows `left` of one slot with the scalar reference."""
    past, may = _past(record), _limits_of(limits)
    for row in left.tolist():
        time, result = Micros(int(rows.times[row])), float(rows.results[row])
        quality, past = judge(time, result, Quality(int(rows.qualities[row])), may, past)
        rows.qualities[row] = quality
    _remember(record, past)


def _past(record: Any) -> Past:  # noqa: ANN401  a record of _STATE
    pushed = int(record["pushed"])
    window = record["window"].tolist()
    head = pushed % WINDOW
    return Past(
        Micros(int(record["newest"])),
        tuple(window[:pushed] if pushed < WINDOW else window[head:] + window[:head]),
        tuple(record["doubts"].tolist()[: int(record["doubted"])]),
        Run(float(record["anchor"]), Micros(int(record["since"])), int(record["run"])),
    )


def _remember(record: Any, past: Past) -> None:  # noqa: ANN401  a record of _STATE
    record["newest"] = past.newest
    record["pushed"] = len(past.window)
    record["window"][: len(past.window)] = past.window
    record["doubted"] = len(past.doubted)
    record["doubts"][: len(past.doubted)] = past.doubted
    record["anchor"], record["since"], record["run"] = past.run


def _limits_of(record: Any) -> Limits:  # noqa: ANN401  a record of _LIMITS
    low, high, floor, k, flat_n, tolerance, span = record.item()
    return Limits(low, high, floor, k, flat_n, tolerance, span)


def _new_state(size: int) -> Records:
    made = np.zeros(size, _STATE)
    made["newest"] = made["since"] = _NEVER
    return made


def _new_limits(size: int) -> Records:
    made = np.zeros(size, _LIMITS)
    made["low"], made["high"], made["floor"] = -np.inf, np.inf, np.inf
    made["flat_n"] = _OFF
    return made
