"""How far a value can be trusted, from what is known of its datastream and of its last values.

`grade` needs no history: status, number, range. `judge` is a fold over one datastream in the order
of event time: it also sees spikes and stuck sensors. Both are the reference; `ingest.grading` does
the same to whole batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final, NamedTuple

from ioc.domain.instant import Micros
from ioc.domain.observation import Quality

WINDOW: Final = 12  # last good values that a new one is compared with: an hour of five-minute ones
SPIKE_K: Final = 6.0  # times the median absolute deviation
# One spike is a fault, and the next one too. The third in a row that says the same is a new level
# (a gate was opened, a fire began): without this a true step would be suspect for ever, since only
# good values enter the window.
CONFIRMED: Final = 3
_NEVER: Final = Micros(-(1 << 62))


@dataclass(frozen=True, slots=True)
class Limits:
    """What values of one datastream may do. Spans are µs.

    `spike_floor` None: spikes are not looked for; `flat_n` 0: a stuck sensor is not looked for.
    """

    valid_min: float | None = None
    valid_max: float | None = None
    spike_floor: float | None = None
    spike_k: float = SPIKE_K
    flat_n: int = 0
    flat_tolerance: float = 0.0
    flat_span: int = 0


class Run(NamedTuple):
    """How long values have stayed within the tolerance of `anchor`, the first of them."""

    anchor: float = 0.0
    since: Micros = _NEVER
    n: int = 0


class Past(NamedTuple):
    """What `judge` remembers of a datastream. `window`: last good values, oldest first.

    `doubted`: the spikes since the last value that was none, at most the last two.
    """

    newest: Micros = _NEVER
    window: tuple[float, ...] = ()
    doubted: tuple[float, ...] = ()
    run: Run = Run()


def grade(
    result: float, quality: Quality, valid_min: float | None, valid_max: float | None
) -> Quality:
    """Return the quality to store; a station's own verdict is never made better.

    A good value that is no number is MISSING, one outside the sensor's valid range is SUSPECT
    (it is kept: the range may be wrong).
    """
    if quality is not Quality.GOOD:
        return quality
    if not isfinite(result):
        return Quality.MISSING
    low = valid_min is not None and result < valid_min
    high = valid_max is not None and result > valid_max
    return Quality.SUSPECT if low or high else Quality.GOOD


def judge(
    time: Micros, result: float, quality: Quality, limits: Limits, past: Past
) -> tuple[Quality, Past]:
    """Return the quality to store and what is remembered then.

    A value that is not newer than the newest one (late, or delivered again) is judged by its range
    alone: the same row gets the same answer whenever it comes. A value whose unit nobody knows is
    SUSPECT already when it comes here, and such a one teaches nothing.
    """
    quality = grade(result, quality, limits.valid_min, limits.valid_max)
    if time <= past.newest:
        return quality, past
    past = past._replace(newest=time)
    if quality is not Quality.GOOD:
        return quality, past
    if is_spike(result, past.window, limits):
        if not _is_new_level(result, past.doubted, limits):
            return Quality.SUSPECT, past._replace(doubted=(*past.doubted, result)[1 - CONFIRMED :])
        past = past._replace(window=())
    run = _extended(past.run, time, result, limits.flat_tolerance)
    past = past._replace(doubted=(), run=run)
    if _is_stuck(run, time, limits):
        return Quality.SUSPECT, past
    return Quality.GOOD, past._replace(window=(*past.window, result)[-WINDOW:])


def is_spike(result: float, window: tuple[float, ...], limits: Limits) -> bool:
    """Say whether a value is further from a full window's median than k × MAD and the floor."""
    if limits.spike_floor is None or len(window) < WINDOW:
        return False
    if max(window) - result <= limits.spike_floor >= result - min(window):
        return False  # nearly every value: no further from the median than from the farthest
    middle = _median(window)
    spread = _median([abs(value - middle) for value in window])
    return abs(result - middle) > max(limits.spike_floor, limits.spike_k * spread)


def _is_new_level(result: float, doubted: tuple[float, ...], limits: Limits) -> bool:
    """Say whether the last spikes and this one agree, closer than the floor of a spike."""
    floor = limits.spike_floor or 0.0
    return len(doubted) == CONFIRMED - 1 and all(abs(result - one) <= floor for one in doubted)


def _extended(run: Run, time: Micros, result: float, tolerance: float) -> Run:
    if run.n and abs(result - run.anchor) <= tolerance:
        return run._replace(n=run.n + 1)
    return Run(result, time, 1)


def _is_stuck(run: Run, time: Micros, limits: Limits) -> bool:
    return 0 < limits.flat_n <= run.n and time - run.since >= limits.flat_span


def _median(values: tuple[float, ...] | list[float]) -> float:
    """Return the middle of WINDOW (an even number of) values."""
    ordered = sorted(values)
    return (ordered[WINDOW // 2 - 1] + ordered[WINDOW // 2]) / 2
