"""VN_WQI, the Vietnamese index of surface water, as pure functions.

Source: Quyết định 1460/QĐ-TCMT of 12/11/2019; the breakpoints agree with the columns of QCVN
08-MT:2015. Metals and group IV in mg/L, pesticides in µg/L, microbes in MPN/100 mL, temperature
in °C. N-NH4, Cd, Pb and Hg jump at their first breakpoint, which belongs to the worse side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import floor, isfinite, prod
from types import MappingProxyType
from typing import Final

GROUPS_NEEDED: Final = 3  # of five, group IV among them
ORGANIC_NEEDED: Final = 3  # parameters of group IV
WORST: Final = 10.0


class Group(StrEnum):
    """The five groups of parameters."""

    PH = "I"
    PESTICIDES = "II"
    METALS = "III"
    ORGANIC = "IV"
    MICROBES = "V"


class Category(StrEnum):
    """What the water suits."""

    EXCELLENT = "excellent"
    GOOD = "good"
    MODERATE = "moderate"
    BAD = "bad"
    POOR = "poor"
    VERY_POLLUTED = "very_polluted"

    @property
    def colour(self) -> str:
        """Return the decision's colour as #RRGGBB."""
        return _COLOURS[self]


class Missing(StrEnum):
    """Why there is no index."""

    NO_DATA = "no_data"
    FEW_GROUPS = "few_groups"
    FEW_ORGANIC = "few_organic"


@dataclass(frozen=True, slots=True)
class Index:
    """An index, or the reason why there is none; numbers are not rounded."""

    sub_indices: Mapping[str, float]
    raw: float | None
    reason: Missing | None = None

    @property
    def index(self) -> int | None:
        return None if self.raw is None else floor(round(self.raw, 6) + 0.5)

    @property
    def worst(self) -> str | None:
        """Return the parameter with the lowest sub-index, None where all are perfect."""
        if self.raw is None or min(self.sub_indices.values()) >= _PERFECT:
            return None
        return min(self.sub_indices, key=self.sub_indices.__getitem__)

    @property
    def category(self) -> Category | None:
        return None if self.index is None else category(self.index)


_PERFECT: Final = 100.0
_QUALITIES: Final = (100.0, 75.0, 50.0, 25.0, 10.0)
# (concentration, quality) at which the line bends; beyond the last the sub-index is 10. Where two
# qualities stand at one concentration the line jumps there, and the second one holds.
_Line = tuple[tuple[float, float], ...]


def _falling(*edges: float) -> _Line:
    return ((0.0, _PERFECT), *zip(edges, _QUALITIES, strict=False))


def _jumping(*edges: float) -> _Line:
    """Return the line of a parameter that has 100 strictly below its first breakpoint."""
    return ((0.0, _PERFECT), (edges[0], _PERFECT), *zip(edges, _QUALITIES[1:], strict=True))


