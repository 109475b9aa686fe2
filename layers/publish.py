"""Rows in, GeoJSON out. Pure: the same content always gives the same bytes and the same version."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import orjson

from ioc.domain.layer import PointFeature, Published

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
    body = orjson.dumps(document)
    version = sha256(body).hexdigest()[:_VERSION_DIGITS]
    return Published(version, body, len(features), attribution)
