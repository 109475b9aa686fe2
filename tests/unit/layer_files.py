"""Map files as provinces have them, written by the tests themselves."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyogrio import raw

from ioc import vn2000
from layers.encoding import Encoding, encode

STATIONS = [  # code, name, operator, height in m, lon, lat: all of them inside Đồng Nai
    ("DNI0001", "Trạm Trấn Biên", "Viettel", 42, 106.8230, 10.9447),
    ("DNI0002", "Trạm Xuân Lộc mưa", "VNPT", 30, 107.4000, 10.9300),
    ("DNI0003", "Đồng Xoài ấp Bưng", "MobiFone", 45, 106.8960, 11.5349),
    ("DNI0004", "Bưu điện Định Quán", "Viettel", 21, 107.3500, 11.2000),
    ("DNI0005", "Nhà văn hóa Lộc Ninh", "Vietnamobile", 60, 106.5900, 11.8400),
    ("DNI0006", "Trị An thủy điện", "VNPT", 36, 107.0400, 11.1000),
]
NAMES = [name for _, name, *_ in STATIONS]
LONLAT = np.array([[lon, lat] for *_, lon, lat in STATIONS])


def vector(
    path: Path,
    driver: str,
    epsg: int | None = 4326,
    *,
    encoding: Encoding | None = None,
    layer: str | None = None,
    swapped: bool = False,
    declared: bool = True,
    append: bool = False,
) -> Path:
    """Write the stations with a GDAL driver; `encoding`: as old software wrote its letters."""
    xy = LONLAT if epsg is None else vn2000.of_epsg(epsg).from_lonlat(LONLAT)
    names = NAMES if encoding is None else [encode(name, encoding) for name in NAMES]
    write(
        path,
        driver,
        shapely.points(xy[:, ::-1] if swapped else xy),
        {
            "MA_TRAM": [row[0] for row in STATIONS],
            "TEN_TRAM": names,
            "NHA_MANG": [row[2] for row in STATIONS],
            "CHIEU_CAO_": [row[3] for row in STATIONS],
        },
        epsg=epsg if declared else None,
        encoding=None if encoding is None else "ISO-8859-1",
        layer=layer,
        append=append,
    )
    return path


def write(
    path: Path,
    driver: str,
    shapes: NDArray[Any],
    columns: dict[str, Sequence[Any]],
    *,
    epsg: int | None = 4326,
    encoding: str | None = None,
    layer: str | None = None,
    append: bool = False,
    kind: str = "Point",
) -> None:
    """Write any features."""
    options = {"layer": layer} if layer else {}
    data = []
    for values in columns.values():
        text = all(value is None or isinstance(value, str) for value in values)
        data.append(np.array(values, dtype=object if text else None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio's, of a file without a system
        raw.write(
            path,
            geometry=shapely.to_wkb(shapes),
            field_data=data,
            fields=list(columns),
            geometry_type=kind,
            crs=None if epsg is None else f"EPSG:{epsg}",
            driver=driver,
            encoding=encoding,
            append=append,
            **options,
        )


def zipped(path: Path, parts: Sequence[Path]) -> Path:
    """Pack files as a clerk does, in a folder."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            archive.write(part, f"dữ liệu/{part.name}")
    return path


def shapefile(folder: Path, epsg: int, encoding: Encoding, *, declared: bool = True) -> Path:
    """Write a zipped Shapefile; the letters of its DBF are of the old encoding."""
    made = vector(
        folder / "tram_bts.shp", "ESRI Shapefile", epsg, encoding=encoding, declared=declared
    )
    for part in folder.glob("tram_bts.cpg"):
        part.unlink()  # old software wrote none
    parts = sorted(folder.glob("tram_bts.*"))
    assert made in parts
    return zipped(folder / "tram_bts.zip", parts)
