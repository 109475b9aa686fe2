"""The evaluator: routes samples to tracks, lets timers fire, collects what must be written.

It holds no connection. Its memory is a function of the stored states and of history up to the
offsets, so it can be thrown away at any moment and built again: that is how every failure of a
transaction is handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice
from typing import Final

from ioc.alerting import rebuild
from ioc.alerting.ports import History
from ioc.domain import levels
from ioc.domain.alert import Op, Rule, Severity
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change, Changes, Reason, Track, ended, under_new_rule
from ioc.domain.evaluation import (
    Announcement,
    Batch,
    Candidate,
    Judgement,
    Key,
    Peak,
    Saved,
    Verdict,
)
from ioc.domain.instant import Micros, from_seconds
from ioc.domain.levels import Ladder, Rules
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules.definition import RuleFile, bind

CHUNK: Final = 500  # datastreams rebuilt by one query: some 10,000 rows, 1 MB

Mark = tuple[object, ...]


@dataclass(slots=True)
class Bound:
    """One rule bound to one datastream."""

    track: Track
    subject: Subject
    expected_period: int
    mark: Mark = ()  # the part of the state that is stored, as stored
    peak: float | None = None  # as stored
    wake: Micros | None = None  # when the heap will look at it

    @property
    def key(self) -> Key:
        return self.track.rules[0].id, self.subject.datastream


def mark(ladder: Ladder) -> Mark:
    """Return what makes a transition: it is stored when this changes."""
    if len(ladder.states) == 1:
        state = ladder.states[0]
        return state.condition, state.since, state.stale, state.raised_at
    return tuple((s.condition, s.since, s.stale, s.raised_at) for s in ladder.states)


@dataclass(slots=True)
class Evaluator:
    """All tracks of one partition."""

    bounds: dict[Key, Bound] = field(default_factory=dict)
    routes: dict[DatastreamId, list[Bound]] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    samples: int = 0
    _heap: list[tuple[Micros, int, Bound]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _touched: dict[Key, Bound] = field(default_factory=dict)
    _verdict: Verdict = field(default_factory=Verdict)

    # ------------------------------------------------------------ samples and time

    def take(self, batch: Batch) -> None:
        """Evaluate the next batch of a writer."""
        for row in batch.rows:
            for bound in self.routes.get(row.datastream, ()):
                self.samples += 1
                self._announce(bound, bound.track.take(row.sample))
                self._touched[bound.key] = bound
                self._arm(bound)
        self.offsets[batch.writer] = batch.number
        self._verdict.offsets[batch.writer] = batch.number

    def tick(self, judgement: Judgement) -> None:
        """Fire the timers of what has been connected for one expected period."""
        while self._heap and self._heap[0][0] < judgement.instant:
            time, _, bound = heappop(self._heap)
            if bound.wake != time or self.bounds.get(bound.key) is not bound:
                continue
            bound.wake = None
            allowed = Micros(judgement.connected_since + bound.expected_period)
            if judgement.instant <= allowed:
                self._push(bound, max(allowed, time))
                continue
            self._announce(bound, bound.track.tick(judgement.instant))
            self._touched[bound.key] = bound
            self._arm(bound)

    def _arm(self, bound: Bound) -> None:
        """Keep the bound in the heap at or before its next timer."""
        time = levels.due(bound.track.state, bound.track.rules)
        if time is not None and (bound.wake is None or time < bound.wake):
            self._push(bound, time)

    def _push(self, bound: Bound, time: Micros) -> None:
        bound.wake = time
        heappush(self._heap, (time, next(self._order), bound))

    def _announce(self, bound: Bound, changes: Changes) -> None:
        for change in changes:
            rule = _speaker(bound.track.rules, change)
            self._verdict.announcements.append(Announcement(rule, bound.subject, change))

    # ------------------------------------------------------------ what to write

    def verdict(self) -> Verdict:
        """Return what has to be written since the last call."""
        found, self._verdict = self._verdict, Verdict()
        for bound in self._touched.values():
            self._collect(bound, found)
        self._touched.clear()
        return found

    def _collect(self, bound: Bound, found: Verdict) -> None:
        state = bound.track.state
        if mark(state) != bound.mark:
            bound.mark = mark(state)
            found.states.append(_saved(bound))
        peak = levels.peak(state, bound.track.rules) if state.in_alarm else None
        if peak is None:
            bound.peak = None
        elif peak[0] != bound.peak:
            bound.peak = peak[0]
            found.peaks.append(Peak(*bound.key, *peak))

    # ------------------------------------------------------------ routing

    def route(
        self,
        rules: Sequence[tuple[RuleFile, int]],
        candidates: Iterable[Candidate],
        saved: Mapping[Key, Saved],
        history: History,
    ) -> None:
        """Bind rules to datastreams anew: build what is new or edited, end what is gone.

        `saved` are the stored states of what is not bound yet (all of them at the start).
        """
        wanted = dict(_matches(rules, candidates))
        for key in [k for k in self.bounds if k not in wanted]:
            self._end(self.bounds.pop(key))
        for key in [k for k in saved if k not in wanted and k not in self.bounds]:
            self._end(_orphan(saved[key]))
        stored = {**saved, **{key: _saved(bound) for key, bound in self.bounds.items()}}
        new = [b for key, b in wanted.items() if not self._has(key, b.track.rules)]
        chunks = iter(new)
        while chunk := list(islice(chunks, CHUNK)):
            rebuild.rebuild([(b.track, b.subject.datastream) for b in chunk], stored, history)
            for bound in chunk:
                self._begin(bound, stored.get(bound.key))
        self._index()

    def _has(self, key: Key, rules: Rules) -> bool:
        return key in self.bounds and self.bounds[key].track.rules == rules

    def _begin(self, bound: Bound, stored: Saved | None) -> None:
        state, rules = bound.track.state, bound.track.rules
        known = levels.start(rules) if stored is None else stored.state
        edited = stored is not None and stored.version != rules[0].version
        if edited or known.in_alarm != state.in_alarm:
            self._announce(bound, under_new_rule(known, state, rules))
        if edited and len(known.states) > len(rules):
            self._verdict.gone.append(bound.key)  # rows of levels that are no more
        bound.mark = () if edited else mark(known)
        self.bounds[bound.key] = bound
        if edited or mark(state) != bound.mark or state.in_alarm:
            self._touched[bound.key] = bound
        self._arm(bound)

    def _end(self, bound: Bound) -> None:
        state = bound.track.state
        self._announce(bound, ended(state, state, Reason.DISABLED))
        self._verdict.gone.append(bound.key)
        self._touched.pop(bound.key, None)

    def _index(self) -> None:
        self.routes = {}
        for bound in self.bounds.values():
            self.routes.setdefault(bound.subject.datastream, []).append(bound)


def _saved(bound: Bound) -> Saved:
    track, version = bound.track, bound.track.rules[0].version
    return Saved(*bound.key, version, track.state, track.checkpoint)


def _speaker(rules: Rules, change: Change) -> Rule:
    """Return the level that a change is about: the highest in alarm, by its severity."""
    return next((rule for rule in rules if rule.severity == change.severity), rules[0])


def _orphan(saved: Saved) -> Bound:
    """Return a bound for a stored state whose rule or thing is gone, only to end it."""
    rule = Rule(saved.rule_id, saved.version, Op.GT, 0.0, Severity.LOW, 1, 0)
    track = Track((rule,) * len(saved.state.states))
    track.checkpoint, track.state = saved.checkpoint, saved.state
    return Bound(track, Subject(saved.datastream, thing=ThingId(0)), 0)


def _matches(
    rules: Sequence[tuple[RuleFile, int]], candidates: Iterable[Candidate]
) -> Iterator[tuple[Key, Bound]]:
    by_property: dict[str, list[tuple[RuleFile, int]]] = {}
    for rule, version in rules:
        by_property.setdefault(rule.observed_property, []).append((rule, version))
    for one in candidates:
        for rule, version in by_property.get(one.observed_property, ()):
            if _selected(rule, one):
                bound = Bound(
                    Track(bind(rule, version, one.stale_after_s)),
                    Subject(one.datastream, one.thing, one.simulated),
                    from_seconds(one.expected_period_s),
                )
                yield bound.key, bound


def _selected(rule: RuleFile, one: Candidate) -> bool:
    selector = rule.selector
    return (
        selector.feed in (None, one.feed)
        and selector.kind in (None, one.kind)
        and selector.thing in (None, one.external_id)
    )
