"""Layers handed over: every format comes back through the import as it left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import orjson
import pytest
import shapely
from psycopg import Connection

from ioc import exports, vn2000
from ioc.domain.layer import Feature, handed_over
from ioc.domain.permission import Role
from ioc.exports import Format
from ioc.storage.features import Shelf
from layers import ground, importing
from layers.importing import Request
from layers.report import Outcome
from tests.integration import ogc_rig
from tests.integration.web_site import Site

Db = Connection[tuple[Any, ...]]
ROOT = Path(__file__).resolve().parents[2]


def told(rows: list[Feature]) -> list[tuple[str, str, dict[str, Any]]]:
    own = [orjson.loads(row.properties) for row in rows]
    for one in own:
        one.pop("commune_stated", None)
    return [(row.code, row.name, one) for row, one in zip(rows, own, strict=True)]


def places(rows: list[Feature]) -> Any:
    return shapely.get_coordinates(shapely.from_wkb([row.shape for row in rows]))


@pytest.mark.parametrize("form", list(Format))
def test_round_trip(conn: Db, tmp_path: Path, form: Format) -> None:
    """What is written comes back: codes, names, values, and places within 5 mm."""
    ogc_rig.fill(conn, tmp_path)
    shelf = Shelf(conn)
    kept = {layer: shelf.features(layer) for layer in ("bts", "fibre_route")}
    for layer, before in kept.items():
        for epsg in (4326, 9212):
            file = tmp_path / f"{layer}-{epsg}.{form}"
            placed = [(row.shape, handed_over(row, frozenset())) for row in before]
            exports.write(form, exports.given(layer, placed), file, vn2000.of_epsg(epsg))
            conn.execute("truncate layer_feature, layer_import")
            given = 4326 if form is Format.GEOJSON else epsg
            request = Request(file, layer, crs=f"EPSG:{given}", yes=True, by="an")
            report = importing.run(request, ground.of(ogc_rig.CONFIG, "75", shelf))
            assert report.outcome is Outcome.COMMITTED, report.json()
            after = shelf.features(layer)
            assert told(after) == told(before)
            assert np.abs(places(after) - places(before)).max() < 5e-8


def test_the_commands(conn: Db, database_url: str, tmp_path: Path) -> None:
    """`ioc layers export` writes what is imported, `ioc layers refused` what was not taken."""
    rows = [ogc_rig.feature(shapely.Point(2.3, 48.9), code="PARIS"), *ogc_rig.towers(3)]
    ogc_rig.bring(conn, tmp_path, "bts", rows)

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ioc.cli", "layers", *words],
            env=os.environ | {"IOC_DATABASE_URL": database_url, "IOC_REDIS_URL": ""},
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = tmp_path / "out.csv"
    run("export", "bts", "--format", "csv", "--out", str(file))
    assert len(file.read_text("utf-8-sig").strip().splitlines()) == 4
    assert "PARIS" in run("refused", "bts")


def test_no_cell_is_a_formula(
    conn: Db, web: Site, role_tokens: dict[Role, str], tmp_path: Path
) -> None:
    """A name that a spreadsheet would run is a text in CSV and XLSX, and filters are kept."""
    evil = '=HYPERLINK("http://x","y")'
    rows = [ogc_rig.feature(shapely.Point(106.9, 11), code="B1", name=evil, operator="VNPT")]
    ogc_rig.bring(conn, tmp_path, "bts", [*ogc_rig.towers(3), *rows])
    client = web.client(role_tokens[Role.GIS])
    text = client.get("/geo/bts/export?format=csv&operator=VNPT").body.decode("utf-8-sig")
    assert "\"'=HYPERLINK" in text
    assert len(text.strip().splitlines()) == 4
    file = tmp_path / "a.xlsx"
    file.write_bytes(client.get("/geo/bts/export?format=xlsx&code=B1").body)
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    assert [cell.value for cell in list(sheet.rows)[1]][1] == f"'{evil}"
    assert all(cell.data_type != "f" for row in sheet.rows for cell in row)
    chosen = client.ask(
        "POST", "/geo/bts/export?format=csv", b'{"codes": ["B1", "B00002"]}',
        {"Content-Type": "application/json"},
    )  # fmt: skip
    assert sorted(line.split(",")[0] for line in chosen.body.decode().splitlines()[1:]) == [
        "B00002",
        "B1",
    ]
    assert client.get("/geo/bts/export?format=dwg").status == 400
    assert client.get("/geo/nothing/export").status == 404
