"""What a map layer is made of: features of the registry, and the jobs that publish them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

BASE_LAYERS: Final = ("province", "neighbours", "communes", "water", "zones")
POINT_LAYERS: Final = ("things", "bts")


@dataclass(frozen=True, slots=True)
class PointFeature:
    """An admitted thing that has a place; `id` is the thing's. WGS 84 degrees.

    `attribution` names whom its position is owed to, empty where nobody asks for it.
    """

    id: int
    kind: str
    name: str
    short: str
    lon: float
    lat: float
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class LayerJob:
    """One leased row of `layer_job`; `attempts` counts this one."""

    id: int
    kind: str
    argument: Mapping[str, object] = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Published:
    """One version of a layer: GeoJSON bytes, not yet compressed, named by their content."""

    version: str
    body: bytes
    features: int
    attribution: str