_LINES: Final[Mapping[str, _Line]] = MappingProxyType(
    {
        "pH": ((5.5, 50.0), (6.0, 100.0), (8.5, 100.0), (9.0, 50.0)),
        "As": _falling(0.01, 0.02, 0.05, 0.1),
        "Cd": _jumping(0.005, 0.008, 0.01, 0.1),
        "Pb": _jumping(0.02, 0.04, 0.05, 0.5),
        "Cr6": _falling(0.01, 0.02, 0.04, 0.05, 0.1),
        "Cu": _falling(0.1, 0.2, 0.5, 1.0, 2.0),
        "Zn": _falling(0.5, 1.0, 1.5, 2.0, 3.0),
        "Hg": _jumping(0.001, 0.0015, 0.002, 0.01),
        "DO": (
            (20.0, 25.0),
            (50.0, 50.0),
            (75.0, 75.0),
            (88.0, 100.0),
            (112.0, 100.0),
            (125.0, 75.0),
            (150.0, 50.0),
            (200.0, 25.0),
        ),
        "BOD5": _falling(4, 6, 15, 25, 50),
        "COD": _falling(10, 15, 30, 50, 150),
        "TOC": _falling(4, 6, 15, 25, 50),
        "N_NH4": _jumping(0.3, 0.6, 0.9, 5),
        "N_NO3": _falling(2, 5, 10, 15),
        "N_NO2": _falling(0.05),
        "P_PO4": _falling(0.1, 0.2, 0.3, 0.5, 4),
        "Coliform": _falling(2500, 5000, 7500, 10_000),
        "Ecoli": _falling(20, 50, 100, 200),
        "Aldrin": _falling(0.1),
        "BHC": _falling(0.02),
        "Dieldrin": _falling(0.1),
        "DDTs": _falling(1.0),
        "Heptachlor": _falling(0.2),  # with its epoxide
    }
)
GROUPS: Final[Mapping[Group, tuple[str, ...]]] = MappingProxyType(
    {
        Group.PH: ("pH",),
        Group.PESTICIDES: ("Aldrin", "BHC", "Dieldrin", "DDTs", "Heptachlor"),
        Group.METALS: ("As", "Cd", "Pb", "Cr6", "Cu", "Zn", "Hg"),
        Group.ORGANIC: ("DO", "BOD5", "COD", "TOC", "N_NH4", "N_NO3", "N_NO2", "P_PO4"),
        Group.MICROBES: ("Coliform", "Ecoli"),
    }
)
TEMPERATURE: Final = "T"  # has no index; without it oxygen has none either
PARAMETERS: Final = (*(name for names in GROUPS.values() for name in names), TEMPERATURE)
_LOWEST: Final = (
    (91, Category.EXCELLENT),
    (76, Category.GOOD),
    (51, Category.MODERATE),
    (26, Category.BAD),
    (10, Category.POOR),
    (0, Category.VERY_POLLUTED),
)
_COLOURS: Final[Mapping[Category, str]] = MappingProxyType(
    {
        Category.EXCELLENT: "#3333FF",
        Category.GOOD: "#00E400",
        Category.MODERATE: "#FFFF00",
        Category.BAD: "#FF7E00",
        Category.POOR: "#FF0000",
        Category.VERY_POLLUTED: "#7E0023",
    }
)


def category(index: int) -> Category:
    """Return the category of a rounded index."""
    return next(name for least, name in _LOWEST if index >= least)


def saturation(oxygen: float, temperature: float) -> float:
    """Return dissolved oxygen (mg/L) in per cent of what water of this temperature (°C) holds."""
    t = temperature
    return oxygen / (14.652 - 0.41022 * t + 0.0079910 * t**2 - 0.000077774 * t**3) * 100


def sub_index(parameter: str, value: float) -> float:
    """Return the quality of one value, 10 to 100; oxygen in per cent of saturation.

    Raises KeyError for a parameter that has none.
    """
    line = _LINES[parameter]
    if value < line[0][0]:
        return WORST
    for (low, best), (high, worst) in pairwise(line):
        if value < high:
            return best + (worst - best) * (value - low) / (high - low)
    return line[-1][1] if value == line[-1][0] else WORST


def water(values: Mapping[str, float | None], *, weighted: bool = False) -> Index:
    """Return VN_WQI of one sample; `weighted` gives group IV twice the weight of group V.

    Keys are those of `PARAMETERS`. A value that is missing, negative or not finite does not count.
    """
    known = {
        name: value
        for name, value in values.items()
        if value is not None and isfinite(value) and (value >= 0 or name == TEMPERATURE)
    }
    temperature = known.pop(TEMPERATURE, None)
    if "DO" in known:
        oxygen = known.pop("DO")
        if temperature is not None:
            known["DO"] = saturation(oxygen, temperature)
    found = {name: sub_index(name, known[name]) for name in _LINES if name in known}
    reason = _missing(found)
    return Index(found, None if reason else _combined(found, weighted=weighted), reason)


def _missing(found: Mapping[str, float]) -> Missing | None:
    if not found:
        return Missing.NO_DATA
    if len(_of(Group.ORGANIC, found)) < ORGANIC_NEEDED:
        return Missing.FEW_ORGANIC
    if sum(bool(_of(group, found)) for group in Group) < GROUPS_NEEDED:
        return Missing.FEW_GROUPS
    return None


def _of(group: Group, found: Mapping[str, float]) -> list[float]:
    return [found[name] for name in GROUPS[group] if name in found]


def _combined(found: Mapping[str, float], *, weighted: bool) -> float:
    organic, microbes = _of(Group.ORGANIC, found), _of(Group.MICROBES, found)
    result = _mean(organic)
    if microbes and weighted:
        result = (_mean(organic) ** 2 * _mean(microbes)) ** (1 / 3)
    elif microbes:
        result = (_mean(organic) * _mean(microbes)) ** 0.5
    for group in (Group.PH, Group.PESTICIDES, Group.METALS):
        factors = _of(group, found)
        if factors:
            result *= prod(factors) ** (1 / len(factors)) / 100
    return result


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
