"""Published layers: which there are, their documents, and tiles, kept or made of rows.

Who answers for a part of the province is shown that part of what stands in it. The base map is
everybody's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from psycopg.rows import TupleRow

from ioc.domain.layer import feature_number
from ioc.tiles import DETAIL, making, mvt
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries import published_part
from ioc.web.queries.features import read_bounds
from ioc.web.queries.features_wanted import Box, box_sql
from ioc.web.queries.scope import FEATURE_WITHIN, closed, limited

_MOST_ROWS: Final = 50_000  # of one tile of 9 km: a city's whole network; more are left out
_AT_ONCE: Final = 2  # tiles in the making: each takes a core for some 50 ms
_KNOWN: Final = (
    "with known as (select external_id, min(id) as id from thing where state = 'admitted'"
    "  group by external_id having count(*) = 1)"
)


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """The current version of a layer. `features` counts those that who asks may see."""

    layer: str
    version: str
    features: int
    attribution: str
    geometry: str
    bounds: Box | None
    overview: bool
    tiled: bool
    imported: bool


class PublishedQueries:
    """The reading half of /geo."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._making = asyncio.Semaphore(_AT_ONCE)

    async def layers(self) -> list[PublishedRow]:
        """Return the current version of every layer, by name."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select layer, version, features, attribution, geometry, bounds::text,"
                " overview is not null, tiled, exists (select 1 from layer_feature f"
                "  where f.layer = v.layer and f.until is null)"
                " from layer_version v where current order by layer"
            )
            rows = await cursor.fetchall()
            own = await _counts(conn)
        return [
            PublishedRow(
                name,
                version,
                own.get(name, int(count)),
                owed,
                kind,
                read_bounds(box),
                coarse,
                tiled,
                given,
            )
            for name, version, count, owed, kind, box, coarse, tiled, given in rows
        ]

    async def document(self, layer: str, version: str, *, overview: bool) -> bytes | None:
        """Return the gzipped GeoJSON of a version; None: no such one."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select case when %s then overview else body end from layer_version"
                " where layer = %s and version = %s",
                (overview, layer, version),
            )
            row = await cursor.fetchone()
            if row is None or row[0] is None:
                return None
            if not limited(layer):
                return bytes(row[0])
            things = await published_part.things(conn)
        return await asyncio.to_thread(published_part.narrowed, bytes(row[0]), layer, things)

    async def places(self, layer: str, version: str) -> list[TupleRow] | None:
        """Return (thing, lon, lat) of the features of a tiled layer that are places of things."""
        async with self._database.connection() as conn:
            if not await _current(conn, layer, version):
                return None
            cursor = await conn.execute(
                _KNOWN + " select k.id, (center(f.bounds))[0], (center(f.bounds))[1]"
                " from layer_feature f join known k on k.external_id = f.code"
                " where f.layer = %(layer)s and f.until is null"
                + FEATURE_WITHIN
                + " order by k.id",
                {"layer": layer} | limits(),
            )
            return [] if closed(layer) else await cursor.fetchall()

    async def tile(self, layer: str, version: str, at: making.Address) -> bytes | None:
        """Return a gzipped tile, empty for one with nothing in it; None: no such version.

        The rows of a version that is not current any more are another's: only what was made at
        publishing is left of it.
        """
        async with self._making:
            async with self._database.connection() as conn:
                if not limited(layer):
                    kept = await _kept(conn, layer, version, at)
                    if kept is not None or at[0] < DETAIL:
                        return kept
                if not await _current(conn, layer, version):
                    return None
                rows = [] if closed(layer) else await _rows(conn, layer, at)
            return await asyncio.to_thread(_made, rows, at) if rows else b""


async def _counts(conn: Db) -> dict[str, int]:
    return await published_part.counts(conn) if limited() else {}


async def _kept(conn: Db, layer: str, version: str, at: making.Address) -> bytes | None:
    """Return a tile made at publishing; empty where the version has none there."""
    cursor = await conn.execute(
        "select t.body from layer_version v left join layer_tile t on t.layer = v.layer"
        " and t.version = v.version and t.z = %s and t.x = %s and t.y = %s"
        " where v.layer = %s and v.version = %s and v.tiled",
        (*at, layer, version),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[0] is None:
        return b"" if at[0] < DETAIL else None
    return bytes(row[0])


async def _current(conn: Db, layer: str, version: str) -> bool:
    cursor = await conn.execute(
        "select 1 from layer_version where layer = %s and version = %s and current and tiled",
        (layer, version),
    )
    return await cursor.fetchone() is not None


async def _rows(conn: Db, layer: str, at: making.Address) -> list[TupleRow]:
    cursor = await conn.execute(
        _KNOWN + " select f.code, f.name, f.shape, k.id from layer_feature f"
        " left join known k on k.external_id = f.code where f.layer = %(layer)s"
        " and f.until is null and f.bounds && %(box)s::box" + FEATURE_WITHIN + " limit %(most)s",
        {"layer": layer, "box": box_sql(mvt.bounds(*at)), "most": _MOST_ROWS} | limits(),
    )
    return await cursor.fetchall()


def _made(rows: list[TupleRow], at: making.Address) -> bytes:
    shapes: Any = np.asarray(shapely.from_wkb([bytes(row[2]) for row in rows]), dtype=object)
    keys = [row[3] or feature_number(row[0]) for row in rows]
    drawn = making.Drawn(
        np.array(keys, dtype=np.int64), [row[0] for row in rows], [row[1] for row in rows], shapes
    )
    return making.one(drawn, at)
