"""What every import stands on: the schemas, and the boundary as imported or as it ships."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc import layer_schema as schema
from ioc.domain.layer import Feature
from layers import boundary
from layers.boundary import Boundary, Commune
from layers.importing import Ground
from layers.shelf import EmptyShelf, Shelf
from layers.shipped import shipped

_SEPARATORS: Final = re.compile(r"[,;\n]|\s+và\s+")


class Boundaries(Shelf, Protocol):
    """A shelf that holds whole layers, too."""

    def features(self, layer: str, codes: list[str] | None = None) -> list[Feature]: ...


def of(
    config_dir: Path,
    province: str,
    shelf: Boundaries | None,
    tell: Callable[[str], None] = lambda _stage: None,
) -> Ground:
    """Return the ground of an import into the shelf; None: a dry run without a database."""
    schemas = schema.load(config_dir / "layers")
    return Ground(schemas, _boundary(province, shelf), shelf or EmptyShelf(), province, tell)


def _boundary(province: str, shelf: Boundaries | None) -> Boundary:
    units = shelf.features("communes") if shelf else []
    areas = shelf.features("province") if shelf else []
    outline = shapely.union_all(_shapes(areas)) if areas else None
    if units:
        return boundary.exact(outline, [_commune(unit) for unit in units], _shapes(units))
    outlines = (shipped("province"), shipped("neighbours"))
    found = boundary.approximate(province, outlines, shipped("seats"))
    return found if outline is None else boundary.with_outline(found, outline)


def _shapes(rows: list[Feature]) -> NDArray[Any]:
    return np.asarray(shapely.from_wkb([row.shape for row in rows]), dtype=object)


def _commune(unit: Feature) -> Commune:
    """Return a unit with the names it had: the layer's own column of old names."""
    told = str(orjson.loads(unit.properties).get("old_names") or "")
    old = tuple(name.strip() for name in _SEPARATORS.split(told) if name.strip())
    return Commune(unit.code, unit.name, old)
