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
MAX_UNIT: Final = 40  # "µmol/(m²·s)" is 11; beyond it somebody writes prose
MAX_SHOWN: Final = 80  # characters of a device's text in a refusal
MAX_BITS: Final = 1024  # of an integer; no float holds more
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
    """Return a function that finds the device's own id: a path, or a text with parts in braces.

    `{part}` is a part of the topic, `{.path}` a path. Raises ConfigError for a part that the topic
    does not name; the function raises PayloadError("no_thing") and ("bad_thing").
    """
    wanted = _BRACES.findall(template)
    if not wanted:
        get = getter(template)
        return lambda _parts, record, root: named(_either(get, record, root))
    inner = {part: getter(part[1:]) for part in wanted if part.startswith(".")}
    for part in wanted:
        if part not in names and part not in inner:
            raise ConfigError(f"thing {template!r}: the topic has no part {{{part}}}")
    if inner:
        return lambda parts, record, root: named(_filled(template, inner, parts, record, root))
    if template == "{" + wanted[0] + "}":
        only = wanted[0]
        return lambda parts, _record, _root: named(parts[only])
    return lambda parts, _record, _root: named(_BRACES.sub(lambda m: parts[m[1]], template))


def _filled(
    template: str,
    inner: Mapping[str, Getter],
    parts: Mapping[str, str],
    record: Any,  # noqa: ANN401  JSON
    root: Any,  # noqa: ANN401  JSON
) -> str:
    """Fill braces; what the payload gives must be a name by itself, so no part can be empty."""
    own = {part: named(_either(get, record, root)) for part, get in inner.items()}
    return _BRACES.sub(lambda m: own.get(m[1]) or parts[m[1]], template)


def _either(get: Getter, record: Any, root: Any) -> Any:  # noqa: ANN401  JSON
    found = get(record)
    return get(root) if found is ABSENT and root is not record else found


def either(get: Getter) -> Callable[[Any, Any], Any]:
    """Return a function (record, payload) -> value: the record's own, else the payload's."""
    return lambda record, root: _either(get, record, root)


def named(raw: Any) -> str:  # noqa: ANN401  JSON
    """Return a device's own id; PayloadError no_thing, bad_thing."""
    if raw is ABSENT or raw is None or isinstance(raw, (bool, float, dict, list)):
        raise PayloadError("no_thing")
    if is_huge(raw):
        raise PayloadError("bad_thing", shown(raw))
    text = str(raw).strip()
    if not text:
        raise PayloadError("no_thing")
    if len(text) > MAX_NAME or not text.isprintable():
        raise PayloadError("bad_thing", shown(text))
    return text


def channel(raw: Any, where: str = "") -> str:  # noqa: ANN401  JSON
    """Return the name of a channel that the data bring; PayloadError unnamed_channel, bad_name.

    `where` tells which one it is when it has no name.
    """
    text = raw.strip() if isinstance(raw, str) else ""
    if not text:
        raise PayloadError("unnamed_channel", where)
    if len(text) > MAX_NAME or not text.isprintable():
        raise PayloadError("bad_name", shown(text))
    return text


def unit(raw: Any) -> str | None:  # noqa: ANN401  JSON
    """Return a unit as sent, None where none was; PayloadError("bad_name")."""
    text = raw.strip() if isinstance(raw, str) else ""
    if len(text) > MAX_UNIT or not text.isprintable():
        raise PayloadError("bad_name", shown(text))
    return text or None


def shown(raw: Any, length: int = MAX_SHOWN) -> str:  # noqa: ANN401  JSON
    """Return what a refusal can quote of a value: short, fit for a log, a screen, a database.

    What is nested or huge is named only: its repr() raises RecursionError or ValueError.
    """
    if isinstance(raw, (dict, list)):
        return "an object" if isinstance(raw, dict) else "a list"
    if is_huge(raw):
        return "a number beyond any"
    text = (raw if isinstance(raw, str) else repr(raw))[:length]
    return text if text.isprintable() else text.encode("unicode_escape").decode()[:length]


def is_huge(raw: Any) -> bool:  # noqa: ANN401  JSON
    """Say whether a value is an integer that no float holds; Python does not print some of them."""
    return isinstance(raw, int) and raw.bit_length() > MAX_BITS
