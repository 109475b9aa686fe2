"""Rows in, GeoJSON out. Pure: the same content always gives the same bytes and the same version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any, Final

import orjson
import shapely

from ioc.domain.layer import Feature, PointFeature, Published

_VERSION_DIGITS: Final = 16  # 64 bits: enough to tell the versions of one layer apart
_DECIMALS: Final = 5  # of a degree: 1.1 m, finer than any position we are given


def points(rows: Iterable[PointFeature]) -> Published:
    """Return a point layer; the feature id is the thing's, so live state joins by it."""
    ordered = sorted(rows, key=lambda row: row.id)
    owed = sorted({row.attribution for row in ordered} - {""})
    return _published([_point(row) for row in ordered], "; ".join(owed))


def base(document: bytes) -> Published:
    """Return a shipped GeoJSON document as a layer; ValueError when it is no FeatureCollection."""
    content = orjson.loads(document)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise ValueError("not a GeoJSON FeatureCollection")
    return _published(features, str(content.get("attribution", "")))


def features(
    rows: Sequence[Feature], things: Mapping[str, int], hidden: Iterable[str] = ()
) -> Published:
    """Return an imported layer; a row that is the place of a thing has the thing's id.

    `things`: code -> id. `hidden`: fields that nobody may read off the map.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    shapes = shapely.from_wkb([row.shape for row in ordered])
    rounded = shapely.transform(shapes, lambda xy: xy.round(_DECIMALS))
    texts = shapely.to_geojson(rounded)
    secret = frozenset(hidden)
    made = [
        b'{"type":"Feature","id":%d,"geometry":%s,"properties":%s}'
        % (things.get(row.code) or number(row.code), text.encode(), _properties(row, secret))
        for row, text in zip(ordered, texts, strict=True)
    ]
    head = b'{"type":"FeatureCollection","attribution":"","features":['
    # Joined once: half a million features as objects would be three times their text.
    return _named(b"".join((head, b",".join(made), b"]}")), len(made), "")


def number(code: str) -> int:
    """Return a feature's id: browsers want whole numbers, and the same one in every version."""
    return int.from_bytes(blake2b(code.encode(), digest_size=6).digest())


def _properties(row: Feature, hidden: frozenset[str]) -> bytes:
    """Return the row's properties, its commune as joined, without what is hidden."""
    own = row.properties
    if hidden:
        kept = {name: value for name, value in orjson.loads(own).items() if name not in hidden}
        own = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    head = orjson.dumps({"code": row.code, "name": row.name})
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
