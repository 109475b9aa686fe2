"""What stands between the samples of one datastream and the fold of one rule."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from ioc.domain.inputs import Derived, Input, Quantity
from ioc.domain.instant import from_seconds
from ioc.domain.schedule import Calendar, Span
from ioc.domain.window import Windowed
from ioc.rules import definition
from ioc.rules.definition import Core
from ioc.rules.trial import Pace, window_of

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def inputs(rule: Core, pace: Pace) -> Input | None:
    """Return what one bound datastream's samples pass through; None: they are judged as they come.

    It remembers samples, so each bound datastream has its own.
    """
    calendar, horizon = _calendar(rule), from_seconds(rule.late_horizon)
    window = window_of(rule, pace)
    if window is not None:
        return Input(Windowed(window, horizon), calendar, window.memory)
    derived = _derived(rule, horizon)
    if derived is not None:
        return Input(derived, calendar, derived.memory)
    return None if calendar is None else Input(None, calendar)


def _derived(rule: Core, horizon: int) -> Derived | None:
    window = rule.window
    if window is None or rule.input not in ("rate", "deviation"):
        return None
    quantity = Quantity(window.function or "rate")
    return Derived(quantity, from_seconds(window.length), horizon, window.min_coverage)


def _calendar(rule: Core) -> Calendar | None:
    written = rule.schedule
    if written is None and rule.valid_from is None and rule.valid_to is None:
        return None
    spans = tuple(
        Span(_minute(one.start), _minute(one.end), frozenset(map(_DAYS.index, one.days or _DAYS)))
        for one in (() if written is None else written.hours)
    )
    zone = ZoneInfo(definition.ZONE if written is None else written.zone)
    return Calendar(zone, spans, rule.valid_from, rule.valid_to)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
