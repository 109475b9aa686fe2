"""What a collection is called and what it can be asked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ioc.layer_schema import Field, Schema
from ioc.text import DEFAULT, say, words
from ioc.web.queries.features_wanted import Collection

Type = Literal["string", "number", "integer", "boolean", "array"]

THINGS: Final = "things"
_COLUMNS: Final = ("code", "name", "commune_code", "commune_name")
_KINDS: Final[Mapping[str, Type]] = {
    "number": "number", "integer": "integer", "flag": "boolean", "choices": "array",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Queryable:
    """A property that features can be chosen by; `column`: the database has it apart."""

    name: str
    title: str
    type: Type = "string"
    choices: tuple[str, ...] = ()
    column: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """A collection with its words. `hidden`: fields that nobody may read off the map."""

    of: Collection
    title: str
    description: str
    geometry: str
    queryables: tuple[Queryable, ...]
    hidden: frozenset[str] = field(default=frozenset())

    @property
    def name(self) -> str:
        return self.of.name

    def queryable(self, name: str) -> Queryable | None:
        return next((one for one in self.queryables if one.name == name), None)


def described(of: Collection, schema: Schema | None, fields: tuple[str, ...]) -> Described:
    """Return a collection as it is told about; `fields` are those of a document that ships."""
    if of.name == THINGS:
        return Described(of, say("ogc.things"), say("ogc.things_say"), "point", _of_things())
    title = schema.title["vi"] if schema else words(DEFAULT).get(f"ogc.shipped.{of.name}", of.name)
    if of.imported and schema is not None:
        told = tuple(_queryable(one) for one in schema.fields if not one.hidden)
        told = tuple(one for one in told if one.name not in _COLUMNS)
        own = tuple(Queryable(name, _title(schema, name), column=True) for name in _COLUMNS)
        say_what = say("ogc.imported_say", count=of.features)
        return Described(of, title, say_what, schema.geometry, (*own, *told), schema.hidden)
    asked = tuple(Queryable(name, name) for name in fields)
    say_what = f"{say('ogc.shipped_say')} {of.attribution}".strip()
    return Described(of, title, say_what, "any", asked)


def _title(schema: Schema, name: str) -> str:
    found = schema.field(name)
    return name if found is None else found.vi


def _queryable(one: Field) -> Queryable:
    return Queryable(one.name, one.vi, _KINDS.get(one.kind, "string"), tuple(one.values))


def _of_things() -> tuple[Queryable, ...]:
    names = ("external_id", "name", "kind", "feed", "commune_code", "commune_name")
    texts = tuple(Queryable(name, say(f"ogc.thing.{name}"), column=True) for name in names)
    return (*texts, Queryable("simulated", say("ogc.thing.simulated"), "boolean"))
