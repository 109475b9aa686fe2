"""config/catalog/*.yaml: the observed properties, their units, their limits of trust."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from ioc.domain.errors import ConfigError
from ioc.settings import read_yaml

UNCLASSIFIED: Final = "unclassified"  # the property of datastreams that nobody has classified yet


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
    raw_days: Annotated[int, msgspec.Meta(gt=0)] = 90
    minute_days: Annotated[int, msgspec.Meta(gt=0)] = 730
    hour_days: Annotated[int, msgspec.Meta(gt=0)] = 3650


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
