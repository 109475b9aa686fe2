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
MAX_SHOWN: Final = 80  # characters of a bad value in a refusal
MAX_BITS: Final = 1024  # of an integer; no float holds more
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


def shown(raw: Any) -> str:  # noqa: ANN401  JSON
    """Return what a refusal can quote of a value: short, and storable whatever the value is.

    What is nested or huge is named only: repr() of it raises RecursionError or ValueError.
    """
    if isinstance(raw, (dict, list)):
        return "an object" if isinstance(raw, dict) else "an array"
    if isinstance(raw, int) and raw.bit_length() > MAX_BITS:
        return "a number beyond any"
    text = raw if isinstance(raw, str) else repr(raw)
    return text[:MAX_SHOWN].encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def joined(path: str | Sequence[str]) -> str:
    """Return a path as the raw name of a datastream: its keys joined by "/"."""
    return "/".join(path.split(".") if isinstance(path, str) else path)


def getter(path: str | Sequence[str]) -> Getter:
    """Return a function document -> value or ABSENT. A list is a path whose keys hold dots.

    A part of digits is an index where the document has an array there.
    """
    keys = tuple(path.split(".")) if isinstance(path, str) else tuple(path)
    if not keys or not all(keys):
        raise ConfigError(f"path {path!r} has an empty part")
    if len(keys) == 1:
        key = keys[0]
        return lambda document: _step(document, key)
    return lambda document: _walk(document, keys)


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
