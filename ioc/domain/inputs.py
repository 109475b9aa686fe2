"""What a rule judges when it is not the value itself: pure adapters before the same fold.

A source takes raw samples in any order of arrival and returns the samples to judge. One that comes
late within the horizon returns all that it changes, so the fold sees what it would have seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import nan
from statistics import fmean, median
from typing import Final, Protocol

from ioc.domain.alert import Sample
from ioc.domain.instant import Micros
from ioc.domain.schedule import Calendar

MOST_RAW: Final = 6000  # as in a Track: beyond it the horizon shrinks, not the memory


class Source(Protocol):
    """Makes the samples that are judged from those that come."""

    @property
    def due(self) -> Micros | None:
        """Return when it has something to say without a further sample."""
        ...

    def take(self, sample: Sample) -> list[Sample]:
        """Take one sample; return what it makes and what it changes, in order of time."""
        ...

    def tick(self, instant: Micros) -> list[Sample]:
        """Return what is complete once every sample before `instant` is known."""
        ...


class Quantity(StrEnum):
    """What is made of the samples of a window."""

    RATE = "rate"  # the change over `length`, in the unit of the property for each `length`
    MEAN_DEVIATION = "mean"  # the signed distance from the mean of the `length` before
    MEDIAN_DEVIATION = "median"


@dataclass(slots=True)
class Derived:
    """Rate of change or deviation of one datastream; each raw sample makes one to judge.

    A rate is the change since the newest good sample at least `length` and at most 2 × `length`
    ago, scaled to `length`, so that an irregular series is not judged by its gaps. A deviation
    needs good samples that reach back over `coverage` of `length`, itself excluded. Without them
    the sample is NaN: contact and no verdict. Durations are µs.
    """

    quantity: Quantity
    length: int
    late_horizon: int
    coverage: float = 0.75
    raw: list[Sample] = field(default_factory=list)  # sorted

    @property
    def memory(self) -> int:
        """Return how far before a sample its judged value depends on others."""
        return self.length * (2 if self.quantity is Quantity.RATE else 1)

    @property
    def due(self) -> Micros | None:
        return None  # each sample is complete with itself

    def take(self, sample: Sample) -> list[Sample]:
        """Return the judged sample of this one, and those of later ones that it changes."""
        place = bisect_left(self.raw, sample.time, key=_time)
        known = place < len(self.raw) and self.raw[place].time == sample.time
        if self._too_late(sample.time):
            return []
        self.raw[place : place + known] = [sample]
        until = bisect_right(self.raw, sample.time + self.memory, key=_time)
        found = [self._of(index) for index in range(place, until)]
        self._trim()
        return found

    def tick(self, instant: Micros) -> list[Sample]:  # noqa: ARG002  Source; nothing waits here
        return []

    def _too_late(self, time: Micros) -> bool:
        return bool(self.raw) and time <= self.raw[-1].time - self.late_horizon

    def _trim(self) -> None:
        floor = self.raw[-1].time - self.late_horizon - self.memory
        keep = max(bisect_left(self.raw, floor, key=_time), len(self.raw) - MOST_RAW)
        del self.raw[: max(0, keep)]

    def _of(self, index: int) -> Sample:
        sample = self.raw[index]
        if not sample.judged:
            return sample
        rate = self.quantity is Quantity.RATE
        return sample._replace(result=self._rate(index) if rate else self._deviation(index))

    def _rate(self, index: int) -> float:
        sample = self.raw[index]
        newest = bisect_right(self.raw, sample.time - self.length, key=_time)
        for base in reversed(self.raw[:newest]):
            if base.time < sample.time - self.memory:
                break
            if base.judged:
                scale = self.length / (sample.time - base.time)
                return (sample.result - base.result) * scale
        return nan

    def _deviation(self, index: int) -> float:
        sample = self.raw[index]
        first = bisect_left(self.raw, sample.time - self.length, key=_time)
        past = [one for one in self.raw[first:index] if one.judged]
        if not past or past[0].time > sample.time - self.coverage * self.length:
            return nan
        centre = fmean if self.quantity is Quantity.MEAN_DEVIATION else median
        return sample.result - centre(one.result for one in past)


def _time(sample: Sample) -> Micros:
    return sample.time


@dataclass(slots=True)
class Input:
    """A source and a schedule before one fold; without a source the value itself is judged."""

    source: Source | None = None
    schedule: Calendar | None = None
    memory: int = 0  # µs before a judged sample on which it depends

    @property
    def due(self) -> Micros | None:
        return None if self.source is None else self.source.due

    def take(self, sample: Sample) -> Sequence[Sample]:
        """Return what the fold must take for a raw sample."""
        return self._scheduled([sample] if self.source is None else self.source.take(sample))

    def tick(self, instant: Micros) -> Sequence[Sample]:
        """Return what the fold must take before it ticks."""
        return () if self.source is None else self._scheduled(self.source.tick(instant))

    def _scheduled(self, samples: Iterable[Sample]) -> list[Sample]:
        schedule = self.schedule
        if schedule is None:
            return list(samples)
        return [one._replace(applies=schedule.covers(one.time)) for one in samples]
