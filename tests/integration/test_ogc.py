"""/ogc through the real server: what the standard asks for, and what other programs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import hypothesis
import numpy as np
import pytest
import schemathesis
import shapely
from owslib.ogcapi.features import Features
from psycopg import Connection

from ioc import vn2000
from ioc.domain.observation import Quality
from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.settings import Settings
from ioc.storage import users
from ioc.web.ogc import html
from tests.integration import ogc_rig, web_site
from tests.integration.web_site import Client, Site, running

Db = Connection[tuple[Any, ...]]
Ask = Callable[[str], Any]

ROOT = Path(__file__).resolve().parents[2]
FUZZED = 500 if os.environ.get("IOC_RIG") else 15
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture
def client(conn: Db, web: Site, role_tokens: dict[Role, str], tmp_path: Path) -> Client:
    """Return a GIS person's program at a site that has layers."""
    ogc_rig.fill(conn, tmp_path)
    return web.client(role_tokens[Role.GIS])


@pytest.fixture
def ask(client: Client) -> Ask:
    """Return what reads a JSON document."""

    def get(path: str) -> Any:
        answer = client.get(f"/ogc{path}")
        assert answer.status == 200, answer.body
        return answer.json()

    return get


def codes(document: Any) -> list[str]:
    return [one["id"] for one in document["features"]]


def test_a_program_finds_its_way_by_links(client: Client, ask: Ask) -> None:
    """From the landing page every document is reached by a link, each answers, none is dead."""
    seen, left = set[str](), ["/ogc"]
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status == 200, path
        if "json" in answer.headers["content-type"]:
            document = answer.json()
            links = [*document.get("links", [])]
            for one in document.get("collections", []):
                links += one["links"]
            found = [urlsplit(link["href"]) for link in links]
            left += [one.path + (f"?{one.query}" if one.query else "") for one in found]
    assert "/ogc/collections/bts/items?f=json" in seen
    assert ask("/conformance")["conformsTo"]


def test_a_large_limit_is_answered_with_fewer(ask: Ask) -> None:
    """Never 400: as many as there are, or the largest page and a link to the next."""
    assert len(codes(ask("/collections/bts/items?limit=99999999"))) == ogc_rig.STATIONS


def test_pages_follow_each_other(client: Client, ask: Ask) -> None:
    """Each feature comes once, in order, with the filter kept; the last page has no next."""
    found: list[str] = []
    path = "/ogc/collections/bts/items?limit=4&operator=Viettel"
    while path:
        document = client.get(path).json()
        assert document["numberMatched"] == 12
        found += codes(document)
        rest = [one["href"] for one in document["links"] if one["rel"] == "next"]
        path = rest[0][rest[0].index("/ogc") :] if rest else ""
    assert found == [f"B{n:05d}" for n in range(1, ogc_rig.STATIONS, 2)]
    assert codes(ask("/collections/bts/items?limit=2&offset=3")) == ["B00003", "B00004"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bbox=106.795,10.9,106.815,11", ["B00000", "B00001"]),
        ("bbox=106.795,10.9,0,106.815,11,9", ["B00000", "B00001"]),
        (f"bbox=10.9,106.795,11,106.815&bbox-crs={EPSG}4326", ["B00000", "B00001"]),
        ("bbox=179,10,-179,11", []),
        ("height_m=34", ["B00004"]),
        ("technologies=5G&operator=VNPT", ["B00000", "B00010", "B00020"]),
        ("code=B00003", ["B00003"]),
        ("name=Tr%E1%BA%A1m%20s%E1%BB%91%207", ["B00007"]),
        ("datetime=2001-06-01", ["B00000", "B00001"]),
        ("datetime=../2000-01-01T00:00:00Z", ["B00000"]),
        ("operator=Viettel%27%20or%201=1", []),
    ],
)
def test_filters(ask: Ask, query: str, expected: list[str]) -> None:
    """Place, time and every property choose; nothing in a value is SQL."""
    document = ask(f"/collections/bts/items?{query}")
    assert (codes(document), document["numberMatched"]) == (expected, len(expected))


def test_a_box_meets_the_line_itself(ask: Ask) -> None:
    """A line whose bounds meet a box, and which does not, is not in the answer."""
    assert codes(ask("/collections/fibre_route/items?bbox=106.94,10.99,107.01,11.03")) == ["R2"]
    assert codes(ask("/collections/fibre_route/items?bbox=106.8,11.0,106.9,11.1")) == ["R1"]


@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "limit=0", "limit=x", "limit=1&limit=2", "bbox=1,2,3", "bbox=1,2,3,x",
        "bbox=1,5,3,2", "bbox=nan,1,2,3", "datetime=soon", "datetime=2020-02-01/2020-01-01",
        "height_m=tall", "crs=EPSG:4326", "bbox-crs=x", "f=xml", "name=%00", "offset=-1",
        "ip=10.0.0.1",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(client: Client, query: str) -> None:
    """Unknown or meaningless parameters are a 400 that names them."""
    answer = client.get(f"/ogc/collections/bts/items?{query}")
    assert answer.status == 400
    assert answer.json()["parameter"] == query.partition("=")[0]


