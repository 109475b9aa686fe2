"""Sources that are not files: a table of another PostgreSQL, a WFS or an OGC API – Features server.

Each is an entry point of `ioc.layer_sources`, called with what its section of the source's file
says and a path; it writes a file there that the import takes in like any other, under the same
limits, and returns it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import psycopg
import pyogrio
import shapely
from psycopg import sql
from pyogrio import raw

from ioc.domain.errors import LayerFileError
from layers.sources import MAX_FILE, MAX_ROWS

PATIENCE_S: Final = 300  # for a server of others to send a whole layer


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table or a view with columns of coordinates, or one of WKT (`st_astext` in a view)."""

    url: str
    table: str
    schema: str = "public"


class _Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    layer: str
    token: str = ""


def file(given: dict[str, Any], folder: Path) -> Path:  # noqa: ARG001  every source has a folder
    """Return a file that somebody else's program leaves on this machine."""
    return Path(_of(given, _File).path)


def table(given: dict[str, Any], folder: Path) -> Path:
    """Read a table or view as CSV, in a transaction that cannot write."""
    asked = _of(given, _Table)
    target = folder / f"{asked.table}.csv"
    name = sql.Identifier(asked.schema, asked.table)
    limited = sql.SQL("copy (select * from {} limit {}) to stdout (format csv, header)")
    try:
        with psycopg.connect(asked.url, connect_timeout=10) as conn, target.open("wb") as out:
            conn.read_only = True
            size = 0
            with conn.cursor().copy(limited.format(name, sql.Literal(MAX_ROWS + 1))) as rows:
                for piece in rows:
                    size += len(piece)
                    if size > MAX_FILE:
                        raise LayerFileError("too_large", limit=MAX_FILE >> 20)
                    out.write(piece)
    except psycopg.Error as error:
        raise LayerFileError("source_away", reason=_said(error)) from error
    return target


def wfs(given: dict[str, Any], folder: Path) -> Path:
    """Read a layer of a WFS."""
    return _service("WFS", _of(given, _Service), folder)


def ogc_api(given: dict[str, Any], folder: Path) -> Path:
    """Read a collection of an OGC API – Features server."""
    return _service("OAPIF", _of(given, _Service), folder)


def _service(driver: str, asked: _Service, folder: Path) -> Path:
    if urlsplit(asked.url).scheme not in ("http", "https"):
        raise LayerFileError("source_address", address=asked.url)
    target = folder / "source.gpkg"
    # A process of its own: GDAL cannot be stopped while it waits for a server that is silent.
    words = (driver, asked.url, asked.layer, str(target))
    try:
        done = subprocess.run(  # noqa: S603  our own module
            [sys.executable, "-m", "layers.sources.remote", *words],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            input=asked.token,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LayerFileError("source_away", reason=f"{PATIENCE_S} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [""])[-1][:200]
        raise LayerFileError("source_away", reason=reason)
    return target


def _of(given: dict[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise LayerFileError("source_settings", reason=str(error)) from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _fetch(driver: str, url: str, layer: str, target: str, token: str) -> None:
    """Copy a remote layer into a GeoPackage, at most MAX_ROWS features of it."""
    options: dict[str, Any] = {"GDAL_HTTP_TIMEOUT": "60", "GDAL_HTTP_MAX_RETRY": "2"}
    if token:
        options |= {"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": token}
    pyogrio.set_gdal_config_options(options)
    meta, _, shapes, data = raw.read(f"{driver}:{url}", layer=layer, max_features=MAX_ROWS + 1)
    raw.write(
        target,
        geometry=shapely.to_wkb(shapely.force_2d(shapely.from_wkb(shapes))),
        field_data=list(data),
        fields=list(meta["fields"]),
        geometry_type="Unknown",
        crs=meta["crs"],
        driver="GPKG",
        layer=layer.rpartition(":")[2],
    )


if __name__ == "__main__":
    driver_, url_, layer_, target_ = sys.argv[1:]
    _fetch(driver_, url_, layer_, target_, sys.stdin.read().strip())
