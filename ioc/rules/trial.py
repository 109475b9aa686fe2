"""A rule tried on history: from its file and a datastream's columns to the result.

`prepare` once (windows closed), then `run` for every limit that somebody tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ioc.domain.alert import Rule
from ioc.domain.backtest import Result
from ioc.domain.errors import ConfigError
from ioc.domain.instant import Micros, from_seconds
from ioc.domain.window import Function, Window, windows
from ioc.rules import backtest_arrays
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import Core, bind


class Selectable(Protocol):
    """What a selector asks of a datastream."""

    @property
    def feed(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def external_id(self) -> str: ...


def selected(rule: Core, one: Selectable) -> bool:
    """Tell whether a rule binds a datastream of its observed property."""
    return rule.selector.takes(one.feed, one.kind, one.external_id)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a datastream says about its values, in seconds."""

    expected_period_s: float
    stale_after_s: float


def window_of(rule: Core, pace: Pace) -> Window | None:
    """Return the averaging window of a rule; ConfigError for one that no clock can close."""
    written = rule.window
    if written is None or written.function is None or rule.input != "value":
        return None
    try:
        return Window(
            Function(written.function),
            from_seconds(written.length),
            period=from_seconds(pace.expected_period_s),
            every=None if written.every is None else from_seconds(written.every),
            min_coverage=written.min_coverage,
        )
    except ValueError as error:
        raise ConfigError(f"rule {rule.id!r}: window: {error}") from error


def levels_of(rule: Core, version: int, pace: Pace) -> tuple[Rule, ...]:
    """Return a rule's levels as they bind a datastream.

    A window's value holds until the next one closes; only then does its silence begin.
    """
    levels = bind(rule, version, pace.stale_after_s)
    window = window_of(rule, pace)
    if window is None:
        return levels
    return tuple(replace(one, stale_after=one.stale_after + window.step) for one in levels)


def needed_from(rule: Core, pace: Pace, start: Micros) -> Micros:
    """Return from when values are needed so that nothing lacks at `start`."""
    window = window_of(rule, pace)
    return start if window is None else Micros(window.end_by(start) - window.memory)


def prepare(rule: Core, pace: Pace, arrays: Arrays, start: Micros, end: Micros) -> Arrays:
    """Return what the levels are shown of [start, end); `arrays` begin at `needed_from`."""
    if rule.input in ("rate", "deviation") or rule.schedule is not None:
        raise ConfigError(f"rule {rule.id!r}: a backtest knows neither rates nor schedules yet")
    window = window_of(rule, pace)
    if window is None:
        return arrays
    closed = windows(window, arrays.samples(), Micros(end - 1), after=Micros(start - 1))
    return Arrays.of_samples(closed)


def run(levels: Sequence[Rule], prepared: Arrays, start: Micros, end: Micros) -> Result:
    """Return what the levels would have done in [start, end)."""
    return backtest_arrays.run(levels, prepared, start, end)