def test_coordinates_in_vn2000(client: Client) -> None:
    """The province's zone is answered by the one pinned operation, and says so in a header."""
    answer = client.get(f"/ogc/collections/bts/items?crs={EPSG}9212&limit=1")
    assert answer.headers["content-crs"] == f"<{EPSG}9212>"
    xy = answer.json()["features"][0]["geometry"]["coordinates"]
    expected = vn2000.of_epsg(9212).from_lonlat(np.array([ogc_rig.place(0)]))[0]
    assert np.abs(np.array(xy) - expected).max() < 0.005
    x, y = expected
    box = f"{x - 50},{y - 50},{x + 50},{y + 50}"
    near = client.get(f"/ogc/collections/bts/items?bbox={box}&bbox-crs={EPSG}9212").json()
    assert codes(near) == ["B00000"]
    north_first = client.get(f"/ogc/collections/bts/items?crs={EPSG}4326&limit=1").json()
    assert north_first["features"][0]["geometry"]["coordinates"] == [10.95, 106.8]


def test_live_things_have_their_newest_values(ask: Ask) -> None:
    """A thing is a feature with what it measured last, found by the time it did."""
    (thing,) = ask("/collections/things/items?kind=environment")["features"]
    assert thing["geometry"]["coordinates"] == [106.85, 10.95]
    (said,) = thing["properties"]["observations"]
    assert (said["property"], said["result"], said["unit"]) == ("pm25", 12.5, "µg/m³")
    assert thing["properties"]["phenomenon_time"].startswith("2026-03-01T")
    assert ask(f"/collections/things/items/{thing['id']}")["properties"] == thing["properties"]
    assert codes(ask("/collections/things/items?datetime=2026-03-01")) == [thing["id"]]
    assert codes(ask("/collections/things/items?datetime=2026-03-02/..")) == []
    assert codes(ask("/collections/things/items?bbox=106.9,10,107,11")) == []


def test_people_see_pages(client: Client) -> None:
    """A browser gets HTML in Vietnamese, whatever stands in a name is text."""
    for path in ("", "/collections", "/collections/bts", "/collections/bts/items", "/api"):
        answer = client.get(f"/ogc{path}", Accept="text/html,*/*")
        assert answer.headers["content-type"].startswith("text/html")
        assert 'lang="vi"' in answer.body.decode()
    assert "Trạm số 3" in client.get("/ogc/collections/bts/items/B00003?f=html").body.decode()


@pytest.mark.parametrize("quality", [q.name.lower() for q in Quality])
def test_a_doubted_value_says_so(quality: str) -> None:
    """Whatever a value's quality, the page has words for it; a good one needs none."""
    item = {"name": "Bụi", "result": 12.5, "unit": "µg/m³", "quality": quality}
    said = html.measured(item)
    assert said.startswith("Bụi: 12,5")
    assert ("(" in said) == (quality != "good")


def test_pages_are_written_for_people(client: Client) -> None:
    """Titles instead of columns, values with units, local times, the way up and to the map."""
    page = client.get("/ogc/collections/things/items?f=html").body.decode()
    for told in ("12,5", "15:30:00 01/03/2026", "Thời điểm đo", "Số đo mới nhất"):
        assert told in page
    for raw in ("phenomenon_time", "observations", "true", "{&quot;"):
        assert raw not in page
    page = client.get("/ogc/collections/bts/items/B00003?f=html").body.decode()
    assert "<h1>Trạm số 3</h1>" in page
    assert 'href="/map#map=13/10.9650/106.8300"' in page
    assert "/ogc/collections/bts?f=html" in page
    page = client.get("/ogc/collections/fibre_route/items/R1?f=html").body.decode()
    assert "&amp;on=fibre_route&amp;pick=fibre_route:R1" in page


def test_things_out_of_scope_are_not_told(client: Client, conn: Db, web: Site) -> None:
    """Who answers for one commune finds its things alone: listed, counted, by id and by filter."""
    other, _ = web_site.add_thing(conn, "tram-khac")
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_how, outline)"
        " values (%s, 106.9, 11, '26000', 'boundary', 'inside')",
        (other,),
    )
    scope = Scope(areas=frozenset({"26000"}))
    token = users.create_token(conn, kind="api", role="gis", label="xã", scope=scope)
    limited = web.client(token)
    path = "/ogc/collections/things/items"
    found = limited.get(path).json()
    assert (codes(found), found["numberMatched"]) == ([str(other)], 1)
    assert len(codes(client.get(path).json())) == 2
    (hidden,) = {*codes(client.get(path).json())} - {str(other)}
    assert limited.get(f"{path}/{hidden}").status == 404
    assert codes(limited.get(f"{path}?external_id=tram-do").json()) == []
    assert "1 trong 1" in limited.get(f"{path}?f=html").body.decode()


