"""Files as provinces have them become the same six stations; what is wrong is said, not guessed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import orjson
import pytest
import shapely
from pyproj import Geod

from ioc import vn2000
from ioc.domain.layer import Feature, LayerImport
from layers import ground, importing
from layers.encoding import Encoding, encode
from layers.importing import Request
from layers.report import Outcome, Report, refused_csv
from layers.shelf import EmptyShelf
from tests.unit import layer_files as files

CONFIG = Path(__file__).resolve().parents[2] / "config"
EARTH = Geod(ellps="WGS84")


class Shelf(EmptyShelf):
    """A fake of the port: keeps the last commit."""

    def __init__(self) -> None:
        self.made: list[LayerImport] = []

    def commit(self, made: LayerImport) -> None:
        self.made.append(made)


SHELF_GROUND = ground.of(CONFIG, "75", None)


def run(path: Path, layer: str = "bts", **asked: Any) -> tuple[Report, list[Feature]]:
    """Import a file with a person's yes unless said otherwise."""
    shelf = Shelf()
    base = importing.Ground(SHELF_GROUND.schemas, SHELF_GROUND.boundary, shelf, "75")
    wishes: dict[str, Any] = {"yes": True, "by": "test"} | asked
    report = importing.run(Request(path, layer, **wishes), base)
    return report, [feature for made in shelf.made for feature in made.written]


def check_stations(found: list[Feature], within_m: float = 0.005) -> None:
    """Check the six stations, every letter and every centimetre."""
    by_code = {feature.code: feature for feature in found}
    assert list(by_code) == [row[0] for row in files.STATIONS] or set(by_code) == {
        row[0] for row in files.STATIONS
    }
    for code, name, operator, height, lon, lat in files.STATIONS:
        feature = by_code[code]
        properties = orjson.loads(feature.properties)
        assert feature.name == name
        assert (properties["operator"], properties["height_m"]) == (operator, height)
        point = shapely.from_wkb(feature.shape)
        assert EARTH.inv(lon, lat, point.x, point.y)[2] < within_m


# ---------------------------------------------------------------- golden imports


@pytest.mark.parametrize("encoding", Encoding)
def test_shapefile_in_vn2000_with_old_letters(tmp_path: Path, encoding: Encoding) -> None:
    """The usual file: zipped, VN-2000 by its .prj, TCVN3 or VNI in its DBF, no .cpg."""
    report, found = run(files.shapefile(tmp_path, 5899, encoding), yes=False)
    check_stations(found)
    assert report.encoding is not None
    assert (report.encoding.name, report.encoding.clear) == (encoding, True)
    assert report.json()["crs"] | {"candidates": []} == {
        "epsg": 5899, "how": "declared", "axes": "xy", "candidates": [],
    }  # fmt: skip
    assert report.exit_code == 0


def test_shapefile_without_prj_needs_a_person(tmp_path: Path) -> None:
    """A guessed zone is never committed without a yes; with one the stations are right."""
    path = files.shapefile(tmp_path, 9212, Encoding.TCVN3, declared=False)
    report, found = run(path, yes=False)
    assert (report.exit_code, report.outcome, found) == (3, Outcome.UNDECIDED, [])
    assert report.json()["crs"]["how"] == "guessed"
    assert 9212 in [one["epsg"] for one in report.json()["crs"]["candidates"]]
    report, found = run(path, crs="EPSG:9212", yes=False)
    check_stations(found)
    assert report.json()["crs"]["how"] == "given"


@pytest.mark.parametrize(
    ("name", "driver", "epsg"),
    [
        ("tram_bts.gpkg", "GPKG", 5899),
        ("tram_bts.geojson", "GeoJSON", 4326),
        ("tram_bts.kml", "LIBKML", 4326),
        ("tram_bts.kmz", "LIBKML", 4326),
        ("tram_bts.fgb", "FlatGeobuf", 9212),
        ("tram_bts.mif", "MapInfo File", 4326),
        ("tram_bts.tab", "MapInfo File", 4326),
    ],
)
def test_vector_formats(tmp_path: Path, name: str, driver: str, epsg: int) -> None:
    """Each format gives the same stations and declares its system; none needs a person."""
    report, found = run(files.vector(tmp_path / name, driver, epsg), layer="", yes=False)
    assert report.exit_code == 0, report.json()
    assert report.layer == "bts"
    check_stations(found, within_m=0.02)  # MapInfo keeps its coordinates as whole numbers


