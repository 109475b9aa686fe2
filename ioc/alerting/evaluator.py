"""The evaluator: routes samples to tracks, lets timers fire, collects what must be written.

It holds no connection. Its memory is a function of the stored states and of history up to the
offsets, so it can be thrown away at any moment and built again: that is how every failure of a
transaction is handled.

A datastream sleeps until its rules are bound: in alarm or on the way there at once, any other with
its first sample or when there is time. A sleeping one is NORMAL, so nothing is missed but that it
falls silent, and that is noticed when it is woken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count

from ioc.alerting import rebuild
from ioc.alerting.binding import Book, Bound, Versioned, mark, orphan, speaker
from ioc.alerting.ports import History
from ioc.domain import levels
from ioc.domain.episode import Changes, Reason, ended, under_new_rule
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
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId


@dataclass(slots=True)
class Evaluator:
    """All tracks of some partitions, all of them evaluated up to the same offsets."""

    bounds: dict[Key, Bound] = field(default_factory=dict)
    routes: dict[DatastreamId, list[Bound]] = field(default_factory=dict)  # of what is awake
    asleep: dict[DatastreamId, Candidate] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    samples: int = 0
    _awake: dict[DatastreamId, Candidate] = field(default_factory=dict)
    _heap: list[tuple[Micros, int, Bound]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _touched: dict[Key, Bound] = field(default_factory=dict)
    _verdict: Verdict = field(default_factory=Verdict)

    # ------------------------------------------------------------ samples and time

    def take(self, batch: Batch) -> None:
        """Evaluate the next batch of a writer; whatever it speaks of is awake."""
        for row in batch.rows:
            for bound in self.routes.get(row.datastream, ()):
                self.samples += 1
                if bound.passes(row.sample):
                    continue
                self._announce(bound, bound.take(row.sample))
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
            self._announce(bound, bound.tick(judgement.instant))
            self._touched[bound.key] = bound
            self._arm(bound)

    def _arm(self, bound: Bound) -> None:
        """Keep the bound in the heap at or before its next timer."""
        time = bound.due
        if time is not None and (bound.wake is None or time < bound.wake):
            self._push(bound, time)

    def _push(self, bound: Bound, time: Micros) -> None:
        bound.wake = time
        heappush(self._heap, (time, next(self._order), bound))

    def _announce(self, bound: Bound, changes: Changes) -> None:
        for change in changes:
            rule = speaker(bound.track.rules, change)
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
            found.states.append(bound.saved)
        peak = levels.peak(state, bound.track.rules) if state.in_alarm else None
        if peak is None:
            bound.peak = None
        elif peak[0] != bound.peak:
            bound.peak = peak[0]
            found.peaks.append(Peak(*bound.key, *peak))

    # ------------------------------------------------------------ routing

    def register(
        self, rules: Sequence[Versioned], candidates: Iterable[Candidate]
    ) -> set[DatastreamId]:
        """Note rules and datastreams as they are now; return those that must be bound again."""
        changed = self.book.replace(rules)
        known = {one.datastream: one for one in candidates}
        gone = {one for one in (*self.asleep, *self._awake) if one not in known}
        edited = {
            one
            for one, before in self._awake.items()
            if one in known and (known[one] != before or before.observed_property in changed)
        }
        self.asleep = {one: now for one, now in known.items() if one not in self._awake}
        self._awake.update((one, known[one]) for one in edited)
        for one in gone:
            self._awake.pop(one, None)
        return gone | edited

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Note datastreams that nobody knew until now."""
        self.asleep.update((one.datastream, one) for one in candidates)

    def bind(
        self, streams: Collection[DatastreamId], saved: Mapping[Key, Saved], history: History
    ) -> None:
        """Bind rules to datastreams: build what is new or edited, end what is gone.

        `saved` are the stored states of those that are asleep, or that nobody knows any more.
        """
        for one in streams:
            if one in self.asleep:
                self._awake[one] = self.asleep.pop(one)
        candidates = [self._awake[one] for one in streams if one in self._awake]
        wanted = {bound.key: bound for one in candidates for bound in self.book.bound_to(one)}
        bound_now = {b.key: b for one in streams for b in self.routes.pop(one, ())}
        for key in bound_now.keys() - wanted.keys():
            self._end(self.bounds.pop(key))
        for key in saved.keys() - wanted.keys() - bound_now.keys():
            self._end(orphan(saved[key]))
        stored = {**saved, **{key: bound.saved for key, bound in bound_now.items()}}
        new = [b for k, b in wanted.items() if k not in bound_now or not bound_now[k].is_as(b)]
        jobs = [rebuild.Job(b.track, b.input, b.subject.datastream) for b in new]
        rebuild.rebuild(jobs, stored, history, self.offsets)
        for bound in new:
            self._begin(bound, stored.get(bound.key))
        for key in wanted:
            self.routes.setdefault(key[1], []).append(self.bounds[key])

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

    # ------------------------------------------------------------ partitions

    def absorb(self, other: Evaluator) -> None:
        """Take over all of another one that stands at the same offsets; nothing is unwritten."""
        self.bounds.update(other.bounds)
        self.routes.update(other.routes)
        self.asleep.update(other.asleep)
        self._awake.update(other._awake)
        self.samples += other.samples
        self._heap = [(b.wake, next(self._order), b) for b in self.bounds.values() if b.wake]
        heapify(self._heap)

    def drop(self, mine: Callable[[DatastreamId], bool]) -> None:
        """Forget every datastream that is not ours any more; nothing is unwritten."""
        self.asleep = {one: now for one, now in self.asleep.items() if mine(one)}
        self._awake = {one: now for one, now in self._awake.items() if mine(one)}
        self.routes = {one: bounds for one, bounds in self.routes.items() if mine(one)}
        self.bounds = {key: bound for key, bound in self.bounds.items() if mine(key[1])}
