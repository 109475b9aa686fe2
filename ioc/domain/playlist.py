"""Which page a wall shows now: what a desk sent, else its list, which a critical alert holds.

Every worker computes it from the same row and the same clock, so nobody has to tell anybody whose
turn it is, and a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ioc.domain.instant import SECOND, Micros

SHORTEST_S: Final = 10  # a page that goes sooner cannot be read from six metres
LONGEST_S: Final = 3600
MOST_ITEMS: Final = 12


class Layout(StrEnum):
    """The pages of a wall, as addresses name them."""

    OVERVIEW = "overview"
    ENVIRONMENT = "environment"
    NETWORK = "network"
    CAMERAS = "cameras"
    ALERTS = "alerts"


class Item(NamedTuple):
    """A page of the list and how long it stays."""

    layout: Layout
    dwell_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a wall was told: `pinned` by the desk, else `items` in turn since `started`."""

    items: tuple[Item, ...]
    started: Micros
    pinned: Layout | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of now; `until` None: nothing will change it by itself. `paused`: by an alert."""

    layout: Layout
    until: Micros | None = None
    paused: bool = False


def shown(plan: Plan, now: Micros, critical_since: Micros | None) -> Shown:
    """Return what stands on the wall at `now`.

    `critical_since`: when the oldest critical alert that nobody took came; the list stands where it
    stood then, so nobody loses the page he is looking at, and goes on once somebody took it.
    """
    if plan.pinned is not None:
        return Shown(plan.pinned)
    if not plan.items:
        return Shown(Layout.OVERVIEW)
    if critical_since is not None and critical_since <= now:
        at = max(plan.started, critical_since)
        return Shown(_turn(plan.items, at - plan.started)[0], paused=True)
    layout, left = _turn(plan.items, max(0, now - plan.started))
    alone = len(plan.items) == 1
    return Shown(layout, None if alone else Micros(now + left))


def _turn(items: Sequence[Item], passed: int) -> tuple[Layout, int]:
    """Return the item whose turn it is after so long, and how long it still stays, µs."""
    rest = passed % (sum(item.dwell_s for item in items) * SECOND)
    for item in items:
        if rest < item.dwell_s * SECOND:
            return item.layout, item.dwell_s * SECOND - rest
        rest -= item.dwell_s * SECOND
    raise AssertionError("a turn is shorter than its round")
