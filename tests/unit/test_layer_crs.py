"""VN-2000 to the centimetre by one operation; which system a file is in, when that is a guess."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from pyproj.transformer import TransformerGroup

from ioc import vn2000
from ioc.vn2000 import of_epsg
from layers import crs
from layers.crs import choose, of_wkt

PUBLISHED = [  # lon, lat in WGS 84; EPSG code; easting, northing: measured with the operation (2)
    (106.8230, 10.9447, 5899, 398_482.620, 1_210_496.966),  # Biên Hòa
    (104.9836, 22.8233, 9209, 446_797.967, 2_524_917.294),  # Hà Giang
    (103.0230, 21.3860, 9205, 502_188.696, 2_365_683.612),  # Điện Biên Phủ
    (106.1683, 20.4200, 9209, 569_546.469, 2_258_888.208),  # Nam Định
    (106.8960, 11.5349, 9212, 570_268.199, 1_275_699.049),  # Đồng Xoài
]
PROVINCE = shapely.box(106.4, 10.6, 107.6, 12.3)
shapely.prepare(PROVINCE)
NEAR = PROVINCE.buffer(0.06)
shapely.prepare(NEAR)
ZONES_BUT_ONE = sorted(vn2000.VN2000 - {3406})
EVIDENCE = crs.Evidence(PROVINCE, NEAR, local=(5899, 9212))
INSIDE = np.array([[106.6 + n % 9 / 10, 10.8 + n % 13 / 10] for n in range(117)])
PRJ = (
    'PROJCS["{name}",GEOGCS["GCS_{datum}",DATUM["D_{datum}",'
    'SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",0.9999],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


@pytest.mark.parametrize(("lon", "lat", "epsg", "easting", "northing"), PUBLISHED)
def test_published_points(
    lon: float, lat: float, epsg: int, easting: float, northing: float
) -> None:
    """Known points of five provinces come out within 5 mm, both ways."""
    system = of_epsg(epsg)
    x, y = system.from_lonlat(np.array([[lon, lat]]))[0]
    assert abs(x - easting) < 0.005
    assert abs(y - northing) < 0.005
    back = system.lonlat(np.array([[easting, northing]]))[0]
    assert Geod(ellps="WGS84").inv(lon, lat, *back)[2] < 0.005


@pytest.mark.parametrize("epsg", sorted(vn2000.VN2000))
def test_the_operation_is_epsgs_second(epsg: int) -> None:
    """Each written-out system is what EPSG calls VN-2000 to WGS 84 (2), to 0.1 mm."""
    group = TransformerGroup(4326, epsg, always_xy=True).transformers
    second = next(one for one in group if "(2)" in one.description)
    points = np.array([[106.823, 10.9447], [105.5, 21.0], [108.2, 15.9]])
    expected = np.column_stack(second.transform(points[:, 0], points[:, 1]))
    scale = 111_000 if epsg == 4756 else 1
    assert np.abs(of_epsg(epsg).from_lonlat(points) - expected).max() * scale < 1e-4


def test_no_seam_inside_a_province() -> None:
    """Two points 22 m apart on both sides of PROJ's line stay 22 m apart."""
    pair = np.array([[106.9, 11.0399], [106.9, 11.0401]])  # 22.122 m on the ellipsoid
    measured = of_epsg(5899).from_lonlat(pair)
    assert abs(np.hypot(*(measured[1] - measured[0])) - 22.12) < 0.01
    assert np.abs(of_epsg(5899).lonlat(measured) - pair).max() < 1e-8


@given(st.floats(102.2, 109.4), st.floats(8.5, 23.3), st.sampled_from(ZONES_BUT_ONE))
def test_round_trip(lon: float, lat: float, epsg: int) -> None:
    """There and back again is less than two millimetres anywhere in the country."""
    point = np.array([[lon, lat]])
    system = of_epsg(epsg)
    assert np.abs(system.lonlat(system.from_lonlat(point)) - point).max() < 1.5e-8


def test_forgotten_shift_is_what_the_operation_does() -> None:
    """Taking VN-2000 for WGS 84 is an error of 223 to 226 m, which is what the shift removes."""
    point = np.array([[106.823, 10.9447]])
    moved = of_epsg(4756).lonlat(point)[0]
    assert 222 < Geod(ellps="WGS84").inv(*point[0], *moved)[2] < 227


@pytest.mark.parametrize("meridian", [107.75, 106.25])
def test_written_out_projection(meridian: float) -> None:
    """A .prj without a code is recognised as its zone and goes through the same operation."""
    found = of_wkt(PRJ.format(name="Plan", datum="VN_2000", meridian=meridian))
    assert found == of_epsg({107.75: 5899, 106.25: 9212}[meridian])


def test_meridian_of_its_own() -> None:
    """A zone that EPSG does not list has no code and still the pinned shift."""
    found = of_wkt(PRJ.format(name="Plan", datum="VN_2000", meridian=107.8))
    assert found is not None
    assert found.epsg is None
    assert "helmert" in found.definition