def test_mapinfo_in_vn2000_is_asked_about(tmp_path: Path) -> None:
    """MapInfo has no name for the datum: the zone is taken as VN-2000 when a person agrees."""
    path = files.vector(tmp_path / "tram_bts.mif", "MapInfo File", 5899)
    report, found = run(path, yes=False)
    assert (report.exit_code, found) == (3, [])
    _, found = run(path)
    check_stations(found, within_m=0.02)


def test_gpkg_with_two_layers(tmp_path: Path) -> None:
    """The inner layer is told by its name, or chosen; without either a person must."""
    path = files.vector(tmp_path / "x.gpkg", "GPKG", layer="tram_bts")
    files.vector(path, "GPKG", layer="cot_anten", append=True)
    _, found = run(path)
    check_stations(found)
    report, found = run(path, layer="")
    assert report.exit_code == 3
    assert "tram_bts, cot_anten" in report.error
    _, found = run(path, layer="cot_anten=bts")
    check_stations(found)


def test_csv_with_swapped_axes_and_vietnamese_numbers(tmp_path: Path) -> None:
    """X is north, Y is east, the comma is decimal, titles stand above: seen, and asked about."""
    xy = vn2000.of_epsg(5899).from_lonlat(files.LONLAT)
    lines = ["Danh sách trạm BTS;;;;;", "Mã trạm;Tên trạm;Nhà mạng;Chiều cao;X;Y"]
    for (code, name, operator, height, _, _), (east, north) in zip(files.STATIONS, xy, strict=True):
        north_text = f"{north:,.3f}".replace(",", " ").replace(".", ",")
        lines.append(f"{code};{name};{operator};{height} m;{north_text};{east:.3f}")
    path = tmp_path / "bts.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    report, _ = run(path, yes=False)
    assert (report.exit_code, report.json()["crs"]["axes"]) == (3, "yx")
    assert report.json()["crs"]["epsg"] == 5899
    assert any("đảo" in question for question in report.questions)
    check_stations(run(path)[1])


