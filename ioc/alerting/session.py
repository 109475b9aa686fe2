"""One life of the evaluator: from a fresh database connection to the first thing that fails.

Evaluators share the partitions evenly: one that joins is given its part by the others, each at a
moment when all is committed, and what a dead one held is taken by those that live. Partitions that
stand at the same offsets are evaluated as one share; one that was just taken catches up on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

import structlog

from ioc.alerting.ports import Leases, Stream
from ioc.alerting.share import Share, Store
from ioc.domain.instant import SECOND, Micros

log: Final = structlog.get_logger()

READ_S: Final = 0.5  # longest wait for the stream; also how soon a stop is noticed
AT_ONCE_S: Final = 0.001  # while there is something to do besides
SETTLE: Final = SECOND // 2  # how often leases are renewed and looked at
LOOK: Final = 1 * SECOND  # how often the database is asked what Redis may have kept silent
REFRESH: Final = 30 * SECOND  # how often rules and things are read without any notice
TELL: Final = 2 * SECOND  # sign of life; screens call 15 s of silence a failure


@dataclass(slots=True)
class Session:
    """The evaluator with its ports; `clock` is the server's."""

    store: Store
    leases: Leases
    stream: Stream
    clock: Callable[[], Micros]
    shares: list[Share] = field(default_factory=list)
    _settle_at: int = 0
    _look_at: int = 0
    _refresh_at: int = 0
    _tell_at: int = 0
    _sleeping: bool = False  # whether some datastream still is

    def turn(self) -> None:
        """Do one round: read, evaluate, commit, let time pass, say so; half a second when idle."""
        now = self.clock()
        if now >= self._settle_at:
            self._settle_at = now + SETTLE
            self.settle()
        for batch in self.stream.read(AT_ONCE_S if self._sleeping else READ_S):
            for share in self.shares:
                share.offer(batch)
        for share in self.shares:
            share.commit()
        self._look()
        for share in self.shares:
            share.judge()
        self._route()
        asleep = [share.rouse() for share in self.shares]
        self._sleeping = any(asleep)
        self._unite()
        if self.shares and self.clock() >= self._tell_at:
            self._tell(alerts_changed=False)

    def _look(self) -> None:
        now = self.clock()
        if now < self._look_at or not self.shares:
            return
        self._look_at = now + LOOK
        writers, instant = self.store.batches.writers()
        for share in self.shares:
            share.look(writers, instant)

    def _route(self) -> None:
        if self.stream.registry_changed() or self.clock() >= self._refresh_at:
            self._refresh_at = self.clock() + REFRESH
            for share in self.shares:
                share.route()

    # ------------------------------------------------------------ partitions

    def settle(self) -> None:
        """Say that we live; begin what is ours now, give back what is another one's."""
        taken, surplus = self.leases.settle()
        if taken:
            self._begin(taken)
        if surplus:
            for share in self.shares:
                share.release(share.partitions & set(surplus))
            self.leases.release(surplus)
            self.shares = [share for share in self.shares if share.partitions]
        if taken or surplus:
            held = sorted(one for share in self.shares for one in share.partitions)
            log.info("partitions_held", partitions=held)

    def _begin(self, taken: Collection[int]) -> None:
        """Build the memory of partitions from what was committed, those that are level as one."""
        level: list[tuple[dict[int, int], set[int]]] = []
        for partition, offsets in sorted(self.store.ledger.offsets(taken).items()):
            together = next((found for known, found in level if known == offsets), None)
            if together is None:
                level.append((offsets, {partition}))
            else:
                together.add(partition)
        for offsets, partitions in level:
            share = Share(partitions, self.store, self._committed)
            share.evaluator.offsets = offsets
            share.begin()
            self.shares.append(share)
        self._refresh_at = self.clock() + REFRESH

    def _unite(self) -> None:
        """Let shares that stand at the same offsets go on as one."""
        apart, self.shares = self.shares, []
        for share in apart:
            other = next((one for one in self.shares if one.level_with(share)), None)
            if other is None:
                self.shares.append(share)
            else:
                other.absorb(share)

    # ------------------------------------------------------------ signs

    def _committed(self, alerts_changed: bool) -> None:  # noqa: FBT001  a callback
        if alerts_changed or self.clock() >= self._tell_at:
            self._tell(alerts_changed=alerts_changed)

    def _tell(self, *, alerts_changed: bool) -> None:
        self.stream.tell(alerts_changed=alerts_changed)
        self._tell_at = self.clock() + TELL
