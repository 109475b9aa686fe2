"""Points, lines and the rings of areas out of well-known binary, as layers store them."""

from __future__ import annotations

import struct
from struct import unpack_from
from typing import Final

from ioc.domain.location import Point

_POINT: Final = 1
_LINE: Final = 2
_AREA: Final = 3
_MANY: Final = (4, 5)  # several points, several lines
_AREAS: Final = 6


def parts(shape: bytes) -> tuple[tuple[Point, ...], ...]:
    """Return the parts of a point or line geometry, lon lat; of any other kind nothing.

    ValueError where the bytes end too soon.
    """
    try:
        found, _ = _read(shape, 0)
    except struct.error as error:
        raise ValueError("well-known binary that ends too soon") from error
    return tuple(found)


def rings(shape: bytes) -> tuple[tuple[Point, ...], ...]:
    """Return the rings of an area, outlines and holes, lon lat; of any other kind nothing.

    ValueError where the bytes end too soon.
    """
    try:
        found, _ = _areas(shape, 0)
    except struct.error as error:
        raise ValueError("well-known binary that ends too soon") from error
    return tuple(found)


def _areas(shape: bytes, at: int) -> tuple[list[tuple[Point, ...]], int]:
    order = "<" if shape[at : at + 1] == b"\x01" else ">"
    (code,) = unpack_from(f"{order}I", shape, at + 1)
    kind, width, at = _kind(code, at + 5)
    if kind not in (_AREA, _AREAS):
        return [], at
    (count,) = unpack_from(f"{order}I", shape, at)
    at += 4
    found: list[tuple[Point, ...]] = []
    for _ in range(count):
        if kind == _AREAS:
            some, at = _areas(shape, at)
            found += some
            continue
        (corners,) = unpack_from(f"{order}I", shape, at)
        at += 4
        found.append(tuple(_point(shape, order, at + 8 * width * n) for n in range(corners)))
        at += 8 * width * corners
    return found, at


def _read(shape: bytes, at: int) -> tuple[list[tuple[Point, ...]], int]:
    order = "<" if shape[at : at + 1] == b"\x01" else ">"
    (code,) = unpack_from(f"{order}I", shape, at + 1)
    kind, width, at = _kind(code, at + 5)
    if kind == _POINT:
        return [(_point(shape, order, at),)], at + 8 * width
    if kind not in (_LINE, *_MANY):
        return [], at
    (count,) = unpack_from(f"{order}I", shape, at)
    at += 4
    if kind == _LINE:
        line = tuple(_point(shape, order, at + 8 * width * n) for n in range(count))
        return [line], at + 8 * width * count
    found: list[tuple[Point, ...]] = []
    for _ in range(count):
        some, at = _read(shape, at)
        found += some
    return found, at


def _kind(code: int, at: int) -> tuple[int, int, int]:
    """Return kind, numbers a position and where the rest begins; ISO and extended codes."""
    extra = (code >> 30).bit_count()
    at += 4 if code & 0x20000000 else 0  # a coordinate system's number
    code &= 0x0FFFFFFF
    return code % 1000, 2 + extra + (0, 1, 1, 2)[code // 1000 % 4], at


def _point(shape: bytes, order: str, at: int) -> Point:
    lon, lat = unpack_from(f"{order}2d", shape, at)
    return float(lon), float(lat)
