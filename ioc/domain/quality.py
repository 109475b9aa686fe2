"""How far a value can be trusted, from what is known of its datastream."""

from __future__ import annotations

from math import isfinite

from ioc.domain.observation import Quality


def grade(
    result: float, quality: Quality, valid_min: float | None, valid_max: float | None
) -> Quality:
    """Return the quality to store; a station's own verdict is never made better.

    A good value that is no number is MISSING, one outside the sensor's valid range is SUSPECT
    (it is kept: the range may be wrong).
    """
    if quality is not Quality.GOOD:
        return quality
    if not isfinite(result):
        return Quality.MISSING
    low = valid_min is not None and result < valid_min
    high = valid_max is not None and result > valid_max
    return Quality.SUSPECT if low or high else Quality.GOOD
