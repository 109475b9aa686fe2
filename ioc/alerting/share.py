"""A share: partitions that are evaluated together, batch after batch, up to the same offsets.

Every batch of every writer is evaluated exactly once and in order. The stream brings them fast;
what it does not bring (a hole in the numbers, Redis away) is read from history by number. Timers
fire only as far as every writer's watermark says that all data before it is known *and* once
everything that was committed by then has been evaluated, so a backlog never looks like silence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import structlog

from ioc.alerting.evaluator import Evaluator
from ioc.alerting.ports import Batches, History, Ledger, Registry, States
from ioc.domain.evaluation import Batch, Judgement, Writer, judgement
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId
from ioc.domain.partition import partition

log: Final = structlog.get_logger()

CHUNK: Final = 500  # datastreams bound by one query: some 20,000 rows, 2 MB
# Woken between two reads of the stream: with 20 rules each some 40 ms, a tenth of what an alert
# may take to the screen; a province of 25,000 is awake in half a minute.
NAP: Final = 50


@dataclass(frozen=True, slots=True)
class Store:
    """The database, port by port."""

    batches: Batches
    history: History
    registry: Registry
    states: States
    ledger: Ledger


@dataclass(slots=True)
class Share:
    """Some partitions with their evaluator."""

    partitions: set[int]
    store: Store
    committed: Callable[[bool], None]  # told after each commit whether an alert changed
    evaluator: Evaluator = field(default_factory=Evaluator)
    _newest: int = 0  # datastreams with a higher id were not there when last asked
    _waiting: Judgement | None = None  # holds once we have evaluated up to its heads
    _heads: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Build at once what is in alarm or on the way there; all else sleeps."""
        self.route()
        self._wake(self.store.states.on(self.partitions))
        self.commit()

    # ------------------------------------------------------------ batches

    def offer(self, batch: Batch) -> None:
        """Take a batch from the stream: skip what is known, fill what is missing before it."""
        if batch.writer not in self.evaluator.offsets:
            self._adopt()
        done = self.evaluator.offsets[batch.writer]
        if batch.number > done + 1:
            log.info("gap_read", writer=batch.writer, after=done, before=batch.number)
            self._fill(batch.writer, batch.number - 1)
        if batch.number == self.evaluator.offsets[batch.writer] + 1:
            self._take(batch)

    def _adopt(self) -> None:
        """Begin with a writer that is new."""
        self.commit()
        self.evaluator.offsets = self.store.ledger.offsets(self.partitions)[min(self.partitions)]

    def _take(self, batch: Batch) -> None:
        """Evaluate the next batch of a writer, once all it speaks of is awake.

        Bound later, what it did meanwhile would be history, of which only the end is announced.
        """
        streams = {row.datastream for row in batch.rows}
        if streams and max(streams) > self._newest:
            self._discover()
        self._wake(streams & self.evaluator.asleep.keys())
        self.evaluator.take(batch)

    def _fill(self, writer: int, upto: int) -> None:
        """Evaluate a writer's batches up to `upto` from history, a bounded piece at a time."""
        while (done := self.evaluator.offsets[writer]) < upto:
            for batch in self.store.batches.read(writer, done, upto):
                self._take(batch)
            self.commit()

    def look(self, writers: Sequence[Writer], now: Micros) -> None:
        """Learn what is committed. What was committed a look ago and is still unknown is read."""
        for writer, head in self._heads.items():
            if self.evaluator.offsets.get(writer, 0) < head:
                self._fill(writer, head)
        if any(w.id not in self.evaluator.offsets for w in writers):
            self._adopt()
        self._heads = {w.id: w.head for w in writers}
        self.judge()  # before a newer one takes the place of a judgement that has just ripened
        self._waiting = judgement(list(writers), now)

    # ------------------------------------------------------------ time

    def judge(self) -> None:
        """Let time pass as far as it is known to have passed."""
        offsets = self.evaluator.offsets
        waiting = self._waiting
        if waiting is None or any(offsets.get(w, 0) < n for w, n in waiting.heads.items()):
            return
        self._waiting = None
        self.evaluator.tick(waiting)
        self.commit()

    # ------------------------------------------------------------ rules and things

    def route(self) -> None:
        """Bind rules to things as they are now; nothing is waiting to be written here."""
        registry = self.store.registry
        rules = registry.rules()
        wanted = sorted({rule.observed_property for rule, _ in rules})
        self._newest = registry.newest_datastream()  # read before those it bounds
        candidates = registry.candidates(wanted, self.partitions, 0)
        self._wake(self.evaluator.register(rules, candidates))
        self.commit()

    def _discover(self) -> None:
        """Note the datastreams that are new, and only those."""
        registry, known = self.store.registry, self._newest
        self._newest = registry.newest_datastream()
        wanted = self.evaluator.book.properties
        self.evaluator.add(registry.candidates(wanted, self.partitions, known))

    def rouse(self) -> bool:
        """Wake a few that sleep; return whether any still does."""
        self._wake(list(islice(self.evaluator.asleep, NAP)))
        self.commit()
        return bool(self.evaluator.asleep)

    def _wake(self, streams: Iterable[DatastreamId]) -> None:
        waiting = iter(sorted(streams))
        while chunk := list(islice(waiting, CHUNK)):
            unknown = [one for one in chunk if one not in self.evaluator.routes]
            saved = {one.key: one for one in self.store.states.states(unknown)} if unknown else {}
            self.evaluator.bind(chunk, saved, self.store.history)

    # ------------------------------------------------------------ partitions

    def level_with(self, other: Share) -> bool:
        """Tell whether both can go on as one: at the same offsets, under the same rules."""
        mine, its = self.evaluator, other.evaluator
        return mine.offsets == its.offsets and mine.book == its.book

    def absorb(self, other: Share) -> None:
        """Go on together: both stand at the same offsets and have nothing to write."""
        self.partitions |= other.partitions
        self.evaluator.absorb(other.evaluator)
        self._newest = min(self._newest, other._newest)
        self._waiting = None  # the next look says it again, for all

    def release(self, partitions: Collection[int]) -> None:
        """Give partitions up; the next owner goes on where the last commit stands."""
        self.commit()
        self.partitions -= set(partitions)
        self.evaluator.drop(lambda one: partition(one) in self.partitions)

    # ------------------------------------------------------------ writing

    def commit(self) -> None:
        """Write what was decided; an exception means that this share's memory is void."""
        verdict = self.evaluator.verdict()
        if not verdict.empty:
            self.committed(self.store.ledger.commit(verdict, self.partitions))
