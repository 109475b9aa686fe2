"""Rows in, GeoJSON out. Pure: the same content always gives the same bytes and the same version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import cos, radians
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc.domain.layer import (
    POINT_LAYERS,
    Feature,
    PointFeature,
    Published,
    feature_number,
    joined,
)
from ioc.domain.location import KM_PER_DEGREE
from ioc.tiles import MOST_FEATURES, making

Shapes = NDArray[Any]

_VERSION_DIGITS: Final = 16  # 64 bits: enough to tell the versions of one layer apart
_MAP_M: Final = 50  # areas on the map: a boundary is a pixel wide there
_OVERVIEW_M: Final = 200  # areas of the whole province on one screen
_KINDS: Final = {0: "point", 1: "line", 2: "area"}
_SHORT: Final = 32  # characters, as the registry's short names have
_DECIMALS: Final = 5  # of a degree: 1.1 m, finer than any position we are given


def points(rows: Iterable[PointFeature]) -> Published:
    """Return a point layer; the feature id is the thing's, so live state joins by it."""
    ordered = sorted(rows, key=lambda row: row.id)
    owed = sorted({row.attribution for row in ordered} - {""})
    made = _published([_point(row) for row in ordered], "; ".join(owed))
    lon, lat = [row.lon for row in ordered], [row.lat for row in ordered]
    bounds = (min(lon), min(lat), max(lon), max(lat)) if ordered else None
    return replace(made, bounds=bounds, geometry="point")


def base(document: bytes) -> Published:
    """Return a shipped GeoJSON document as a layer; ValueError when it is no FeatureCollection."""
    content = orjson.loads(document)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise ValueError("not a GeoJSON FeatureCollection")
    made = _published(features, str(content.get("attribution", "")))
    texts = [orjson.dumps(one["geometry"]).decode() for one in features if one.get("geometry")]
    shapes = np.asarray(shapely.from_geojson(texts), dtype=object)
    return replace(made, bounds=_bounds(shapes), geometry=_kind(shapes))


def features(
    rows: Sequence[Feature],
    things: Mapping[str, int],
    hidden: Iterable[str] = (),
    layer: str = "",
) -> Published:
    """Return an imported layer; a row that is the place of a thing has the thing's id.

    Of a layer that the registry has, too, each feature is what the registry's is: it has a kind and
    a short name. Areas are simplified so that neighbours still share their border.
    `things`: code -> id. `hidden`: fields that nobody may read off the map.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    shapes = np.asarray(shapely.from_wkb([row.shape for row in ordered]), dtype=object)
    keys = [things.get(row.code) or feature_number(row.code) for row in ordered]
    bounds, kind = _bounds(shapes), _kind(shapes)
    places = joined((row.code for row in ordered), things)
    if len(ordered) > MOST_FEATURES:
        made = _tiled(ordered, keys, shapes)
        return replace(made, bounds=bounds, geometry=kind, joined=places)
    secret = frozenset(hidden)
    kind_of = layer if layer in POINT_LAYERS else ""
    own = [_properties(row, secret, kind_of) for row in ordered]
    areas = kind == "area"
    body = _document(keys, simplified(shapes, _MAP_M) if areas else shapes, own)
    overview = _document(keys, simplified(shapes, _OVERVIEW_M), own) if areas else b""
    made = _named(body, len(ordered), "")
    return replace(made, overview=overview, bounds=bounds, geometry=kind, joined=places)


def simplified(areas: Shapes, metres: float) -> Shapes:
    """Return areas without the detail below `metres`; borders stay common where they are.

    Areas that overlap or gap are simplified one by one.
    """
    _, south, _, north = shapely.total_bounds(areas)
    scale = np.array([cos(radians((south + north) / 2)), 1.0]) * KM_PER_DEGREE * 1000
    flat = shapely.transform(areas, lambda xy: xy * scale)
    if shapely.coverage_is_valid(flat):
        coarse = shapely.coverage_simplify(flat, metres)
    else:
        coarse = shapely.simplify(flat, metres / 2)
    back: Shapes = shapely.transform(coarse, lambda xy: xy / scale)
    return back


def _tiled(rows: Sequence[Feature], keys: list[int], shapes: Shapes) -> Published:
    """Return a layer of tiles, named by what is in its rows."""
    content = sha256()
    for row, key in zip(rows, keys, strict=True):
        content.update(b"%d:" % key + row.digest)
    drawn = making.Drawn(
        np.array(keys, dtype=np.int64),
        [row.code for row in rows],
        [row.name for row in rows],
        shapes,
    )
    return Published(
        content.hexdigest()[:_VERSION_DIGITS],
        b'{"type":"FeatureCollection","attribution":"","features":[]}',
        len(rows),
        "",
        tiled=True,
        tiles=dict(making.overview(drawn)),
    )


def _document(keys: list[int], shapes: Shapes, properties: list[bytes]) -> bytes:
    rounded = shapely.transform(shapes, lambda xy: xy.round(_DECIMALS))
    texts = shapely.to_geojson(rounded)
    made = [
        b'{"type":"Feature","id":%d,"geometry":%s,"properties":%s}' % (key, text.encode(), own)
        for key, text, own in zip(keys, texts, properties, strict=True)
    ]
    head = b'{"type":"FeatureCollection","attribution":"","features":['
    # Joined once: features as objects would be three times their text.
    return b"".join((head, b",".join(made), b"]}"))


def _bounds(shapes: Shapes) -> tuple[float, float, float, float] | None:
    box = shapely.total_bounds(shapes) if len(shapes) else np.array([np.nan])
    if not np.isfinite(box).all():
        return None
    west, south, east, north = box.tolist()
    return west, south, east, north


def _kind(shapes: Shapes) -> str:
    found = {int(one) for one in np.unique(shapely.get_dimensions(shapes))}
    return _KINDS.get(found.pop(), "any") if len(found) == 1 else "any"


def _properties(row: Feature, hidden: frozenset[str], kind: str) -> bytes:
    """Return the row's properties, its commune as joined, without what is hidden."""
    own = row.properties
    if hidden:
        kept = {name: value for name, value in orjson.loads(own).items() if name not in hidden}
        own = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    named = {"code": row.code, "name": row.name}
    if kind:
        named |= {"kind": kind, "short": row.name[:_SHORT]}
    head = orjson.dumps(named)
    commune = orjson.dumps(
        {
            "commune_code": row.commune_code,
            "commune_name": row.commune_name,
            "commune_how": row.commune_how,
        }
    )
    return b",".join(part[1:-1] for part in (head, own, commune) if part != b"{}").join(
        (b"{", b"}")
    )


def _point(row: PointFeature) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": {
            "type": "Point",
            "coordinates": [round(row.lon, _DECIMALS), round(row.lat, _DECIMALS)],
        },
        "properties": {"kind": row.kind, "name": row.name, "short": row.short},
    }


def _published(features: list[Any], attribution: str) -> Published:
    document = {"type": "FeatureCollection", "attribution": attribution, "features": features}
    return _named(orjson.dumps(document), len(features), attribution)


def _named(body: bytes, count: int, attribution: str) -> Published:
    version = sha256(body).hexdigest()[:_VERSION_DIGITS]
    return Published(version, body, count, attribution)
