"""What a map layer is made of: features of the registry and of imported files, and their jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b, md5
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
    """One version of a layer: GeoJSON bytes, not yet compressed, named by their content.

    `bounds`: west, south, east, north of all features, where there are any. `geometry`: point,
    line, area or any. `overview`: areas once more, coarser. `tiled`: too many features for one
    document, whose body is then empty of them; `tiles`: gzipped MVT of the small zooms by z, x, y.
    `joined` tells which features are the places of which things (`joined`).
    """

    version: str
    body: bytes
    features: int
    attribution: str
    bounds: tuple[float, float, float, float] | None = None
    geometry: str = "any"
    overview: bytes = b""
    tiled: bool = False
    tiles: Mapping[tuple[int, int, int], bytes] = field(default_factory=dict)
    joined: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of an imported layer, told by its `code`. Bytes, so that half a million fit.

    `shape`: WKB, WGS 84, longitude first; `bounds`: west, south, east, north. `properties`: a JSON
    object, keys sorted. `digest` changes when anything else here does.
    """

    code: str
    name: str
    shape: bytes
    bounds: tuple[float, float, float, float]
    properties: bytes
    commune_code: str | None
    commune_name: str | None
    commune_how: str  # "boundary", "nearest_seat" or "none"
    digest: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of a file that was not taken; `reason` is a sentence for the person who sent it."""

    row: int
    code: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a layer is now: the number of its import (0: none yet) and its rows' digests by code.

    `version` is the published one.
    """

    number: int = 0
    digests: Mapping[str, bytes] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True)
class LayerImport:
    """An import that is to be committed: its rows, what it makes of the layer, where it is from.

    `based_on` is the standing the difference was made against: another one now refuses it.
    `facts` is what the history of the layer tells about it (file, system, encoding, counts).
    """

    layer: str
    based_on: int
    written: tuple[Feature, ...]
    ended: tuple[str, ...]  # codes of the rows that are changed or removed
    published: Published
    by: str
    fingerprint: str
    mapping: Mapping[str, str]
    facts: Mapping[str, object]
    refused: bytes = b""  # the CSV file of the rows that were not taken


@dataclass(frozen=True, slots=True)
class LayerHistory:
    """The last import of a layer; `restores` is set where it was an undo."""

    layer: str
    number: int
    version: str | None
    restores: int | None
    file: str | None
    by: str
    at: datetime
    features: int


def handed_over(row: Feature, hidden: frozenset[str]) -> bytes:
    """Return a row's columns as a JSON object, without what nobody may read off the map."""
    own = {name: value for name, value in json.loads(row.properties).items() if name not in hidden}
    head = {"code": row.code, "name": row.name}
    commune = {"commune_code": row.commune_code, "commune_name": row.commune_name}
    return json.dumps(head | own | commune, ensure_ascii=False).encode()


def joined(codes: Iterable[str], things: Mapping[str, int]) -> str:
    """Return a word for which of the codes are the places of which things; "" for none.

    The database makes the same of its rows (`ioc.storage.features.stale`).
    """
    pairs = [f"{code}:{things[code]}" for code in sorted(codes) if code in things]
    return md5(",".join(pairs).encode(), usedforsecurity=False).hexdigest() if pairs else ""


def feature_number(code: str) -> int:
    """Return a feature's id on the map: browsers want whole numbers, the same in every version."""
    return int.from_bytes(blake2b(code.encode(), digest_size=6).digest())
