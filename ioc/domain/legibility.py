"""How large letters must be for the farthest viewer of a wall, and how far away he may sit.

A letter is read at a glance when its capitals span 20 minutes of arc (ISO 9241-303 recommends 20
to 22). The wall's pages are drawn in u, the font size whose capitals (0.70 of it) span one minute
at that distance; its text is 20 u.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, pi, tan
from typing import Final

MINUTE_OF_ARC: Final = tan(pi / 180 / 60)
CAPITALS: Final = 0.70  # of the font size, of Be Vietnam Pro
TEXT_U: Final = 20
_MM_PER_INCH: Final = 25.4
# The picture of 3840 × 2160 on a 2 × 2 of 55" from 5 m: so many u lie side by side, and above.
PICTURE_U: Final = (1163.6, 654.5)
MOST_SCALE: Final = 1.12  # larger letters and long names no longer fit their places


@dataclass(frozen=True, slots=True)
class Screen:
    """A wall as somebody measured it: of the whole picture, not of one panel."""

    diagonal_in: float
    width_px: int
    height_px: int
    viewer_m: float

    @property
    def pitch_mm(self) -> float:
        return self.diagonal_in * _MM_PER_INCH / hypot(self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What follows: `scale` of the picture, the height of its text, and how far that is read."""

    scale: float
    text_px: float
    text_mm: float
    reach_m: float
    legible: bool


def needed_u(screen: Screen) -> float:
    """Return the px of font size whose capitals span one minute of arc for the farthest viewer."""
    return MINUTE_OF_ARC * screen.viewer_m * 1000 / screen.pitch_mm / CAPITALS


def sizes(screen: Screen) -> Sizes:
    """Return the sizes for a screen: never smaller than what fills it, at most MOST_SCALE of it."""
    fits = min(screen.width_px / PICTURE_U[0], screen.height_px / PICTURE_U[1])
    scale = min(max(needed_u(screen) / fits, 1.0), MOST_SCALE)
    unit = fits * scale
    reach_m = unit * CAPITALS * screen.pitch_mm / MINUTE_OF_ARC / 1000
    return Sizes(
        scale=scale,
        text_px=TEXT_U * unit,
        text_mm=TEXT_U * unit * CAPITALS * screen.pitch_mm,
        reach_m=reach_m,
        legible=reach_m >= screen.viewer_m * (1 - 1e-9),
    )
