"""The values of an object that a device or its server filled freely, with their raw key paths."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final, TypeAlias

from ingest.codecs import Ignored, configurable_json, paths
from ioc.domain.errors import PayloadError

MAX_DEPTH: Final = 16  # objects of real decoders nest three or four deep
MAX_VALUES: Final = configurable_json.MAX_RECORDS  # the same bound: one message, one transaction

Leaf: TypeAlias = tuple[str, float | Ignored | PayloadError]
Text: TypeAlias = Callable[[str, str], float | None]  # path, text -> a number, None: it is a text
MAX_DETAIL: Final = 200  # characters
_SHOWN: Final = 80  # characters of a path in a refusal


def no_number(_path: str, _text: str) -> float | None:
    """Read no text as a number: the format has numbers for that."""
    return None


def leaves(tree: Any, text: Text = no_number, prefix: str = "") -> list[Leaf]:  # noqa: ANN401
    """Return (path, value) in the object's own order; a list's keys are its indices from 0.

    Booleans are 0 and 1, null is NaN, texts are ignored unless `text` finds a number in them.
    Raises PayloadError("too_many_records") after MAX_VALUES.
    """
    found: list[Leaf] = []
    _walk(found, tree, prefix, 1, text)
    return found


def _walk(found: list[Leaf], tree: Any, prefix: str, depth: int, text: Text) -> None:  # noqa: ANN401
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        path = f"{prefix}{key}"
        if key == "" or len(path) > paths.MAX_NAME or not path.isprintable():
            found.append((path[:_SHOWN], PayloadError("unnamed_channel", shown(path))))
        elif not isinstance(value, (dict, list)):
            found.append((path, _leaf(path, value, text)))
        elif depth < MAX_DEPTH:
            _walk(found, value, f"{path}/", depth + 1, text)
        else:
            found.append((path, PayloadError("too_deep", shown(path))))
        if len(found) > MAX_VALUES:
            raise PayloadError("too_many_records", f"more than {MAX_VALUES} values")


def _leaf(path: str, raw: Any, text: Text) -> float | Ignored | PayloadError:  # noqa: ANN401  JSON
    if isinstance(raw, float) and isfinite(raw):  # nearly all of them
        return raw
    if isinstance(raw, bool):
        return float(raw)
    if isinstance(raw, str):
        number = text(path, raw)
        return Ignored("text") if number is None else number
    try:
        return configurable_json.read(raw, None)
    except PayloadError as error:
        return readable(error, path)


def shown(text: Any, length: int = _SHOWN) -> str:  # noqa: ANN401  JSON
    """Return a text of a device as a refusal can carry it: short, no NUL, no lone surrogate."""
    cut = str(text)[:length]
    return cut if cut.isprintable() else ascii(cut)


def label(raw: Any) -> str | None:  # noqa: ANN401  JSON
    """Return a name for people, None where it is none."""
    shown = raw.strip()[: paths.MAX_NAME] if isinstance(raw, str) else ""
    return shown if shown and shown.isprintable() else None


def readable(error: PayloadError, where: str = "") -> PayloadError:
    """Return a refusal whose detail can be stored and printed, whatever was in the message."""
    detail = shown(error.detail, MAX_DETAIL)
    return PayloadError(error.reason, f"{shown(where)}: {detail}" if where else detail)


def number_in(text: str) -> float | None:
    """Return the number that a text is, NaN for a word for "no value", None for other texts."""
    try:
        return configurable_json.read(text, None)
    except PayloadError:
        return None
