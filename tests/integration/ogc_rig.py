"""A site with imported layers and live things, for programs that read OGC API – Features."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import shapely
from psycopg import Connection

from ioc.storage.features import Shelf
from layers import ground, importing
from layers.importing import Request
from layers.report import Outcome
from tests.integration import web_site

Db = Connection[tuple[Any, ...]]
CONFIG: Final = Path(__file__).resolve().parents[2] / "config"
STATIONS: Final = 25
WHEN: Final = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def place(number: int) -> tuple[float, float]:
    """Return where a station of the rig stands."""
    return 106.80 + number / 100, 10.95 + number / 200


def bring(conn: Db, folder: Path, layer: str, rows: list[dict[str, Any]]) -> None:
    """Import features through the real pipeline."""
    path = folder / f"{layer}.geojson"
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": rows}))
    request = Request(path, layer, yes=True, by="an")
    report = importing.run(request, ground.of(CONFIG, "75", Shelf(conn)))
    assert report.outcome is Outcome.COMMITTED, report.json()


def feature(shape: Any, **properties: Any) -> dict[str, Any]:
    geometry = orjson.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def towers(count: int = STATIONS) -> list[dict[str, Any]]:
    """Return base stations of two operators, every fifth of them with 5G."""
    return [
        feature(
            shapely.Point(place(n)),
            code=f"B{n:05d}",
            name=f"Trạm số {n}",
            operator="Viettel" if n % 2 else "VNPT",
            technologies="4G,5G" if n % 5 == 0 else "4G",
            height_m=30 + n,
            since=f"{2000 + n}",
        )
        for n in range(count)
    ]


def fill(conn: Db, folder: Path) -> None:
    """Import base stations and two crossing routes; a thing measures something."""
    bring(conn, folder, "bts", towers())
    lines = [
        feature(shapely.LineString([(106.8, 11.0), (107.0, 11.2)]), code="R1", name="Tuyến chéo"),
        feature(shapely.LineString([(106.95, 11.0), (107.0, 11.02)]), code="R2", name="Tuyến nam"),
    ]
    bring(conn, folder, "fibre_route", lines)
    thing, stream = web_site.add_thing(conn, "tram-do")
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_name, commune_how, outline)"
        " values (%s, 106.85, 10.95, 'Trấn Biên', 'nearest_seat', 'inside')",
        (thing,),
    )
    add_value(conn, stream, 12.5)


def add_value(conn: Db, stream: int, result: float) -> None:
    """Store an observation of the rig's moment."""
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
        " received, writer, batch_no) values (%s, %s, %s, 0, 0, %s, 1, 1)",
        (stream, WHEN, result, WHEN),
    )
