"""A part of a file for a person to look at on the map before it is taken in. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson
import shapely

from ioc.domain.layer import Feature
from ioc.vn2000 import Coordinates
from layers.crs import Candidate, Choice
from layers.diff import Diff

MOST: Final = 2_000  # features of the file: the eye sees no more, a browser draws them at once
MOST_REMOVED: Final = 500
_SPOTS: Final = 300  # points of each system that fits
_SYSTEMS: Final = 4  # the best ones, swapped axes counted for themselves
_TOLERANCE: Final = 0.0005  # degrees, 55 m: areas and lines as a map of the province shows them
_DECIMALS: Final = 5


def candidates(xy: Coordinates, choice: Choice) -> list[dict[str, Any]]:
    """Return where each system that fits would put the file's rows."""
    sample = xy[:: max(1, len(xy) // _SPOTS)]
    fitting = [one for one in choice.candidates if one.possible][:_SYSTEMS]
    return [_spots(sample, one, number) for number, one in enumerate(fitting)]


def difference(
    new: Mapping[str, Feature], diff: Diff, gone: Iterable[Feature]
) -> list[dict[str, Any]]:
    """Return the rows that change the layer first, then others, then those that it loses."""
    changes = dict.fromkeys(diff.added, "added") | dict.fromkeys(diff.changed, "changed")
    ordered = list(dict.fromkeys(chain(diff.changed, diff.added, new)))[:MOST]
    shown = [(new[code], changes.get(code, "unchanged")) for code in ordered]
    shown += [(feature, "removed") for feature in gone]
    return [_feature(feature, change) for feature, change in shown]


def document(shown: list[dict[str, Any]]) -> bytes:
    """Return what is shown as gzipped GeoJSON."""
    return gzip.compress(orjson.dumps({"type": "FeatureCollection", "features": shown}), mtime=0)


def _spots(xy: Coordinates, one: Candidate, number: int) -> dict[str, Any]:
    lonlat = one.system.lonlat(xy if one.axes == "xy" else xy[:, ::-1])
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)].round(_DECIMALS)
    told = {"change": "candidate", "candidate": number, "epsg": one.system.epsg, "axes": one.axes}
    return {
        "type": "Feature",
        "properties": told,
        "geometry": {"type": "MultiPoint", "coordinates": lonlat.tolist()},
    }


def _feature(feature: Feature, change: str) -> dict[str, Any]:
    shape = shapely.simplify(shapely.from_wkb(feature.shape), _TOLERANCE)
    rounded = shapely.transform(shape, lambda xy: xy.round(_DECIMALS))
    return {
        "type": "Feature",
        "properties": {"change": change, "code": feature.code, "name": feature.name},
        "geometry": orjson.loads(shapely.to_geojson(rounded)),
    }
