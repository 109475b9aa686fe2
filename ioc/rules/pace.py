"""How a rule fits the pace of a datastream: its window, and when its silence begins."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ioc.domain.alert import Rule
from ioc.domain.instant import from_seconds
from ioc.domain.window import Window
from ioc.rules.definition import Core, averaged, bind


class Pace(NamedTuple):
    """What a datastream says about its values, in seconds."""

    expected_period_s: float
    stale_after_s: float


def window_of(rule: Core, pace: Pace) -> Window | None:
    """Return the averaging window that a rule judges, if it does."""
    if rule.window is None or rule.input != "value":
        return None
    return averaged(rule.window, from_seconds(pace.expected_period_s))


def levels_of(rule: Core, version: int, pace: Pace) -> tuple[Rule, ...]:
    """Return a rule's levels as they bind a datastream.

    A window's value holds until the next one closes; only then does its silence begin.
    """
    levels = bind(rule, version, pace.stale_after_s)
    window = window_of(rule, pace)
    if window is None:
        return levels
    return tuple(replace(one, stale_after=one.stale_after + window.step) for one in levels)
