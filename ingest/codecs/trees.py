"""A JSON document -> its leaves in its own order, each under the path of its keys.

For formats whose documents have no fixed shape: what a device sends is what it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Final, NamedTuple

from ingest.codecs import Ignored, Outcome, paths
from ingest.codecs.configurable_json import MAX_RECORDS, parse, read
from ioc.domain.errors import PayloadError
from ioc.domain.instant import Micros
from ioc.domain.observation import Decoded, Flag, Quality

MAX_DEPTH: Final = 16  # the deepest known documents, full states of power meters, have 6
TEXT: Final = Ignored("text")
METADATA: Final = Ignored("metadata")
EMPTY: Final = Ignored("empty")
_MAX_UNIT: Final = 32  # characters; a longer "unit" is something else
_JSON_WORDS: Final = {b"nan": b"NaN", b"inf": b"Infinity"}
# printf writes these words, no JSON reader takes them; NaN and Infinity are read by `parse`.
# Texts are matched to be left alone; possessive, so that an open one is walked once.
_PRINTF: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?+|\b(?:nan|inf)\b', re.IGNORECASE | re.DOTALL)


class Leaf(NamedTuple):
    """One value. `key` is the last key that is a word: of an array's element, the array's."""

    path: str  # the keys joined by "/"
    key: str
    value: Any


Found = Leaf | Ignored | PayloadError


@dataclass(frozen=True, slots=True)
class Shape:
    """What a format fixes of its documents.

    `used` are top-level keys that the codec itself reads; `metadata` are keys, or whole paths,
    that describe the device: told once a document and never descended into.
    """

    used: frozenset[str] = frozenset()
    metadata: frozenset[str] = frozenset()


def document(payload: bytes) -> dict[str, Any]:
    """Parse a payload that must be an object; PayloadError as `parse`, and not_of_format."""
    try:
        root = parse(payload)
    except PayloadError as error:
        mended = _PRINTF.sub(_spelled, payload)
        if error.reason != "bad_json" or mended == payload:
            raise
        root = parse(mended)
    if not isinstance(root, dict):
        raise PayloadError("not_of_format", f"{type(root).__name__} where an object belongs")
    return root


def _spelled(word: re.Match[bytes]) -> bytes:
    return _JSON_WORDS.get(word[0].lower(), word[0])


def leaves(root: dict[str, Any], shape: Shape) -> list[Found]:
    """Return every leaf; a branch that is too deep or has no name is refused alone."""
    walk = _Walk(shape)
    try:
        walk.into(root, "", "", 1)
    except PayloadError as error:
        walk.found.append(error)
    return walk.found


@dataclass(slots=True)
class _Walk:
    shape: Shape
    found: list[Found] = field(default_factory=list)
    described: bool = False

    def into(self, node: dict[str, Any] | list[Any], path: str, key: str, depth: int) -> None:
        """Walk one object or array; PayloadError too_many_records."""
        if depth > MAX_DEPTH:
            self.found.append(PayloadError("too_deep", path))
            return
        within = f"{path}/" if path else ""
        array = isinstance(node, list)
        for name, value in _pairs(node):
            if len(self.found) >= MAX_RECORDS:
                raise PayloadError("too_many_records", f"more than {MAX_RECORDS}")
            at = within + name
            if depth == 1 and name in self.shape.used:
                continue
            if name in self.shape.metadata or at in self.shape.metadata:
                self._describe()
            elif not name or len(at) > paths.MAX_NAME or not name.isprintable():
                self.found.append(PayloadError("unnamed_channel", paths.shown(at)))
            elif isinstance(value, (dict, list)):
                self.into(value, at, key if array else name, depth + 1)
            else:
                self.found.append(Leaf(at, key if array else name, value))

    def _describe(self) -> None:
        if not self.described:
            self.described = True
            self.found.append(METADATA)


def _pairs(node: dict[str, Any] | list[Any]) -> Iterable[tuple[str, Any]]:
    if isinstance(node, list):
        return ((str(position), value) for position, value in enumerate(node))
    return node.items()


class Origin(NamedTuple):
    """What the values of one message share. `absent`: what null means."""

    thing: str
    time: Micros | None = None
    flags: Flag = Flag.NONE
    absent: Quality = Quality.MISSING


def outcome(leaf: Leaf, origin: Origin, unit: str | None = None) -> Outcome:
    """Return a leaf as an observation: a boolean as 0 or 1, null as no value; a text is none."""
    value = leaf.value
    if isinstance(value, str):
        return TEXT
    try:
        result = float(value) if isinstance(value, bool) else read(value, None)
    except PayloadError as error:
        return PayloadError(error.reason, f"{leaf.path}: {error.detail}")
    quality = origin.absent if isnan(result) else Quality.GOOD
    return Decoded(origin.thing, leaf.path, origin.time, result, unit, quality, origin.flags)


def unit(raw: Any) -> str | None:  # noqa: ANN401  JSON
    """Return a unit as a device names it, None where it is none."""
    if not isinstance(raw, str):
        return None
    text = raw.strip()
    return text if text and len(text) <= _MAX_UNIT and text.isprintable() else None
