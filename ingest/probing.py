"""One look at another system: does it answer, how soon, how long is its certificate good."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ioc.integrations import Probe

_DAY_S: Final = 86_400
_ANSWERS: Final = 400  # a status below it is an answer; a login page of 200 is one, too


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe found; `why` is for the log, "" when it answered."""

    answered: bool
    latency_ms: float
    why: str = ""
    expires_s: float | None = None  # since the epoch: the last instant of the certificate


def look(probe: Probe, trust: ssl.SSLContext) -> Seen:
    """Ask once; never raises for what the other side does, and ends within the probe's time."""
    begin = time.perf_counter()
    expires: list[float] = []
    try:
        status = _ask(probe, trust, expires)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"{type(error).__name__}: {error}"[:200]
        return Seen(answered=False, latency_ms=_since(begin), why=why, expires_s=_first(expires))
    fine = status < _ANSWERS
    why = "" if fine else f"status {status}"
    return Seen(answered=fine, latency_ms=_since(begin), why=why, expires_s=_first(expires))


def days_left(seen: Seen, now_s: float) -> float | None:
    """Return the days for which a certificate is still good; below 0: it has expired."""
    return None if seen.expires_s is None else (seen.expires_s - now_s) / _DAY_S


def _ask(probe: Probe, trust: ssl.SSLContext, expires: list[float]) -> int:
    """Return the status of the answer, 0 for a line alone; no redirect is followed."""
    parts = urlsplit(probe.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with (
        socket.create_connection((host, port), timeout=probe.timeout_s) as plain,
        _ending(plain, probe.timeout_s),
    ):
        if parts.scheme == "tcp":
            return 0
        if parts.scheme == "http":
            return _status(plain, parts.netloc, parts.path, parts.query)
        with trust.wrap_socket(plain, server_hostname=host) as safe:
            until = (safe.getpeercert() or {}).get("notAfter")
            if isinstance(until, str):
                expires.append(ssl.cert_time_to_seconds(until))
            with _ending(safe, probe.timeout_s):
                return _status(safe, parts.netloc, parts.path, parts.query)


def _status(line: socket.socket, host: str, path: str, query: str) -> int:
    target = (path or "/") + (f"?{query}" if query else "")
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ioc-probe\r\n"
    line.sendall(f"{head}Accept: */*\r\nConnection: close\r\n\r\n".encode("ascii"))
    answer = http.client.HTTPResponse(line, method="GET")
    try:
        answer.begin()
        return answer.status
    finally:
        answer.close()


@contextmanager
def _ending(line: socket.socket, after_s: float) -> Iterator[None]:
    """Shut a line after so long, whatever drips through it; TimeoutError when that was done.

    A timeout of a socket counts from each byte anew.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if ended.is_set():
        raise TimeoutError(f"no whole answer within {after_s:g} s")


def _first(expires: list[float]) -> float | None:
    return expires[0] if expires else None


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000
