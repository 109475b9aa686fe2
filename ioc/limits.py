"""config/limits/*.yaml: what regulations allow, each limit with its window, unit and validity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.legal_limit import Averaging, Function, LegalLimit, Stations
from ioc.settings import read_yaml

WINDOWS_S: Final = {"1h": 3600, "3h": 10800, "6h": 21600, "8h": 28800, "12h": 43200, "24h": 86400}


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vi: str
    en: str


class _Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    property: str
    unit: str
    low: float | None = None
    high: float | None = None
    function: Function | None = None
    window: Literal["1h", "3h", "6h", "8h", "12h", "24h"] | None = None
    min_coverage: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.75
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; msgspec names the place."""
        if self.low is None and self.high is None:
            raise ValueError("a limit needs low or high")
        if (self.function is None) != (self.window is None):
            raise ValueError("function and window belong together")


class _HoldsFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: Annotated[list[str], msgspec.Meta(min_length=1)]
    measures: list[str] = []
    without: list[str] = []
    names: list[str] = []

    def stations(self) -> Stations:
        return Stations(
            frozenset(self.kinds),
            frozenset(self.measures),
            frozenset(self.without),
            frozenset(self.names),
        )


class _Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    title: _Words
    source: str
    confidence: Literal["A", "B", "C"]
    limits: list[_Limit]
    valid_from: date | None = None
    valid_to: date | None = None
    holds_for: _HoldsFor | None = None


def load(folder: Path) -> tuple[LegalLimit, ...]:
    """Read every limit of a folder; ConfigError names the file and the entry."""
    found: dict[str, LegalLimit] = {}
    for path in sorted(folder.glob("*.yaml")):
        for limit in _read(path):
            if limit.id in found:
                raise ConfigError(f"{path}: {limit.id} is defined twice")
            found[limit.id] = limit
    return tuple(found.values())


def _read(path: Path) -> Iterator[LegalLimit]:
    try:
        standards = msgspec.convert(read_yaml(path) or [], list[_Standard])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    for standard in standards:
        for limit in standard.limits:
            yield _limit(standard, limit)


def _limit(standard: _Standard, limit: _Limit) -> LegalLimit:
    averaging = None
    if limit.function is not None and limit.window is not None:
        averaging = Averaging(limit.function, WINDOWS_S[limit.window])
    begins = limit.valid_from or standard.valid_from
    parts = (standard.standard, limit.property, limit.window or "value", str(begins or ""))
    return LegalLimit(
        id="|".join(parts),
        standard=standard.standard,
        observed_property=limit.property,
        unit=limit.unit,
        low=limit.low,
        high=limit.high,
        averaging=averaging,
        min_coverage=limit.min_coverage,
        source=standard.source,
        title_vi=standard.title.vi,
        title_en=standard.title.en,
        confidence=standard.confidence,
        valid_from=begins,
        valid_to=limit.valid_to or standard.valid_to,
        holds_for=None if standard.holds_for is None else standard.holds_for.stations(),
    )
