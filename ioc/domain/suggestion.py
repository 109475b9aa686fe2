"""What a sensible deadband and sensible delays are, from the kind of signal and its own noise.

Deadband: the share of the range that EEMUA 191 names for the kind of signal, or three times the
noise of this very sensor, whichever is larger. Delays: short for what moves fast, longer for what
has inertia, so that one noisy minute is no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt
from statistics import median
from typing import Final, NamedTuple

NOISES: Final = 3.0  # sigmas that a deadband must span: a value at the limit then stays in it
_MAD_TO_SIGMA: Final = 1.4826  # of a normal distribution
_LOW, _HIGH = 0.05, 0.95  # the usual range: neither a spike nor an outage counts


class Signal(NamedTuple):
    """What is known of a kind of signal: share of the range, delays in seconds."""

    share: float
    on_delay_s: int
    off_delay_s: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Proposed values in the property's unit and in seconds, with where they come from."""

    deadband: float
    on_delay_s: int
    off_delay_s: int
    noise: float
    range: float
    share: float


# EEMUA 191: flow 5 %, level and pressure 2 %, temperature and composition 1 %. Concentrations are
# compositions by name, but instruments for dust and gases are noisier than process analysers, so
# they take the 5 %. Delays are our judgement: twice the usual response of such an instrument.
_KINDS: Final[tuple[tuple[frozenset[str], Signal], ...]] = (
    (
        frozenset({"m³/s", "m³/h", "m/s", "L/s", "L/min"}),
        Signal(0.05, 120, 300),
    ),
    (frozenset({"m", "cm"}), Signal(0.02, 300, 900)),
    (frozenset({"bar", "kPa", "hPa", "Pa"}), Signal(0.02, 60, 180)),
    (frozenset({"°C"}), Signal(0.01, 300, 600)),
    (frozenset({"µg/m³", "mg/m³", "mg/Nm³", "ppm"}), Signal(0.05, 300, 600)),
    (frozenset({"mg/L", "µg/L", "NTU", "µS/cm", "‰"}), Signal(0.05, 300, 600)),
    (frozenset({"mm"}), Signal(0.0, 0, 600)),
    (frozenset({"dBA", "dB"}), Signal(0.02, 300, 600)),
)
_OTHER: Final = Signal(0.02, 120, 300)
_STATE: Final = Signal(0.0, 120, 60)  # of a device: up or down, no noise


def signal(unit: str, *, category: bool) -> Signal:
    """Return what is usual for values in `unit`."""
    if category:
        return _STATE
    return next((found for units, found in _KINDS if unit in units), _OTHER)


def noise(values: Sequence[float]) -> float:
    """Return the standard deviation of the noise: what neighbours differ by, robustly.

    Half of the variance of a difference belongs to each of the two values. Slow changes cancel,
    and the median does not see a jump.
    """
    steps = [abs(b - a) for a, b in pairwise(values) if isfinite(a) and isfinite(b)]
    return _MAD_TO_SIGMA * median(steps) / sqrt(2) if steps else 0.0


def spread(values: Sequence[float]) -> float:
    """Return the usual range of the values."""
    known = sorted(value for value in values if isfinite(value))
    if not known:
        return 0.0
    last = len(known) - 1
    return known[round(last * _HIGH)] - known[round(last * _LOW)]


def suggest(values: Sequence[float], unit: str, *, category: bool = False) -> Suggestion:
    """Return the proposal for a series, in order of time."""
    kind = signal(unit, category=category)
    sigma, width = (0.0, 0.0) if category else (noise(values), spread(values))
    return Suggestion(
        deadband=0.5 if category else max(kind.share * width, NOISES * sigma),
        on_delay_s=kind.on_delay_s,
        off_delay_s=kind.off_delay_s,
        noise=sigma,
        range=width,
        share=kind.share,
    )
