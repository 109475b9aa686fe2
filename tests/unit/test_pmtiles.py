"""PMTiles archives as another program writes them; broken ones are refused, never believed."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from ioc.tiles import pmtiles
from ioc.tiles.mvt import mercator


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive of 300 points that GDAL wrote."""
    path = tmp_path / "nen.pmtiles"
    random = np.random.default_rng(1)
    points = shapely.points(106.5 + random.random(300), 10.7 + random.random(300))
    pyogrio.raw.write(
        path, shapely.to_wkb(points), [np.arange(300)], ["n"], geometry_type="Point",
        crs="EPSG:4326", driver="PMTiles", layer="duong", MINZOOM=0, MAXZOOM=8,
    )  # fmt: skip
    return path


def test_every_tile_is_found_and_no_other(archive: Path) -> None:
    """Tiles over the points are there and readable, the rest of the world is empty."""
    found = pmtiles.opened(archive)
    assert (found.header.kind, found.header.minzoom, found.header.maxzoom) == ("vector", 0, 8)
    assert [one["id"] for one in found.metadata()["vector_layers"]] == ["duong"]
    east, south = mercator(np.array([[107.0, 11.2]]))[0]
    for z in range(9):
        body = found.tile(z, int(east * 2**z), int(south * 2**z))
        assert body is not None
        assert b"duong" in gzip.decompress(body)
    assert found.tile(8, 0, 0) is None
    assert found.tile(9, int(east * 512), int(south * 512)) is None


def test_tiles_are_numbered_along_the_curve() -> None:
    """The numbers are those of the format's own description."""
    assert [pmtiles.tile_id(*at) for at in ((0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1))] == [
        0, 1, 2, 3,
    ]  # fmt: skip
    assert (pmtiles.tile_id(1, 1, 0), pmtiles.tile_id(2, 0, 0)) == (4, 5)
    assert pmtiles.tile_id(12, 3423, 1763) == 19078479


@pytest.mark.parametrize("cut", [0, 50, 127, 300])
def test_a_broken_file_is_refused(archive: Path, cut: int) -> None:
    """A file that is cut off anywhere is a ValueError, at opening or at the first tile."""
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r".+"):
        _read(archive)


def _read(path: Path) -> None:
    found = pmtiles.opened(path)
    found.metadata()
    found.tile(0, 0, 0)
