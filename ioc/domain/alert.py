"""The process axis of an alert: NORMAL, PENDING, ACTIVE, CLEARING and "stale", as a pure fold.

Event time and sample-and-hold: a value holds from its own time until the next one, at most for
`stale_after`. Timers fire *at* since + delay, not at the tick that noticed; at one instant the
sample precedes the timer. Silence never resolves: a series that stops while CLEARING is ACTIVE
again. Terms: ISA-18.2 and OPC UA Part 9 v1.05.03 (on-delay, off-delay, alarm deadband).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import isfinite
from typing import Final, NamedTuple

from ioc.domain.instant import Micros


class Severity(IntEnum):
    """Of a rule's level; CAP words Extreme, Severe, Moderate, Minor."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4


class Op(StrEnum):
    """How a value is compared with the limit to be a breach."""

    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="


class Condition(StrEnum):
    """Where the process is; ACTIVE and CLEARING are "in alarm"."""

    NORMAL = "NORMAL"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    CLEARING = "CLEARING"


class Kind(StrEnum):
    """What happened to an alert; the first four are the fold's own, in event time."""

    RAISE = "RAISE"
    RTN = "RTN"  # return to normal
    STALE = "STALE"
    FRESH = "FRESH"
    MOVED = "MOVED"  # late data moved the start of an alert that goes on
    CORRECTED = "CORRECTED"  # late data disproved an alert that was over
    RULE_CHANGED = "RULE_CHANGED"
    SEV_UP = "SEV_UP"  # another level is the highest in alarm now
    SEV_DOWN = "SEV_DOWN"
    ACK = "ACK"
    COMMENT = "COMMENT"
    ASSIGN = "ASSIGN"
    SHELVE = "SHELVE"  # the mask axis: put on, and MASK or OUT_OF_SERVICE for the other two kinds
    UNSHELVE = "UNSHELVE"
    MASK = "MASK"
    UNMASK = "UNMASK"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    IN_SERVICE = "IN_SERVICE"
    ESCALATE = "ESCALATE"
    REALARM = "REALARM"
    REPEAT = "REPEAT"
    LATCH = "LATCH"  # returned, but held until somebody resets it
    RESET = "RESET"  # of a latched alert
    HANDLING = "HANDLING"  # the workflow beside the alert took a step
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True)
class Rule:
    """One level of one version of a rule, as it binds one datastream. Durations are µs."""

    id: str
    version: int
    op: Op
    limit: float
    severity: Severity
    stale_after: int
    late_horizon: int
    deadband: float = 0.0
    on_delay: int = 0
    off_delay: int = 0
    min_samples: int = 1
    level: int = 1
    auto_acknowledge: bool = False  # closes by itself on return: for news nobody must answer
    latch: bool = False  # stays on after its return until somebody resets it

    def breached(self, value: float) -> bool:
        """Tell whether a value breaches the limit."""
        return self._beyond(value, self.limit)

    def cleared(self, value: float) -> bool:
        """Tell whether a value is back behind the limit by the whole deadband."""
        shift = -self.deadband if self.op in (Op.GT, Op.GE) else self.deadband
        return not self._beyond(value, self.limit + shift)

    def worse(self, value: float, peak: float | None) -> bool:
        """Tell whether a value lies further beyond the limit than the peak so far."""
        if peak is None:
            return True
        return value > peak if self.op in (Op.GT, Op.GE) else value < peak

    def _beyond(self, value: float, limit: float) -> bool:
        match self.op:
            case Op.GT:
                return value > limit
            case Op.GE:
                return value >= limit
            case Op.LT:
                return value < limit
            case _:
                return value <= limit


class Sample(NamedTuple):
    """One observation as the fold sees it; `good` is False for any quality but GOOD."""

    time: Micros
    result: float
    good: bool = True

    @property
    def judged(self) -> bool:
        """Whether the value may breach or clear; if not it is contact and nothing more."""
        return self.good and isfinite(self.result)


class State(NamedTuple):
    """Everything the fold remembers of one (rule, level, datastream)."""

    condition: Condition = Condition.NORMAL
    since: Micros | None = None  # time of the last change of condition or of stale
    samples: int = 0  # breaching samples while PENDING
    min_sample_time: Micros | None = None  # of the sample that made them enough
    last_time: Micros | None = None
    last_result: float | None = None  # newest judged value: the one that holds
    stale: bool = False
    raised_at: Micros | None = None  # set while in alarm
    peak: float | None = None
    peak_at: Micros | None = None

    @property
    def in_alarm(self) -> bool:
        return self.raised_at is not None


class Event(NamedTuple):
    """A transition an operator could see, at its event time."""

    kind: Kind
    time: Micros
    result: float | None  # the value that held then


Events = tuple[Event, ...]
START: Final = State()
_NOTHING: Final[Events] = ()


def reached(state: State) -> Micros | None:
    """Return the instant up to which the fold has decided; a sample not after it needs a refold."""
    if state.last_time is None or state.since is None:
        return state.last_time
    return max(state.last_time, state.since)


