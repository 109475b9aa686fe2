"""Features to GeoJSON, joined as bytes: a page of ten thousand is not parsed again."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import orjson
import shapely

from ioc.web.ogc.documents import Link
from ioc.web.ogc.systems import Served
from ioc.web.queries.features_wanted import Item, Page


def collection(page: Page, served: Served, links: list[Link], now: datetime) -> bytes:
    """Return a page as a FeatureCollection."""
    head = {
        "type": "FeatureCollection",
        "timeStamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "numberMatched": page.matched,
        "numberReturned": len(page.items),
        "links": links,
    }
    return orjson.dumps(head)[:-1] + b',"features":[' + b",".join(_each(page.items, served)) + b"]}"


def single(item: Item, served: Served, links: list[Link]) -> bytes:
    """Return one feature with its links."""
    (body,) = _each([item], served)
    return body[:-1] + b',"links":' + orjson.dumps(links) + b"}"


def _each(items: list[Item], served: Served) -> list[bytes]:
    shapes = np.asarray(shapely.from_wkb([item.shape for item in items]), dtype=object)
    texts = shapely.to_geojson(served.shapes(shapes)) if len(items) else ()
    return [
        b'{"type":"Feature","id":%s,"geometry":%s,"properties":%s}'
        % (orjson.dumps(item.id), b"null" if text is None else text.encode(), item.properties)
        for item, text in zip(items, texts, strict=True)
    ]
