"""Counters of the process, and a page on loopback that shows them to Prometheus."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from ioc.rows import Committed

Gauges = Callable[[], Mapping[str, float]]

_HELP: Final = {
    "ioc_ingest_messages_total": "Messages committed, by feed.",
    "ioc_ingest_refused_total": "Messages or parts of them that became dead letters.",
    "ioc_ingest_observations_total": "Values, by what became of them.",
    "ioc_ingest_redelivered_total": "Messages without a time of their own that came again.",
    "ioc_ingest_batches_total": "Transactions.",
    "ioc_ingest_store_failures_total": "Tries at which the database was away.",
    "ioc_ingest_live_failures_total": "Batches that did not reach Redis at once.",
    "ioc_ingest_pending_messages": "Messages received and not yet committed.",
    "ioc_ingest_connected": "1 while connected to the broker.",
    "ioc_ingest_watermark_seconds": "Everything received before this instant is committed.",
}


class Counters:
    """What happened since the start. Written by the writer and the publisher, read by the page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[tuple[str, str]] = Counter()

    def committed(self, feeds: Mapping[str, int], committed: Committed) -> None:
        """Count one committed batch; `feeds` are its messages by feed."""
        letters = Counter((letter.feed or "", letter.reason) for letter in committed.letters)
        with self._lock:
            self._add("ioc_ingest_batches_total", "", 1)
            for feed, n in feeds.items():
                self._add("ioc_ingest_messages_total", f'{{feed="{feed}"}}', n)
            for (feed, reason), n in letters.items():
                self._add("ioc_ingest_refused_total", f'{{feed="{feed}",reason="{reason}"}}', n)
            for outcome in ("inserted", "absorbed", "corrected"):
                n = getattr(committed, outcome)
                self._add("ioc_ingest_observations_total", f'{{outcome="{outcome}"}}', n)

    def redelivered(self, n: int) -> None:
        """Count messages that the unacknowledged window absorbed."""
        with self._lock:
            self._add("ioc_ingest_redelivered_total", "", n)

    def failed(self) -> None:
        """Count a try at which the database was away."""
        with self._lock:
            self._add("ioc_ingest_store_failures_total", "", 1)

    def not_live(self) -> None:
        """Count a batch that did not reach Redis at once."""
        with self._lock:
            self._add("ioc_ingest_live_failures_total", "", 1)

    def _add(self, name: str, labels: str, n: int) -> None:
        self._values[name, labels] += n

    def text(self, gauges: Mapping[str, float]) -> str:
        """Return the page in Prometheus' text format."""
        with self._lock:
            values: dict[tuple[str, str], float] = dict(self._values)
        values |= {(name, ""): value for name, value in gauges.items()}
        lines: list[str] = []
        for name, words in _HELP.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
            mine = sorted((labels, v) for (key, labels), v in values.items() if key == name)
            lines += [f"{name}{labels} {value}" for labels, value in mine]
        return "\n".join(lines) + "\n"


class Page:
    """A small HTTP server on loopback; port 0 takes any free one."""

    def __init__(self, port: int, counters: Counters, gauges: Gauges) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = counters.text(gauges()).encode()
                self.send_response(200 if self.path == "/metrics" else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body if self.path == "/metrics" else b"")

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
