"""Which system a file is in, by what it declares and where its points fall. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from ioc.vn2000 import (
    GEOGRAPHIC,
    UTM,
    VN2000,
    WGS84,
    ZONES,
    Coordinates,
    System,
    of_epsg,
    pinned,
)

# WGS 84 in degrees first: of equal candidates the first is offered.
CANDIDATES: Final = (WGS84, *ZONES, *UTM, GEOGRAPHIC, 32648, 32649, 3857)
_FITS: Final = 0.5  # share of points inside the province that makes a system possible
_CLOSE: Final = 0.2  # of the best share: those that a named commune may still decide between
_SAMPLE: Final = 2_000  # points that are tried in each candidate


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system in which this share of the points lies inside the province, and near enough."""

    system: System
    axes: str  # "xy", or "yx" where the file has north first
    inside_share: float
    near_share: float

    @property
    def possible(self) -> bool:
        return self.near_share >= _FITS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file's points are held against: the province, and what breaks a tie.

    `near` is the area in which a row is still taken: a file of one station at the border fits,
    too, though an approximate outline leaves it out.

    `agreement`: share of the rows whose own commune is where this system puts them, 0 where the
    file names none. `local`: EPSG codes of the province's own zones.
    """

    province: Any
    near: Any
    agreement: Callable[[Candidate], float] = lambda _candidate: 0.0
    local: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The system of a file. `how`: declared, given or guessed; a guess needs a person's yes.

    `best` of the candidates is the choice where `how` is guessed. `fits`: the points then lie in
    the province, or nobody asked that they do.
    """

    system: System
    how: str
    axes: str
    candidates: tuple[Candidate, ...]
    fits: bool

    @property
    def certain(self) -> bool:
        return self.how != "guessed" and self.axes == "xy" and not self.system.suspect


def of_wkt(text: str | None) -> System | None:
    """Return the system that a file declares; None for none, or for one without a meaning."""
    if not text:
        return None
    try:
        found = CRS.from_user_input(text)
    except CRSError:
        return None
    if not (found.is_geographic or found.is_projected) or found.name.startswith("Undefined"):
        return None
    if found.to_epsg() in VN2000 | {WGS84}:
        return of_epsg(int(found.to_epsg() or 0))
    return _transverse(found) or System(found.to_epsg(), found.name, found.to_wkt())


def choose(
    xy: Coordinates,
    evidence: Evidence,
    *,
    declared: System | None,
    given: System | None,
    anywhere: bool = False,
) -> Choice:
    """Return the system of a file by what a person said, the file says, or its points tell.

    What is declared and puts the points elsewhere is a guess again; what a person gave is not,
    but the axes may be swapped. `anywhere`: the layer need not lie in the province.
    """
    sample = xy[:: max(1, len(xy) // _SAMPLE)]
    tried = candidates(sample, evidence, first=given or declared)
    said = given or declared
    if said is not None:
        own = [one for one in tried if one.system == said]
        fit = next((one for one in own if one.possible), None)
        if fit is not None or anywhere or given is not None or not _possible(tried):
            axes = fit.axes if fit else "xy"
            how = "given" if given is not None else "declared"
            return Choice(said, how, axes, tried, fits=fit is not None or anywhere)
    if not tried:
        return Choice(said or of_epsg(WGS84), "guessed", "xy", tried, fits=False)
    best = tried[0]
    return Choice(best.system, "guessed", best.axes, tried, fits=_possible(tried))


def candidates(
    xy: Coordinates,
    evidence: Evidence,
    *,
    first: System | None = None,
) -> tuple[Candidate, ...]:
    """Return the systems that put any point inside the province, best first.

    Zones 27 km apart may fit alike; then the one whose communes the file names, then a local one.
    """
    systems = [of_epsg(code) for code in CANDIDATES]
    if first is not None:
        systems = [first, *(one for one in systems if one != first)]
    found = [
        one
        for system in systems
        for axes in ("xy", "yx")
        if (one := _tried(system, axes, xy, evidence)).near_share > 0
    ]
    close = max((one.inside_share for one in found), default=0.0) - _CLOSE

    def rank(one: Candidate) -> tuple[float, float, float, bool]:
        named = evidence.agreement(one) if one.inside_share >= close else 0.0
        return (
            -named,
            -one.inside_share,
            -one.near_share,
            one.system.epsg not in (WGS84, *evidence.local),
        )

    return tuple(sorted(found, key=rank))


def _tried(system: System, axes: str, xy: Coordinates, evidence: Evidence) -> Candidate:
    lonlat = system.lonlat(ordered(xy, axes))
    inside = inside_share(lonlat, evidence.province)
    return Candidate(system, axes, round(inside, 4), inside_share(lonlat, evidence.near))


def ordered(xy: Coordinates, axes: str) -> Coordinates:
    """Return the columns as x, y."""
    return xy if axes == "xy" else xy[:, ::-1]


def inside_share(lonlat: Coordinates, province: Any) -> float:  # noqa: ANN401
    """Return the share of points inside, 0 to 1; a point that has no place is outside."""
    if not len(lonlat):
        return 0.0
    sound = np.isfinite(lonlat).all(axis=1)
    inside = shapely.contains_xy(province, lonlat[sound, 0], lonlat[sound, 1])
    return float(np.count_nonzero(inside)) / len(lonlat)


def reproject(geometry: NDArray[Any], system: System, axes: str) -> NDArray[Any]:
    """Return the geometries in WGS 84, longitude first, without height."""
    if system.definition == "" and axes == "xy":
        return np.asarray(shapely.force_2d(geometry), dtype=object)
    moved: NDArray[Any] = shapely.transform(
        shapely.force_2d(geometry), lambda xy: system.lonlat(ordered(xy, axes))
    )
    return moved


def _possible(tried: Sequence[Candidate]) -> bool:
    return bool(tried) and tried[0].possible


def _transverse(found: CRS) -> System | None:
    """Return a VN-2000 zone that is written out without its code, as most .prj files are."""
    operation = found.coordinate_operation
    if operation is None or operation.method_name != "Transverse Mercator":
        return None
    value = {parameter.name: float(parameter.value or 0) for parameter in operation.params}
    meridian = value.get("Longitude of natural origin", 0.0)
    scale = value.get("Scale factor at natural origin", 1.0)
    if (value.get("False easting"), value.get("False northing")) != (500_000, 0):
        return None
    code = next((code for code, lon in ZONES.items() if abs(lon - meridian) < 1e-6), None)  # noqa: PLR2004
    zone = code is not None and scale == 0.9999  # noqa: PLR2004  nobody else has such zones
    # Nobody but Vietnam uses these zones, yet on another datum the shift may be in already:
    # a person must say. MapInfo files are always like that, they have no code for the datum.
    suspect = not _names_vn2000(*_datums(found))
    if zone and code is not None:
        return replace(of_epsg(code), suspect=suspect)
    if _names_vn2000(found.name, *_datums(found)):
        return System(None, found.name, pinned(meridian, scale), suspect)
    return None


def _datums(found: CRS) -> tuple[str, str]:
    datum = "" if found.datum is None else found.datum.name
    return datum, "" if found.geodetic_crs is None else found.geodetic_crs.name


def _names_vn2000(*names: str) -> bool:
    told = re.sub("[^A-Z0-9]", "", " ".join(names).upper())
    return "VN2000" in told or "VIETNAM2000" in told
