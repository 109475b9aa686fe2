"""CBOR (RFC 8949) from strangers: its shape is walked before a library unfolds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cbor2

from ioc.domain.errors import PayloadError

# Formats of measurements need three levels (a list of records, a decimal fraction in one).
MAX_DEPTH: Final = 8
# 10,000 records of nine members each, which is every label that RFC 8428 knows for one value. A
# byte can be an item of 64 bytes in memory: without a limit 1 MiB becomes 70 MB.
MAX_ITEMS: Final = 200_000
_BREAK: Final = b"\xff"
_INDEFINITE: Final = 31
_ONE_BYTE, _EIGHT_BYTES = 24, 27  # the argument follows in 1, 2, 4, 8 bytes
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_KEYS: Final = frozenset({_UNSIGNED, _NEGATIVE, _TEXT})
_DECIMAL_FRACTION: Final = 4
_SELF_DESCRIBED: Final = 55799
_FOR_EVER: Final = -1

Tagged = Callable[[Any, bool], Any]


class Unreadable:
    """A value that was sent as something else than what a measurement can be."""

    def __repr__(self) -> str:
        return "a tagged value"


_UNREADABLE: Final = Unreadable()


def parse(payload: bytes) -> Any:  # noqa: ANN401  CBOR
    """Parse one item; PayloadError bad_cbor, too_deep, too_many_records.

    Keys of maps are numbers and texts only: other ones can be made to collide. Decimal fractions
    are floats, and every other tagged value is Unreadable: no library may build dates, regular
    expressions or mails of it.
    """
    _Walker(payload).whole()
    try:
        return cbor2.loads(payload, max_depth=2 * MAX_DEPTH, semantic_decoders=_Tags())
    except (cbor2.CBORError, ValueError, RecursionError) as error:
        raise PayloadError("bad_cbor", str(error)[:80]) from error


class _Tags(dict[int, Tagged]):
    """What becomes of a tagged value, for every tag there is."""

    def __missing__(self, tag: int) -> Tagged:
        if tag == _DECIMAL_FRACTION:
            return _fraction
        if tag == _SELF_DESCRIBED:
            return lambda value, _immutable: value
        return lambda _value, _immutable: _UNREADABLE


def _fraction(value: Any, _immutable: bool) -> Any:  # noqa: ANN401, FBT001  the library's shape
    if isinstance(value, list | tuple) and [type(part) for part in value] == [int, int]:
        exponent, mantissa = value  # of 64 bits: longer ones are tagged, so Unreadable
        return float(f"{mantissa}e{exponent}")
    return _UNREADABLE


class _Walker:
    """Checks that bytes are one whole item within the limits."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._items = 0

    def whole(self) -> None:
        self._item(0)
        self._check(self._at == len(self._data))

    def _item(self, depth: int, *, key: bool = False) -> None:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise PayloadError("too_many_records", f"more than {MAX_ITEMS} items")
        major, argument = self._head()
        self._check(not key or major in _KEYS)
        if major in {_BYTES, _TEXT}:
            self._check(0 <= argument <= len(self._data) - self._at)
            self._at += argument
        elif major in {_ARRAY, _MAP, _TAG}:
            if depth == MAX_DEPTH:
                raise PayloadError("too_deep", f"byte {self._at}")
            self._inside(major, argument, depth + 1)

    def _inside(self, major: int, argument: int, depth: int) -> None:
        left = 1 if major == _TAG else argument
        while left and not (left < 0 and self._ends()):
            if major == _MAP:
                self._item(depth, key=True)
            self._item(depth)
            left -= 1

    def _ends(self) -> bool:
        ends = self._data[self._at : self._at + 1] == _BREAK
        self._at += ends
        return ends

    def _head(self) -> tuple[int, int]:
        """Return the major type and its argument (_FOR_EVER: until a break)."""
        self._check(self._at < len(self._data))
        major, info = self._data[self._at] >> 5, self._data[self._at] & 31
        self._at += 1
        if info < _ONE_BYTE:
            return major, info
        if info > _EIGHT_BYTES:
            self._check(info == _INDEFINITE and major in {_ARRAY, _MAP})
            return major, _FOR_EVER
        begin, self._at = self._at, self._at + (1 << (info - _ONE_BYTE))
        self._check(self._at <= len(self._data))
        return major, int.from_bytes(self._data[begin : self._at], "big")

    def _check(self, good: bool) -> None:  # noqa: FBT001  an assertion reads best so
        if not good:
            raise PayloadError("bad_cbor", f"byte {self._at}")
