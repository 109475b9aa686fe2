"""Features to tiles: points in clusters, lines and areas as far as they can be seen."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ioc.tiles import CELLS, CLUSTER_IDS, DETAIL, MOST_IN_TILE, SOURCE_LAYER
from ioc.tiles.mvt import BUFFER, EXTENT, Tile, bounds, grid, mercator

Address = tuple[int, int, int]  # z, x, y

_SEEN: Final = 4096 / 512 / 2  # grid units of half a pixel: what is smaller is not drawn


@dataclass(frozen=True, slots=True)
class Drawn:
    """Features to draw. `keys`: their ids on the map; `shapes`: WGS 84."""

    keys: NDArray[np.int64]
    codes: list[str]
    names: list[str]
    shapes: NDArray[Any]

    @property
    def points(self) -> bool:
        return bool((shapely.get_type_id(self.shapes) == shapely.GeometryType.POINT).all())

    def properties(self, index: int) -> dict[str, str | int | float | bool]:
        return {"code": self.codes[index], "name": self.names[index]}


def overview(drawn: Drawn) -> Iterator[tuple[Address, bytes]]:
    """Return every tile of the zooms below DETAIL that has something in it, gzipped."""
    for z in range(DETAIL):
        yield from _clustered(drawn, z) if drawn.points else _thinned(drawn, z)


def one(drawn: Drawn, at: Address) -> bytes:
    """Return one tile of a zoom, gzipped, of a few features that are no version of their own."""
    if at[0] >= DETAIL:
        return detail(drawn, *at)
    made = _clustered(drawn, at[0]) if drawn.points else _thinned(drawn, at[0])
    return dict(made).get(at, b"")


def detail(drawn: Drawn, z: int, x: int, y: int) -> bytes:
    """Return one tile of all its features, gzipped; too many points are clustered."""
    if drawn.points and len(drawn.keys) > MOST_IN_TILE:
        return dict(_clustered(drawn, z)).get((z, x, y), b"")
    tile = Tile(SOURCE_LAYER)
    if drawn.points:
        places = grid(shapely.get_coordinates(drawn.shapes), z, x, y).round().astype(int)
        for index, (east, south) in enumerate(places.tolist()):
            tile.point(int(drawn.keys[index]), east, south, drawn.properties(index))
    else:
        _draw(tile, drawn, np.arange(len(drawn.keys)), (z, x, y))
    return _packed(tile)


def _packed(tile: Tile) -> bytes:
    body = tile.bytes()
    return gzip.compress(body, 6, mtime=0) if body else b""


def _clustered(drawn: Drawn, z: int) -> Iterator[tuple[Address, bytes]]:
    """Return the tiles of a zoom: one point a cell, at the middle of what is in it."""
    world = mercator(shapely.get_coordinates(drawn.shapes)) * 2**z * CELLS
    width = 2**z * CELLS
    cell = np.floor(world).astype(np.int64)
    order, first, inverse, counts = np.unique(
        cell[:, 1] * width + cell[:, 0], return_index=True, return_inverse=True, return_counts=True
    )
    middle = np.column_stack(
        [np.bincount(inverse, world[:, side]) / counts / CELLS for side in (0, 1)]
    )
    tiles: dict[tuple[int, int], Tile] = {}
    for number in range(len(order)):
        x, y = (int(part) for part in middle[number])
        tile = tiles.setdefault((x, y), Tile(SOURCE_LAYER))
        east, south = ((middle[number] - (x, y)) * EXTENT).round().astype(int).tolist()
        index, count = int(first[number]), int(counts[number])
        if count == 1:
            tile.point(int(drawn.keys[index]), east, south, drawn.properties(index))
        else:
            about = {"cluster": True, "point_count": count}
            tile.point(CLUSTER_IDS + int(order[number]), east, south, about)
    for (x, y), tile in tiles.items():
        yield (z, x, y), _packed(tile)


def _thinned(drawn: Drawn, z: int) -> Iterator[tuple[Address, bytes]]:
    """Return the tiles of a zoom with what is large enough to be seen there."""
    boxes = shapely.bounds(drawn.shapes)
    corners = np.stack((mercator(boxes[:, [0, 3]]), mercator(boxes[:, [2, 1]])), axis=1) * 2**z
    size = (corners[:, 1] - corners[:, 0]).max(axis=1) * EXTENT
    seen = np.flatnonzero(size >= _SEEN)
    tree = shapely.STRtree(drawn.shapes[seen])
    low = np.floor(corners[seen, 0]).astype(int)
    high = np.floor(corners[seen, 1]).astype(int)
    wanted = {
        (x, y)
        for (west, north), (east, south) in zip(low.tolist(), high.tolist(), strict=True)
        for x in range(west, east + 1)
        for y in range(north, south + 1)
    }
    for x, y in sorted(wanted):
        tile = Tile(SOURCE_LAYER)
        found = seen[np.sort(tree.query(shapely.box(*bounds(z, x, y))))]
        _draw(tile, drawn, found, (z, x, y))
        body = _packed(tile)
        if body:
            yield (z, x, y), body


def _draw(tile: Tile, drawn: Drawn, chosen: NDArray[Any], at: Address) -> None:
    """Add lines and areas, cut to the tile and as coarse as its grid."""
    shapes = shapely.transform(drawn.shapes[chosen], lambda xy: grid(xy, *at))
    coarse = shapely.simplify(shapes, _SEEN)
    edge = (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    for index, shape in zip(chosen.tolist(), shapely.clip_by_rect(coarse, *edge), strict=True):
        if not shapely.is_empty(shape):
            tile.shape(int(drawn.keys[index]), shape, drawn.properties(index))
