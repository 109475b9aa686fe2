"""What `/brief` reads. Every tablet asks the same, so an answer is kept for a moment and shared."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

import orjson

from ioc.clock import Clock
from ioc.domain import brief as brief_domain
from ioc.domain.brief import Counts, Period, Report, Spell, Standing, Worst, counts, moments
from ioc.domain.instant import Micros, to_datetime
from ioc.reports import charts, overview
from ioc.storage import brief
from ioc.storage.script import run_async
from ioc.web.database import Database
from ioc.web.queries import registry

SHOWN: Final = 3  # the worst: what one glance takes in
_NAMED: Final = 12  # critical ones whose places the sentence may name
# A change of alerts makes all tablets ask at once: they share what the first of them asked for.
_STANDING_S: Final = 1.0
_SPELLS_S: Final = 15.0  # deadlines pass by the minute
_SILENT_S: Final = 600.0  # days that are over: what was silent then changes by late data alone

T = TypeVar("T")


class Kept(Generic[T]):
    """A value that is asked for once for everybody and kept for `seconds`."""

    def __init__(self, seconds: float, ask: Callable[[], Awaitable[T]]) -> None:
        self._seconds = seconds
        self._ask = ask
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._asked = float("-inf")

    async def get(self) -> T:
        async with self._lock:
            if self._value is None or time.monotonic() - self._asked >= self._seconds:
                self._value = await self._ask()
                self._asked = time.monotonic()
            return self._value


@dataclass(frozen=True, slots=True)
class Spark:
    """The last 24 hours of one alert's value: a path, and where it ends."""

    path: str
    end: tuple[float, float] | None


class BriefQueries:
    """The reading half of the brief; all raise DatabaseAwayError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._standing = Kept(_STANDING_S, self._read_standing)
        self._spells = Kept(_SPELLS_S, self._read_spells)
        self._silent = Kept(_SILENT_S, self._read_silent)
        self._maps: dict[tuple[str, str], str] = {}

    async def standing(self) -> tuple[Standing, list[Spark]]:
        """Return what is open, the most urgent first, with the past of the worst."""
        return await self._standing.get()

    async def counts(self, standing: Standing, silent: int) -> Counts:
        """Return the four counts; `standing` and `silent` are the present, newer than the past."""
        spells, began = await self._spells.get()
        past = await self._silent.get()
        found = counts(spells, [*past, silent], self._clock.now(), began)
        critical, high = (standing.levels.get(severity, (0, 0))[0] for severity in (1, 2))
        return replace(
            found,
            critical=found.critical.with_now(critical),
            high=found.high.with_now(high),
        )

    async def overview(self, province: str, communes: str, title: str) -> str:
        """Return the map of two layer versions; "" where there are none."""
        key = province, communes
        if key not in self._maps:
            outline = await self._features("province", province)
            areas = await self._features("communes", communes)
            drawn = await asyncio.to_thread(overview.draw, outline, areas, title)
            self._maps = {key: drawn}
        return self._maps[key]

    async def report(self, period: Period, zone: str) -> Report:
        """Return what a report of a period says now."""
        now = self._clock.now()
        window = brief_domain.window(period, to_datetime(now), ZoneInfo(zone))
        async with self._database.connection() as conn:
            return await run_async(conn, brief.report(window, now, zone))

    async def _features(self, layer: str, version: str) -> list[dict[str, Any]]:
        async with self._database.connection() as conn:
            found = await registry.layer(conn, layer, version)
        if found is None:
            return []
        document = await asyncio.to_thread(lambda: orjson.loads(gzip.decompress(found[0])))
        features: list[dict[str, Any]] = document["features"]
        return features

    async def _read_standing(self) -> tuple[Standing, list[Spark]]:
        now = self._clock.now()
        async with self._database.connection() as conn:
            found = await run_async(conn, brief.standing(_NAMED))
            sparks = []
            for row in found.worst[:SHOWN]:
                values = await run_async(conn, brief.past(row.thing, row.code, now))
                sparks.append(_spark(row, values))
        return found, sparks

    async def _read_spells(self) -> tuple[list[Spell], Micros | None]:
        async with self._database.connection() as conn:
            return await run_async(conn, brief.spells(self._clock.now()))

    async def _read_silent(self) -> list[int]:
        async with self._database.connection() as conn:
            return await run_async(conn, brief.silent(moments(self._clock.now())[:-1]))


def _spark(row: Worst, values: Sequence[float | None]) -> Spark:
    if row.states is not None:
        return Spark("", None)  # a state's number draws nothing that a reader knows
    return Spark(charts.spark(values, 150, 44), charts.last_point(values, 150, 44))
