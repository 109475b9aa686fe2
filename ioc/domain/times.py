"""Whether a device's time can be believed, and what stands in where it cannot."""

from __future__ import annotations

from typing import Final

from ioc.domain.errors import PayloadError
from ioc.domain.instant import DAY, MINUTE, Micros, to_datetime
from ioc.domain.observation import Flag

FUTURE_LIMIT: Final = 5 * MINUTE  # clocks of field devices without NTP drift by minutes
# Clocks that were never set count from 1970 or from boot; no device of ours is older than 1971.
NEVER_SET: Final = Micros(365 * DAY)


def judge(
    device: Micros | None,
    received: Micros,
    *,
    past_limit: int,
    future_limit: int = FUTURE_LIMIT,
) -> tuple[Micros, Flag]:
    """Return the phenomenon time and how it was come by.

    The limits are µs. Raises PayloadError("time_future") and ("time_past"): such a time is a
    lie that must not be stored under a date of its own (ARCHITECTURE, times).
    """
    if device is None:
        return received, Flag.TIME_RECEIVED
    if device < NEVER_SET:
        return received, Flag.TIME_CORRECTED
    if device > received + future_limit:
        raise PayloadError("time_future", _show(device))
    if device < received - past_limit:
        raise PayloadError("time_past", _show(device))
    return device, Flag.NONE


def _show(instant: Micros) -> str:
    try:
        return to_datetime(instant).isoformat()
    except OverflowError:
        return f"{instant} µs"
