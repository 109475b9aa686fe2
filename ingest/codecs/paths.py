"""Dotted paths into parsed JSON, compiled once for each feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ioc.domain.errors import ConfigError, PayloadError

ABSENT: Final = object()
Getter = Callable[[Any], Any]
Name = Callable[[Mapping[str, str], Any, Any], str]  # topic parts, record, payload -> id of a thing

MAX_NAME: Final = 200  # the column's own limit
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


def joined(path: str | Sequence[str]) -> str:
    """Return a path as the raw name of a datastream: its keys joined by "/"."""
    return "/".join(keys(path))


def keys(path: str | Sequence[str]) -> tuple[str, ...]:
    """Return the keys of a path."""
    return tuple(path.split(".")) if isinstance(path, str) else tuple(path)


def getter(path: str | Sequence[str]) -> Getter:
    """Return a function document -> value or ABSENT. A list is a path whose keys hold dots.

    A part of digits is an index where the document has an array there.
    """
    wanted = keys(path)
    if not wanted or not all(wanted):
        raise ConfigError(f"path {path!r} has an empty part")
    if len(wanted) == 1:
        key = wanted[0]
        return lambda document: _step(document, key)
    return lambda document: _walk(document, wanted)


def _walk(document: Any, keys: tuple[str, ...]) -> Any:  # noqa: ANN401  JSON
    for key in keys:
        document = _step(document, key)
        if document is ABSENT:
            return ABSENT
    return document


def _step(document: Any, key: str) -> Any:  # noqa: ANN401  JSON
    if isinstance(document, dict):
        return document.get(key, ABSENT)
    if isinstance(document, list) and key.isdecimal() and int(key) < len(document):
        return document[int(key)]
    return ABSENT


def name(template: str, names: Sequence[str]) -> Name:
    """Return a function that finds the device's own id: topic parts in braces, or a path.

    Raises ConfigError for a part that the topic does not name; the function raises
    PayloadError("no_thing") and ("bad_thing").
    """
    wanted = _BRACES.findall(template)
    if not wanted:
        get = getter(template)
        return lambda _parts, record, root: _named(_either(get, record, root))
    for part in wanted:
        if part not in names:
            raise ConfigError(f"thing {template!r}: the topic has no part {{{part}}}")
    if template == "{" + wanted[0] + "}":
        only = wanted[0]
        return lambda parts, _record, _root: _named(parts[only])
    return lambda parts, _record, _root: _named(_BRACES.sub(lambda m: parts[m[1]], template))


def _either(get: Getter, record: Any, root: Any) -> Any:  # noqa: ANN401  JSON
    found = get(record)
    return get(root) if found is ABSENT and root is not record else found


def either(get: Getter) -> Callable[[Any, Any], Any]:
    """Return a function (record, payload) -> value: the record's own, else the payload's."""
    return lambda record, root: _either(get, record, root)


def _named(raw: Any) -> str:  # noqa: ANN401  JSON
    if raw is ABSENT or raw is None or isinstance(raw, (bool, float, dict, list)):
        raise PayloadError("no_thing")
    text = str(raw).strip()
    if not text:
        raise PayloadError("no_thing")
    if len(text) > MAX_NAME or not text.isprintable():
        raise PayloadError("bad_thing", text[:MAX_NAME].encode("unicode_escape").decode())
    return text
