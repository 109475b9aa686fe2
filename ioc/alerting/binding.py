"""A rule bound to a datastream: what is judged, and which rules bind which datastreams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ioc.domain import levels
from ioc.domain.alert import Op, Rule, Sample, Severity
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change, Changes, Track
from ioc.domain.evaluation import Candidate, Key, Saved
from ioc.domain.inputs import Input
from ioc.domain.instant import Micros, from_seconds
from ioc.domain.levels import Ladder, Rules
from ioc.domain.observation import ThingId
from ioc.rules.definition import RuleFile
from ioc.rules.inputs import inputs
from ioc.rules.pace import Pace, levels_of
from ioc.rules.trial import selected

Mark: TypeAlias = tuple[object, ...]
Versioned: TypeAlias = tuple[RuleFile, int]


@dataclass(slots=True)
class Bound:
    """One rule bound to one datastream."""

    track: Track
    subject: Subject
    expected_period: int
    input: Input | None = None  # None: the fold takes the samples as they come
    mark: Mark = ()  # the part of the state that is stored, as stored
    peak: float | None = None  # as stored
    wake: Micros | None = None  # when the heap will look at it

    @property
    def key(self) -> Key:
        return self.track.rules[0].id, self.subject.datastream

    @property
    def due(self) -> Micros | None:
        """Return when a timer fires or a window is complete without a further sample."""
        timer = levels.due(self.track.state, self.track.rules)
        window = None if self.input is None else self.input.due
        if timer is None or window is None:
            return window if timer is None else timer
        return min(timer, window)

    @property
    def saved(self) -> Saved:
        """Return the state as it is stored."""
        track, version = self.track, self.track.rules[0].version
        return Saved(*self.key, version, track.state, track.checkpoint)

    def passes(self, sample: Sample) -> bool:
        """Take a sample after which nothing is to be said, stored or waited for anew, if it is."""
        return self.wake is not None and self.input is None and self.track.passes(sample)

    def take(self, sample: Sample) -> Changes:
        """Judge one sample, or what the rule makes of it."""
        if self.input is None:
            return self.track.take(sample)
        return self.track.revise(self.input.take(sample))

    def tick(self, instant: Micros) -> Changes:
        """Let time pass: every sample before `instant` was taken."""
        changes: Changes = []
        if self.input is not None:
            changes = self.track.revise(self.input.tick(instant))
        return changes + self.track.tick(instant)

    def is_as(self, other: Bound) -> bool:
        """Tell whether both would judge the same; windows count on the period."""
        return (
            self.track.rules == other.track.rules and self.expected_period == other.expected_period
        )


def mark(ladder: Ladder) -> Mark:
    """Return what makes a transition: it is stored when this changes."""
    if len(ladder.states) == 1:
        state = ladder.states[0]
        return state.condition, state.since, state.stale, state.raised_at
    return tuple((s.condition, s.since, s.stale, s.raised_at) for s in ladder.states)


def speaker(rules: Rules, change: Change) -> Rule:
    """Return the level that a change is about: the highest in alarm, by its severity."""
    return next((rule for rule in rules if rule.severity == change.severity), rules[0])


def orphan(saved: Saved) -> Bound:
    """Return a bound for a stored state whose rule or thing is gone, only to end it."""
    rule = Rule(saved.rule_id, saved.version, Op.GT, 0.0, Severity.LOW, 1, 0)
    track = Track((rule,) * len(saved.state.states))
    track.checkpoint, track.state = saved.checkpoint, saved.state
    return Bound(track, Subject(saved.datastream, thing=ThingId(0)), 0)


@dataclass(slots=True)
class Book:
    """The rules in force, by the observed property they look at."""

    _by_property: dict[str, list[Versioned]] = field(default_factory=dict)
    _levels: dict[tuple[str, Pace], Rules] = field(default_factory=dict, compare=False)

    @property
    def properties(self) -> list[str]:
        return sorted(self._by_property)

    def replace(self, rules: Sequence[Versioned]) -> set[str]:
        """Put these rules in force; return the properties for which something changed."""
        found: dict[str, list[Versioned]] = {}
        for rule, version in rules:
            found.setdefault(rule.observed_property, []).append((rule, version))
        old, self._by_property = self._by_property, found
        changed = {name for name in {*old, *found} if old.get(name) != found.get(name)}
        if changed:
            self._levels.clear()
        return changed

    def bound_to(self, one: Candidate) -> Iterator[Bound]:
        """Yield every rule that selects a datastream, with an empty track."""
        for rule, version in self._by_property.get(one.observed_property, ()):
            if selected(rule, one):
                pace = Pace(one.expected_period_s, one.stale_after_s)
                if (rule.id, pace) not in self._levels:
                    self._levels[rule.id, pace] = levels_of(rule, version, pace)
                yield Bound(
                    Track(self._levels[rule.id, pace]),
                    Subject(one.datastream, one.thing, one.simulated),
                    from_seconds(one.expected_period_s),
                    inputs(rule, pace),
                )
