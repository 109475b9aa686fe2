"""A local HTTP server that keeps what is posted to it and answers as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple

import orjson


class Posted(NamedTuple):
    """One request; header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Answer(NamedTuple):
    """What the server says."""

    status: int = 204
    headers: Mapping[str, str] = {}


@dataclass
class Sink:
    """What came, and what is answered to the n-th request (0 is the first)."""

    answer: Callable[[int], Answer] = field(default=lambda _: Answer())
    posted: list[Posted] = field(default_factory=list)
    url: str = ""
    lock: Lock = field(default_factory=Lock)

    @property
    def keys(self) -> list[str]:
        """Return the keys of all requests, of digests those of their lines."""
        found: list[str] = []
        for one in list(self.posted):
            data = one.json["data"]
            found += [alert["key"] for alert in data["alerts"]]
        return found


@contextmanager
def sink(answer: Callable[[int], Answer] | None = None) -> Iterator[Sink]:
    """Run a server on a free port of loopback."""
    held = Sink(answer or (lambda _: Answer()))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the client was killed in the middle of it
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            with held.lock:
                number = len(held.posted)
                held.posted.append(Posted(self.path, headers, body))
            said = held.answer(number)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None: ...  # a client that was killed

    with Server(("127.0.0.1", 0), Handler) as server:
        held.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join()
