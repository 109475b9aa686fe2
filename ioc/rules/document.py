"""A YAML file with the line of each of its values, so that a refusal names the place.

The message of every refusal is one line: file, line, what is wrong, what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml
from msgspec import inspect

from ioc.domain.errors import ConfigError
from ioc.rules import durations
from ioc.rules.durations import Seconds

T = TypeVar("T")
Trail = tuple[str | int, ...]  # the way to a value: keys and indices from the root

_PATH: Final = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_TYPES: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "object": "keys with values",
    "array": "a list",
    "date": "a date such as 2026-01-31",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file; `lines` knows where each value stands."""

    path: Path
    value: Any
    lines: Mapping[Trail, int]

    def line(self, trail: Trail) -> int:
        """Return the line of a value, or of the nearest one around it."""
        while trail and trail not in self.lines:
            trail = trail[:-1]
        return self.lines.get(trail, 1)

    def refusal(self, trail: Trail, message: str) -> ConfigError:
        return ConfigError(f"{self.path}:{self.line(trail)}: {message}")

    def convert(self, value: object, kind: type[T], trail: Trail = ()) -> T:
        """Return a part of the file as a struct; ConfigError with file, line and remedy."""
        try:
            return convert(value, kind)
        except msgspec.ValidationError as error:
            below, message = explain(error, kind)
            raise self.refusal(trail + below, message) from error


def read(path: Path) -> Document:
    """Parse a file; ConfigError when it is no YAML or cannot be read."""
    try:
        loader = yaml.SafeLoader(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise _no_yaml(path, error) from error
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(path, None, {})
        lines = dict(_lines(path, node, (), set()))
        return Document(path, loader.construct_document(node), lines)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-02-31
        raise _no_yaml(path, error) from error
    finally:
        loader.dispose()


def _no_yaml(path: Path, error: Exception) -> ConfigError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        said = " ".join(part for part in (error.context, error.problem) if part)
        return ConfigError(f"{path}:{error.problem_mark.line + 1}: no YAML: {said}")
    return ConfigError(f"{path}:1: no YAML: {' '.join(str(error).split())}")


def _lines(path: Path, node: Any, trail: Trail, seen: set[int]) -> Iterator[tuple[Trail, int]]:  # noqa: ANN401  PyYAML's nodes
    if id(node) in seen:  # an alias: its first place is the one to mend
        return
    seen.add(id(node))
    yield trail, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(path, item, (*trail, index), seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, item in node.value:
            name = str(key.value)
            if name in keys and name != "<<":
                line = key.start_mark.line + 1
                raise ConfigError(f"{path}:{line}: key {name!r} stands twice; remove one")
            keys.add(name)
            yield from _lines(path, item, (*trail, name), seen)
            yield (*trail, name), key.start_mark.line + 1


# ---------------------------------------------------------------- values into structs


def convert(value: object, kind: type[T]) -> T:
    """Convert JSON or YAML types, durations among them; raises msgspec.ValidationError."""
    return msgspec.convert(value, kind, dec_hook=_decode)


def builtins(value: object) -> Any:  # noqa: ANN401  JSON
    """Return what a struct is once stored as JSON; durations are numbers of seconds."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_encode))


def _decode(kind: type[Any], written: object) -> object:
    if kind is Seconds:
        return durations.parse(written)
    raise NotImplementedError(kind)


def _encode(value: object) -> object:
    if isinstance(value, Seconds):
        return int(value) if value.is_integer() else float(value)
    raise NotImplementedError(type(value))


def explain(error: msgspec.ValidationError, kind: type[Any]) -> tuple[Trail, str]:
    """Return where in the value an error is and what to write instead."""
    match = _PATH.fullmatch(str(error))
    assert match is not None
    trail: Trail = tuple(name or int(index) for name, index in _STEP.findall(match["path"] or ""))
    what = match["what"]
    place = _at(inspect.type_info(kind), trail)
    if unknown := _UNKNOWN.fullmatch(what):
        return (*trail, unknown[1]), unknown_key(unknown[1], _keys(place))
    if missing := _MISSING.fullmatch(what):
        return trail, f"key {missing[1]!r} is missing; write `{missing[1]}:` with its value"
    named = f"{trail[-1]}: " if trail and isinstance(trail[-1], str) else ""
    return trail, f"{named}{_plain(what, place)}"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the refusal of a key with the nearest known one."""
    near = get_close_matches(key, known, n=1, cutoff=0.6)
    remedy = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(sorted(known))}"
    return f"unknown key {key!r}; {remedy}"


def unknown_value(what: str, value: str, known: Sequence[str]) -> str:
    """Return the refusal of a name that is not among those that exist."""
    near = get_close_matches(value, known, n=1, cutoff=0.6)
    listed = ", ".join(sorted(known)[:12])
    remedy = f"did you mean {near[0]!r}?" if near else f"write one of {listed}"
    return f"unknown {what} {value!r}; {remedy}"


def _plain(what: str, place: inspect.Type | None) -> str:
    if what.startswith("Invalid enum value"):
        return f"{what[0].lower()}{what[1:]}; write one of {', '.join(_choices(place))}"
    found = re.fullmatch(r"Expected `(.*)`, got `(.*)`", what)
    if found is None:
        return what[0].lower() + what[1:]
    wanted = [_TYPES.get(name.strip(), name.strip()) for name in found[1].split("|")]
    choices = _choices(place)
    remedy = f"one of {', '.join(choices)}" if choices else " or ".join(wanted)
    return f"this is {_TYPES.get(found[2], found[2])}; write {remedy}"


def _variants(place: inspect.Type) -> Iterator[inspect.Type]:
    for one in place.types if isinstance(place, inspect.UnionType) else (place,):
        yield one.type if isinstance(one, inspect.Metadata) else one


def _at(place: inspect.Type | None, trail: Trail) -> inspect.Type | None:
    for step in trail:
        if place is None:
            return None
        place = next((found for one in _variants(place) if (found := _below(one, step))), None)
    return place


def _below(place: inspect.Type, step: str | int) -> inspect.Type | None:
    if isinstance(place, inspect.StructType):
        return next((f.type for f in place.fields if f.encode_name == step), None)
    if isinstance(place, (inspect.ListType, inspect.VarTupleType)):
        return place.item_type
    return place.value_type if isinstance(place, inspect.DictType) else None


def _keys(place: inspect.Type | None) -> list[str]:
    if place is None:
        return []
    structs = [one for one in _variants(place) if isinstance(one, inspect.StructType)]
    return [field.encode_name for one in structs for field in one.fields]


def _choices(place: inspect.Type | None) -> list[str]:
    found: list[str] = []
    for one in _variants(place) if place is not None else ():
        if isinstance(one, inspect.EnumType):
            found += [str(member.value) for member in one.cls]
        elif isinstance(one, inspect.LiteralType):
            found += [str(value) for value in one.values]
    return found
