"""A TCP proxy whose line can be cut and restored: an outage of the network, not of the server."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.services.ports import free_port

CHUNK: Final = 65536
_DEFAULT_PORTS: Final = {"postgresql": 5432, "redis": 6379, "mqtt": 1883, "http": 80}


@dataclass
class ProxiedUrl:
    """A line to a service; `url` is what a client of it uses."""

    url: str
    target: tuple[str, int]
    listener: socket.socket
    _lines: set[tuple[socket.socket, socket.socket]] = field(default_factory=set)
    _whole: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False
    _muted: bool = False

    def mute(self) -> None:
        """Swallow what clients send from now on; what the service sends still arrives."""
        self._muted = True

    def cut(self) -> None:
        """Reset every connection and refuse new ones (closed as soon as they are made)."""
        self._whole.clear()
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            for end in line:
                _hang_up(end)

    def restore(self) -> None:
        """Let new connections through again, and what clients send on them."""
        self._muted = False
        self._whole.set()

    def serve(self) -> None:
        """Accept until closed: the proxy's own thread."""
        while not self._closed:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self._connect(near)

    def close(self) -> None:
        """End the proxy and every connection."""
        self._closed = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def _connect(self, near: socket.socket) -> None:
        if not self._whole.is_set():
            near.close()
            return
        try:
            far = socket.create_connection(self.target, timeout=5)
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._lines.add((near, far))
        threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Copy bytes both ways until one side ends."""
        with selectors.DefaultSelector() as ready:
            other = {near: far, far: near}
            try:
                for end in other:
                    ready.register(end, selectors.EVENT_READ)
                while self._copied(ready, other):
                    pass
            except (OSError, ValueError):
                pass  # cut: the sockets were closed under us
        with self._lock:
            self._lines.discard((near, far))
        near.close()
        far.close()

    def _copied(
        self, ready: selectors.BaseSelector, other: dict[socket.socket, socket.socket]
    ) -> bool:
        near = next(iter(other))
        for key, _ in ready.select(timeout=1.0):
            end = key.fileobj
            assert isinstance(end, socket.socket)
            data = end.recv(CHUNK)
            if not data:
                return False
            if not (self._muted and end is near):
                other[end].sendall(data)
        return True


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def open_proxy(url: str) -> ProxiedUrl:
    """Return a whole line to the service of `url`, on a port of its own."""
    parts = urlsplit(url)
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    door, at, _ = parts.netloc.rpartition("@")
    near = urlunsplit(parts._replace(netloc=f"{door}{at}127.0.0.1:{port}"))
    target = (parts.hostname or "127.0.0.1", parts.port or _DEFAULT_PORTS[parts.scheme])
    line = ProxiedUrl(near, target, listener)
    line.restore()
    threading.Thread(target=line.serve, daemon=True).start()
    return line


@pytest.fixture
def proxy() -> Iterator[Callable[[str], ProxiedUrl]]:
    """Return a function that puts a line which can be cut in front of a URL."""
    lines: list[ProxiedUrl] = []

    def make(url: str) -> ProxiedUrl:
        lines.append(open_proxy(url))
        return lines[-1]

    yield make
    for line in lines:
        line.close()
