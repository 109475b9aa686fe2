"""Features of layers that are one document: what ships with the product and the registry's points.

They have at most some thousand features, so they are filtered in memory.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from ioc.web.queries.features_wanted import LARGEST_PAGE, Item, Page, Wanted

_KEPT: Final = 16  # documents: the built-in layers are seven


@dataclass(frozen=True, slots=True)
class Document:
    """One published version in memory, in the order of its ids."""

    ids: tuple[str, ...]
    places: dict[str, int]
    shapes: NDArray[Any]
    properties: tuple[dict[str, Any], ...]
    fields: tuple[str, ...]

    def page(self, wanted: Wanted) -> Page:
        """Return the features that fit, from `after` on."""
        fits = [index for index in self._near(wanted) if self._has(index, wanted)]
        start = wanted.offset
        if wanted.after:
            place = self.places.get(wanted.after, -1)
            start += sum(index <= place for index in fits)
        limit = min(wanted.limit, LARGEST_PAGE)
        chosen = fits[start : start + limit]
        more = len(fits) > start + limit
        return Page(
            [self._item(index) for index in chosen],
            len(fits),
            self.ids[chosen[-1]] if more and chosen else None,
        )

    def one(self, key: str) -> Item | None:
        """Return a feature by its id; None: no such one."""
        index = self.places.get(key)
        return None if index is None else self._item(index)

    def _near(self, wanted: Wanted) -> list[int]:
        if wanted.area is None:
            return list(range(len(self.ids)))
        found: list[int] = np.flatnonzero(
            shapely.intersects(wanted.area.shape, self.shapes)
        ).tolist()
        return found

    def _has(self, index: int, wanted: Wanted) -> bool:
        own = self.properties[index]
        asked = {**wanted.columns, **wanted.properties}
        return all(_text(own.get(name)) == _text(value) for name, value in asked.items())

    def _item(self, index: int) -> Item:
        shape = self.shapes[index]
        wkb = None if shape is None else shapely.to_wkb(shape)
        return Item(self.ids[index], wkb, orjson.dumps(self.properties[index]))


class Documents:
    """The documents that were asked for, the longest unused ones dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Document] = OrderedDict()

    def get(self, layer: str, version: str) -> Document | None:
        found = self._kept.get((layer, version))
        if found is not None:
            self._kept.move_to_end((layer, version))
        return found

    def read(self, layer: str, version: str, body: bytes) -> Document:
        """Take in a gzipped document; an empty one has no features."""
        found = _document(orjson.loads(gzip.decompress(body))["features"] if body else [])
        self._kept[layer, version] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _document(features: list[dict[str, Any]]) -> Document:
    keyed = sorted(
        (_key(feature, number), number, feature) for number, feature in enumerate(features)
    )
    geometries = [feature.get("geometry") for _, _, feature in keyed]
    texts = [None if one is None else orjson.dumps(one).decode() for one in geometries]
    own = tuple(feature.get("properties") or {} for _, _, feature in keyed)
    names = dict.fromkeys(name for one in own for name in one)
    ids = tuple(key for key, _, _ in keyed)
    return Document(
        ids,
        {key: index for index, key in enumerate(ids)},
        np.asarray(shapely.from_geojson(texts), dtype=object),
        own,
        tuple(names),
    )


def _key(feature: dict[str, Any], number: int) -> str:
    """Return what tells a feature again: its id, its code, or its place in the document."""
    code = (feature.get("properties") or {}).get("code")
    told = feature.get("id")
    return str(told if told is not None else code if code is not None else number + 1)


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
