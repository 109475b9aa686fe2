"""config/indicators/*.yaml: the catalogue of indicators, each with its target, owner and source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.indicator import Aim, Direction, How, Period
from ioc.settings import read_yaml

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Method = Literal[
    "bts_count", "bts_online_pct", "points_online_pct", "camera_uptime_pct", "aqi_good_days_pct",
    "sources_live_pct",
]  # fmt: skip
DUE_DAYS = {Period.DAY: 1, Period.MONTH: 15, Period.QUARTER: 30, Period.YEAR: 60}


class _Indicator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: Words
    en: Words
    unit: Annotated[str, msgspec.Meta(max_length=20)]
    period: Period
    direction: Direction = Direction.UP
    targets: dict[Annotated[int, msgspec.Meta(ge=2000, le=2100)], float] = {}
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0
    owner: Words | None = None
    source: Words | None = None
    how: How = How.UPLOAD
    method: Method | None = None
    level: Literal["province", "commune", "agency"] = "province"
    denominator: Annotated[str, msgspec.Meta(max_length=200)] = ""
    due_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; msgspec names the place."""
        if (self.how is How.COMPUTED) != (self.method is not None):
            raise ValueError("a computed indicator, and no other, has a method")


class _Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: indicators of a field, which share an owner and a source where they name none."""

    topic: Words
    owner: Words
    source: Words
    indicators: dict[Id, _Indicator]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the catalogue."""

    id: str
    topic: str
    name_vi: str
    name_en: str
    decimals: int
    aim: Aim
    owner: str
    source: str
    how: How
    method: str | None
    level: str
    denominator: str


def load(folder: Path) -> tuple[Indicator, ...]:
    """Read every indicator of a folder in order; ConfigError names the file and the entry."""
    found: dict[str, Indicator] = {}
    for path in sorted(folder.glob("*.yaml")):
        for one in _read(path):
            if one.id in found:
                raise ConfigError(f"{path}: {one.id} is defined twice")
            found[one.id] = one
    return tuple(found.values())


def _read(path: Path) -> Iterator[Indicator]:
    try:
        topic = msgspec.convert(read_yaml(path), _Topic, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    for code, one in topic.indicators.items():
        due = DUE_DAYS[one.period] if one.due_days is None else one.due_days
        yield Indicator(
            id=code,
            topic=topic.topic,
            name_vi=one.vi,
            name_en=one.en,
            decimals=one.decimals,
            aim=Aim(one.unit, one.direction, one.targets, one.period, due),
            owner=one.owner or topic.owner,
            source=one.source or topic.source,
            how=one.how,
            method=one.method,
            level=one.level,
            denominator=one.denominator,
        )
