"""Layers pulled from other systems: a table, an OGC API server, through the same import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from ioc.domain.errors import LayerFileError
from ioc.domain.permission import Role
from ioc.storage.features import Shelf
from layers import ground, pulling
from layers.report import Outcome
from layers.sources import remote
from tests.integration import ogc_rig
from tests.integration.web_site import Site

Db = Connection[tuple[Any, ...]]
POINTS = "layers.sources.remote"


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a distribution that declares our sources, as any plug-in's does."""
    folder = tmp_path / "site" / "sources-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: sources\nVersion: 1\n")
    names = {"table": "table", "ogc-api": "ogc_api"}
    lines = "".join(f"{name}-test = {POINTS}:{to}\n" for name, to in names.items())
    (folder / "entry_points.txt").write_text(f"[{pulling.GROUP}]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


def pull(conn: Db, folder: Path, text: str) -> Any:
    (folder / "given.yaml").write_text(text, encoding="utf-8")
    base = ground.of(ogc_rig.CONFIG, "75", Shelf(conn))
    source = pulling.load(folder, "given")
    return pulling.pull(source, base, by="an", dry_run=False, yes=True)


def test_a_table(conn: Db, database_url: str, tmp_path: Path) -> None:
    """Rows of another PostgreSQL come in; a name is an identifier and never SQL."""
    conn.execute(
        'create table "Trạm ""A""" as select \'B\' || n as ma_tram, 106.8 + n / 100.0 as lon,'
        " 10.95 + n / 200.0 as lat from generate_series(1, 5) n"
    )
    settings = f"kind: table-test\nlayer: bts\nsettings: {{url: '{database_url}', table: "
    report = pull(conn, tmp_path, settings + "'Trạm \"A\"'}\n")
    assert (report.outcome, report.counts["added"]) == (Outcome.COMMITTED, 5)
    report = pull(conn, tmp_path, settings + "'x; drop table layer_feature'}\n")
    assert report.outcome is Outcome.REFUSED
    assert "nguồn" in report.error
    assert len(Shelf(conn).features("bts")) == 5


def test_an_ogc_server(
    conn: Db, web: Site, role_tokens: dict[Role, str], tmp_path: Path, monkeypatch: Any
) -> None:
    """A collection of another centre, its token from the environment, becomes a layer."""
    ogc_rig.fill(conn, tmp_path)
    monkeypatch.setenv("OTHER_TOKEN", role_tokens[Role.GIS])
    text = (
        "kind: ogc-api-test\nlayer: tower\nsecrets: {token: {env: OTHER_TOKEN}}\n"
        f"settings: {{url: 'http://127.0.0.1:{web.port}/ogc', layer: bts}}\n"
    )
    report = pull(conn, tmp_path, text)
    assert (report.outcome, report.counts["added"]) == (Outcome.COMMITTED, ogc_rig.STATIONS)
    assert report.choice.how == "declared"


def test_an_address_of_this_machine(tmp_path: Path) -> None:
    """GDAL opens files and databases by such names, too: only http and https are asked."""
    with pytest.raises(LayerFileError) as refused:
        remote.wfs({"url": "file:///etc/passwd", "layer": "x"}, tmp_path)
    assert refused.value.reason == "source_address"
