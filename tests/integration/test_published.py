"""What a browser fetches of published layers: a list, documents, tiles; and only what is new."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import pytest
import shapely
from psycopg import Connection
from pyproj import Transformer

from ioc.domain.permission import Role
from ioc.tiles import DETAIL
from ioc.tiles.mvt import mercator
from layers import publish
from tests.integration import ogc_rig
from tests.integration.web_site import Client, Site

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def client(web: Site, role_tokens: dict[Role, str]) -> Client:
    return web.client(role_tokens[Role.LEADER])


def listed(client: Client) -> dict[str, Any]:
    return {one["layer"]: one for one in client.get("/geo/layers.json").json()}


def test_a_returning_browser_fetches_nothing(client: Client, conn: Db, tmp_path: Path) -> None:
    """Nothing changed: the list is a 304, the documents are addresses that never change."""
    ogc_rig.fill(conn, tmp_path)
    first = client.get("/geo/layers.json", **{"Accept-Encoding": "gzip"})
    again = client.get("/geo/layers.json", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    head = sum(len(f"{name}: {value}") + 4 for name, value in again.headers.items())
    assert head + len(first.body) <= 5_000
    bts = listed(client)["bts"]
    assert (bts["title"], bts["geometry"], bts["count"]) == ("Trạm BTS", "point", 25)
    assert bts["bbox"] == pytest.approx([106.8, 10.95, 107.04, 11.07])
    assert bts["legend"]["field"] == "operator"
    assert "immutable" in client.get(bts["url"]).headers["cache-control"]
    ogc_rig.bring(conn, tmp_path, "bts", ogc_rig.towers(24))
    fresh = client.get("/geo/layers.json", **{"If-None-Match": first.headers["etag"]})
    assert fresh.status == 200
    changed = {one["layer"]: one["version"] for one in fresh.json()}
    before = {one["layer"]: one["version"] for one in orjson.loads(gzip.decompress(first.body))}
    assert [layer for layer in changed if changed[layer] != before[layer]] == ["bts"]


def test_areas_come_in_two_grains(client: Client, conn: Db, tmp_path: Path) -> None:
    """Neighbours still share their border at 50 m and at 200 m, and the overview is smaller."""
    wavy = [(107 + 0.0003 * (n % 2), 10.8 + n / 1000) for n in range(400)]
    west = shapely.Polygon([(106.7, 10.8), *wavy, (106.7, 11.199)])
    east = shapely.Polygon([(107.3, 10.8), *wavy, (107.3, 11.199)])
    rows = [ogc_rig.feature(west, code="1", name="Tây"), ogc_rig.feature(east, code="2", name="Đ")]
    ogc_rig.bring(conn, tmp_path, "communes", rows)
    told = listed(client)["communes"]
    fine, coarse = client.get(told["url"]).body, client.get(told["overview"]).body
    assert len(coarse) <= len(fine) < sum(len(orjson.dumps(row)) for row in rows)
    for body in (fine, coarse):
        shapes = [
            shapely.from_geojson(orjson.dumps(f["geometry"]))
            for f in orjson.loads(body)["features"]
        ]
        assert shapely.coverage_is_valid(shapes)


def decoded(path: Path, body: bytes, at: tuple[int, int, int]) -> Any:
    """Read a tile with GDAL."""
    z, x, y = at
    file = path / f"{z}-{x}-{y}.mvt"
    file.write_bytes(body)
    options = {"X": x, "Y": y, "Z": z, "CLIP": "NO"}
    meta, _, shapes, data = pyogrio.raw.read(file, **options)
    columns = dict(zip(meta["fields"], data, strict=True))
    return columns, shapely.from_wkb(shapes)


def test_a_large_layer_has_tiles(
    client: Client, conn: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the limit: clusters with counts far off, every feature near by, nothing elsewhere."""
    monkeypatch.setattr(publish, "MOST_FEATURES", 10)
    ogc_rig.fill(conn, tmp_path)
    told = listed(client)["bts"]
    assert "url" not in told

    def tile(z: int, x: int, y: int) -> Any:
        return client.get(told["tiles"].format(z=z, x=x, y=y))

    whole = decoded(tmp_path, tile(0, 0, 0).body, (0, 0, 0))[0]
    assert list(whole["point_count"]) == [ogc_rig.STATIONS]
    lon, lat = ogc_rig.place(3)
    at = _address(lon, lat, DETAIL + 1)
    columns, shapes = decoded(tmp_path, tile(*at).body, at)
    index = list(columns["code"]).index("B00003")
    there = shapely.transform(shapes[index], _degrees)
    assert (there.x, there.y) == pytest.approx((lon, lat), abs=1e-5)
    assert tile(DETAIL, 0, 0).status == 204
    assert tile(5, 0, 0).status == 204
    assert client.get(f"/geo/bts/{'0' * 16}/0/0/0.mvt").status == 404


def _address(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    east, south = mercator(np.array([[lon, lat]]))[0] * 2**z
    return z, int(east), int(south)


def _degrees(xy: Any) -> Any:
    lon, lat = Transformer.from_crs(3857, 4326, always_xy=True).transform(xy[:, 0], xy[:, 1])
    return np.column_stack((lon, lat))
