"""When alerts come faster than people can read them: begin, end, and what counts as one.

ISA-18.2: a flood begins when more than 10 alarms are raised within 10 minutes and ends when a
window of 10 minutes holds fewer than 5.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ioc.domain.instant import MINUTE, Micros

WINDOW: Final = 10 * MINUTE
BEGINS_ABOVE: Final = 10
ENDS_BELOW: Final = 5


@dataclass(frozen=True, slots=True)
class Flood:
    """The load of the past WINDOW, and since when it has been a flood (None: it is none)."""

    raises: int
    since: Micros | None

    @property
    def on(self) -> bool:
        return self.since is not None


def floods(raises: Sequence[Micros], until: Micros) -> Iterator[tuple[Micros, Micros]]:
    """Yield each (begin, end) of a flood in sorted `raises`; one that goes on ends at `until`.

    It begins with the raise that makes it more than BEGINS_ABOVE within WINDOW, and ends at the
    instant at which fewer than ENDS_BELOW are left in the window.
    """
    begin: Micros | None = None
    for index, at in enumerate(raises):
        if begin is not None:
            end = _thinned(raises, index)
            if end < at:  # at one instant the new raise precedes the end
                yield begin, end
                begin = None
        if begin is None and index >= BEGINS_ABOVE and at - raises[index - BEGINS_ABOVE] < WINDOW:
            begin = at
    if begin is not None:
        yield begin, min(_thinned(raises, len(raises)), until)


def _thinned(raises: Sequence[Micros], seen: int) -> Micros:
    """Return when the first `seen` raises alone leave fewer than ENDS_BELOW in the window."""
    return Micros(raises[max(seen - ENDS_BELOW, 0)] + WINDOW)


def flood_at(raises: Sequence[Micros], now: Micros) -> Flood:
    """Judge the load at `now` by sorted `raises`."""
    known = raises[: bisect_right(raises, now)]
    recent = len(known) - bisect_right(known, now - WINDOW)
    last = None
    for last in floods(known, now):  # noqa: B007  only the newest can still go on
        pass
    going_on = last is not None and last[1] >= now and recent >= ENDS_BELOW
    return Flood(recent, last[0] if last is not None and going_on else None)
