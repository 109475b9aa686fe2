"""What the routes about rules take and answer. Instants are ms since the epoch, lengths seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ioc.domain.alert import Op, Rule, Severity
from ioc.domain.legal_limit import LegalLimit
from ioc.rules.definition import Window
from ioc.rules.durations import Seconds, parse
from ioc.text import words
from ioc.web.queries.rules import Detail, RuleRow, StationRow

Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Datastream = Annotated[int, Field(ge=1, le=2**31 - 1)]


class WindowIn(BaseModel):
    """The stretch of time behind one compared value, as the editor asks for it."""

    function: Literal["mean", "max", "sum", "increase", "median"] | None = None
    length: Annotated[int, Field(ge=60, le=7 * 86400, multiple_of=60)]
    min_coverage: Annotated[float, Field(gt=0, le=1)] = 0.75

    def window(self) -> Window:
        return Window(
            function=self.function, length=Seconds(self.length), min_coverage=self.min_coverage
        )


class HistoryIn(BaseModel):
    datastream: Datastream
    columns: Annotated[int, Field(ge=50, le=1600)] = 700
    input: Literal["value", "rate", "deviation"] = "value"
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
    states: list[str] | None = None  # of a category: which ones raise it, in words


class StateOut(BaseModel):
    value: float
    name: str


def states_of(states: Mapping[str, float] | None) -> list[StateOut]:
    """Return the states of a category in words, in the order of their numbers."""
    known = words("vi")
    named = [(value, known.get(f"state.{name}", name)) for name, value in (states or {}).items()]
    return [StateOut(value=value, name=name) for value, name in sorted(named)]


def _raising(
    op: str | None, level: Mapping[str, Any], states: Mapping[str, float] | None
) -> list[str] | None:
    """Return the states beyond a level; None where the property is none of states."""
    if not states or op is None:
        return None
    limit, low, high = (level.get(name) for name in ("limit", "low", "high"))
    bound = next((one for one in (limit, high) if one is not None), 0.0)
    rule = Rule("", 0, Op(op), bound, Severity.LOW, 1, 0, low=-inf if low is None else low)
    return [one.name for one in states_of(states) if rule.breached(one.value)]


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
    input: str
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
            # What another release stored may lack anything; a list that fails shows no rule at all.
            name=rule.get("name", {}).get("vi", row.id),
            property=rule.get("observed_property", ""),
            property_name=row.property_name,
            unit=row.unit,
            decimals=row.decimals,
            op=rule.get("op"),
            input=rule.get("input", "value"),
            levels=[
                LevelOut(
                    severity=one["severity"],
                    states=_raising(rule.get("op"), one, row.states),
                    **_numbers(one),
                )
                for one in rule.get("levels", ())
            ],
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
    states: list[StateOut]


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
