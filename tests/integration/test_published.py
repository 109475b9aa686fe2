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
from ioc.domain.scope import Scope
from ioc.storage import features, users
from ioc.storage import layers as store
from ioc.storage.features import Shelf
from ioc.tiles import DETAIL
from ioc.tiles.mvt import mercator
from layers import publish
from layers.__main__ import Database
from tests.integration import ogc_rig
from tests.integration.web_site import Client, Site, add_thing

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


def test_a_large_layer_tells_where_its_things_are(
    client: Client, conn: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster's id is the cell of the things in it, so the browser finds their cluster."""
    monkeypatch.setattr(publish, "MOST_FEATURES", 10)
    thing, _ = add_thing(conn, "B00003")
    ogc_rig.fill(conn, tmp_path)
    told = listed(client)["bts"]
    lon, lat = ogc_rig.place(3)
    assert client.get(told["places"]).json() == [[thing, pytest.approx(lon), pytest.approx(lat)]]
    at = _address(lon, lat, 7)
    body = client.get(told["tiles"].format(z=at[0], x=at[1], y=at[2])).body
    columns = decoded(tmp_path, body, at)[0]
    counts = dict(zip(columns["mvt_id"].tolist(), columns["point_count"].tolist(), strict=True))
    cells = 2**7 * told["clusters"]["cells"]
    east, south = np.floor(mercator(np.array([[lon, lat]]))[0] * cells)
    assert counts[told["clusters"]["first"] + int(south * cells + east)] > 1


def test_imported_layers_are_published_anew_when_their_things_change(
    conn: Db, database_url: str, tmp_path: Path
) -> None:
    """Any layer's features take the ids of things that came later, and that once."""
    ogc_rig.bring(conn, tmp_path, "tower", ogc_rig.towers(3))
    worker = Database(database_url)
    assert worker.rejoined() == []
    thing, _ = add_thing(conn, "B00002")
    ((layer, version),) = worker.rejoined()
    body = store.body(conn, layer, version)
    assert body is not None
    found = orjson.loads(gzip.decompress(body))["features"]
    assert [one["properties"]["code"] for one in found if one["id"] == thing] == ["B00002"]
    assert worker.rejoined() == []
    conn.execute("update thing set state = 'retired' where id = %s", (thing,))
    assert [layer for layer, _ in worker.rejoined()] == ["tower"]
    worker.close()


def two_communes(conn: Db, folder: Path) -> None:
    """Publish a thing in each of two communes, and four towers of which one is in the first."""
    for number, code in enumerate(("26000", "26001")):
        thing, _ = add_thing(conn, f"T{number}")
        conn.execute(
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) values (%s, 107, 11, %s, 'Xã', 'boundary', 'inside')",
            (thing, code),
        )
    store.put(conn, "things", publish.points(store.points(conn, bts=False)))
    ogc_rig.bring(conn, folder, "tower", ogc_rig.towers(4))
    conn.execute("update layer_feature set commune_code = '26001'")
    conn.execute("update layer_feature set commune_code = '26000' where code = 'B00001'")
    shelf = Shelf(conn)
    made = publish.features(shelf.features("tower"), shelf.things())
    features.rejoin(conn, "tower", shelf.standing("tower").number, made)


def limited(web: Site, conn: Db) -> Client:
    scope = Scope(areas=frozenset({"26000"}))
    return web.client(users.create_token(conn, kind="api", role="leader", label="xã", scope=scope))


def test_nobody_sees_beyond_his_part(web: Site, client: Client, conn: Db, tmp_path: Path) -> None:
    """Documents, counts, files and lists of a limited account are of its communes alone."""
    two_communes(conn, tmp_path)
    mine = limited(web, conn)
    told = listed(mine)
    assert (told["tower"]["count"], told["things"]["count"]) == (1, 1)
    assert listed(client)["tower"]["count"] == 4
    points = mine.get(told["things"]["url"])
    assert [one["properties"]["name"] for one in points.json()["features"]] == ["Trạm T0"]
    assert "immutable" not in points.headers["cache-control"]
    seen = mine.get(told["tower"]["url"]).json()["features"]
    assert [one["properties"]["code"] for one in seen] == ["B00001"]
    assert len(mine.get("/desk/map/things").json()) == 1
    assert len(mine.get("/geo/tower/export?format=csv").body.strip().splitlines()) == 2
    items = mine.get("/ogc/collections/things/items").json()["features"]
    assert [one["properties"]["external_id"] for one in items] == ["T0"]
    names = mine.get("/api/v1/search?q=tram").json()["items"]
    assert [one["key"] for one in names if one["kind"] == "feature"] == ["B00001"]


def test_tiles_hold_nothing_beyond_his_part(
    web: Site, conn: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far off and near by, a limited account's tiles are made of its communes alone."""
    monkeypatch.setattr(publish, "MOST_FEATURES", 2)
    two_communes(conn, tmp_path)
    mine = limited(web, conn)
    tower = listed(mine)["tower"]
    lon, lat = ogc_rig.place(1)
    for z in (DETAIL - 1, DETAIL):
        at = _address(lon, lat, z)
        body = mine.get(tower["tiles"].format(z=z, x=at[1], y=at[2])).body
        assert list(decoded(tmp_path, body, at)[0]["code"]) == ["B00001"]
    assert mine.get(tower["places"]).json() == []
