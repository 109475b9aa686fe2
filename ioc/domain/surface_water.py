"""The class of a river's water by QCVN 08:2023/BTNMT, Bảng 2: what stands where VN_WQI cannot.

The worst parameter decides. Concentrations in mg/L, coliforms in MPN/100 mL. Of suspended solids
class C and D differ by floating waste, which no instrument sees: beyond 100 mg/L it is C.
Confidence of the table: B (two independent transcriptions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Final


class Level(StrEnum):
    """Mức A, the best, to D."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Graded:
    """The class of a sample and the parameters that decide it."""

    level: Level
    by: tuple[str, ...]


# Observed property -> the most (or, of oxygen, the least) that A, B and C allow.
_AT_MOST: Final[Mapping[str, tuple[float, float, float]]] = {
    "bod5": (4, 6, 10),
    "cod": (10, 15, 20),
    "toc": (4, 6, 8),
    "tss": (25, 100, float("inf")),
    "total_p": (0.1, 0.3, 0.5),
    "total_n": (0.6, 1.5, 2.0),
    "coliform": (1000, 5000, 7500),
}
_OXYGEN: Final = (6.0, 5.0, 4.0)
_PH_BEST: Final = (6.5, 8.5)
_PH: Final = (6.0, 8.5)
PROPERTIES: Final = (*_AT_MOST, "dissolved_oxygen", "ph")


def graded(values: Mapping[str, float | None]) -> Graded | None:
    """Return the class of a sample; None where it has no parameter of the table."""
    found = {
        name: level
        for name, value in values.items()
        if value is not None and isfinite(value) and (level := _level(name, value)) is not None
    }
    if not found:
        return None
    worst = max(found.values())
    return Graded(worst, tuple(sorted(name for name, level in found.items() if level is worst)))


def _level(name: str, value: float) -> Level | None:
    if name == "ph":
        return _of_ph(value)
    if name == "dissolved_oxygen":
        return _first(value >= least for least in _OXYGEN)
    if name in _AT_MOST:
        return _first(value <= most for most in _AT_MOST[name])
    return None


def _of_ph(value: float) -> Level:
    """Return the class of a pH; B and C allow the same."""
    if _PH_BEST[0] <= value <= _PH_BEST[1]:
        return Level.A
    return Level.B if _PH[0] <= value <= _PH[1] else Level.D


def _first(kept: Iterable[bool]) -> Level:
    return next((level for level, one in zip(Level, kept, strict=False) if one), Level.D)
