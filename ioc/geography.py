"""The shipped outline and commune seats as the domain wants them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ioc.domain.location import Province, Seat

Feature = dict[str, Any]


def province() -> Province:
    """Read outline and seats; without them every place is inside and has no commune."""
    folder = Path(str(files("ioc"))) / "demo" / "geo"
    return Province(
        tuple(_rings(_features(folder / "province_outline.geojson"))),
        tuple(_seats(_features(folder / "commune_seats.geojson"))),
    )


def _features(path: Path) -> list[Feature]:
    try:
        document = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return []
    found: list[Feature] = document.get("features", [])
    return found


def _rings(features: list[Feature]) -> Iterator[list[tuple[float, float]]]:
    for feature in features:
        shape = feature["geometry"]
        parts = shape["coordinates"]
        for polygon in parts if shape["type"] == "MultiPolygon" else [parts]:
            for ring in polygon:
                yield [(point[0], point[1]) for point in ring]


def _seats(features: list[Feature]) -> Iterator[Seat]:
    for feature in features:
        lon, lat = feature["geometry"]["coordinates"][:2]
        own = feature["properties"]
        yield Seat(str(own["code"]), own["name"], lon, lat)
