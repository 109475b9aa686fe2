"""From messages to one batch, from a batch to history, and only then the acknowledgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog

from ingest.metrics import Counters
from ingest.ports import Announce, Failures, Inbox, Store
from ingest.preparing import Preparer
from ingest.window import Window
from ioc.domain.intake import Arrival, Batch, Letter

_BACK_OFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)  # then the last for ever

T = TypeVar("T")

log = structlog.get_logger()


class Stopped(Exception):  # noqa: N818  no error: the process is asked to end while the store is away
    """The batch is not committed and not acknowledged; the broker keeps it."""


class Pipeline:
    """The writer's loop body. For one thread."""

    def __init__(  # noqa: PLR0913, PLR0917  a composition root fills each port once
        self,
        preparer: Preparer,
        inbox: Inbox,
        store: Store,
        failures: Failures,
        announce: Announce,
        counters: Counters,
        wait: Callable[[float], bool],
    ) -> None:
        """`wait(seconds)` pauses and says whether the process is asked to end."""
        self._preparer = preparer
        self._inbox = inbox
        self._store = store
        self._failures = failures
        self._announce = announce
        self._counters = counters
        self._wait = wait
        self._window = Window()
        self._session = 0

    def turn(self) -> int:
        """Take what is pending, commit it, acknowledge it; return how many messages."""
        arrivals = self._inbox.take()
        if not arrivals:
            return 0
        if arrivals[0].session != self._session:
            self._begin(arrivals[0].session)
        fresh = self._window.fresh(arrivals)
        if len(fresh) < len(arrivals):
            self._redelivered(arrivals, fresh)
        if fresh:
            batch = self._preparer.prepare(fresh)
            feeds = self._preparer.counted(fresh)
            self._counters.received(feeds)
            self._commit(batch, feeds)
            for topic, payload in batch.commands:
                self._inbox.publish(topic, payload)
        self._inbox.done(arrivals)
        return len(arrivals)

    def _begin(self, session: int) -> None:
        clean = self._inbox.began_clean(session)
        if clean:
            self._persist(self._store.forget_session)
        self._preparer.missed()
        self._window.reconnected()
        self._window.load([] if clean else self._persist(self._store.remembered))
        self._session = session

    def _redelivered(self, arrivals: list[Arrival], fresh: list[Arrival]) -> None:
        new = set(map(id, fresh))
        again = [arrival for arrival in arrivals if id(arrival) not in new]
        self._counters.redelivered(len(again))
        self._counters.received(Counter(self._preparer.feed_of(a.topic) for a in again))

    def _commit(self, batch: Batch, feeds: Mapping[str, int]) -> None:
        try:
            committed = self._persist(lambda: self._store.commit(batch))
        except self._failures.refused as error:
            self._split(batch, error)
            return
        if committed.rows is None:
            self._window.load(self._persist(self._store.remembered))
        else:
            self._window.remember(committed.remembered)
        self._counters.committed(feeds, committed)
        self._announce(committed)

    def _split(self, batch: Batch, error: Exception) -> None:
        """Find the message the database refuses; everything beside it is stored."""
        arrivals = batch.arrivals
        log.warning("batch_refused", messages=len(arrivals), error=str(error).splitlines()[:1])
        if len(arrivals) > 1:
            for half in batch.halves():
                self._commit(half, self._preparer.counted(half.arrivals))
            return
        if not batch.streams and not batch.sightings:
            raise error  # even the bare dead letter is refused: a bug
        letter = self._letter(arrivals[0], error)
        bare = Batch(batch.slots, arrivals, letters=[letter], messages=1)
        self._commit(bare, self._preparer.counted(arrivals))

    def _letter(self, arrival: Arrival, error: Exception) -> Letter:
        feed = self._preparer.feed_of(arrival.topic) or None
        return Letter(feed, arrival, "database_refused", str(error))

    def _persist(self, action: Callable[[], T]) -> T:
        """Repeat until the store is there; nothing is acknowledged meanwhile."""
        tries = 0
        while True:
            try:
                return action()
            except self._failures.refused:
                raise
            except self._failures.away as error:
                pause = _BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)]
                log.warning("store_away", tries=tries, error=str(error).splitlines()[:1])
                self._counters.failed()
                self._store.close()
                tries += 1
                if self._wait(pause):
                    raise Stopped from error
