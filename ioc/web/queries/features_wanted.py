"""What is asked of a collection of features, and what comes back. Values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import shapely

Box = tuple[float, float, float, float]  # west, south, east, north

LARGEST_PAGE: Final = 10_000  # points of a page are 4 MB of GeoJSON; more is `next`
DEFAULT_PAGE: Final = 1_000
# Stored bytes of a page's geometries: a commune at full resolution is 60 kB, 500 of them are 30 MB.
PAGE_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Area:
    """Where to look, WGS 84. What lies within `inner` lies within `shape`, all of it in `outer`."""

    shape: Any
    outer: Box
    inner: Box | None

    @property
    def sql(self) -> str:
        return box_sql(self.outer)


def rectangle(west: float, south: float, east: float, north: float) -> Area:
    """Return the area of a box; one whose west is beyond its east crosses the date line."""
    if west <= east:
        box = (west, south, east, north)
        return Area(shapely.box(*box), box, box)
    halves = (shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))
    return Area(shapely.multipolygons(halves), (-180.0, south, 180.0, north), None)


def box_sql(box: Box) -> str:
    """Return PostgreSQL's text of a box."""
    west, south, east, north = box
    return f"({west!r},{south!r}),({east!r},{north!r})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which features of a collection, and which page of them.

    `since` and `until` bound the time of a feature, both included. `columns` and `properties` are
    what a feature must have. `after` is the id of the page before's last feature.
    """

    limit: int = DEFAULT_PAGE
    area: Area | None = None
    since: datetime | None = None
    until: datetime | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    offset: int = 0

    @property
    def everything(self) -> bool:
        """Tell whether nothing but the page is chosen."""
        timed = self.since is not None or self.until is not None
        return not (self.area or timed or self.columns or self.properties)


@dataclass(frozen=True, slots=True)
class Item:
    """One feature; `shape` is WKB in WGS 84, longitude first, `properties` a JSON object."""

    id: str
    shape: bytes | None
    properties: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """`matched` counts what the question fits on all pages; `after` is the next page's place."""

    items: list[Item]
    matched: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A layer that is published; `imported`: its rows are in the database, not in a document."""

    name: str
    version: str
    features: int
    imported: bool
    attribution: str
    bounds: Box | None
