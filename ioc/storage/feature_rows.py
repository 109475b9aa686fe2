"""Rows of `layer_feature` as PostgreSQL's binary COPY: half a million at once, each packed once."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from ioc.domain.layer import Feature

COPY: Final = (
    "copy layer_feature (layer, code, since, name, shape, bounds, properties,"
    " commune_code, commune_name, commune_how, digest) from stdin (format binary)"
)
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_END: Final = struct.pack(">h", -1)
_FIELDS: Final = struct.pack(">h", 11)
_NULL: Final = struct.pack(">i", -1)
_JSONB: Final = b"\x01"  # the version of its binary form
_CHUNK: Final = 2_000  # rows handed to the driver at a time: 1 MB of points
_BOX: Final = struct.Struct(">idddd")  # its size, then upper right and lower left corner


def packed(layer: str, rows: Iterable[Feature], number: int) -> Iterator[bytes]:
    """Return the rows that hold from import `number` on, in pieces."""
    head = _FIELDS + _text(layer)
    since = struct.pack(">ii", 4, number)
    pieces = [_HEADER]
    for row in rows:
        pieces.append(_row(head, since, row))
        if len(pieces) >= _CHUNK:
            yield b"".join(pieces)
            pieces.clear()
    pieces.append(_END)
    yield b"".join(pieces)


def _row(head: bytes, since: bytes, row: Feature) -> bytes:
    west, south, east, north = row.bounds
    return b"".join(
        (
            head,
            _text(row.code),
            since,
            _text(row.name),
            _sized(row.shape),
            _BOX.pack(32, east, north, west, south),
            _sized(_JSONB + row.properties),
            _NULL if row.commune_code is None else _text(row.commune_code),
            _NULL if row.commune_name is None else _text(row.commune_name),
            _text(row.commune_how),
            _sized(row.digest),
        )
    )


def _text(text: str) -> bytes:
    return _sized(text.encode())


def _sized(body: bytes) -> bytes:
    return len(body).to_bytes(4) + body
