"""Coordinate reference systems by their URI: WGS 84 and the province's VN-2000 zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from ioc import vn2000
from ioc.web.queries.features_wanted import Area, rectangle

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"
_DEGREES: Final = 8  # decimals: 1 mm
_METRES: Final = 3
_STEPS: Final = 17  # points along each side of a box that is turned into degrees


@dataclass(frozen=True, slots=True)
class Served:
    """A system that answers are given in. `north_first`: its axes are latitude, longitude."""

    uri: str
    title: str
    system: vn2000.System
    north_first: bool = False

    def shapes(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Return geometries of WGS 84 in this system, axes in its order."""
        if self.system.definition == "" and not self.north_first:
            return shapes
        degrees = self.system.epsg in (vn2000.WGS84, vn2000.GEOGRAPHIC)

        def there(xy: vn2000.Coordinates) -> vn2000.Coordinates:
            moved = self.system.from_lonlat(xy).round(_DEGREES if degrees else _METRES)
            return moved[:, ::-1] if self.north_first else moved

        moved: NDArray[Any] = shapely.transform(shapes, there)
        return moved

    def area(self, corners: tuple[float, float, float, float]) -> Area:
        """Return where in WGS 84 a box of this system lies; ValueError where it lies nowhere."""
        first, second, third, fourth = corners
        if self.north_first:
            first, second, third, fourth = second, first, fourth, third
        if self.system.definition == "":
            return rectangle(first, second, third, fourth)
        return self._turned(first, second, third, fourth)

    def _turned(self, west: float, south: float, east: float, north: float) -> Area:
        along = np.linspace(0, 1, _STEPS)[:-1]
        x = np.concatenate([west + (east - west) * along, np.full(_STEPS - 1, east)])
        y = np.concatenate([np.full(_STEPS - 1, south), south + (north - south) * along])
        ring = np.column_stack(
            (np.concatenate([x, west + east - x]), np.concatenate([y, south + north - y]))
        )
        lonlat = self.system.lonlat(ring)
        if not np.isfinite(lonlat).all():
            raise ValueError("a box outside the system's reach")
        shape = shapely.make_valid(shapely.Polygon(lonlat))
        return Area(shape, tuple(shapely.bounds(shape).tolist()), None)


class Systems:
    """WGS 84 first, then the zones of a province."""

    def __init__(self, zones: tuple[int, ...]) -> None:
        degrees = vn2000.of_epsg(vn2000.WGS84)
        served = [
            Served(CRS84, "WGS 84 (kinh độ, vĩ độ)", degrees),
            Served(f"{_EPSG}4326", "WGS 84 (vĩ độ, kinh độ)", degrees, north_first=True),
        ]
        for code in (*zones, vn2000.GEOGRAPHIC):
            system = vn2000.of_epsg(code)
            north_first = code == vn2000.GEOGRAPHIC
            served.append(Served(f"{_EPSG}{code}", system.title, system, north_first))
        self._by_uri = {one.uri: one for one in served}

    @property
    def all(self) -> tuple[Served, ...]:
        return tuple(self._by_uri.values())

    def get(self, uri: str) -> Served | None:
        """Return the system of a URI; programs put it into brackets, too."""
        return self._by_uri.get(uri.strip("[]").replace("https://", "http://"))
