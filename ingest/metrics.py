"""Numbers of the process: what came, what became of it, how late, and a page that shows them.

Written once a batch: counts by feed, and one pass of numpy over the rows for their lag.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Protocol

import numpy as np

from ioc.clock import Clock
from ioc.domain.instant import SECOND
from ioc.domain.observation import Flag
from ioc.exposition import CONTENT_TYPE, Family, Sample, histogram, text
from ioc.rows import Committed, Ints, Rows

_HELP: Final = {
    "ioc_ingest_received_total": "Messages taken from the broker, those that came again included.",
    "ioc_ingest_committed_total": "Messages committed to the database.",
    "ioc_ingest_refused_total": "Messages or parts of them that became dead letters.",
    "ioc_ingest_observations_total": "Values, by what became of them.",
    "ioc_ingest_redelivered_total": "Messages without a time of their own that came again.",
    "ioc_ingest_batches_total": "Transactions that were committed.",
    "ioc_ingest_store_failures_total": "Tries at which the database was away.",
    "ioc_ingest_retained_unread_total": "Sessions that began without all retained announcements.",
    "ioc_ingest_live_failures_total": "Batches that did not reach Redis at once.",
}
_LAG_HELP: Final = (
    "Time from a value's own instant to its commit; without retained and historical ones."
)
# The goal (a wall within a fraction of a second), a station's minute, its hour, a day of outage.
LAG_EDGES: Final = (0.05, 0.25, 1.0, 5.0, 60.0, 600.0, 3600.0, 86400.0)
_EDGES_US: Final = np.array(LAG_EDGES) * SECOND
_BUCKETS: Final = len(LAG_EDGES) + 1
_NOT_NOW: Final = int(Flag.RETAINED | Flag.HISTORICAL)

Key = tuple[str, tuple[tuple[str, str], ...]]  # name, labels
Numbers = Callable[[], Sequence[Family]]


class Feeds(Protocol):
    """Which feed a datastream is of."""

    @property
    def feed_names(self) -> Sequence[str]: ...
    def feeds_of(self, datastreams: Ints) -> Ints:
        """Return the position in `feed_names` for each datastream."""
        ...


class Counters:
    """What happened since the start. Written by the writer and the publisher, read by the page."""

    def __init__(self, clock: Clock, feeds: Feeds) -> None:
        self._clock = clock
        self._feeds = feeds
        self._lock = threading.Lock()
        self._values: Counter[Key] = Counter()
        self._lags = np.zeros((len(feeds.feed_names), _BUCKETS), np.int64)
        self._lag_sums = np.zeros(len(feeds.feed_names))

    def received(self, feeds: Mapping[str, int]) -> None:
        """Count messages of a batch, by feed ("": of none)."""
        with self._lock:
            for feed, n in feeds.items():
                self._add("ioc_ingest_received_total", n, feed=feed)

    def committed(self, feeds: Mapping[str, int], committed: Committed) -> None:
        """Count one committed batch; `feeds` are its messages by feed."""
        letters = Counter((letter.feed or "", letter.reason) for letter in committed.letters)
        with self._lock:
            self._add("ioc_ingest_batches_total", 1)
            for feed, n in feeds.items():
                self._add("ioc_ingest_committed_total", n, feed=feed)
            for (feed, reason), n in letters.items():
                self._add("ioc_ingest_refused_total", n, feed=feed, reason=reason)
            for outcome in ("inserted", "absorbed", "corrected"):
                n = getattr(committed, outcome)
                self._add("ioc_ingest_observations_total", n, outcome=outcome)
            if committed.rows is not None and len(committed.rows):
                self._measure(committed.rows)

    def _measure(self, rows: Rows) -> None:
        now = rows.flags & _NOT_NOW == 0
        lags, streams = self._clock.now() - rows.times, rows.datastreams
        if not now.all():
            lags, streams = lags[now], streams[now]
        feeds = self._feeds.feeds_of(streams)
        cells = feeds * _BUCKETS + np.searchsorted(_EDGES_US, lags)
        self._lags += np.bincount(cells, minlength=self._lags.size).reshape(self._lags.shape)
        # A clock that goes ahead must not pull the sum down: Prometheus would see a reset.
        seconds = np.maximum(lags, 0) / SECOND
        self._lag_sums += np.bincount(feeds, seconds, minlength=len(self._lag_sums))

    def redelivered(self, n: int) -> None:
        """Count messages that the unacknowledged window absorbed."""
        with self._lock:
            self._add("ioc_ingest_redelivered_total", n)

    def failed(self) -> None:
        """Count a try at which the database was away."""
        with self._lock:
            self._add("ioc_ingest_store_failures_total", 1)

    def retained_unread(self) -> None:
        """Count a session that began without all of what the broker keeps."""
        with self._lock:
            self._add("ioc_ingest_retained_unread_total", 1)

    def not_live(self) -> None:
        """Count a batch that did not reach Redis at once."""
        with self._lock:
            self._add("ioc_ingest_live_failures_total", 1)

    def _add(self, name: str, n: int, **labels: str) -> None:
        self._values[name, tuple(labels.items())] += n

    def families(self) -> list[Family]:
        """Return everything counted so far."""
        with self._lock:
            values = dict(self._values)
            lags, sums = self._lags.copy(), self._lag_sums.copy()
        found = [
            Family(
                name,
                "counter",
                words,
                [
                    Sample(n, dict(labels))
                    for (key, labels), n in sorted(values.items())
                    if key == name
                ],
            )
            for name, words in _HELP.items()
        ]
        found.append(
            histogram("ioc_ingest_lag_seconds", _LAG_HELP, LAG_EDGES, self._series(lags, sums))
        )
        return [family for family in found if family.samples]

    def _series(
        self, lags: Ints, sums: np.typing.NDArray[np.float64]
    ) -> Iterator[tuple[Mapping[str, str], list[int], float]]:
        for feed, counts, total in zip(self._feeds.feed_names, lags, sums, strict=True):
            if counts.any():
                yield {"feed": feed}, counts.tolist(), float(total)


class Page:
    """A small HTTP server on loopback; port 0 takes any free one."""

    def __init__(self, port: int, numbers: Numbers) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = text(numbers()).encode() if self.path == "/metrics" else b""
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its signature
                """Stay silent: a scrape is no event."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
