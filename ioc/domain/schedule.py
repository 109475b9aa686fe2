"""When a rule looks: hours of days and dates of validity, in one time zone.

A value outside is contact and nothing else: it never breaches, and what was pending is over. An
alarm does not vanish at the stroke of the hour: the first value after it is taken for one that
clears, so the alert returns through its off-delay, with its RTN in the log. The reason is that of
OPC UA Part 9 and ISA-18.2 for suppression by design: a limit that no longer applies may not keep an
alarm on a screen, nor may it end without an event; and since silence never resolves, a series that
also stops stays in alarm, stale, until somebody has looked or it speaks again. A timer that runs
out before that first value still fires: the value it waits on was taken inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final, NamedTuple

from ioc.domain.instant import Micros, to_datetime

EVERY_DAY: Final = frozenset(range(7))


class Span(NamedTuple):
    """From one minute of the day up to another; an end not after the start is on the next day."""

    start: int
    end: int
    days: frozenset[int] = EVERY_DAY  # on which it begins, Monday = 0

    def covers(self, minute: int, weekday: int) -> bool:
        """Tell whether a minute of a day lies inside; [start, end)."""
        today = weekday in self.days
        if self.start < self.end:
            return today and self.start <= minute < self.end
        since_yesterday = (weekday - 1) % 7 in self.days and minute < self.end
        return (today and minute >= self.start) or since_yesterday


@dataclass(frozen=True, slots=True)
class Calendar:
    """All spans and dates of one rule; no span is the whole day."""

    zone: tzinfo
    spans: Sequence[Span] = ()
    first: date | None = None
    last: date | None = None  # this day included

    def covers(self, instant: Micros) -> bool:
        """Tell whether the rule looks at this instant."""
        local = to_datetime(instant).astimezone(self.zone)
        today = local.date()
        if self.first is not None and today < self.first:
            return False
        if self.last is not None and today > self.last:
            return False
        minute, weekday = local.hour * 60 + local.minute, local.weekday()
        return not self.spans or any(span.covers(minute, weekday) for span in self.spans)
