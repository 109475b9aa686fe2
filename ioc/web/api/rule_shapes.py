"""What the routes about rules take and answer. Instants are ms since the epoch, lengths seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ioc.domain.backtest import Episode, Result
from ioc.domain.instant import SECOND, Micros
from ioc.domain.legal_limit import LegalLimit
from ioc.rules.definition import Window
from ioc.rules.durations import Seconds, parse
from ioc.text import words
from ioc.web.queries.rehearsal import Column, Drawn, Rehearsed
from ioc.web.queries.rules import Detail, RuleRow, StationRow

_MS = SECOND // 1000
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Datastream = Annotated[int, Field(ge=1, le=2**31 - 1)]


class WindowIn(BaseModel):
    """An averaging window as the editor asks for it."""

    function: Literal["mean", "max", "sum"]
    length: Annotated[int, Field(ge=3600, le=7 * 86400, multiple_of=3600)]
    min_coverage: Annotated[float, Field(gt=0, le=1)] = 0.75

    def window(self) -> Window:
        return Window(
            function=self.function, length=Seconds(self.length), min_coverage=self.min_coverage
        )


class HistoryIn(BaseModel):
    datastream: Datastream
    columns: Annotated[int, Field(ge=50, le=1600)] = 700
    window: WindowIn | None = None


class PreviewIn(BaseModel):
    """`against`: the rule whose version in force is compared; `group`: one of many stations."""

    rule: dict[str, Any]
    datastream: Datastream
    against: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9-]*$")] | None = None
    group: bool = False


class ContextIn(BaseModel):
    """`when`: now, or 02:00 of the coming night."""

    rule: dict[str, Any]
    datastream: Datastream
    when: Literal["now", "night"] = "now"


class SaveIn(BaseModel):
    rule: dict[str, Any]
    unit: Annotated[str, Field(max_length=40)]
    datastream: Datastream
    base: int | None = None
    reason: Reason | None = None


class RollbackIn(BaseModel):
    version: Annotated[int, Field(ge=1, le=10**9)]
    reason: Reason


class DoneOut(BaseModel):
    id: str
    version: int
    state: str


class LevelOut(BaseModel):
    severity: str
    limit: float | None
    low: float | None
    high: float | None


class RuleWindowOut(BaseModel):
    function: str | None
    length_s: float


class RuleOut(BaseModel):
    """A rule in the list; `alerts` of the last 30 days, `waiting` a version to be approved."""

    id: str
    name: str
    property: str
    property_name: str
    unit: str
    decimals: int
    op: str | None
    levels: list[LevelOut]
    window: RuleWindowOut | None
    owner: str | None
    origin: str
    version: int
    since: datetime
    created_by: str
    enabled: bool
    waiting: int | None
    alerts: int

    @classmethod
    def of(cls, row: RuleRow) -> RuleOut:
        rule = row.definition
        window = rule.get("window")
        return cls(
            id=row.id,
            name=rule["name"]["vi"],
            property=rule["observed_property"],
            property_name=row.property_name,
            unit=row.unit,
            decimals=row.decimals,
            op=rule.get("op"),
            levels=[LevelOut(severity=one["severity"], **_numbers(one)) for one in rule["levels"]],
            window=None
            if window is None
            else RuleWindowOut(
                function=window.get("function"), length_s=float(parse(window["length"]))
            ),
            owner=rule.get("owner"),
            origin=row.origin,
            version=row.version,
            since=row.since,
            created_by=row.created_by,
            enabled=row.enabled,
            waiting=row.waiting,
            alerts=row.alerts,
        )


def _numbers(level: Mapping[str, Any]) -> dict[str, float | None]:
    return {key: level.get(key) for key in ("limit", "low", "high")}


class VersionOut(BaseModel):
    version: int
    definition: dict[str, Any]
    state: str
    created_by: str
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


class DetailOut(BaseModel):
    """A rule: the version in force and all of them, newest first."""

    id: str
    version: int
    enabled: bool
    origin: str
    since: datetime
    definition: dict[str, Any]
    versions: list[VersionOut]

    @classmethod
    def of(cls, found: Detail) -> DetailOut:
        shown = [VersionOut.model_validate(one, from_attributes=True) for one in found.versions]
        current = next(one for one in shown if one.version == found.head.current)
        return cls(
            id=found.head.id,
            version=found.head.current,
            enabled=found.head.enabled,
            origin=found.head.origin,
            since=current.decided_at or current.created_at,
            definition=dict(found.head.definition),
            versions=shown,
        )


class PropertyOut(BaseModel):
    code: str
    name: str
    unit: str
    decimals: int
    kind: str
    how: str


class AveragingOut(BaseModel):
    function: str
    length_s: int


class LimitOut(BaseModel):
    """A limit of a regulation; `in_force` today."""

    id: str
    standard: str
    title: str
    source: str
    property: str
    unit: str
    low: float | None
    high: float | None
    averaging: AveragingOut | None
    min_coverage: float
    confidence: str
    valid_from: date | None
    valid_to: date | None
    in_force: bool

    @classmethod
    def of(cls, one: LegalLimit, today: date) -> LimitOut:
        window = one.averaging
        return cls(
            id=one.id,
            standard=one.standard,
            title=one.title_vi,
            source=one.source,
            property=one.observed_property,
            unit=one.unit,
            low=one.low,
            high=one.high,
            averaging=None if window is None else AveragingOut(**window._asdict()),
            min_coverage=one.min_coverage,
            confidence=one.confidence,
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            in_force=one.in_force(today),
        )


class OptionsOut(BaseModel):
    properties: list[PropertyOut]
    limits: list[LimitOut]


class StationOut(BaseModel):
    datastream: int
    ref: str
    external_id: str
    name: str
    feed: str
    feed_name: str
    kind: str
    kind_name: str
    unit: str
    commune: str | None
    lon: float | None
    lat: float | None
    simulated: bool

    @classmethod
    def of(cls, row: StationRow) -> StationOut:
        kind = words("vi").get(f"rules.kind_of.{row.kind}", row.kind)
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields if name != "kind_name"}
            | {"kind_name": kind}
        )


class StationsOut(BaseModel):
    items: list[StationOut]


class RulesOut(BaseModel):
    items: list[RuleOut]


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


class ContextOut(BaseModel):
    """Rules that watch the same, and who is told; not `configured`: no plan says anything."""

    overlaps: list[OverlapOut]
    configured: bool
    items: list[ToldOut]