def test_hidden_fields_are_not_told(client: Client, conn: Db, tmp_path: Path) -> None:
    """What is on no map is in no answer, and cannot be asked by."""
    rows = [ogc_rig.feature(shapely.Point(106.9, 11), code="P1", ip="10.1.2.3")]
    ogc_rig.bring(conn, tmp_path, "tslcd_point", rows)
    assert b"10.1.2.3" not in client.get("/ogc/collections/tslcd_point/items").body
    assert client.get("/ogc/collections/tslcd_point/items?ip=10.1.2.3").status == 400


def test_who_may_read(web: Site, role_tokens: dict[Role, str], kiosk_token: str) -> None:
    """A token or a session opens it; nobody, a wall and a source do not; nothing is written."""
    assert web.client().get("/ogc").status == 401
    assert web.client(kiosk_token).get("/ogc/collections").status == 403
    assert web.client(role_tokens[Role.SOURCE]).get("/ogc").status == 403
    assert web.operator().get("/ogc/collections").status == 200
    leader = web.client(role_tokens[Role.LEADER])
    assert leader.ask("DELETE", "/ogc/collections/bts/items/B00001").status == 404


# ---------------------------------------------------------------- other programs


@pytest.fixture
def gdal(client: Client) -> Callable[..., Any]:
    """Return what reads through GDAL."""

    def read(**options: Any) -> Any:
        words = (f"http://127.0.0.1:{client.port}/ogc", client.token, json.dumps(options))
        command = [sys.executable, "-m", "tests.integration.gdal_reader", *words]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def test_gdal_reads_it(gdal: Callable[..., Any]) -> None:
    """GDAL's own client lists the layers and reads every page, a box and a filter."""
    assert {"bts", "fibre_route", "things"} <= set(gdal())
    found = gdal(layer="bts", PAGE_SIZE=10)
    assert found["codes"] == [f"B{n:05d}" for n in range(ogc_rig.STATIONS)]
    assert found["places"][3] == pytest.approx(ogc_rig.place(3))
    near = gdal(layer="bts", bbox=(106.795, 10.9, 106.815, 11))
    assert near["codes"] == ["B00000", "B00001"]
    assert len(gdal(layer="bts", where="operator = 'Viettel'")["codes"]) == 12


def test_gdal_reads_vn2000(gdal: Callable[..., Any]) -> None:
    """In the province's zone the coordinates are the pinned ones, in GDAL's order of axes."""
    found = gdal(layer="bts", CRS=f"{EPSG}9212", max_features=1)
    expected = vn2000.of_epsg(9212).from_lonlat(np.array([ogc_rig.place(0)]))[0]
    assert np.abs(np.array(found["places"][0]) - expected).max() < 0.005


def test_owslib_reads_it(client: Client) -> None:
    """OWSLib finds the collections, filters and turns the pages."""
    header = {"Authorization": f"Bearer {client.token}"}
    service = cast("Any", Features)(f"http://127.0.0.1:{client.port}/ogc", headers=header)
    assert {"bts", "things"} <= set(service.feature_collections())
    assert service.collection("bts")["title"] == "Trạm BTS"
    assert "operator" in service.collection_queryables("bts")["properties"]
    page = service.collection_items("bts", limit=3, offset=3, bbox=[106, 10, 108, 12])
    assert codes(page) == ["B00003", "B00004", "B00005"]
    assert codes(service.collection_items("bts", operator="VNPT", limit=1)) == ["B00000"]
    assert service.collection_item("bts", "B00007")["properties"]["name"] == "Trạm số 7"


def test_no_request_breaks_the_server(
    conn: Db, web_settings: Settings, role_tokens: dict[Role, str], tmp_path: Path
) -> None:
    """Requests that a fuzzer makes of our own description are answered, never with a 5xx."""
    ogc_rig.fill(conn, tmp_path)
    header = {"Authorization": f"Bearer {role_tokens[Role.GIS]}"}
    with running(web_settings) as site:
        address = f"http://127.0.0.1:{site.port}/ogc/api?f=json"
        schema = schemathesis.openapi.from_url(address, headers=header)
        told = [cast("Any", one).ok() for one in schema.get_all_operations()]
        wanted = [
            one for one in told if one.path.startswith(("/collections/bts", "/collections/t"))
        ]
        assert len(wanted) >= 8
        for operation in wanted:
            _fuzz(operation, header)


def _fuzz(operation: Any, header: dict[str, str]) -> None:
    @hypothesis.settings(
        max_examples=FUZZED, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(case=operation.as_strategy())
    def answered(case: Any) -> None:
        assert case.call(headers=header).status_code < 500, case.as_curl_command()

    answered()