def due(state: State, rule: Rule) -> Micros | None:
    """Return when the next timer fires if no further sample comes; None if none runs."""
    if state.last_time is None or state.stale:
        return None
    dead = Micros(state.last_time + rule.stale_after)
    timer = _timer(state, rule)
    return timer if timer is not None and timer < dead else dead


def _timer(state: State, rule: Rule) -> Micros | None:
    since = state.since
    if since is None:
        return None
    if state.condition is Condition.PENDING and state.min_sample_time is not None:
        return Micros(max(since + rule.on_delay, state.min_sample_time))
    if state.condition is Condition.CLEARING:
        return Micros(since + rule.off_delay)
    return None


def step(state: State, rule: Rule, sample: Sample) -> tuple[State, Events]:
    """Take one sample newer than `reached(state)`; an older one or a duplicate has no effect.

    Fires the timers due before it, judges it, then fires what is due at its own instant, so
    nothing that is due at or before a sample is ever left for the next one.
    """
    done = reached(state)
    if done is not None and sample.time <= done:
        return state, _NOTHING
    state, before = _fire(state, rule, Micros(sample.time - 1))
    fresh = (Event(Kind.FRESH, sample.time, state.last_result),) if state.stale else _NOTHING
    state = _contact(state, sample)
    if sample.judged:
        state = _judge(state, rule, sample)
    state, after = _fire(state, rule, sample.time)
    return state, before + fresh + after


def tick(state: State, rule: Rule, instant: Micros) -> tuple[State, Events]:
    """Fire the timers due before `instant`: every sample before it is known.

    Strictly before, since a sample at `instant` itself may still come and would precede them.
    """
    return _fire(state, rule, Micros(instant - 1))


def _contact(state: State, sample: Sample) -> State:
    return State(  # each sample passes here, and _replace costs as much as all the rest
        state.condition,
        sample.time if state.stale else state.since,
        state.samples,
        state.min_sample_time,
        sample.time,
        sample.result if sample.judged else state.last_result,
        False,  # noqa: FBT003  not stale
        state.raised_at,
        state.peak,
        state.peak_at,
    )


def _judge(state: State, rule: Rule, sample: Sample) -> State:
    if state.raised_at is not None:
        return _judge_alarm(state, rule, sample)
    if rule.breached(sample.result):
        return _count(state, rule, sample)
    return state if state.condition is Condition.NORMAL else _calm(state, sample.time)


def _judge_alarm(state: State, rule: Rule, sample: Sample) -> State:
    clearing = state.condition is Condition.CLEARING
    if rule.cleared(sample.result):
        if clearing:
            return state
        return state._replace(condition=Condition.CLEARING, since=sample.time)
    if clearing:
        state = state._replace(condition=Condition.ACTIVE, since=sample.time)
    return _peak(state, rule, sample)


def _count(state: State, rule: Rule, sample: Sample) -> State:
    """Begin or continue PENDING with one more breaching sample."""
    began = state.condition is Condition.NORMAL
    samples = 1 if began else state.samples + 1
    enough = state.min_sample_time
    if enough is None and samples >= rule.min_samples:
        enough = sample.time
    state = state._replace(
        condition=Condition.PENDING,
        since=sample.time if began else state.since,
        samples=samples,
        min_sample_time=enough,
    )
    return _peak(state, rule, sample)


def _peak(state: State, rule: Rule, sample: Sample) -> State:
    if rule.worse(sample.result, state.peak):
        return state._replace(peak=sample.result, peak_at=sample.time)
    return state


def _calm(state: State, time: Micros) -> State:
    """Return to NORMAL at `time`, keeping contact."""
    return State(
        since=time, last_time=state.last_time, last_result=state.last_result, stale=state.stale
    )


def _fire(state: State, rule: Rule, until: Micros) -> tuple[State, Events]:
    """Fire every timer due at or before `until`, each at its own time."""
    events = _NOTHING
    while (time := due(state, rule)) is not None and time <= until:
        state, event = _expire(state, rule, time)
        events += (event,)
    return state, events


def _expire(state: State, rule: Rule, time: Micros) -> tuple[State, Event]:
    if _timer(state, rule) != time or time == _dead(state, rule):
        return _silence(state, time), Event(Kind.STALE, time, state.last_result)
    if state.condition is Condition.PENDING:
        raised = state._replace(
            condition=Condition.ACTIVE, since=time, samples=0, min_sample_time=None, raised_at=time
        )
        return raised, Event(Kind.RAISE, time, state.last_result)
    return _calm(state, time), Event(Kind.RTN, time, state.last_result)


def _dead(state: State, rule: Rule) -> int | None:
    return None if state.last_time is None else state.last_time + rule.stale_after


def _silence(state: State, time: Micros) -> State:
    """Mark the series stale: nothing pending may ripen and nothing clearing may resolve."""
    if state.condition is Condition.PENDING:
        state = _calm(state, time)
    if state.condition is Condition.CLEARING:
        state = state._replace(condition=Condition.ACTIVE)
    return state._replace(stale=True, since=time)
