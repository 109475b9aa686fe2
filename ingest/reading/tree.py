"""A parsed document -> its leaves in its own order, each under the path of its keys.

For formats whose documents have no fixed shape: what a device or its server sends is what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, NamedTuple, TypeAlias

from ingest.codec import METADATA, TEXT, Ignored
from ingest.reading import json_values, measured, paths
from ioc.domain.errors import PayloadError

MAX_DEPTH: Final = 16  # the deepest known documents, full states of power meters, have 6
MAX_VALUES: Final = json_values.MAX_RECORDS  # the same bound: one message, one transaction


class Leaf(NamedTuple):
    """One value as sent. `key`: the last key that is a word, of an array's element the array's."""

    path: str  # the keys joined by "/"
    key: str
    value: Any


Found: TypeAlias = Leaf | Ignored | PayloadError
Value: TypeAlias = tuple[str, float | Ignored | PayloadError]
Text: TypeAlias = Callable[[str, str], float | None]  # path, text -> a number, None: it is a text


@dataclass(frozen=True, slots=True)
class Shape:
    """What a format fixes of its documents.

    `used` are top-level keys that the codec itself reads; `metadata` are keys, or whole paths,
    that describe the device: told once a document and never descended into.
    """

    used: frozenset[str] = frozenset()
    metadata: frozenset[str] = frozenset()


_FREE: Final = Shape()


def leaves(root: dict[str, Any], shape: Shape) -> list[Found]:
    """Return every leaf as sent; a branch that is too deep or has no name is refused alone.

    Beyond MAX_VALUES the rest is refused as one.
    """
    walk = _Walk(Leaf, lambda _path, error: error, shape)
    try:
        walk.into(root, "", "", 1)
    except PayloadError as error:
        walk.found.append(error)
    return walk.found


def no_number(_path: str, _text: str) -> float | None:
    """Read no text as a number: the format has numbers for that."""
    return None


def values(tree: Any, text: Text = no_number, prefix: str = "") -> list[Value]:  # noqa: ANN401
    """Return (path, number) of an object or a list; PayloadError too_many_records.

    Booleans are 0 and 1, null is NaN, texts are ignored unless `text` finds a number in them.
    """

    def number(path: str, _key: str, raw: Any) -> Value:  # noqa: ANN401  JSON
        if isinstance(raw, float) and isfinite(raw):  # nearly all of them
            return path, raw
        return path, _number(path, raw, text)

    walk = _Walk(number, lambda path, error: (path, error), _FREE)
    walk.into(tree, prefix.removesuffix("/"), "", 1)
    return walk.found


def _number(path: str, raw: Any, text: Text) -> float | Ignored | PayloadError:  # noqa: ANN401  JSON
    if isinstance(raw, bool):
        return float(raw)
    if isinstance(raw, str):
        number = text(path, raw)
        return TEXT if number is None else number
    try:
        return json_values.read(raw)
    except PayloadError as error:
        return measured.readable(error, path)


@dataclass(slots=True)
class _Walk:
    """Walks a document. `take` (path, key, value) and `refuse` (path, error) make what is found."""

    take: Callable[[str, str, Any], Any]
    refuse: Callable[[str, PayloadError], Any]
    shape: Shape
    found: list[Any] = field(default_factory=list)
    described: bool = False

    def into(self, node: Any, path: str, key: str, depth: int) -> None:  # noqa: ANN401  JSON
        """Walk one object or array; PayloadError too_many_records."""
        if depth > MAX_DEPTH:
            self.found.append(self.refuse(path, PayloadError("too_deep", paths.shown(path))))
            return
        within = f"{path}/" if path else ""
        array = isinstance(node, list)
        described = self.shape is not _FREE
        for name, value in _pairs(node):
            if len(self.found) >= MAX_VALUES:
                raise PayloadError("too_many_records", f"more than {MAX_VALUES} values")
            at = within + name
            if described and self._is_known(name, at, depth):
                continue
            if not name or len(at) > paths.MAX_NAME or not name.isprintable():
                error = PayloadError("unnamed_channel", paths.shown(at))
                self.found.append(self.refuse(at, error))
            elif isinstance(value, (dict, list)):
                self.into(value, at, key if array else name, depth + 1)
            else:
                self.found.append(self.take(at, key if array else name, value))

    def _is_known(self, name: str, at: str, depth: int) -> bool:
        """Say whether a key is the codec's own, or describes the device."""
        if depth == 1 and name in self.shape.used:
            return True
        if name not in self.shape.metadata and at not in self.shape.metadata:
            return False
        if not self.described:
            self.described = True
            self.found.append(METADATA)
        return True


def _pairs(node: dict[str, Any] | list[Any]) -> Iterable[tuple[str, Any]]:
    if isinstance(node, list):
        return ((str(position), value) for position, value in enumerate(node))
    return node.items()
