"""`python -m bench.layers`: import to published, and what leaves the server. Prints JSON.

`--counts 3500,50000` chooses the imports; it works in a database of its own on IOC_DATABASE_URL's
server, and drops it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import psycopg
import shapely
from psycopg import Connection, sql
from pyogrio import raw

from bench.machine import ROOT, say
from bench.report import Figure, Report
from ioc.settings import load
from ioc.storage import migrate, users
from ioc.storage.features import Shelf
from layers import ground, importing
from layers.importing import Request
from layers.report import Outcome
from tests.integration.web_site import Client, running, settings_for

GOALS: Final = {3_500: 1.5, 50_000: 8.0, 500_000: 90.0}  # seconds, file to published
MEMORY_GB: Final = 1.5
GDAL_S: Final = 0.5
RETURNING_BYTES: Final = 5_000
_RUNS: Final = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", default="3500,50000,500000")
    counts = [int(one) for one in parser.parse_args().counts.split(",")]
    report = Report("layers")
    with (
        _database() as url,
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(url, autocommit=True) as conn,
    ):
        migrate.run(conn)
        for count in counts:
            say(f"import of {count:,} points")
            took = _import(conn, _file(Path(folder), count), count)
            goal = GOALS.get(count)
            report.figures[f"import_{count}"] = Figure([took], "s", goal, at_least=False)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        report.figures["import_memory"] = Figure([peak], "GB", MEMORY_GB, at_least=False)
        _import(conn, _file(Path(folder), 3_500), 3_500)
        token = users.create_token(conn, kind="api", role="gis", label="bench")
        _served(report, url, token)
    report.emit()


@contextmanager
def _database() -> Iterator[str]:
    server = load().database_url
    name = f"bench_layers_{secrets.token_hex(3)}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            drop = sql.SQL("drop database {} with (force)")
            conn.execute(drop.format(sql.Identifier(name)))


def _file(folder: Path, count: int) -> Path:
    """Write points inside the province; their codes are each file's own."""
    path = folder / f"bts_{count}.gpkg"
    path.unlink(missing_ok=True)
    chance = np.random.default_rng(count)
    places = chance.uniform((106.9, 10.95), (107.3, 11.5), (count, 2))
    raw.write(
        path,
        geometry=shapely.to_wkb(shapely.points(places)),
        field_data=[
            np.array([f"B{n:07d}" for n in range(count)], dtype=object),
            np.array([f"Trạm số {n}" for n in range(count)], dtype=object),
            np.array([("Viettel", "VNPT")[n % 2] for n in range(count)], dtype=object),
            np.arange(count) % 50 + 20,
        ],
        fields=["code", "name", "operator", "height_m"],
        geometry_type="Point",
        crs="EPSG:4326",
        driver="GPKG",
    )
    return path


def _import(conn: Connection[tuple[Any, ...]], path: Path, count: int) -> float:
    conn.execute("truncate layer_feature, layer_import, layer_version cascade")
    start = time.perf_counter()
    base = ground.of(load().config_dir, load().province.code, Shelf(conn), say)
    report = importing.run(Request(path, "bts", yes=True, by="bench"), base)
    took = time.perf_counter() - start
    if report.outcome is not Outcome.COMMITTED or report.counts["added"] < count * 0.99:
        raise SystemExit(f"not imported: {report.json()['warnings']}")
    return took


def _served(report: Report, url: str, token: str) -> None:
    """Measure a site with 3,500 masts: through GDAL, and for a browser that comes back."""
    given = settings_for(url, load().redis_url, f"bench:{secrets.token_hex(3)}:")
    with running(given) as site:
        words = (f"http://127.0.0.1:{site.port}/ogc", token, json.dumps({"layer": "bts"}))
        command = [sys.executable, "-m", "tests.integration.gdal_reader", *words]
        read = [
            json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
            for _ in range(_RUNS)
        ]
        report.calibration["gdal_features"] = len(read[0]["codes"])
        report.figures["ogc_gdal_3500"] = Figure(
            [one["seconds"] for one in read], "s", GDAL_S, at_least=False
        )
        client = Client(site.port, token=token)
        first = client.get("/geo/layers.json")
        again = client.get("/geo/layers.json", **{"If-None-Match": first.headers["etag"]})
        size = len(again.body) + sum(len(k) + len(v) + 4 for k, v in again.headers.items())
        report.figures["returning_browser"] = Figure([size], "B", RETURNING_BYTES, at_least=False)
        document = client.get(first.json()[0]["url"]).body
        report.calibration["geojson_gzip_bytes"] = len(gzip.compress(document))


if __name__ == "__main__":
    main()
