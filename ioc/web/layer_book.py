"""What a page says of layers: titles and fields by `config/layers/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ioc.domain.errors import ConfigError
from ioc.settings import read_yaml

_COMMON: Final = "common"


class Field(msgspec.Struct, frozen=True):
    name: str
    vi: str
    hidden: bool = False


class Layer(msgspec.Struct, frozen=True):
    """A layer as its file has it; what only the worker needs is passed over."""

    title: dict[str, str]
    geometry: str
    fields: tuple[Field, ...] = ()


class _Common(msgspec.Struct, frozen=True):
    fields: tuple[Field, ...]


def load(config_dir: Path) -> dict[str, Layer]:
    """Return every layer by name, its own fields before those that all have."""
    folder = config_dir / "layers"
    common = _convert(folder / f"{_COMMON}.yaml", _Common).fields
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.stem != _COMMON:
            own = _convert(path, Layer)
            names = {field.name for field in own.fields}
            rest = tuple(field for field in common if field.name not in names)
            found[path.stem] = msgspec.structs.replace(own, fields=own.fields + rest)
    return found


def shown(book: Mapping[str, Layer]) -> dict[str, Any]:
    """Return what a page's script is told: {layer: {title, geometry, fields: {name: title}}}."""
    return {
        name: {
            "title": layer.title["vi"],
            "geometry": layer.geometry,
            "fields": {field.name: field.vi for field in layer.fields},
        }
        for name, layer in book.items()
    }


def _convert(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(read_yaml(path), kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
