"""One life of the evaluator: from a fresh database connection to the first thing that fails.

Every batch of every writer is evaluated exactly once and in order. The stream brings them fast;
what it does not bring (a hole in the numbers, Redis away) is read from history by number. Timers
fire only as far as every writer's watermark says that all data before it is known *and* once
everything that was committed by then has been evaluated, so a backlog never looks like silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import structlog

from ioc.alerting.evaluator import Evaluator
from ioc.alerting.ports import Batches, History, Ledger, Registry, Stream
from ioc.domain.evaluation import Batch, Judgement, Key, Saved, judgement
from ioc.domain.instant import SECOND, Micros

log: Final = structlog.get_logger()

READ_S: Final = 1.0  # longest wait for the stream; also how soon a stop is noticed
LOOK: Final = 1 * SECOND  # how often the database is asked what Redis may have kept silent
REFRESH: Final = 30 * SECOND  # how often rules and things are read without any notice
TELL: Final = 2 * SECOND  # sign of life; screens call 15 s of silence a failure


@dataclass(slots=True)
class Session:
    """The evaluator with its ports; `clock` is the server's."""

    batches: Batches
    history: History
    registry: Registry
    ledger: Ledger
    stream: Stream
    clock: Callable[[], Micros]
    evaluator: Evaluator = field(default_factory=Evaluator)
    _look_at: int = 0
    _refresh_at: int = 0
    _tell_at: int = 0
    _newest_datastream: int = 0  # those with a higher id were not there when rules were bound
    _waiting: Judgement | None = None  # holds once we have evaluated up to its heads
    _heads: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Build the memory from what was committed."""
        self.evaluator.offsets = self.ledger.offsets()
        self._route({one.key: one for one in self.ledger.states()})

    def turn(self) -> None:
        """Do one round: read, evaluate, commit, let time pass, say so. Takes at most ~1 s idle."""
        for batch in self.stream.read(READ_S):
            self._offer(batch)
        self._commit()
        now = self.clock()
        if now >= self._look_at:
            self._look_at = now + LOOK
            self._look()
        self._judge()
        if self.stream.registry_changed() or now >= self._refresh_at:
            self._route()
        if now >= self._tell_at:
            self._tell(alerts_changed=False)

    # ------------------------------------------------------------ batches

    def _offer(self, batch: Batch) -> None:
        """Take a batch from the stream: skip what is known, fill what is missing before it."""
        if batch.writer not in self.evaluator.offsets:
            self._commit()
            self.evaluator.offsets = self.ledger.offsets()
        done = self.evaluator.offsets[batch.writer]
        if batch.number > done + 1:
            log.info("gap_read", writer=batch.writer, after=done, before=batch.number)
            self._fill(batch.writer, batch.number - 1)
        if batch.number == self.evaluator.offsets[batch.writer] + 1:
            self._take(batch)

    def _take(self, batch: Batch) -> None:
        """Evaluate the next batch of a writer, once what is new in it is bound.

        Bound later, what it did meanwhile would be history, of which only the end is announced.
        """
        if any(row.datastream > self._newest_datastream for row in batch.rows):
            self._commit()
            self._route()
        self.evaluator.take(batch)

    def _fill(self, writer: int, upto: int) -> None:
        """Evaluate a writer's batches up to `upto` from history, a bounded piece at a time."""
        while (done := self.evaluator.offsets[writer]) < upto:
            for batch in self.batches.read(writer, done, upto):
                self._take(batch)
            self._commit()

    def _look(self) -> None:
        """Ask what is committed. What was committed a look ago and is still unknown is read."""
        for writer, head in self._heads.items():
            if self.evaluator.offsets.get(writer, 0) < head:
                self._fill(writer, head)
        writers, now = self.batches.writers()
        if any(w.id not in self.evaluator.offsets for w in writers):
            self.evaluator.offsets = self.ledger.offsets()
        self._heads = {w.id: w.head for w in writers}
        self._judge()  # before a newer one takes the place of a judgement that has just ripened
        self._waiting = judgement(writers, now)

    # ------------------------------------------------------------ time

    def _judge(self) -> None:
        offsets = self.evaluator.offsets
        waiting = self._waiting
        if waiting is None or any(offsets.get(w, 0) < n for w, n in waiting.heads.items()):
            return
        self._waiting = None
        self.evaluator.tick(waiting)
        self._commit()

    # ------------------------------------------------------------ rules and things

    def _route(self, saved: Mapping[Key, Saved] = MappingProxyType({})) -> None:
        """Bind rules to things as they are now; nothing is waiting to be written here."""
        self._refresh_at = self.clock() + REFRESH
        rules = self.registry.rules()
        wanted = sorted({rule.observed_property for rule, _ in rules})
        self._newest_datastream = self.registry.newest_datastream()  # read before those it bounds
        self.evaluator.route(rules, self.registry.candidates(wanted), saved, self.history)
        self._commit()

    # ------------------------------------------------------------ writing

    def _commit(self) -> None:
        """Write what was decided; an exception means that this session's memory is void."""
        verdict = self.evaluator.verdict()
        if verdict.empty:
            return
        if self.ledger.commit(verdict):
            self._tell(alerts_changed=True)

    def _tell(self, *, alerts_changed: bool) -> None:
        self.stream.tell(alerts_changed=alerts_changed)
        self._tell_at = self.clock() + TELL