@pytest.mark.parametrize("name", ["Dong_Nai_TM3", "VN_2000_Dong_Nai"])
def test_zone_on_the_wrong_datum_is_suspect(name: str) -> None:
    """A VN-2000 zone declared on WGS 84 may lack the shift: it never passes as certain."""
    found = of_wkt(PRJ.format(name=name, datum="WGS_1984", meridian=107.75))
    assert found is not None
    assert (found.suspect, found.epsg) == (True, 5899)
    choice = choose(found.from_lonlat(INSIDE), EVIDENCE, declared=found, given=None)
    assert not choice.certain


@pytest.mark.parametrize("text", [None, "", "nonsense", 'LOCAL_CS["plan"]'])
def test_no_declaration(text: str | None) -> None:
    """Nothing, nonsense and a local plan declare no system."""
    assert of_wkt(text) is None


def test_unknown_code() -> None:
    """An EPSG code that does not exist is refused."""
    with pytest.raises(ValueError, match="999999"):
        of_epsg(999_999)


@pytest.mark.parametrize("epsg", [5899, 9212, 9210, 3405, 4326, 32648])
@pytest.mark.parametrize("axes", ["xy", "yx"])
def test_guess(epsg: int, axes: str) -> None:
    """The system is found by the share of points inside, axes and all, and stays a guess."""
    xy = crs.ordered(of_epsg(epsg).from_lonlat(INSIDE), axes)
    choice = choose(xy, EVIDENCE, declared=None, given=None)
    offered = [(one.system.epsg, one.axes) for one in choice.candidates if one.inside_share > 0.9]
    assert (epsg, axes) in offered
    assert (choice.how, choice.fits, choice.certain) == ("guessed", True, False)
    assert choice.axes == axes


def test_neighbouring_zones_are_both_offered() -> None:
    """107-45 and 108-00 are 27 km apart: a small file fits both, and both are shown."""
    xy = of_epsg(5899).from_lonlat(np.array([[106.8, 11.2], [106.9, 11.3], [107.0, 11.2]]))
    choice = choose(xy, EVIDENCE, declared=None, given=None)
    assert {5899, 5898} <= {one.system.epsg for one in choice.candidates}
    assert choice.system.epsg == 5899  # the province's own zone breaks the tie


def test_a_named_commune_breaks_the_tie() -> None:
    """Where the file names communes, the zone that puts the rows into them is offered first."""
    xy = of_epsg(5898).from_lonlat(np.array([[106.8, 11.2], [106.9, 11.3], [107.0, 11.2]]))
    evidence = crs.Evidence(PROVINCE, NEAR, lambda one: float(one.system.epsg == 5898), (5899,))
    assert choose(xy, evidence, declared=None, given=None).system.epsg == 5898


def test_declared_and_right_is_certain() -> None:
    """A declared system that puts the points into the province needs nobody."""
    system = of_epsg(9212)
    choice = choose(system.from_lonlat(INSIDE), EVIDENCE, declared=system, given=None)
    assert (choice.system, choice.how, choice.certain) == (system, "declared", True)


def test_declared_and_wrong_is_a_guess() -> None:
    """A declared zone that puts the points elsewhere is not believed; the right one is offered."""
    xy = of_epsg(9212).from_lonlat(INSIDE)
    choice = choose(xy, EVIDENCE, declared=of_epsg(9209), given=None)
    assert (choice.system.epsg, choice.how) == (9212, "guessed")


def test_given_is_kept_and_swapped_axes_are_named() -> None:
    """What a person gave stays; swapped axes are seen and are not certain."""
    xy = of_epsg(5899).from_lonlat(INSIDE)[:, ::-1]
    choice = choose(xy, EVIDENCE, declared=None, given=of_epsg(5899))
    assert (choice.system.epsg, choice.how, choice.axes) == (5899, "given", "yx")
    assert not choice.certain


def test_given_and_elsewhere_does_not_fit() -> None:
    """A given zone that puts the points elsewhere is told, with what would fit."""
    xy = of_epsg(5899).from_lonlat(INSIDE)
    choice = choose(xy, EVIDENCE, declared=None, given=of_epsg(9209))
    assert (choice.fits, choice.candidates[0].system.epsg) == (False, 5899)


def test_nothing_fits() -> None:
    """Points of another country fit in no system."""
    choice = choose(np.array([[2.3, 48.9]] * 5), EVIDENCE, declared=None, given=None)
    assert (choice.fits, choice.candidates) == (False, ())


def test_a_station_at_the_border_fits() -> None:
    """A file of one point just outside an approximate outline is taken where it is declared."""
    choice = choose(np.array([[107.61, 11.0]]), EVIDENCE, declared=of_epsg(4326), given=None)
    assert (choice.how, choice.fits) == ("declared", True)
