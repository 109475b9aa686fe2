"""The map data that ships with the product, as GeoJSON documents."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

_FILES: Final = {  # the layer's name -> its file
    "province": "province_outline",
    "neighbours": "neighbours",
    "communes": "communes_approx",
    "water": "water",
    "zones": "zones",
    "seats": "commune_seats",  # no layer of the map: what communes are told by until areas come
}


def shipped(layer: str) -> bytes:
    """Return the GeoJSON document of a base layer that ships with the product."""
    # By name, not by import: the map data lie in a sibling package.
    return files("ioc").joinpath("demo", "geo", f"{_FILES[layer]}.geojson").read_bytes()
