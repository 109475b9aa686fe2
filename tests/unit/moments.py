"""Instants by the wall clock of Vietnam, for tests."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ioc.domain.instant import Micros, from_datetime


def at_hcm(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> Micros:
    """Return the instant at which clocks in Vietnam show this."""
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    return from_datetime(datetime(year, month, day, hour, minute, tzinfo=zone))
