"""Averaging windows as samples: what limits are written for is a mean or a sum, not one value.

A window closes on the clock of Asia/Ho_Chi_Minh, every hour for means and maxima (1 h, 8 h, 24 h,
rolling), every ten minutes for sums of rain, once a day for what is counted by the day. It covers
[end - length, end) and becomes one sample at its end, for the same fold as any value. A mean over
several hours is the mean of its hours' means (QĐ 1459/QĐ-TCMT), each of which must be covered.
Below `min_coverage` the sample is NaN: contact and no verdict. When nothing came since the window
before, there is no sample at all, so that silence stays silence.

`Windowed` is incremental and exact: late data within the horizon make the windows they touch come
out again, corrected, and sums are rounded once, so no order of arrival leaves a trace.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, fsum, isnan, nan
from typing import Final, NamedTuple

from ioc.domain.alert import Sample
from ioc.domain.instant import DAY, HOUR, MINUTE, Micros

# Asia/Ho_Chi_Minh has had no other offset since 1975, and no summer time.
LOCAL_OFFSET: Final = 7 * HOUR
LONGEST: Final = 31 * DAY  # a month; blocks of a longer one would be memory without a limit
MOST_RAW: Final = 6000  # samples kept for late ones; beyond it the horizon shrinks (see Track)


class Function(StrEnum):
    """What is made of the values of a window."""

    MEAN = "mean"
    MAX = "max"
    SUM = "sum"  # of amounts since the message before, as of a rain gauge
    INCREASE = "increase"  # of a counter that may be reset: a fall is a new beginning from 0


@dataclass(frozen=True, slots=True)
class Window:
    """Which values one sample stands for; durations are µs.

    `every` is how often it closes (None: as the module says). ValueError for one that does not
    close at the same times every day.
    """

    function: Function
    length: int
    period: int  # expected between two values
    every: int | None = None
    min_coverage: float = 0.75

    def __post_init__(self) -> None:
        if not 0 < self.length <= LONGEST:
            raise ValueError("a window is longer than nothing and at most 31 days; write 1h or 24h")
        if self.step <= 0 or DAY % self.step:
            raise ValueError("it must close at the same times every day; write 10m, 1h or 24h")
        if self.length % self.step:
            raise ValueError(f"its length must be a multiple of {_shown(self.step)}; write 1h, 8h")

    @property
    def added_up(self) -> bool:
        return self.function in (Function.SUM, Function.INCREASE)

    @property
    def step(self) -> int:
        """Return how often the window closes."""
        if self.every is not None:
            return self.every
        return min(self.length, 10 * MINUTE if self.added_up else HOUR)

    @property
    def block(self) -> int:
        """Return the length of the pieces that windows have in common."""
        return min(self.step, HOUR)

    @property
    def memory(self) -> int:
        """Return how far behind its end a window depends on values."""
        rises = self.function is Function.INCREASE  # the first one from one before the window
        return self.length * (2 if rises else 1)

    def enough(self, count: int, span: int) -> bool:
        """Tell whether so many values cover a span."""
        return count >= max(1, ceil(self.min_coverage * span / self.period - 1e-9))

    def end_after(self, time: Micros) -> Micros:
        """Return the end of the first window that closes after an instant."""
        return Micros(self.end_by(time) + self.step)

    def end_by(self, time: Micros) -> Micros:
        """Return the newest end at or before an instant."""
        return Micros(time - (time + LOCAL_OFFSET) % self.step)


def _shown(span: int) -> str:
    return f"{span // HOUR} h" if span % HOUR == 0 else f"{span / MINUTE:g} min"


class Block(NamedTuple):
    """What windows must know of one piece of time."""

    contact: bool = False
    n: int = 0  # judged values
    value: float = 0.0  # their mean, maximum, sum or increase
    last: Sample | None = None  # the last judged one


_EMPTY: Final = Block()


@dataclass(slots=True)
class Windowed:
    """One datastream's values on their way to one rule, in any order of arrival."""

    window: Window
    late_horizon: int
    raw: list[Sample] = field(default_factory=list)  # sorted; of blocks that may still change
    blocks: dict[int, Block] = field(default_factory=dict)  # settled or up to date, by number
    before: Sample | None = None  # the last judged value older than every block
    newest: Micros | None = None
    floor: Micros | None = None  # what is not after it comes too late
    closed: Micros | None = None  # the last end that was decided
    first: Micros | None = None  # what ends at or before it is somebody else's (`begin`)
    dropped: int = 0

    @property
    def memory(self) -> int:
        """Return how far before a window's end values are needed, its neighbour's included."""
        return self.window.memory + self.window.step

    # ------------------------------------------------------------ what comes in

    def take(self, sample: Sample) -> list[Sample]:
        """Take a value; return the windows that it closes or corrects, in order of time."""
        if self.floor is not None and sample.time <= self.floor:
            self.dropped += 1
            return []
        if self.closed is None:
            self.closed = self.window.end_by(sample.time)
        if not self._insert(sample):
            return []
        found = list(self._again(sample.time))
        if self.newest is None or sample.time > self.newest:
            found += self.tick(sample.time)
            self.newest = sample.time
            self._trim()
        return found

    def tick(self, instant: Micros) -> list[Sample]:
        """Close what ends at or before `instant`: every value before it is known."""
        if self.closed is None or self.newest is None:
            return []
        until = self.window.end_by(instant)
        first, self.closed = self.closed, max(self.closed, until)
        last = min(until, self.window.end_after(self.newest))  # after it nothing came
        return list(self._windows(first, last))

    @property
    def due(self) -> Micros | None:
        """Return the end of the window that is open and has values; None: nothing waits."""
        if self.newest is None or self.closed is None or self.newest < self.closed:
            return None
        return self.window.end_after(self.newest)

    def begin(self, time: Micros) -> Micros:
        """Begin with the window that closes after `time`; return from where values are needed."""
        self.closed = self.first = self.window.end_by(time)
        return Micros(self.closed - self.window.memory)

    def _insert(self, sample: Sample) -> bool:
        place = bisect_left(self.raw, sample.time, key=_time)
        known = place < len(self.raw) and self.raw[place].time == sample.time
        if known and _same(self.raw[place], sample):
            return False
        self.raw[place : place + known] = [sample]
        number = self._number(sample.time)
        self.blocks.pop(number, None)
        if self.window.function is Function.INCREASE:  # the next value rose from this one
            for other in [n for n in self.blocks if n > number]:
                del self.blocks[other]
        return True

    def _trim(self) -> None:
        """Settle blocks that can no longer change and forget those no window needs."""
        assert self.newest is not None
        floor = self.newest - self.late_horizon
        if len(self.raw) > MOST_RAW:
            floor = max(floor, self.raw[-MOST_RAW].time)
        self.floor = Micros(floor if self.floor is None else max(floor, self.floor))
        settled = bisect_left(self.raw, self._begin(self._number(self.floor)), key=_time)
        if not settled:
            return
        for number in dict.fromkeys(self._number(one.time) for one in self.raw[:settled]):
            self._block(number)
        del self.raw[:settled]
        self._forget(self._number(Micros(self.floor - self.window.memory)))

    def _forget(self, first: int) -> None:
        for number in sorted(n for n in self.blocks if n < first):
            self.before = self.blocks.pop(number).last or self.before

    # ------------------------------------------------------------ what comes out

    def _again(self, time: Micros) -> Iterator[Sample]:
        """Yield the decided windows that a value at `time` may touch."""
        if self.closed is None or time >= self.closed:
            return
        after, last = (
            self.window.end_by(time),
            self.window.end_by(Micros(time + self.window.memory)),
        )
        if self.first is not None:
            after = max(after, self.first)
        yield from self._windows(after, min(self.closed, last))

    def _windows(self, after: Micros, until: Micros) -> Iterator[Sample]:
        step = self.window.step
        for end in range(after + step, until + 1, step):
            if any(block.contact for block in self._blocks(end - step, end)):
                yield Sample(Micros(end), self._value(end))

    def _value(self, end: int) -> float:
        """Return the value of the window that ends at `end`; NaN when it is not covered."""
        window = self.window
        blocks = [b for b in self._blocks(end - window.length, end) if b.n]
        if window.function is Function.MEAN and window.length > window.block:
            blocks = [b for b in blocks if window.enough(b.n, window.block)]
            pieces = min(window.length // window.block, window.length / window.period)
            covered = len(blocks) >= max(1, ceil(window.min_coverage * pieces - 1e-9))
        else:
            covered = window.enough(sum(b.n for b in blocks), window.length)
        return _combined(window.function, [b.value for b in blocks]) if covered else nan

    # ------------------------------------------------------------ blocks

    def _number(self, time: Micros) -> int:
        return (time + LOCAL_OFFSET) // self.window.block

    def _begin(self, number: int) -> Micros:
        return Micros(number * self.window.block - LOCAL_OFFSET)

    def _blocks(self, start: int, end: int) -> Iterator[Block]:
        first, after = self._number(Micros(start)), self._number(Micros(end))
        return (self._block(number) for number in range(first, after))

    def _block(self, number: int) -> Block:
        found = self.blocks.get(number)
        if found is not None:
            return found
        first = bisect_left(self.raw, self._begin(number), key=_time)
        after = bisect_left(self.raw, self._begin(number + 1), first, key=_time)
        if first == after:
            return _EMPTY
        judged = [one for one in self.raw[first:after] if one.judged]
        values = [one.result for one in judged]
        if self.window.function is Function.INCREASE and judged:
            values = list(increments(self._holding(number), judged, self.window.length))
        found = Block(
            contact=True,
            n=len(judged),
            value=_combined(self.window.function, values),
            last=judged[-1] if judged else None,
        )
        self.blocks[number] = found
        return found

    def _holding(self, number: int) -> Sample | None:
        """Return the last judged value before a block, as far back as a window reaches."""
        for earlier in range(number - 1, number - 1 - self.window.length // self.window.block, -1):
            last = self._block(earlier).last
            if last is not None:
                return last
        return self.before


def increments(before: Sample | None, samples: Iterable[Sample], longest: int) -> Iterator[float]:
    """Yield how much a counter rose up to each value; after a gap over `longest` nobody knows when.

    A fall is a reset: what the counter shows then has come since.
    """
    for sample in samples:
        if before is None or sample.time - before.time > longest:
            yield 0.0
        elif sample.result < before.result:
            yield sample.result
        else:
            yield sample.result - before.result
        before = sample


def _combined(function: Function, values: list[float]) -> float:
    """Return one value of several; fsum rounds once, so that no order of arrival shows."""
    if not values:
        return nan
    if function is Function.MAX:
        return max(values)
    try:
        total = fsum(values)
    except OverflowError:  # a device that sends 1e308 must not stop the others
        return nan
    return total / len(values) if function is Function.MEAN else total


def _time(sample: Sample) -> Micros:
    return sample.time


def _same(one: Sample, other: Sample) -> bool:
    alike = one.result == other.result or (isnan(one.result) and isnan(other.result))
    return alike and one.good == other.good


def windows(
    window: Window, samples: Iterable[Sample], until: Micros, *, after: Micros | None = None
) -> list[Sample]:
    """Return every window of a whole sorted history that ends after `after`, at most at `until`.

    What `Windowed` makes of the samples one by one, at once.
    """
    rows = list(samples)
    if not rows:
        return []
    source = Windowed(window, late_horizon=0, raw=rows, newest=rows[-1].time)
    source.closed = window.end_by(rows[0].time)
    if after is not None:
        source.closed = max(source.closed, window.end_by(after))
    return source.tick(until)
