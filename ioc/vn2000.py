"""Coordinate reference systems and the one pinned VN-2000 operation. Pure.

PROJ knows two operations from VN-2000 to WGS 84 and picks one per point, which leaves a seam of
0.8 m inside one province. Only EPSG's "VN-2000 to WGS 84 (2)" is used here (Decision 05/2007/
QĐ-BTNMT, coordinate-frame convention), written out so that another PROJ cannot change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

Coordinates = NDArray[np.float64]  # n rows of two

WGS84: Final = 4326
_SHIFT: Final = (
    "step proj=push v_3 step proj=cart ellps=WGS84 step proj=helmert x=-191.90441429"
    " y=-39.30318279 z=-111.45032835 rx=-0.00928836 ry=0.01975479 rz=-0.00427372 s=0.252906278"
    " convention=coordinate_frame step inv proj=cart ellps=WGS84 step proj=pop v_3"
)
_DEGREES: Final = "step proj=unitconvert xy_in=rad xy_out=deg"
ZONES: Final = {  # EPSG code of the TM-3 zone -> its central meridian
    5896: 102.0, 5897: 105.0, 5898: 108.0, 5899: 107.75,
    9205: 103.0, 9206: 104.0, 9207: 104.5, 9208: 104.75, 9209: 105.5, 9210: 105.75, 9211: 106.0,
    9212: 106.25, 9213: 106.5, 9214: 107.0, 9215: 107.25, 9216: 107.5, 9217: 108.25, 9218: 108.5,
}  # fmt: skip
GEOGRAPHIC: Final = 4756
UTM: Final = {3405: 105.0, 3406: 111.0}
VN2000: Final = frozenset({*ZONES, *UTM, GEOGRAPHIC})


@dataclass(frozen=True, slots=True)
class System:
    """How x and y become longitude and latitude; `epsg` is None for a system without a code.

    `suspect`: a VN-2000 zone declared on another datum, so that whether the shift of about 225 m
    is in already cannot be known from the declaration.
    """

    epsg: int | None
    title: str
    definition: str
    suspect: bool = False

    def lonlat(self, xy: Coordinates) -> Coordinates:
        """Return longitude and latitude of each row; inf where the system knows none."""
        if self.definition == "":
            return xy
        lon, lat = _transformer(self.definition).transform(xy[:, 0], xy[:, 1])
        return np.column_stack((lon, lat))

    def from_lonlat(self, lonlat: Coordinates) -> Coordinates:
        """Return x and y, the way back."""
        if self.definition == "":
            return lonlat
        x, y = _transformer(self.definition).transform(
            lonlat[:, 0], lonlat[:, 1], direction="INVERSE"
        )
        return np.column_stack((x, y))


@cache
def of_epsg(code: int) -> System:
    """Return the system of an EPSG code; ValueError for one that PROJ does not know."""
    if code == WGS84:
        return System(code, "WGS 84", "")
    if code == GEOGRAPHIC:
        radians = "step proj=unitconvert xy_in=deg xy_out=rad"
        return System(code, "VN-2000", f"proj=pipeline {radians} {_SHIFT} {_DEGREES}")
    if code in ZONES:
        title = f"VN-2000 / TM-3 {_meridian(ZONES[code])}"
        return System(code, title, pinned(ZONES[code], 0.9999))
    if code in UTM:
        return System(code, f"VN-2000 / UTM {code - 3405 + 48}N", pinned(UTM[code], 0.9996))
    try:
        found = CRS.from_epsg(code)
    except CRSError as error:
        raise ValueError(f"EPSG:{code}") from error
    return System(code, found.name, found.to_wkt())


def _meridian(degrees: float) -> str:
    return f"{int(degrees)}-{round(degrees % 1 * 60):02d}"


def pinned(meridian: float, scale: float) -> str:
    plane = f"proj=tmerc lat_0=0 lon_0={meridian:g} k={scale:g} x_0=500000 y_0=0 ellps=WGS84"
    return f"proj=pipeline step inv {plane} {_SHIFT} {_DEGREES}"


@cache
def _transformer(definition: str) -> Transformer:
    if definition.startswith("proj=pipeline"):
        return Transformer.from_pipeline(definition)
    return Transformer.from_crs(CRS.from_wkt(definition), WGS84, always_xy=True)