def test_csv_in_tcvn3(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are kept until the encoding is known; lon and lat need nobody."""
    lines = ["MA_TRAM,TEN_TRAM,NHA_MANG,CHIEU_CAO,KINH_DO,VI_DO"]
    lines += [
        f"{code},{encode(name, Encoding.TCVN3)},{operator},{height},{lon},{lat}"
        for code, name, operator, height, lon, lat in files.STATIONS
    ]
    path = tmp_path / "bts.csv"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    report, found = run(path, yes=False)
    assert report.exit_code == 0
    assert [feature.name for feature in found] == files.NAMES


def test_xlsx(tmp_path: Path) -> None:
    """A workbook with titles above the header and a comment sheet beside it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "BTS"
    sheet.append(["SỞ KHOA HỌC VÀ CÔNG NGHỆ"])
    sheet.append([])
    sheet.append(["STT", "Mã trạm", "Tên trạm", "Nhà mạng", "Độ cao", "Tọa độ"])
    for index, (code, name, operator, height, lon, lat) in enumerate(files.STATIONS):
        sheet.append([index + 1, code, name, operator, height, f"{lat}, {lon}"])
    book.create_sheet("Ghi chú").append(["không có gì"])
    path = tmp_path / "sach.xlsx"
    book.save(path)
    report, found = run(path, yes=False)
    assert report.exit_code == 0, report.json()
    check_stations(found)
    assert report.columns["STT"] is None
    assert "STT" in report.warnings[-1]


def test_dxf_has_no_system(tmp_path: Path) -> None:
    """A drawing declares nothing: it is asked about, its layer column can be mapped."""
    lines = shapely.linestrings(vn2000.of_epsg(5899).from_lonlat(files.LONLAT).reshape(3, 2, 2))
    path = tmp_path / "tuyen.dxf"
    files.write(path, "DXF", lines, {"Layer": ["A", "B", "C"]}, epsg=None, kind="LineString")
    report, _ = run(path, layer="fibre_route", mapping={"Layer": "code"}, yes=False)
    assert report.exit_code == 3, report.json()
    _, found = run(path, layer="fibre_route", mapping={"Layer": "code"})
    assert sorted(feature.code for feature in found) == ["A", "B", "C"]


# ---------------------------------------------------------------- rows


def geojson(path: Path, features: list[tuple[Any, dict[str, Any]]]) -> Path:
    """Write geometries with properties."""
    made = [
        {"type": "Feature", "geometry": geometry, "properties": properties}
        for geometry, properties in features
    ]
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": made}))
    return path


def point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


def test_refused_rows_have_reasons(tmp_path: Path) -> None:
    """A row that does not fit is named with its number, code, field and why; the others come."""
    area = {"type": "Polygon", "coordinates": [[[107, 11], [107.1, 11], [107, 11.1], [107, 11]]]}
    rows: list[tuple[Any, dict[str, Any]]] = [
        (point(106.82, 10.94), {"code": "A", "height_m": "42 m"}),
        (point(106.82, 10.95), {"code": "A"}),
        (point(106.82, 10.95), {"name": "không mã"}),
        (point(105.80, 21.02), {"code": "HN"}),
        (None, {"code": "N"}),
        (area, {"code": "V"}),
        (point(106.82, 10.96), {"code": "C", "height_m": "cao"}),
        (point(106.82, 10.97), {"code": "D", "operator": "Beeline"}),
    ]
    report, found = run(geojson(tmp_path / "bts.geojson", rows))
    assert [feature.code for feature in found] == ["A"]
    told = [(one.row, one.code, one.field) for one in report.refused]
    assert told == [
        (2, "A", "code"),
        (3, "", "code"),
        (4, "HN", "geometry"),
        (5, "N", "geometry"),
        (6, "V", "geometry"),
        (7, "C", "height_m"),
        (8, "D", "operator"),
    ]
    assert report.counts == {
        "read": 8, "added": 1, "changed": 0, "removed": 0, "unchanged": 0, "refused": 7,
    }  # fmt: skip
    assert all(one.reason for one in report.refused)
    assert report.questions  # more than half is refused: a person looks first


def test_refused_file_is_harmless(tmp_path: Path) -> None:
    """No cell of the file of refused rows is a formula; Excel reads its letters."""
    rows = [(None, {"code": "=1+1"}), (point(106.82, 10.94), {"code": "A"})]
    report, _ = run(geojson(tmp_path / "bts.geojson", rows))
    text = refused_csv(report.refused).decode("utf-8-sig")
    assert "\r\n1,'=1+1,geometry," in text


def test_areas_are_mended_and_joined(tmp_path: Path) -> None:
    """A self-crossing area is made valid, and the report says so."""
    bow = [[[106.8, 10.9], [107.0, 11.1], [107.0, 10.9], [106.8, 11.1], [106.8, 10.9]]]
    path = geojson(
        tmp_path / "kcn.geojson", [({"type": "Polygon", "coordinates": bow}, {"code": "K"})]
    )
    report, found = run(path, layer="industrial_park")
    assert shapely.from_wkb(found[0].shape).is_valid
    assert any("tự cắt" in warning for warning in report.warnings)


def test_communes_are_approximate_until_a_boundary_comes(tmp_path: Path) -> None:
    """Without areas the nearest seat is taken and said to be; a commune the file names is kept."""
    rows = [
        (point(106.82, 10.94), {"code": "A"}),
        (point(106.82, 10.95), {"code": "B", "commune_name": "Xã Xuân Lộc"}),
    ]
    report, (one, other) = run(geojson(tmp_path / "bts.geojson", rows))
    assert (one.commune_how, other.commune_how) == ("nearest_seat", "file")
    assert other.commune_name == "Phường Xuân Lộc"
    assert any("gần đúng" in warning for warning in report.warnings)


# ---------------------------------------------------------------- refusals


def refused(path: Path, layer: str = "bts", **asked: Any) -> str:
    report, found = run(path, layer, **asked)
    assert (report.exit_code, found) == (1, [])
    assert report.error
    assert report.json()["committed"] is False
    return report.error


def test_wrong_zone_given(tmp_path: Path) -> None:
    """A zone that puts everything elsewhere is refused and the fitting one is named."""
    path = files.vector(tmp_path / "bts.gpkg", "GPKG", 5899, declared=False)
    assert "5899" in refused(path, crs="EPSG:9209")


def test_wrong_zone_declared(tmp_path: Path) -> None:
    """A declared zone that puts everything elsewhere becomes a guess for a person."""
    xy = vn2000.of_epsg(5899).from_lonlat(files.LONLAT)
    path = tmp_path / "bts.gpkg"
    codes = [row[0] for row in files.STATIONS]
    files.write(path, "GPKG", shapely.points(xy), {"code": codes}, epsg=9209)
    report, _ = run(path, yes=False)
    assert (report.exit_code, report.json()["crs"]["epsg"]) == (3, 5899)


def test_another_country(tmp_path: Path) -> None:
    """Points of elsewhere are refused as a whole."""
    assert "trong tỉnh" in refused(
        geojson(tmp_path / "bts.geojson", [(point(2.3, 48.9), {"code": "P"})])
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "rỗng"),
        ("a.doc", b"hello", "định dạng"),
        ("a.geojson", b"<OGRVRTDataSource></OGRVRTDataSource>", "định dạng"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "hỏng"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "không"),
        ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 200, "hỏng"),
        ("a.shp", b"\x00\x00\x27\x0a" + b"\x00" * 96, ".shx"),
        ("a.dbf", b"\x03" + b"\x00" * 64, ".shp"),
        ("a.parquet", b"PAR1....PAR1", "GPKG"),
        ("a.dwg", b"AC1032....", "DXF"),
        ("a.zip", b"PK\x03\x04 broken", "định dạng"),
        ("a.csv", b"a,b\n1,2\n", "tọa độ"),
        ("a.csv", b"lon,lat\n107,11\n", "mã"),
        (
            "a.kml",
            b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml/>',
            "DOCTYPE",
        ),
        ("a.kml", "<kml/>".encode("utf-16"), "định dạng"),
    ],
)
def test_files_that_are_not_taken(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """Each is refused with a sentence that says what to do, never with a traceback."""
    path = tmp_path / name
    path.write_bytes(content)
    assert says in refused(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A wrong path is one sentence."""
    assert refused(tmp_path / "none.gpkg")


def test_zip_that_grows(tmp_path: Path) -> None:
    """A bomb is stopped by what comes out of it, whatever its header claims."""
    path = tmp_path / "bom.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bts.csv", b"0" * 20_000_000)
    assert "bung" in refused(path)


def test_zip_that_climbs(tmp_path: Path) -> None:
    """A member's path never leaves our folder: only its last part is used."""
    inner = io.BytesIO()
    path = tmp_path / "leo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "../../../../bts.csv", "code,name,lon,lat\nA,Trạm A,106.82,10.94\n".encode()
        )
    inner.close()
    _, found = run(path)
    assert [feature.code for feature in found] == ["A"]
    assert not (tmp_path.parent / "bts.csv").exists()


def test_xlsx_that_grows(tmp_path: Path) -> None:
    """A workbook that unpacks to too much is stopped before its reader sees it."""
    path = tmp_path / "bom.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("xl/workbook.xml", b" " * 20_000_000)
    assert "bung" in refused(path)


def test_coordinates_that_are_no_places(tmp_path: Path) -> None:
    """NaN, infinity and numbers beyond the globe are refused rows, not stations."""
    path = tmp_path / "bts.csv"
    path.write_text(
        "code,lon,lat\nA,106.82,10.94\nF,106.9,11\nB,nan,11\nC,inf,11\nD,9e99,11\nE,106.8,95\n"
    )
    report, found = run(path)
    assert [feature.code for feature in found] == ["A", "F"]
    assert [one.code for one in report.refused] == ["B", "C", "D", "E"]


def test_a_shape_of_too_many_vertices(tmp_path: Path) -> None:
    """An area of a million vertices is a refused row, in moments."""
    angle = np.linspace(0, 2 * np.pi, 1_000_000)
    ring = np.column_stack((107 + 0.1 * np.cos(angle), 11 + 0.1 * np.sin(angle)))
    shapes = np.array([shapely.polygons(ring), shapely.box(107, 11, 107.1, 11.1)], dtype=object)
    path = tmp_path / "kcn.fgb"
    files.write(path, "FlatGeobuf", shapes, {"code": ["A", "B"]}, kind="Polygon")
    report, found = run(path, layer="industrial_park")
    assert [feature.code for feature in found] == ["B"]
    assert "500.000" in report.refused[0].reason


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"layer": "zzz"}, "zzz"),
        ({"crs": "EPSG:999999"}, "999999"),
        ({"crs": "VN-2000"}, "EPSG:5899"),
        ({"encoding": "cp1258"}, "tcvn3"),
        ({"mapping": {"zzz": "code"}}, "zzz"),
        ({"mapping": {"TEN_TRAM": "zzz"}}, "zzz"),
    ],
)
def test_wishes_that_cannot_be(tmp_path: Path, asked: dict[str, Any], says: str) -> None:
    """What is asked for and does not exist is refused, with what does; CP1258 is never offered."""
    path = files.vector(tmp_path / "bts.gpkg", "GPKG")
    assert says in refused(path, **asked)
