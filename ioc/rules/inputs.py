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
from ioc.rules.pace import Pace, window_of

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def inputs(rule: Core, pace: Pace) -> Input | None:
    """Return what one bound datastream's samples pass through; None: they are judged as they come.

    It remembers samples, so each bound datastream has its own.
    """
    source, calendar = _source(rule, pace), _calendar(rule)
    if source is None and calendar is None:
        return None
    return Input(source, calendar, 0 if source is None else source.memory)


def _source(rule: Core, pace: Pace) -> Derived | Windowed | None:
    averaged = window_of(rule, pace)
    if averaged is not None:
        return Windowed(averaged, from_seconds(rule.late_horizon))
    window = rule.window
    if window is None or rule.input not in ("rate", "deviation"):
        return None
    return Derived(
        quantity=Quantity(window.function or "rate"),
        length=from_seconds(window.length),
        late_horizon=from_seconds(rule.late_horizon),
        coverage=window.min_coverage,
    )


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
