"""config/catalog/*.yaml: the observed properties, their units, their limits of trust."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.instant import MINUTE
from ioc.domain.quality import SPIKE_K, Limits
from ioc.settings import read_yaml

UNCLASSIFIED: Final = "unclassified"  # the property of datastreams that nobody has classified yet

Days = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Window = Literal["10min", "1h", "8h", "24h"]


class Spike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value is a spike further than max(floor, k × MAD) from the median of the last good ones.

    `floor` is in the property's unit.
    """

    floor: Annotated[float, msgspec.Meta(gt=0)]
    k: Annotated[float, msgspec.Meta(gt=0)] = SPIKE_K


class Flat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sensor is stuck when `n` samples and `minutes` pass without leaving `tolerance`.

    Both: a station sends each 5 minutes, a plug each 10 seconds, and the same physics varies.
    """

    n: Annotated[int, msgspec.Meta(ge=3, le=10_000)] = 12
    minutes: NotNegative = 60
    tolerance: NotNegative = 0.0


class Average(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How values become one value of a window, and the windows that rules and limits use.

    `energy`: of levels in dB; `vector`: of directions; `last`: counters and states. A mean needs
    `share` of the values the period promises.
    """

    how: Literal["mean", "sum", "max", "min", "last", "energy", "vector"] = "mean"
    windows: tuple[Window, ...] = ("1h",)
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.75


class Property(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One observed property. `min`, `max`: what is possible at all, in `unit`."""

    name_vi: str
    name_en: str
    unit: str
    kind: Literal["quantity", "category"] = "quantity"
    states: dict[str, int] | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 1
    min: float | None = None
    max: float | None = None
    spike: Spike | None = None
    flat: Flat | None = None
    average: Average = Average()
    raw_days: Days = 90
    minute_days: Days = 730
    hour_days: Days = 3650

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; msgspec names the place."""
        if (self.min if self.min is not None else -inf) >= (
            self.max if self.max is not None else inf
        ):
            raise ValueError(f"min {self.min} is not below max {self.max}")
        if (self.kind == "category") != (self.states is not None):
            raise ValueError("a category, and nothing else, has states")
        if self.states is not None and len(set(self.states.values())) != len(self.states):
            raise ValueError("two states have one code")

    def limits(self, valid_min: float | None = None, valid_max: float | None = None) -> Limits:
        """Return the limits of one datastream; a sensor's own range replaces the property's."""
        return Limits(
            valid_min=self.min if valid_min is None else valid_min,
            valid_max=self.max if valid_max is None else valid_max,
            spike_floor=None if self.spike is None else self.spike.floor,
            spike_k=SPIKE_K if self.spike is None else self.spike.k,
            flat_n=0 if self.flat is None else self.flat.n,
            flat_tolerance=0.0 if self.flat is None else self.flat.tolerance,
            flat_span=0 if self.flat is None else round(self.flat.minutes * MINUTE),
        )


Catalogue: TypeAlias = Mapping[str, Property]


def load(folder: Path) -> dict[str, Property]:
    """Read every catalogue file of a folder; ConfigError names the file and the entry."""
    found = {UNCLASSIFIED: Property("Chưa phân loại", "Not classified", "", decimals=2)}
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = msgspec.convert(read_yaml(path), dict[str, Property])
        except msgspec.ValidationError as error:
            raise ConfigError(f"{path}: {error}") from error
        twice = (found.keys() - {UNCLASSIFIED}) & entries.keys()
        if twice:
            raise ConfigError(f"{path}: {', '.join(sorted(twice))} is defined twice")
        found |= entries
    return found
