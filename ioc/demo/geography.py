"""The map data that ships, read: the outline, the commune seats, points of interest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from ioc.domain.location import Point, Province, Seat


@dataclass(frozen=True, slots=True)
class Geography:
    """Where things can stand. `pois` are nodes of OpenStreetMap (ODbL), lon lat."""

    province: Province
    pois: tuple[Point, ...]


@cache
def shipped() -> Geography:
    """Return the shipped province; read once, about 10 ms."""
    outline = _features("province_outline")[0]["geometry"]["coordinates"]
    rings = tuple(tuple((lon, lat) for lon, lat in ring) for ring in outline)
    seats = tuple(
        Seat(f["properties"]["code"], f["properties"]["name"], *f["geometry"]["coordinates"])
        for f in _features("commune_seats")
    )
    pois = tuple(
        (lon, lat) for lon, lat in (f["geometry"]["coordinates"] for f in _features("poi"))
    )
    return Geography(Province(rings, seats), pois)


def _features(name: str) -> list[dict[str, Any]]:
    text = files("ioc.demo").joinpath("geo", f"{name}.geojson").read_bytes()
    found: list[dict[str, Any]] = msgspec.json.decode(text)["features"]
    return found
