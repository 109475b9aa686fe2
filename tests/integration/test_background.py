"""The customer's own map below ours, from the running web process."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyogrio
import shapely

from ioc.settings import Background, Settings
from tests.fix_web import Db
from tests.integration.web_site import Site, add_people, running


def test_there_is_none_by_default(web: Site, conn: Db) -> None:
    """Nobody named a background: the map is told so, and no tile is to be had."""
    add_people(conn)
    client = web.operator()
    assert client.get("/background.json").json() is None
    assert client.get("/background/0/0/0").status == 404


def test_tiles_come_out_of_the_file(web_settings: Settings, conn: Db, tmp_path: Path) -> None:
    """A PMTiles file is described and served; without a session nobody gets a tile."""
    add_people(conn)
    path = tmp_path / "nen.pmtiles"
    points = shapely.points(np.linspace(106.5, 107.5, 20), np.linspace(10.7, 11.7, 20))
    pyogrio.raw.write(
        path, shapely.to_wkb(points), [np.arange(20)], ["n"], geometry_type="Point",
        crs="EPSG:4326", driver="PMTiles", layer="duong", MINZOOM=0, MAXZOOM=6,
    )  # fmt: skip
    background = Background(file=str(path), attribution="Sở Xây dựng")
    with running(msgspec.structs.replace(web_settings, background=background)) as site:
        client = site.operator()
        told = client.get("/background.json").json()
        assert (told["kind"], told["layers"], told["maxzoom"]) == ("vector", ["duong"], 6)
        tile = client.get(told["tiles"].format(z=0, x=0, y=0))
        assert (tile.status, tile.headers["content-encoding"]) == (200, "gzip")
        assert client.get("/background/6/0/0").status == 204
        assert site.client().get("/background/0/0/0").status in (303, 401)
        path.write_bytes(b"broken")
        assert client.get("/background.json").json() is None
