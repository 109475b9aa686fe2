"""The documents of the API, as values; routes turn them into JSON or HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from ioc.settings import Province
from ioc.text import say
from ioc.web.ogc.collections import Described
from ioc.web.ogc.systems import CRS84, Systems

GEOJSON: Final = "application/geo+json"
JSON: Final = "application/json"
HTML: Final = "text/html"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA: Final = "application/schema+json"
QUERYABLES: Final = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
_PART1: Final = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
CONFORMANCE: Final = (
    f"{_PART1}core",
    f"{_PART1}geojson",
    f"{_PART1}html",
    f"{_PART1}oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
)

Link = dict[str, str]
Document = dict[str, Any]


def link(href: str, rel: str, kind: str, title: str) -> Link:
    return {"href": href, "rel": rel, "type": kind, "title": title}


def both(href: str, wanted: str, kind: str = JSON) -> list[Link]:
    """Return the links of a document to itself and to its other form."""
    mark = "&" if "?" in href else "?"
    forms = {"json": (kind, "JSON"), "html": (HTML, "HTML")}
    return [
        link(f"{href}{mark}f={form}", "self" if form == wanted else "alternate", told, title)
        for form, (told, title) in forms.items()
    ]


def landing(root: str, province: Province, wanted: str) -> Document:
    return {
        "title": say("ogc.title", province=province.name),
        "description": say("ogc.description"),
        "links": [
            *both(root, wanted),
            link(f"{root}/api?f=json", "service-desc", OPENAPI, say("ogc.link.api")),
            link(f"{root}/api?f=html", "service-doc", HTML, say("ogc.link.api")),
            link(f"{root}/conformance", "conformance", JSON, say("ogc.link.conformance")),
            link(f"{root}/collections", "data", JSON, say("ogc.link.collections")),
        ],
    }


def conformance(root: str, wanted: str) -> Document:
    return {"conformsTo": list(CONFORMANCE), "links": both(f"{root}/conformance", wanted)}


def collections(root: str, found: list[Described], systems: Systems, wanted: str) -> Document:
    return {
        "links": both(f"{root}/collections", wanted),
        "crs": [one.uri for one in systems.all],
        "collections": [collection(root, one, systems, wanted, alone=False) for one in found],
    }


def collection(
    root: str, one: Described, systems: Systems, wanted: str, *, alone: bool = True
) -> Document:
    """Return a collection; within the list its systems are those of the list."""
    own = f"{root}/collections/{quote(one.name)}"
    document: Document = {
        "id": one.name,
        "title": one.title,
        "description": one.description,
        "itemType": "feature",
        "crs": [system.uri for system in systems.all] if alone else ["#/crs"],
        "storageCrs": CRS84,
        "links": [
            *both(own, wanted if alone else ""),
            link(f"{own}/items?f=json", "items", GEOJSON, say("ogc.link.items")),
            link(f"{own}/items?f=html", "items", HTML, say("ogc.link.items")),
            link(f"{own}/queryables", QUERYABLES, SCHEMA, say("ogc.link.queryables")),
        ],
    }
    if one.of.bounds is not None:
        document["extent"] = {"spatial": {"bbox": [list(one.of.bounds)], "crs": CRS84}}
    return document


def queryables(root: str, one: Described) -> Document:
    """Return the properties that may be asked by, as a JSON Schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{quote(one.name)}/queryables",
        "type": "object",
        "title": one.title,
        "additionalProperties": False,
        "properties": {
            "geometry": {"title": "geometry", "x-ogc-role": "primary-geometry"}
            | {"format": _FORMATS.get(one.geometry, "geometry-any")},
            **{told.name: _property(told) for told in one.queryables},
        },
    }


_FORMATS: Final = {
    "point": "geometry-point",
    "line": "geometry-linestring-or-multilinestring",
    "area": "geometry-polygon-or-multipolygon",
}


def _property(told: Any) -> Document:  # noqa: ANN401  a Queryable, as openapi has it, too
    document: Document = {"title": told.title, "type": told.type}
    if told.type == "array":
        document["items"] = {"type": "string", "enum": list(told.choices)}
    elif told.choices:
        document["enum"] = list(told.choices)
    return document


def page_links(items: str, kept: Mapping[str, str], after: str | None, wanted: str) -> list[Link]:
    """Return the links of a page: to itself, to its other form, to the next page."""
    asked = urlencode([(name, text) for name, text in kept.items() if name != "f"])
    links = both(f"{items}?{asked}" if asked else items, wanted, GEOJSON)
    if after is not None:
        more = urlencode({**kept, "f": wanted, "after": after})
        kind = GEOJSON if wanted == "json" else HTML
        links.append(link(f"{items}?{more}", "next", kind, say("ogc.link.next")))
    return links
