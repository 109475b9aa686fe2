"""Mapbox Vector Tile 2.1, encoded by hand: four messages of protobuf, no library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

EXTENT: Final = 4096
BUFFER: Final = 128  # units beyond the edge: a line's end or a circle is not cut off visibly
_POINT, _LINE, _POLYGON = 1, 2, 3
_MOVE, _DRAW, _CLOSE = 1, 2, 7

Value = str | int | float | bool


@dataclass(slots=True)
class Tile:
    """One layer of one tile; features are added in the tile's own grid, y down."""

    name: str
    _features: list[bytes] = field(default_factory=list)
    _keys: dict[str, int] = field(default_factory=dict)
    _values: dict[tuple[type, Value], int] = field(default_factory=dict)

    def point(self, key: int, x: int, y: int, properties: Mapping[str, Value]) -> None:
        """Add a point."""
        self._add(key, _POINT, [_command(_MOVE, 1), _zigzag(x), _zigzag(y)], properties)

    def shape(self, key: int, shape: Any, properties: Mapping[str, Value]) -> None:  # noqa: ANN401
        """Add lines or areas, already in the tile's grid; what vanishes there is left out."""
        kind = _POLYGON if shapely.get_dimensions(shape) == 2 else _LINE  # noqa: PLR2004
        commands = _polygons(shape) if kind == _POLYGON else _lines(shape)
        if commands:
            self._add(key, kind, commands, properties)

    def bytes(self) -> bytes:
        """Return the tile; an empty one is no bytes at all."""
        if not self._features:
            return b""
        layer = _text(1, self.name.encode())
        layer += b"".join(_text(2, feature) for feature in self._features)
        layer += b"".join(_text(3, key.encode()) for key in self._keys)
        layer += b"".join(_text(4, _value(value)) for _, value in self._values)
        layer += b"\x28" + _varint(EXTENT) + b"\x78\x02"
        return _text(3, layer)

    def _add(
        self, key: int, kind: int, commands: Iterable[int], properties: Mapping[str, Value]
    ) -> None:
        tags: list[int] = []
        for name, value in properties.items():
            tags.append(self._keys.setdefault(name, len(self._keys)))
            told = (type(value), value)
            tags.append(self._values.setdefault(told, len(self._values)))
        body = b"\x08" + _varint(key) + _packed(2, tags) + b"\x18" + bytes((kind,))
        self._features.append(body + _packed(4, commands))


def grid(lonlat: NDArray[Any], z: int, x: int, y: int) -> NDArray[np.float64]:
    """Return degrees in the grid of a tile."""
    world = mercator(lonlat) * 2**z
    found: NDArray[np.float64] = (world - np.array([x, y])) * EXTENT
    return found


def mercator(lonlat: NDArray[Any]) -> NDArray[np.float64]:
    """Return degrees as shares of the world's square, from its north-west corner."""
    sine = np.sin(np.radians(np.clip(lonlat[:, 1], -85.05, 85.05)))
    east = lonlat[:, 0] / 360 + 0.5
    south = 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
    return np.column_stack((east, south))


def bounds(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a tile with its buffer."""
    beyond = BUFFER / EXTENT
    west, east = ((x + side) / 2**z * 360 - 180 for side in (-beyond, 1 + beyond))
    north, south = (
        float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + side) / 2**z)))))
        for side in (-beyond, 1 + beyond)
    )
    return west, south, east, north


def _lines(shape: Any) -> list[int]:  # noqa: ANN401
    found: list[int] = []
    at = (0, 0)
    for part in shapely.get_parts(shape):
        xy = _path(part)
        if len(xy) > 1:
            commands, at = _walk(xy, at)
            found += commands
    return found


def _polygons(shape: Any) -> list[int]:  # noqa: ANN401
    """Return rings: outer ones run clockwise on the screen, holes the other way."""
    found: list[int] = []
    at = (0, 0)
    for part in shapely.get_parts(shapely.orient_polygons(shape)):
        for ring in shapely.get_rings(part):
            xy = _path(ring)[:-1]
            if len(xy) > 2:  # noqa: PLR2004
                commands, at = _walk(xy, at)
                found += [*commands, _command(_CLOSE, 1)]
    return found


def _path(shape: Any) -> list[tuple[int, int]]:  # noqa: ANN401
    """Return the points of a line, each once in a row."""
    xy = shapely.get_coordinates(shape).round().astype(int)
    fresh = np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1)]
    return [(int(x), int(y)) for x, y in xy[fresh].tolist()]


def _walk(xy: list[tuple[int, int]], at: tuple[int, int]) -> tuple[list[int], tuple[int, int]]:
    commands = [_command(_MOVE, 1)]
    for number, (x, y) in enumerate(xy):
        if number == 1:
            commands.append(_command(_DRAW, len(xy) - 1))
        commands += [_zigzag(x - at[0]), _zigzag(y - at[1])]
        at = (x, y)
    return commands, at


# ---------------------------------------------------------------- protobuf


def _command(kind: int, count: int) -> int:
    return count << 3 | kind


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else -number * 2 - 1


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _text(tag: int, body: bytes) -> bytes:
    return bytes((tag << 3 | 2,)) + _varint(len(body)) + body


def _packed(tag: int, numbers: Iterable[int]) -> bytes:
    return _text(tag, b"".join(_varint(number) for number in numbers))


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"\x38" + bytes((value,))
    if isinstance(value, int):
        return b"\x30" + _varint(_zigzag(value))
    if isinstance(value, float):
        return b"\x19" + np.float64(value).tobytes()
    return _text(1, value.encode())
