"""What the editor's questions about a rule are answered with: chart, backtest, who is told."""

from __future__ import annotations

from math import ceil

from pydantic import BaseModel

from ioc.domain.backtest import Episode, Result
from ioc.domain.instant import SECOND, Micros
from ioc.web.queries.rehearsal import Column, Drawn, Rehearsed

_MS = SECOND // 1000


class CurveOut(BaseModel):
    """Lowest and highest value of each pixel column; null: no value."""

    low: Column
    high: Column


class SuggestionOut(BaseModel):
    deadband: float
    on_delay_s: int
    off_delay_s: int
    noise: float
    share: float
    limit: float | None


class HistoryOut(BaseModel):
    since: int
    until: int
    days: int
    raw: CurveOut
    compared: CurveOut | None
    low: float | None
    high: float | None
    coverage: float
    suggestion: SuggestionOut

    @classmethod
    def of(cls, drawn: Drawn, decimals: int) -> HistoryOut:
        past, found = drawn.past, drawn.suggestion
        shown = drawn.compared or drawn.raw
        lows, highs = ([v for v in column if v is not None] for column in shown)
        return cls(
            since=past.start // _MS,
            until=past.end // _MS,
            days=round((past.end - past.start) / (86400 * SECOND)),
            raw=CurveOut(low=drawn.raw[0], high=drawn.raw[1]),
            compared=None
            if drawn.compared is None
            else CurveOut(low=drawn.compared[0], high=drawn.compared[1]),
            low=min(lows, default=None),
            high=max(highs, default=None),
            coverage=drawn.coverage,
            suggestion=SuggestionOut(
                deadband=_rounded_up(found.deadband, decimals),
                on_delay_s=found.on_delay_s,
                off_delay_s=found.off_delay_s,
                noise=found.noise,
                share=found.share,
                limit=None if drawn.usual_high is None else round(drawn.usual_high, decimals),
            ),
        )


def _rounded_up(value: float, decimals: int) -> float:
    """Return a value of as many digits as the property has, not below what was asked for."""
    step: float = 10**decimals
    return ceil(value * step - 1e-9) / step


class EpisodeOut(BaseModel):
    """A stay of one level in alarm; `end` null: it lasts."""

    severity: str
    start: int
    end: int | None
    peak: float | None

    @classmethod
    def of(cls, one: Episode) -> EpisodeOut:
        end = None if one.end is None else one.end // _MS
        name = one.severity.name.lower()
        return cls(severity=name, start=one.start // _MS, end=end, peak=one.peak)


class LevelCountOut(BaseModel):
    severity: str
    count: int
    seconds: float


class DiffOut(BaseModel):
    """Alerts that the draft adds to the version in force, and that it spares."""

    version: int
    added: int
    gone: int


class PreviewOut(BaseModel):
    """What a rule would have done: `count` alerts, `seconds` in alarm, `share` of the time.

    `per_hour` is the most that began within any 60 minutes; `load` the share of what one operator
    can answer (one in ten minutes); `episodes` are of the levels.
    """

    since: int
    until: int
    count: int
    seconds: float
    per_day: float
    per_hour: int
    share: float
    load: float
    near_misses: int
    coverage: float
    needs_reason: bool
    levels: list[LevelCountOut]
    episodes: list[EpisodeOut]
    diff: DiffOut | None
    took_ms: float

    @classmethod
    def of(cls, found: Rehearsed, version: int | None, took_ms: float) -> PreviewOut:
        result, diff = found.result, found.against
        return cls(
            since=result.start // _MS,
            until=result.end // _MS,
            count=result.count,
            seconds=result.total / SECOND,
            per_day=result.alerts_a_day,
            per_hour=found.worst_hour,
            share=result.share,
            load=result.load,
            near_misses=result.near_misses,
            coverage=result.coverage,
            needs_reason=found.needs_reason,
            levels=_levels(result),
            episodes=[EpisodeOut.of(one) for level in result.levels for one in level.episodes],
            diff=None
            if diff is None or version is None
            else DiffOut(version=version, added=len(diff.new), gone=len(diff.gone)),
            took_ms=took_ms,
        )


def _levels(result: Result) -> list[LevelCountOut]:
    def lasted(episodes: tuple[Episode, ...], end: Micros) -> float:
        return sum(one.lasted(end) for one in episodes) / SECOND

    return [
        LevelCountOut(
            severity=level.rule.severity.name.lower(),
            count=len(level.episodes),
            seconds=lasted(level.episodes, result.end),
        )
        for level in result.levels
    ]


class OverlapOut(BaseModel):
    id: str
    name: str
    version: int
    stations: int


class ToldOut(BaseModel):
    """Somebody who is told; `unanswered`: only once nobody has answered so often."""

    who: str
    policy: str
    how: str
    unanswered: int
    target: str


class ContextOut(BaseModel):
    """Rules that watch the same, and who is told; not `configured`: no plan says anything."""

    overlaps: list[OverlapOut]
    configured: bool
    items: list[ToldOut]
