"""Randomness that is a function of its arguments: the same seed and time give the same number."""

from __future__ import annotations

from math import floor
from typing import Final

_MASK: Final = (1 << 64) - 1


def uniform(*keys: int) -> float:
    """Return a number in [0, 1) that looks random and depends on `keys` alone (splitmix64)."""
    x = 0
    for key in keys:
        x = ((x ^ (key & _MASK)) + 0x9E3779B97F4A7C15) & _MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
        x ^= x >> 31
    return x / 2**64


def smooth(at: float, *keys: int) -> float:
    """Return a curve in [-1, 1] over `at` whose values at whole numbers are independent."""
    left = floor(at)
    part = at - left
    ease = part * part * (3 - 2 * part)
    a, b = uniform(*keys, left), uniform(*keys, left + 1)
    return 2 * (a + (b - a) * ease) - 1
