"""A PMTiles archive (version 3), read where it lies: one file of tiles and the directories of them.

The file is a customer's: whatever is wrong with it is a ValueError, and nothing is read beyond it.
"""

from __future__ import annotations

import gzip
import io
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import Any, Final

_HEADER: Final = Struct("<7sB8Q3Q6B4iB2i")
_MAGIC: Final = b"PMTiles"
_VERSION: Final = 3
_PLAIN, _GZIP = 1, 2  # compressions; brotli and zstandard are refused
_KINDS: Final = {1: "vector", 2: "png", 3: "jpeg", 4: "webp", 5: "avif"}
_DEPTH: Final = 4  # directories on the way to a tile; the format's own writers make two
_LARGEST: Final = 16 << 20  # of a directory or a tile, unpacked
_KEPT: Final = 64  # directories in memory: 1 MB each at most in practice


@dataclass(frozen=True, slots=True)
class Header:
    """What the archive says of itself; places are (offset, length) in the file."""

    root: tuple[int, int]
    metadata: tuple[int, int]
    leaves: int
    tiles: int
    packed: int  # of directories and metadata
    tile_packed: int
    kind: str
    minzoom: int
    maxzoom: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """Tiles from `first` on, `run` of them the same; a run of 0 is a directory."""

    first: int
    run: int
    offset: int
    length: int


@dataclass(slots=True)
class Archive:
    """An open archive; its directories are kept, its tiles are not."""

    path: Path
    header: Header
    _directories: OrderedDict[tuple[int, int], list[_Entry]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def gzipped(self) -> bool:
        """Tell whether tiles are packed."""
        return self.header.tile_packed == _GZIP

    def metadata(self) -> dict[str, Any]:
        """Return the archive's own description."""
        found = json.loads(_unpacked(self._read(*self.header.metadata), self.header.packed))
        return found if isinstance(found, dict) else {}

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return a tile as the file has it; None: there is none."""
        wanted = tile_id(z, x, y)
        place = self.header.root
        for _ in range(_DEPTH):
            entry = _find(self._directory(place), wanted)
            if entry is None:
                return None
            if entry.run:
                if wanted >= entry.first + entry.run:
                    return None
                return self._read(self.header.tiles + entry.offset, entry.length)
            place = (self.header.leaves + entry.offset, entry.length)
        raise ValueError("directories without an end")

    def _directory(self, place: tuple[int, int]) -> list[_Entry]:
        with self._lock:
            found = self._directories.get(place)
            if found is None:
                found = _entries(_unpacked(self._read(*place), self.header.packed))
                self._directories[place] = found
            self._directories.move_to_end(place)
            if len(self._directories) > _KEPT:
                self._directories.popitem(last=False)
        return found

    def _read(self, offset: int, length: int) -> bytes:
        if length > _LARGEST:
            raise ValueError("a part of the file is too large")
        with self.path.open("rb") as file:
            file.seek(offset)
            body = file.read(length)
        if len(body) < length:
            raise ValueError("the file is cut off")
        return body


def opened(path: Path) -> Archive:
    """Return the archive of a file. Raises OSError, or ValueError for what is none."""
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
    if len(start) < _HEADER.size:
        raise ValueError("too short")
    magic, version, *numbers = _HEADER.unpack(start)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("no PMTiles archive of version 3")
    root, root_size, meta, meta_size, leaves, _, tiles, _ = numbers[:8]
    _, packed, tile_packed, kind, minzoom, maxzoom = numbers[11:17]
    if packed not in (_PLAIN, _GZIP) or tile_packed not in (_PLAIN, _GZIP) or kind not in _KINDS:
        raise ValueError("packed in a way that is not read here")
    header = Header(
        (root, root_size), (meta, meta_size), leaves, tiles, packed, tile_packed,
        _KINDS[kind], minzoom, maxzoom,
    )  # fmt: skip
    return Archive(path, header)


def tile_id(z: int, x: int, y: int) -> int:
    """Return a tile's number: zoom after zoom, each along a Hilbert curve."""
    number: int = (4**z - 1) // 3
    side = 2 ** (z - 1) if z else 0
    while side:
        right, low = int(bool(x & side)), int(bool(y & side))
        number += side * side * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = side - 1 - (x & (side - 1)), side - 1 - (y & (side - 1))
            x, y = y, x
        side //= 2
    return number


def _find(entries: list[_Entry], wanted: int) -> _Entry | None:
    """Return the last entry that begins at or before a tile."""
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle].first <= wanted:
            low = middle + 1
        else:
            high = middle
    return entries[low - 1] if low else None


def _entries(body: bytes) -> list[_Entry]:
    numbers = _Varints(body)
    count = numbers.next()
    if count > len(body):
        raise ValueError("a directory counts more than it holds")
    first, at = [], 0
    for _ in range(count):
        at += numbers.next()
        first.append(at)
    runs = [numbers.next() for _ in range(count)]
    lengths = [numbers.next() for _ in range(count)]
    found: list[_Entry] = []
    for index in range(count):
        told = numbers.next()
        follows = found[-1].offset + found[-1].length if found else 0
        offset = follows if told == 0 else told - 1
        found.append(_Entry(first[index], runs[index], offset, lengths[index]))
    return found


@dataclass(slots=True)
class _Varints:
    """Numbers of seven bits a byte, one after the other."""

    body: bytes
    at: int = 0

    def next(self) -> int:
        number = shift = 0
        while True:
            if self.at >= len(self.body) or shift > 63:  # noqa: PLR2004  64 bits
                raise ValueError("a directory is broken")
            byte = self.body[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  the last one
                return number
            shift += 7


def _unpacked(body: bytes, packed: int) -> bytes:
    if packed == _PLAIN:
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            found = file.read(_LARGEST + 1)
    except (OSError, EOFError) as error:
        raise ValueError("a directory is broken") from error
    if len(found) > _LARGEST:
        raise ValueError("a part of the file is too large")
    return found
