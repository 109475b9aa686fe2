"""Whether the shift from VN-2000 to WGS 84 was forgotten, or made twice. Pure.

It moves everything by 223 to 226 m, which no look at the map reveals. Two things can: the places of
the same codes in the version before, and a column that names the commune.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import cos, radians
from typing import Final

import numpy as np

from ioc.domain.location import KM_PER_DEGREE
from ioc.vn2000 import Coordinates

MATCHES: Final = 20  # codes that must be in both versions
_SHIFT_M: Final = (200.0, 250.0)
_SPREAD_M: Final = 20.0  # around the common displacement, for what makes it constant
_MOST: Final = 0.8  # of the codes
_SAME_M: Final = 100.0  # half of them moved less: nothing was forgotten


class Datum(StrEnum):
    """What the codes of two versions say."""

    SOUND = "sound"
    SHIFTED = "shifted"
    UNKNOWN = "unknown"


def compare(
    before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]
) -> tuple[Datum, float]:
    """Return the verdict and the common displacement in metres, of places (lon, lat) by code."""
    common = [code for code in after if code in before]
    if len(common) < MATCHES:
        return Datum.UNKNOWN, 0.0
    old: Coordinates = np.array([before[code] for code in common])
    new: Coordinates = np.array([after[code] for code in common])
    scale = np.array([cos(radians(float(old[:, 1].mean()))), 1.0]) * KM_PER_DEGREE * 1000
    moved = (new - old) * scale
    usual = np.median(moved, axis=0)
    length = float(np.hypot(*usual))
    alike = np.hypot(*(moved - usual).T) <= _SPREAD_M
    if _SHIFT_M[0] <= length <= _SHIFT_M[1] and alike.mean() >= _MOST:
        return Datum.SHIFTED, length
    near = np.hypot(*moved.T) <= _SAME_M
    return (Datum.SOUND if near.mean() >= 0.5 else Datum.UNKNOWN), length  # noqa: PLR2004
