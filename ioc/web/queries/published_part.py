"""The part of a published layer that somebody sees who answers for a part of the province."""

from __future__ import annotations

import gzip
from typing import Any

import orjson

from ioc.web.database import Db
from ioc.web.identity import limits
from ioc.web.queries.scope import FEATURE_WITHIN, WITHIN, closed


async def counts(conn: Db) -> dict[str, int]:
    """Return how many features of each layer are in it; the base map's layers are not told."""
    cursor = await conn.execute(
        "select f.layer, count(*) filter (where true" + FEATURE_WITHIN + ") from layer_feature f"
        " where f.until is null group by f.layer",
        limits(),
    )
    found = {
        str(layer): 0 if closed(layer) else int(count) for layer, count in await cursor.fetchall()
    }
    cursor = await conn.execute(
        "select case when t.kind = 'bts' then 'bts' else 'things' end, count(*) from thing t"
        " join location on location.thing_id = t.id where t.state = 'admitted'"
        + WITHIN
        + " group by 1",
        limits(),
    )
    registry: dict[str, int] = {"bts": 0, "things": 0}
    registry |= {str(layer): int(count) for layer, count in await cursor.fetchall()}
    found.pop("communes", None)  # everybody's, wherever it comes from
    return registry | found


async def things(conn: Db) -> frozenset[int]:
    """Return the admitted things that are in it."""
    query = "select t.id from thing t where t.state = 'admitted'" + WITHIN
    cursor = await conn.execute(query, limits())
    return frozenset(row[0] for row in await cursor.fetchall())


def narrowed(body: bytes, layer: str, things: frozenset[int]) -> bytes:
    """Return a gzipped document with its features that are in it."""
    document: dict[str, Any] = orjson.loads(gzip.decompress(body))
    areas = limits()["areas"]
    mine = None if areas is None else frozenset(areas)

    def seen(feature: dict[str, Any]) -> bool:
        own = feature["properties"]
        # The registry's points have no commune of their own: they are seen as their things are.
        if "commune_code" not in own:
            return feature.get("id") in things
        return mine is None or own["commune_code"] in mine

    features = [] if closed(layer) else [one for one in document["features"] if seen(one)]
    return gzip.compress(orjson.dumps(document | {"features": features}), 6, mtime=0)
