"""A rule tried on history: from its file and a datastream's columns to the result.

`prepare` once, then `run` for every limit that somebody tries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from ioc.domain.alert import Rule, Sample
from ioc.domain.backtest import Result
from ioc.domain.inputs import Input
from ioc.domain.instant import Micros
from ioc.domain.window import Windowed, windows
from ioc.rules import backtest_arrays
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import Core
from ioc.rules.inputs import inputs
from ioc.rules.pace import Pace, levels_of, window_of

__all__ = ["Pace", "levels_of", "needed_from", "prepare", "run", "selected", "window_of"]


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


def needed_from(rule: Core, pace: Pace, start: Micros) -> Micros:
    """Return from when values are needed so that nothing lacks at `start`."""
    found = inputs(rule, pace)
    return start if found is None else Micros(start - found.memory)


def prepare(rule: Core, pace: Pace, arrays: Arrays, start: Micros, end: Micros) -> Arrays:
    """Return what the levels are shown of [start, end); `arrays` begin at `needed_from`."""
    found = inputs(rule, pace)
    if found is None:
        return arrays
    shown = _made(found, arrays.samples(), Micros(start - 1), Micros(end - 1))
    if found.schedule is not None:
        shown = [one._replace(applies=found.schedule.covers(one.time)) for one in shown]
    return Arrays.of_samples(one for one in shown if start <= one.time < end)


def _made(found: Input, samples: Iterable[Sample], after: Micros, until: Micros) -> list[Sample]:
    """Return what the source makes of a sorted history; windows all at once."""
    source = found.source
    if source is None:
        return list(samples)
    if isinstance(source, Windowed):
        return windows(source.window, samples, until, after=after)
    made = [one for sample in samples for one in source.take(sample)]
    return made + source.tick(until)


def run(levels: Sequence[Rule], prepared: Arrays, start: Micros, end: Micros) -> Result:
    """Return what the levels would have done in [start, end)."""
    return backtest_arrays.run(levels, prepared, start, end)
