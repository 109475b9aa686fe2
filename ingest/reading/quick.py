"""A typed reader for the common shape of a JSON feed: numbers at fixed places of one object.

msgspec decodes straight into a struct made for the feed, an order faster than a generic tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from ioc.domain.instant import from_datetime

# By size: seconds until the year 5138, milliseconds from 1973 on, microseconds.
_SCALES: Final = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_FACTORS: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}

Path: TypeAlias = tuple[str, ...]
Read: TypeAlias = Callable[[bytes], tuple[int, Sequence[float]]]
ReadOne: TypeAlias = Callable[[bytes], tuple[int, float]]
Tree: TypeAlias = "Mapping[str, Tree | type]"


def readers(
    time: Path, time_format: str, values: Sequence[Path]
) -> tuple[Read, ReadOne | None] | None:
    """Return a reader of a message's time and values at the given key paths.

    With it comes a leaner one where there is a single value. None where the feed's shape has no
    quick reader: a time by pattern, a number in a path (it may be an index), a path below another.
    The readers raise ValueError for any other message.
    """
    scale = _scale(time_format)
    paths = [time, *values]
    if scale is None or any(key.isdecimal() for path in paths for key in path):
        return None
    if any(i != j and a == b[: len(a)] for i, a in enumerate(paths) for j, b in enumerate(paths)):
        return None
    kind = {"auto": int | str, "iso": str}.get(time_format, int)
    tree = _tree([(time, kind), *((path, float) for path in values)])
    decode = msgspec.json.Decoder(_struct(tree)).decode
    get_time = _getter(tree, time)
    getters = [_getter(tree, path) for path in values]

    def read(payload: bytes) -> tuple[int, Sequence[float]]:
        record = decode(payload)
        found = [get(record) for get in getters]
        if not all(map(isfinite, found)):
            raise ValueError
        return scale(get_time(record)), found

    if len(getters) > 1:
        return read, None
    get = getters[0]

    def read_one(payload: bytes) -> tuple[int, float]:
        record = decode(payload)
        value = get(record)
        if value - value != 0.0:  # infinite
            raise ValueError
        return scale(get_time(record)), value

    return read, read_one


def _scale(time_format: str) -> Callable[[Any], int] | None:
    if time_format in {"auto", "iso"}:
        return _by_kind
    factor = _FACTORS.get(time_format)
    return None if factor is None else (lambda count: count * factor)


def _by_kind(time: int | str) -> int:
    if isinstance(time, str):
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None or len(time) < len("2026-11-22T08+07"):
            raise ValueError  # the feed's zone is the business of the whole way
        return from_datetime(moment)
    for limit, factor in _SCALES:
        if -limit < time < limit:
            return time * factor
    return time // 1000


def _tree(leaves: Sequence[tuple[Path, Any]]) -> dict[str, Any]:
    """Return nested mappings of keys down to the types at the paths' ends."""
    root: dict[str, Any] = {}
    for path, kind in leaves:
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = kind
    return root


def _struct(tree: Mapping[str, Any]) -> type[msgspec.Struct]:
    """Make the struct of a tree; fields are numbered, since keys need not be names."""
    fields = [
        (f"f{n}", _struct(kind) if isinstance(kind, Mapping) else kind)
        for n, kind in enumerate(tree.values())
    ]
    return msgspec.defstruct(
        "Record", fields, rename={f"f{n}": key for n, key in enumerate(tree)}, gc=False
    )


def _getter(tree: Mapping[str, Any], path: Path) -> Callable[[Any], Any]:
    names = []
    for key in path:
        names.append(f"f{list(tree).index(key)}")
        tree = tree[key]
    return attrgetter(".".join(names))
