"""One to four levels of a rule on one datastream: one alert whose severity goes up and down.

Each level is a machine of its own (`ioc.domain.alert`) over the same samples. In alarm is what is
ACTIVE or CLEARING; the highest level in alarm names the severity. The alert is raised with the
first level and returns with the last one, so there is at most one of a (rule, datastream).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ioc.domain import alert
from ioc.domain.alert import START, Condition, Event, Events, Kind, Rule, Sample, Severity, State
from ioc.domain.instant import Micros

Rules = tuple[Rule, ...]  # of one rule version; first written first


class Ladder(NamedTuple):
    """Everything the fold remembers of all levels."""

    states: tuple[State, ...]
    raised_at: Micros | None = None  # when the first of the levels now in alarm was raised

    @property
    def in_alarm(self) -> bool:
        return self.raised_at is not None

    @property
    def stale(self) -> bool:
        return self.states[0].stale  # the levels share their samples and their limit of silence

    @property
    def last_time(self) -> Micros | None:
        return self.states[0].last_time

    @property
    def last_result(self) -> float | None:
        return self.states[0].last_result


class Turn(NamedTuple):
    """A transition of the alert, with the level that is the highest in alarm then."""

    kind: Kind
    time: Micros
    result: float | None
    severity: Severity  # RTN: the last one
    limit: float


Turns = Sequence[Turn]


class Standing(NamedTuple):
    """What the levels together say, for a person."""

    condition: Condition
    severity: Severity | None
    level: int | None  # index of the level that speaks; None: all are NORMAL
    began: Micros | None


def start(rules: Rules) -> Ladder:
    """Return the state before the first sample."""
    return Ladder((START,) * len(rules))


def reached(ladder: Ladder) -> Micros | None:
    """Return the instant up to which any level has decided."""
    return max((t for s in ladder.states if (t := alert.reached(s)) is not None), default=None)


def due(ladder: Ladder, rules: Rules) -> Micros | None:
    """Return when the next timer of any level fires if no further sample comes."""
    if len(rules) == 1:
        return alert.due(ladder.states[0], rules[0])
    times = (alert.due(s, r) for s, r in zip(ladder.states, rules, strict=True))
    return min((time for time in times if time is not None), default=None)


def step(ladder: Ladder, rules: Rules, sample: Sample) -> tuple[Ladder, Turns]:
    """Take one sample newer than `reached(ladder)`; see `alert.step`."""
    if len(rules) == 1:  # most rules: half the cost
        state, events = alert.step(ladder.states[0], rules[0], sample)
        if not events:
            return Ladder((state,), ladder.raised_at), ()
        return _climb(ladder, rules, [(state, events)])
    return _climb(ladder, rules, [alert.step(*one, sample) for one in _levels(ladder, rules)])


def tick(ladder: Ladder, rules: Rules, instant: Micros) -> tuple[Ladder, Turns]:
    """Fire the timers due before `instant`; see `alert.tick`."""
    return _climb(ladder, rules, [alert.tick(*one, instant) for one in _levels(ladder, rules)])


def end(ladder: Ladder, rules: Rules, time: Micros) -> tuple[Ladder, Turns]:
    """Take the news that the series ends; see `alert.end`."""
    return _climb(ladder, rules, [alert.end(*one, time) for one in _levels(ladder, rules)])


def fold(
    ladder: Ladder, rules: Rules, samples: Iterable[Sample], ticked: Micros | None = None
) -> tuple[Ladder, list[Turn]]:
    """Fold sorted samples, then let `ticked` fire what it had fired."""
    log: list[Turn] = []
    for sample in samples:
        ladder, turns = step(ladder, rules, sample)
        log += turns
    if ticked is not None:
        ladder, turns = tick(ladder, rules, ticked)
        log += turns
    return ladder, log


def standing(ladder: Ladder, rules: Rules) -> Standing:
    """Return the highest level in alarm; none: the highest pending; none: NORMAL."""
    top = highest(ladder, rules)
    if top is None:
        pending = [s.condition is Condition.PENDING for s in ladder.states]
        top = _top(rules, pending)
    if top is None:
        ends = [s.began for s in ladder.states if s.began is not None]
        return Standing(Condition.NORMAL, None, None, max(ends, default=None))
    state = ladder.states[top]
    return Standing(state.condition, rules[top].severity, top, state.began)


def highest(ladder: Ladder, rules: Rules) -> int | None:
    """Return the index of the highest level in alarm, or None."""
    return _top(rules, [s.in_alarm for s in ladder.states])


def peak(ladder: Ladder, rules: Rules) -> tuple[float, Micros] | None:
    """Return the worst value that a level in alarm has seen, and when."""
    found: tuple[float, Micros] | None = None
    for state, rule in zip(ladder.states, rules, strict=True):
        if not state.in_alarm or state.peak is None or state.peak_at is None:
            continue
        if found is None or rule.worse(state.peak, found[0]):
            found = state.peak, state.peak_at
    return found


def _levels(ladder: Ladder, rules: Rules) -> Iterable[tuple[State, Rule]]:
    return zip(ladder.states, rules, strict=True)


def _top(rules: Rules, on: Sequence[bool]) -> int | None:
    found: int | None = None
    for index, rule in enumerate(rules):
        if on[index] and (found is None or rule.severity < rules[found].severity):
            found = index
    return found


def _climb(
    before: Ladder, rules: Rules, results: Sequence[tuple[State, Events]]
) -> tuple[Ladder, Turns]:
    """Make one alert of what the levels did, instant by instant."""
    states = tuple(state for state, _ in results)
    if not any(events for _, events in results):
        return Ladder(states, before.raised_at), ()
    on = [s.in_alarm for s in before.states]
    raised_at, turns = before.raised_at, list[Turn]()
    happened = [(e.time, level, e) for level, (_, log) in enumerate(results) for e in log]
    happened.sort(key=lambda one: one[:2])
    for time, group in groupby(happened, key=lambda one: one[0]):
        turn = _instant(rules, on, turns, [(level, event) for _, level, event in group])
        if turn is Kind.RAISE:
            raised_at = time
        elif turn is Kind.RTN:
            raised_at = None
    return Ladder(states, raised_at), turns


def _instant(
    rules: Rules, on: list[bool], turns: list[Turn], happened: Sequence[tuple[int, Event]]
) -> Kind | None:
    """Append the turns of one instant; return how the alert itself changed. Updates `on`."""
    old = _top(rules, on)
    result, time = happened[-1][1].result, happened[-1][1].time
    for level, event in happened:
        if event.kind in (Kind.RAISE, Kind.RTN):
            on[level] = event.kind is Kind.RAISE
            result = event.result
        elif level == 0:  # STALE and FRESH are the same for all levels
            turns.append(_turn(rules[old or 0], event.kind, event.time, event.result))
    new = _top(rules, on)
    kind = _change(rules, old, new)
    speaker = new if new is not None else old
    if kind is not None and speaker is not None:
        turns.append(_turn(rules[speaker], kind, time, result))
    return kind


def _turn(rule: Rule, kind: Kind, time: Micros, result: float | None) -> Turn:
    return Turn(kind, time, result, rule.severity, rule.bound(result))


def _change(rules: Rules, old: int | None, new: int | None) -> Kind | None:
    if old is None or new is None:
        return None if old is new else Kind.RAISE if old is None else Kind.RTN
    if rules[old].severity == rules[new].severity:
        return None
    return Kind.SEV_UP if rules[new].severity < rules[old].severity else Kind.SEV_DOWN
