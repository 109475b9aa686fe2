"""From messages to one batch, from a batch to history, and only then the acknowledgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog

from ingest.feeds import Source
from ingest.metrics import Counters
from ingest.ports import Announce, Failures, Inbox, Store
from ingest.topics import Router
from ingest.window import Window
from ioc.domain import times
from ioc.domain.errors import PayloadError
from ioc.domain.intake import Arrival, Batch, Letter, Remembered, digest
from ioc.domain.observation import Decoded, Flag

MAX_PAYLOAD: Final = 1 << 20  # 1 MiB: what a dead letter keeps whole; beyond it nobody's sensor
_ARRIVAL_STANDS_IN: Final = Flag.TIME_RECEIVED | Flag.TIME_CORRECTED
_BACK_OFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)  # then the last for ever

T = TypeVar("T")

log = structlog.get_logger()


class Stopped(Exception):  # noqa: N818  no error: the process is asked to end while the store is away
    """The batch is not committed and not acknowledged; the broker keeps it."""


class Preparer:
    """Decides what a message means; no connection, no clock."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._router = Router({name: source.pattern for name, source in sources.items()})

    def prepare(self, arrivals: list[Arrival]) -> Batch:
        """Decode messages into one batch; what cannot be read becomes letters of it."""
        batch = Batch(arrivals, messages=len(arrivals))
        for origin, arrival in enumerate(arrivals):
            self._message(batch, origin, arrival)
        return batch

    def feed_of(self, topic: str) -> str | None:
        """Return the feed a topic belongs to."""
        route = self._router.match(topic)
        return None if route is None else route.feed

    def _message(self, batch: Batch, origin: int, arrival: Arrival) -> None:
        route = self._router.match(arrival.topic)
        if route is None:
            batch.letters.append(Letter(None, arrival, "no_feed"))
            return
        source = self._sources[route.feed]
        if len(arrival.payload) > MAX_PAYLOAD:
            detail = f"{len(arrival.payload)} bytes"
            batch.letters.append(Letter(route.feed, arrival, "too_large", detail))
            return
        try:
            decoding = source.decode(route.parts, arrival.payload)
        except PayloadError as error:
            batch.letters.append(Letter(route.feed, arrival, error.reason, error.detail))
            return
        for sight in decoding.sightings:
            batch.sightings[route.feed, sight.thing] = sight
        refusals = decoding.refusals
        stands_in = False
        for decoded in decoding.observations:
            try:
                stands_in |= _append(batch, origin, source, decoded)
            except PayloadError as error:
                refusals.append(error)
        if refusals:
            batch.letters.extend(_letters(route.feed, arrival, refusals))
        if stands_in and arrival.packet_id is not None:
            batch.remembered.append(Remembered(arrival.packet_id, digest(arrival)))


def _append(batch: Batch, origin: int, source: Source, decoded: Decoded) -> bool:
    """Add one value; True when the moment of arrival stands in for its time."""
    arrival = batch.arrivals[origin]
    time, flags = times.judge(decoded.time, arrival.received, past_limit=source.past_limit)
    stands_in = bool(flags & _ARRIVAL_STANDS_IN)
    flags |= decoded.flags
    if arrival.retain:
        flags |= Flag.RETAINED
    if source.spec.simulated:
        flags |= Flag.SIMULATED
    batch.keys.append((source.spec.name, decoded.thing, decoded.property))
    batch.times.append(time)
    batch.results.append(decoded.result)
    batch.qualities.append(decoded.quality)
    batch.flags.append(int(flags))
    batch.origins.append(origin)
    return stands_in


def _letters(feed: str, arrival: Arrival, refusals: list[PayloadError]) -> list[Letter]:
    """Make one letter a reason of a message: sixty bad records are not sixty copies of it."""
    by_reason: dict[str, list[str]] = {}
    for refusal in refusals:
        by_reason.setdefault(refusal.reason, []).append(refusal.detail)
    return [
        Letter(feed, arrival, reason, f"{len(all_)}: {all_[0]}" if len(all_) > 1 else all_[0])
        for reason, all_ in by_reason.items()
    ]


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
        fresh = [arrival for arrival in arrivals if not self._window.absorbs(arrival)]
        self._counters.redelivered(len(arrivals) - len(fresh))
        if fresh:
            self._commit(fresh)
        self._inbox.done(arrivals)
        return len(arrivals)

    def _begin(self, session: int) -> None:
        clean = self._inbox.began_clean(session)
        if clean:
            self._persist(self._store.forget_session)
        self._window.reconnected()
        self._window.load([] if clean else self._persist(self._store.remembered))
        self._session = session

    def _commit(self, arrivals: list[Arrival]) -> None:
        self._commit_batch(self._preparer.prepare(arrivals))

    def _commit_batch(self, batch: Batch) -> None:
        try:
            committed = self._persist(lambda: self._store.commit(batch))
        except self._failures.refused as error:
            self._split(batch, error)
            return
        if committed.rows is None:
            self._window.load(self._persist(self._store.remembered))
        else:
            self._window.remember(committed.remembered)
        self._counters.committed(batch, committed, self._preparer.feed_of)
        self._announce(committed)

    def _split(self, batch: Batch, error: Exception) -> None:
        """Find the message the database refuses; everything beside it is stored."""
        arrivals = batch.arrivals
        log.warning("batch_refused", messages=len(arrivals), error=str(error).splitlines()[:1])
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            self._commit(arrivals[:middle])
            self._commit(arrivals[middle:])
            return
        if not batch.keys and not batch.sightings:
            raise error  # even the bare dead letter is refused: a bug
        arrival = arrivals[0]
        letter = Letter(
            self._preparer.feed_of(arrival.topic), arrival, "database_refused", str(error)
        )
        self._commit_batch(Batch(arrivals, letters=[letter], messages=1))

    def _persist(self, action: Callable[[], T]) -> T:
        """Repeat until the store is there; nothing is acknowledged meanwhile."""
        tries = 0
        while True:
            try:
                return action()
            except self._failures.away as error:
                pause = _BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)]
                log.warning("store_away", tries=tries, error=str(error).splitlines()[:1])
                self._counters.failed()
                self._store.close()
                tries += 1
                if self._wait(pause):
                    raise Stopped from error
