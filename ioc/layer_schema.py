"""What a layer is made of: `config/layers/*.yaml`, one file a layer, `common.yaml` for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ioc.domain.errors import ConfigError
from ioc.domain.naming import fold
from ioc.settings import read_yaml

_COMMON: Final = "common"

Kind = Literal["text", "number", "integer", "flag", "date", "choice", "choices"]
Shape = Literal["point", "line", "area", "any"]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One attribute; `hidden` is never published. `values`: canonical value -> other spellings."""

    name: str
    vi: str
    en: str
    kind: Kind = "text"
    names: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]] = {}
    hidden: bool = False

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Return folded spelling -> canonical value."""
        return {
            fold(spelling): value
            for value, others in self.values.items()
            for spelling in (value, *others)
        }

    @cached_property
    def folded(self) -> frozenset[str]:
        """Return every folded name that a column of this field may have."""
        return frozenset(fold(name) for name in (self.name, self.vi, self.en, *self.names))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: dict[Literal["vi", "en"], str]
    geometry: Shape
    fields: tuple[Field, ...]
    names: tuple[str, ...] = ()
    anywhere: bool = False
    coverage: bool = False


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fields: tuple[Field, ...]


class Schema(msgspec.Struct, frozen=True):
    """One layer. `anywhere`: may lie outside the province. `coverage`: areas share borders."""

    name: str
    title: Mapping[Literal["vi", "en"], str]
    geometry: Shape
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    anywhere: bool
    coverage: bool

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    @property
    def hidden(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.hidden)


def load(folder: Path) -> dict[str, Schema]:
    """Return every layer's schema by name; ConfigError names the file and the fault."""
    common = _convert(folder / f"{_COMMON}.yaml", _Common).fields
    files = sorted(path for path in folder.glob("*.yaml") if path.stem != _COMMON)
    return {path.stem: _schema(path, common) for path in files}


def meant(schemas: Mapping[str, Schema], names: Iterable[str]) -> Schema | None:
    """Return the layer that a file's or an inner layer's name tells: the longest name in it."""
    best: tuple[int, Schema] | None = None
    for name in names:
        told = f"_{fold(name)}_"
        for schema in schemas.values():
            for known in (schema.name, *schema.names):
                if f"_{fold(known)}_" in told and (best is None or len(known) > best[0]):
                    best = (len(known), schema)
        if best is not None:
            return best[1]
    return None


def _schema(path: Path, common: tuple[Field, ...]) -> Schema:
    file = _convert(path, _File)
    own = {field.name: _joined(field, common) for field in file.fields}
    if len(own) != len(file.fields):
        raise ConfigError(f"{path}: two fields have one name")
    fields = (*own.values(), *(field for field in common if field.name not in own))
    return Schema(
        path.stem, file.title, file.geometry, fields, file.names, file.anywhere, file.coverage
    )


def _joined(field: Field, common: tuple[Field, ...]) -> Field:
    """Return a field with the names that the common one of its name has, too."""
    shared = next((other for other in common if other.name == field.name), None)
    if shared is None:
        return field
    names = (*field.names, shared.vi, *shared.names)
    return msgspec.structs.replace(field, names=names)


def _convert(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(read_yaml(path), kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
