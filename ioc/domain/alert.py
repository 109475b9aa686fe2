"""The process axis of an alert: NORMAL, PENDING, ACTIVE, CLEARING and "stale", as a pure fold.

Event time and sample-and-hold: a value holds from its own time until the next one, at most for
`stale_after`. Timers fire *at* since + delay, not at the tick that noticed; at one instant the
sample precedes the timer. Silence never resolves: a series that stops while CLEARING is ACTIVE
again. Terms: ISA-18.2 and OPC UA Part 9 v1.05.03 (on-delay, off-delay, alarm deadband).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf, isfinite, nan
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
    OUTSIDE = "outside"  # below `low` or above the limit; both bounds themselves are inside
    INSIDE = "inside"


class Silence(StrEnum):
    """What the end of a series means to a rule."""

    HOLDS = "holds"  # nothing ripens and nothing resolves (ISA-18.2; ours)
    CLEARS = "clears"  # absent is not breaching (Prometheus)
    BREACHES = "breaches"  # the silence itself is what the rule looks for


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
    CORRECTED = "CORRECTED"  # late data disproved, or rebounded, an alert that was over
    RULE_CHANGED = "RULE_CHANGED"
    SEV_UP = "SEV_UP"  # another level is the highest in alarm now
    SEV_DOWN = "SEV_DOWN"
    ACK = "ACK"
    COMMENT = "COMMENT"
    DIRECTION = "DIRECTION"  # a leader says what is to be done
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
    low: float = -inf  # of a two-sided one, whose upper bound is `limit`
    latch: bool = False  # the alert stays until somebody resets it
    silence: Silence = Silence.HOLDS

    def breached(self, value: float) -> bool:
        """Tell whether a value breaches the limit."""
        return self._beyond(value, 0.0)

    def cleared(self, value: float) -> bool:
        """Tell whether a value is back behind the limit by the whole deadband."""
        return not self._beyond(value, self.deadband)

    def worse(self, value: float, peak: float | None) -> bool:
        """Tell whether a value lies further beyond the limit than the peak so far."""
        return peak is None or self._depth(value) > self._depth(peak)

    def bound(self, value: float | None) -> float:
        """Return the limit that a value is judged by: of a two-sided rule, the nearer one."""
        below = value is not None and value - self.low < self.limit - value
        return self.low if below else self.limit

    def _beyond(self, value: float, slack: float) -> bool:
        """Tell whether a value is a breach of the limit made `slack` easier to breach."""
        match self.op:
            case Op.GT:
                return value > self.limit - slack
            case Op.GE:
                return value >= self.limit - slack
            case Op.LT:
                return value < self.limit + slack
            case Op.LE:
                return value <= self.limit + slack
            case Op.OUTSIDE:
                return value < self.low + slack or value > self.limit - slack
            case _:
                return self.low - slack <= value <= self.limit + slack

    def _depth(self, value: float) -> float:
        """Return a number that grows the further a value lies on the breaching side."""
        match self.op:
            case Op.GT | Op.GE:
                return value
            case Op.LT | Op.LE:
                return -value
            case Op.OUTSIDE:
                return max(self.low - value, value - self.limit)
            case _:
                return min(value - self.low, self.limit - value)


class Sample(NamedTuple):
    """One observation as the fold sees it."""

    time: Micros
    result: float
    good: bool = True  # False for any quality but GOOD
    applies: bool = True  # False outside the rule's schedule, where nothing is a breach

    @property
    def judged(self) -> bool:
        """Whether the value may breach or clear; if not it is contact and nothing more."""
        return self.good and isfinite(self.result)


class State(NamedTuple):
    """Everything the fold remembers of one (rule, level, datastream)."""

    condition: Condition = Condition.NORMAL
    since: Micros | None = None  # time of the last change of condition or of stale
    began: Micros | None = None  # of the condition alone, which its timers count from
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
_RESTING: Final = (Condition.NORMAL, Condition.ACTIVE)


def reached(state: State) -> Micros | None:
    """Return the instant up to which the fold has decided; a sample not after it needs a refold."""
    if state.last_time is None or state.since is None:
        return state.last_time
    return max(state.last_time, state.since)


def due(state: State, rule: Rule) -> Micros | None:
    """Return when the next timer fires if no further sample comes; None if none runs."""
    if state.last_time is None:
        return None
    timer = _timer(state, rule)
    if state.stale:
        return timer
    dead = Micros(state.last_time + rule.stale_after)
    return timer if timer is not None and timer < dead else dead


def _timer(state: State, rule: Rule) -> Micros | None:
    began = state.began
    if began is None:
        return None
    if state.condition is Condition.PENDING and state.min_sample_time is not None:
        return Micros(max(began + rule.on_delay, state.min_sample_time))
    if state.condition is Condition.CLEARING:
        return Micros(began + rule.off_delay)
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
    fresh = _NOTHING
    if state.stale and rule.silence is not Silence.BREACHES:
        fresh = (Event(Kind.FRESH, sample.time, state.last_result),)
    state = contact(state, sample)
    if rule.silence is not Silence.HOLDS or not sample.applies:
        state = _judge_otherwise(state, rule, sample)
    elif sample.judged:
        state = _judge(state, rule, sample)
    if state.condition in _RESTING:  # no timer but that of silence, which this sample has set
        return state, before + fresh
    state, after = _fire(state, rule, sample.time)
    return state, before + fresh + after


def tick(state: State, rule: Rule, instant: Micros) -> tuple[State, Events]:
    """Fire the timers due before `instant`: every sample before it is known.

    Strictly before, since a sample at `instant` itself may still come and would precede them.
    """
    return _fire(state, rule, Micros(instant - 1))


def end(state: State, rule: Rule, time: Micros) -> tuple[State, Events]:
    """Take the news that the series ends at `time`, as a stale marker of Prometheus says it.

    Like a sample it precedes the timers of its instant; of a series without a sample it is none.
    """
    done = reached(state)
    if done is None or time <= done:
        return state, _NOTHING
    state, before = _fire(state, rule, Micros(time - 1))
    state, told = (state, _NOTHING) if state.stale else _silence(state, rule, time)
    state, after = _fire(state, rule, time)
    return state, before + told + after


def contact(state: State, sample: Sample) -> State:
    return State(  # each sample passes here, and _replace costs as much as all the rest
        state.condition,
        sample.time if state.stale else state.since,
        state.began,
        state.samples,
        state.min_sample_time,
        sample.time,
        sample.result if sample.judged else state.last_result,
        False,  # noqa: FBT003  not stale
        state.raised_at,
        state.peak,
        state.peak_at,
    )


def _judge_otherwise(state: State, rule: Rule, sample: Sample) -> State:
    """Judge where NaN is not breaching, or where any contact clears."""
    if rule.silence is Silence.CLEARS and sample.applies:
        return _judge(state, rule, sample if sample.good else sample._replace(result=nan))
    if state.condition is Condition.ACTIVE:
        return _become(state, Condition.CLEARING, sample.time)
    return _calm(state, sample.time) if state.condition is Condition.PENDING else state


def _become(state: State, condition: Condition, time: Micros) -> State:
    return state._replace(condition=condition, since=time, began=time)


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
        return _become(state, Condition.CLEARING, sample.time)
    if clearing:
        state = _become(state, Condition.ACTIVE, sample.time)
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
        began=sample.time if began else state.began,
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
        since=time,
        began=time,
        last_time=state.last_time,
        last_result=state.last_result,
        stale=state.stale,
    )


def _fire(state: State, rule: Rule, until: Micros) -> tuple[State, Events]:
    """Fire every timer due at or before `until`, each at its own time."""
    events = _NOTHING
    while (time := due(state, rule)) is not None and time <= until:
        state, event = _expire(state, rule, time)
        events += event
    return state, events


def _expire(state: State, rule: Rule, time: Micros) -> tuple[State, Events]:
    dead = time - rule.stale_after == state.last_time
    if not state.stale and (dead or _timer(state, rule) != time):
        return _silence(state, rule, time)
    if state.condition is Condition.PENDING:
        raised = _become(state, Condition.ACTIVE, time)
        raised = raised._replace(samples=0, min_sample_time=None, raised_at=time)
        return raised, (Event(Kind.RAISE, time, state.last_result),)
    return _calm(state, time), (Event(Kind.RTN, time, state.last_result),)


def _silence(state: State, rule: Rule, time: Micros) -> tuple[State, Events]:
    """Mark the series stale, and let the rule say what that means."""
    if rule.silence is Silence.BREACHES:
        return _missed(state, rule, time), _NOTHING  # the alert itself says it
    told = (Event(Kind.STALE, time, state.last_result),)
    if state.condition is Condition.PENDING:
        state = _calm(state, time)  # nothing ripens
    elif state.condition is Condition.CLEARING and rule.silence is Silence.HOLDS:
        state = _become(state, Condition.ACTIVE, time)  # nothing resolves
    elif state.condition is Condition.ACTIVE and rule.silence is Silence.CLEARS:
        state = _become(state, Condition.CLEARING, time)
    return state._replace(stale=True, since=time), told


def _missed(state: State, rule: Rule, time: Micros) -> State:
    """Take the silence for a breach that holds until the next contact."""
    state = state._replace(stale=True, since=time)
    if state.condition is Condition.NORMAL:
        state = _become(state, Condition.PENDING, time)
        return state._replace(samples=rule.min_samples, min_sample_time=time)
    if state.condition is Condition.CLEARING:
        return _become(state, Condition.ACTIVE, time)
    return state
