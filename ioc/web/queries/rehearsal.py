"""What a rule would have done in the past 30 days: the backtest over arrays kept for an editor.

Fetching 43,200 values costs ten times as much as folding them, so what an editor looks at is kept
for its session, bounded; each move of a limit is one fold.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from ioc.clock import Clock
from ioc.domain.alert import Op
from ioc.domain.backtest import Difference, Result, difference
from ioc.domain.instant import DAY, HOUR, SECOND, Micros
from ioc.domain.observation import DatastreamId
from ioc.domain.suggestion import Suggestion, suggest
from ioc.rules import trial
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import Core, Level, RuleFile, Window
from ioc.rules.trial import Pace
from ioc.storage import history
from ioc.web.database import Database
from ioc.web.queries.rules import LOUD_DAYS, StationRow

KEPT: Final = 16  # stations with their windows: about 4 MB each with the lists the fold walks on
FRESH: Final = 600 * SECOND  # an editor's 30 days may end ten minutes ago
LOUDEST_HOUR: Final = 6  # alerts in one hour that an operator can still answer
LARGEST_SHARE: Final = 0.05  # of the time in alarm; beyond it people stop looking
MOST_COLUMNS: Final = 1600  # pixels of the widest chart

_MS: Final = SECOND // 1000

Column = list[float | None]
Judged = Literal["value", "rate", "deviation", "no_data"]  # what of the values a rule compares


@dataclass(frozen=True, slots=True)
class Past:
    """One station's 30 days: as measured, and as a rule with a window compares them."""

    start: Micros
    end: Micros
    raw: Arrays
    judged: Arrays
    input: Judged
    window: Window | None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rule's 30 days at one station, and against the version in force."""

    result: Result
    against: Difference | None
    worst_hour: int

    @property
    def needs_reason(self) -> bool:
        """Whether the rule is louder than an operator can answer."""
        return self.worst_hour > LOUDEST_HOUR or self.result.share > LARGEST_SHARE


@dataclass(frozen=True, slots=True)
class Drawn:
    """The past for a chart: lowest and highest value of each pixel column, None without values."""

    past: Past
    raw: tuple[Column, Column]
    compared: tuple[Column, Column] | None
    suggestion: Suggestion
    usual_high: float | None  # what only one value in fifty passes
    coverage: float


class Rehearsals:
    """Backtests for editors; the arrays of the last stations are kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], Past] = OrderedDict()

    async def past(self, station: StationRow, rule: Core, *, keep: bool = True) -> Past:
        """Return a station's 30 days as a rule sees them.

        `keep` False leaves no trace: a run over a whole group would throw out what is looked at.
        Raises DatabaseAwayError, Refusal (too many values), ConfigError (no backtest knows it).
        """
        key = (station.datastream, *_seen(rule))
        known = self._kept.get(key)
        if known is not None and self._clock.now() - known.end < FRESH:
            self._kept.move_to_end(key)
            return known
        made = await self._fetch(station, rule)
        if keep:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    async def _fetch(self, station: StationRow, rule: Core) -> Past:
        end = Micros(self._clock.now() // _MS * _MS)  # in ms, as the page says it
        start = Micros(end - LOUD_DAYS * DAY)
        pace, key = _pace(station), DatastreamId(station.datastream)
        since = trial.needed_from(rule, pace, start)
        async with self._database.connection() as conn:
            found = (await history.read_async(conn, [key], since, end))[key]
        raw = Arrays.of(found.times, found.results, found.good)
        judged = await asyncio.to_thread(trial.prepare, rule, pace, raw, start, end)
        return Past(start, end, raw, judged, rule.input, rule.window)

    async def rehearse(
        self,
        station: StationRow,
        rule: RuleFile,
        against: RuleFile | None = None,
        *,
        keep: bool = True,
    ) -> Rehearsed:
        """Return what `rule` would have done, and what changes against another version of it."""
        past = await self.past(station, rule, keep=keep)
        result = await asyncio.to_thread(_run, rule, station, past)
        told = None
        if against is not None:
            before = await self.past(station, against, keep=keep)
            told = difference(await asyncio.to_thread(_run, against, station, before), result)
        return Rehearsed(result, told, _worst_hour([one.start for one in result.episodes]))

    async def draw(
        self, station: StationRow, judged: Judged, window: Window | None, columns: int
    ) -> Drawn:
        """Return the chart of a station: no more columns than pixels, no peak left out."""
        level = Level(severity="low", limit=0)
        rule = Core(id="chart", op=Op.GT, levels=(level,), input=judged, window=window)
        past = await self.past(station, rule)
        return await asyncio.to_thread(_draw, past, station, min(columns, MOST_COLUMNS))


def _run(rule: RuleFile, station: StationRow, past: Past) -> Result:
    levels = trial.levels_of(rule, 0, _pace(station))
    return trial.run(levels, past.judged, past.start, past.end)


def _seen(rule: Core) -> tuple[object, ...]:
    """Return what of a rule decides which values it is shown."""
    return rule.input, rule.window, rule.schedule, rule.valid_from, rule.valid_to


def _pace(station: StationRow) -> Pace:
    return Pace(station.expected_period_s, station.stale_after_s)


def _worst_hour(starts: Sequence[int]) -> int:
    """Return the most alerts that began within any 60 minutes; `starts` in order."""
    return max((bisect_right(starts, at + HOUR - 1) - i for i, at in enumerate(starts)), default=0)


def _draw(past: Past, station: StationRow, columns: int) -> Drawn:
    values = past.judged.results[past.judged.judged]
    high = float(np.percentile(values, 98)) if len(values) else None
    found = suggest(values.tolist(), station.unit, category=station.category)
    if past.input == "value" and past.window is not None and len(past.judged) > 1:
        # One value a step: a delay shorter than that delays nothing.
        step = int(np.diff(past.judged.times).min()) // SECOND
        found = replace(found, on_delay_s=0, off_delay_s=step)
    return Drawn(
        past=past,
        raw=decimated(past.raw, past.start, past.end, columns),
        compared=None
        if past.window is None
        else decimated(past.judged, past.start, past.end, columns),
        suggestion=found,
        usual_high=high,
        coverage=past.raw.coverage(past.start, past.end, round(station.stale_after_s * SECOND)),
    )


def decimated(arrays: Arrays, start: Micros, end: Micros, columns: int) -> tuple[Column, Column]:
    """Return the lowest and the highest judged value of each of `columns` equal parts."""
    told = arrays.judged
    times, values = arrays.times[told], arrays.results[told]
    edges = start + (np.arange(columns + 1, dtype=np.int64) * (end - start)) // columns
    places = np.searchsorted(times, edges)
    low: Column = [None] * columns
    high: Column = [None] * columns
    filled = np.flatnonzero(np.diff(places))
    if len(filled):
        first = places[filled]
        ends = places[-1]  # what lies after the last column must not count as its own
        lows = np.minimum.reduceat(values[:ends], first)
        highs = np.maximum.reduceat(values[:ends], first)
        for column, bottom, top in zip(filled.tolist(), lows.tolist(), highs.tolist(), strict=True):
            low[column], high[column] = bottom, top
    return low, high
