"""The OpenAPI 3.0 description of what this server answers, its collections by name."""

from __future__ import annotations

from typing import Any, Final

from ioc.settings import Province
from ioc.text import say
from ioc.web.ogc.collections import Described, Queryable
from ioc.web.ogc.documents import GEOJSON, HTML, JSON, SCHEMA
from ioc.web.ogc.systems import Systems
from ioc.web.queries.features_wanted import DEFAULT_PAGE, LARGEST_PAGE

Document = dict[str, Any]

_FORM: Final = {"$ref": "#/components/parameters/f"}


def description(
    root: str, province: Province, found: list[Described], systems: Systems
) -> Document:
    paths: Document = {
        "/": _get("landing", say("ogc.link.landing"), JSON),
        "/api": _get("api", say("ogc.link.api"), "application/vnd.oai.openapi+json;version=3.0"),
        "/conformance": _get("conformance", say("ogc.link.conformance"), JSON),
        "/collections": _get("collections", say("ogc.link.collections"), JSON),
    }
    for one in found:
        paths |= _paths(one)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": say("ogc.title", province=province.name),
            "description": say("ogc.description"),
            "version": "1.0",
        },
        "servers": [{"url": root}],
        "paths": paths,
        "components": {"parameters": _parameters(systems), "responses": _refusals()}
        | {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


def _paths(one: Described) -> Document:
    own = f"/collections/{one.name}"
    asked = ["limit", "offset", "bbox", "bbox-crs", "crs", "datetime"]
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in asked]
    parameters += [_filter(told) for told in one.queryables]
    items = _get(f"{one.name}.items", one.title, GEOJSON)
    items["get"]["parameters"] += parameters
    feature = _get(f"{one.name}.feature", one.title, GEOJSON)
    feature["get"]["parameters"] += [
        {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}},
        {"$ref": "#/components/parameters/crs"},
    ]
    feature["get"]["responses"]["404"] = {"$ref": "#/components/responses/404"}
    return {
        own: _get(one.name, one.title, JSON),
        f"{own}/queryables": _get(f"{one.name}.queryables", say("ogc.link.queryables"), SCHEMA),
        f"{own}/items": items,
        f"{own}/items/{{featureId}}": feature,
    }


def _get(name: str, summary: str, kind: str) -> Document:
    content: Document = {kind: {"schema": {"type": "object"}}}
    if kind != SCHEMA:
        content[HTML] = {"schema": {"type": "string"}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": [_FORM],
            "responses": {
                "200": {"description": summary, "content": content},
                "400": {"$ref": "#/components/responses/400"},
                "401": {"$ref": "#/components/responses/401"},
                "503": {"$ref": "#/components/responses/503"},
            },
        }
    }


def _filter(told: Queryable) -> Document:
    kind = "string" if told.type == "array" else told.type
    schema: Document = {"type": kind}
    if told.choices:
        schema["enum"] = list(told.choices)
    return {
        "name": told.name, "in": "query", "required": False, "style": "form", "explode": False,
        "description": told.title, "schema": schema,
    }  # fmt: skip


def _parameters(systems: Systems) -> Document:
    uris = [one.uri for one in systems.all]

    def query(name: str, schema: Document) -> Document:
        found = {"name": name, "in": "query", "required": False, "schema": schema}
        return found | {"style": "form", "explode": False}

    page = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE}
    box = {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    }
    return {
        "f": query("f", {"type": "string", "enum": ["json", "html"]}),
        "limit": query("limit", page),
        "offset": query("offset", {"type": "integer", "minimum": 0, "default": 0}),
        "bbox": query("bbox", box),
        "bbox-crs": query("bbox-crs", {"type": "string", "format": "uri", "enum": uris}),
        "crs": query("crs", {"type": "string", "format": "uri", "enum": uris}),
        "datetime": query("datetime", {"type": "string"}),
    }


def _refusals() -> Document:
    content = {"application/problem+json": {"schema": {"type": "object"}}}
    return {
        str(status): {"description": say(f"ogc.status.{status}"), "content": content}
        for status in (400, 401, 404, 503)
    }
