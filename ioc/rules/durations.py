"""Durations as people write them in rule files: 5m, 4m59s, 1h, 1d12h, or a number of seconds."""

from __future__ import annotations

import re
from math import isfinite
from typing import Final

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_WRITTEN: Final = re.compile(
    r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?"
)
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
LONGEST: Final = 400 * 86_400.0  # a year with a margin: nothing in a rule looks further


class Seconds(float):
    """A duration in seconds; a type of its own, so that a converter knows to read `5m`."""

    __slots__ = ()


def parse(written: object) -> Seconds:
    """Return a duration; ValueError says what to write instead."""
    if isinstance(written, bool) or not isinstance(written, (int, float, str)):
        raise _refusal(written)
    seconds = _of_text(written) if isinstance(written, str) else float(written)
    if not isfinite(seconds) or not 0 <= seconds <= LONGEST:
        raise ValueError(f"{written!r} is out of range; write a duration from 0s to 400d")
    return Seconds(seconds)


def _of_text(written: str) -> float:
    text = written.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    match = _WRITTEN.fullmatch(text) if text else None
    if match is None:
        raise _refusal(text)
    return sum(
        float(part) * size
        for part, size in zip(match.groups(), _UNITS.values(), strict=True)
        if part is not None
    )


def _refusal(written: object) -> ValueError:
    return ValueError(f"{written!r} is no duration; write 5m, 4m59s, 1h or a number of seconds")


def show(seconds: float) -> str:
    """Return a duration as a file has it: 299 is 4m59s."""
    whole, rest = divmod(round(seconds * 1000), 1000)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        parts += [f"{count}{unit}"] if count else []
    parts += [f"{rest}ms"] if rest else []
    return "".join(parts) or "0s"
