"""What a page's script is told of layers: titles and fields by `config/layers/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.layer_schema import Schema


def shown(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Return {layer: {title, geometry, fields: {name: title}}}."""
    return {
        name: {
            "title": schema.title["vi"],
            "geometry": schema.geometry,
            "fields": {field.name: field.vi for field in schema.fields},
        }
        for name, schema in schemas.items()
    }
