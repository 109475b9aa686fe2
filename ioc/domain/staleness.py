"""Silence is information: how old a value may be before a screen must say so."""

from __future__ import annotations

from enum import StrEnum

from ioc.domain.instant import Micros


class Freshness(StrEnum):
    """Of a datastream or a thing: live within its period, late after it, silent past its limit."""

    LIVE = "live"
    LATE = "late"
    SILENT = "silent"
    NEVER = "never"  # nothing was ever received


def freshness(
    newest: Micros | None, *, expected_period: int, stale_after: int, now: Micros
) -> Freshness:
    """Judge the age of the newest value that proves life.

    All durations are microseconds. A value is late after 1.5 expected periods (one message lost or
    delayed by jitter is not yet news) and silent after `stale_after`.
    """
    if newest is None:
        return Freshness.NEVER
    age = now - newest
    if age > stale_after:
        return Freshness.SILENT
    return Freshness.LATE if 2 * age > 3 * expected_period else Freshness.LIVE
