"""Probes: what another system does is told, and nothing it does can hold us."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.probes import Probes
from ingest.probing import Seen, days_left, look
from ioc import integrations
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros
from ioc.integrations import Integration, Probe
from tests.awaiting import wait_for

CONFIG = Path(__file__).parents[2] / "config" / "integrations.yaml"
TRUST = ssl.create_default_context()


@contextmanager
def served(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Answer one caller on a free port; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        with caller:
            try:
                answer(caller)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


def says(words: bytes) -> Callable[[socket.socket], None]:
    """Return somebody who reads a request and answers it."""

    def answer(caller: socket.socket) -> None:
        caller.recv(4096)
        caller.sendall(words)

    return answer


def hangs_up(caller: socket.socket) -> None:
    """Be somebody who takes the call and says nothing."""
    caller.settimeout(None)


@pytest.mark.parametrize(
    ("words", "answered"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", True),
        (b"HTTP/1.1 503 Away\r\n\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"", False),
    ],
)
def test_a_status_below_400_is_an_answer(words: bytes, answered: bool) -> None:  # noqa: FBT001
    """No redirect is followed; what is no HTTP, or nothing, is no answer."""
    with served(says(words)) as port:
        seen = look(Probe(f"http://127.0.0.1:{port}/x", timeout_s=20), TRUST)
    assert seen.answered is answered
    assert bool(seen.why) is not answered


def test_a_line_is_enough_for_tcp() -> None:
    """Who listens answers; a port that nobody holds does not."""
    with served(hangs_up) as port:
        assert look(Probe(f"tcp://127.0.0.1:{port}", timeout_s=20), TRUST).answered
    assert not look(Probe(f"tcp://127.0.0.1:{port}", timeout_s=20), TRUST).answered


def test_who_answers_byte_by_byte_is_cut_off() -> None:
    """A drip keeps every single wait short; the whole look ends all the same."""

    def drip(caller: socket.socket) -> None:
        caller.recv(4096)
        caller.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100_000):  # until our side hangs up
            caller.sendall(b"x")
            caller.settimeout(0.05)
            try:
                if caller.recv(1) == b"":
                    return
            except TimeoutError:
                continue

    with served(drip) as port:
        seen = look(Probe(f"http://127.0.0.1:{port}/", timeout_s=0.3), TRUST)
    assert not seen.answered


def test_plain_words_where_tls_is_wanted_are_a_failure() -> None:
    """A handshake that fails is told, not raised."""
    with served(says(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        seen = look(Probe(f"https://127.0.0.1:{port}/", timeout_s=20), TRUST)
    assert not seen.answered
    assert "SSL" in seen.why


def test_days_of_a_certificate() -> None:
    """Counted to its last instant; below 0 after it; nothing where there is none."""
    assert days_left(Seen(answered=True, latency_ms=1, expires_s=10 * 86_400), 7.5 * 86_400) == 2.5
    assert days_left(Seen(answered=True, latency_ms=1, expires_s=0), 86_400) == -1
    assert days_left(Seen(answered=True, latency_ms=1), 0) is None


class _Clock:
    def __init__(self) -> None:
        self.at = 1_000 * SECOND

    def now(self) -> Micros:
        return Micros(self.at)


def test_each_exchange_is_asked_at_its_own_pace() -> None:
    """Due at once, then after `every_s`; what is found is published on the exchange's topic."""
    told: list[tuple[str, bytes]] = []

    def send(topic: str, payload: bytes) -> int:
        told.append((topic, payload))
        return 1

    clock = _Clock()
    with served(hangs_up) as port:
        one = Integration("lgsp", "a", "a", "a", Probe(f"tcp://127.0.0.1:{port}", every_s=60))
        silent = Integration("ngsp", "b", "b", "b")
        probes = Probes({"lgsp": one, "ngsp": silent}, send, clock, TRUST)

        def turned() -> int:
            probes.turn()
            return len(told)

        wait_for(lambda: turned() == 1)
        assert told[0][0] == "ioc/integration/lgsp"
        assert b'"status":"ok"' in told[0][1]
        clock.at += 59 * SECOND
        turned()
        assert not probes._running
        clock.at += 2 * SECOND
        wait_for(lambda: turned() == 2)
        probes.close()


def test_the_shipped_exchanges() -> None:
    """At least twenty, each with an owner; none is asked before somebody says where."""
    found = integrations.load(CONFIG)
    assert len(found) >= 20
    assert all(one.owner for one in found)
    assert all(one.probe is None for one in found)


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://", "tcp://x", "http://u:p@x/", "file:///etc/passwd"]
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, url: str) -> None:
    """ConfigError names the file, before anything starts."""
    path = tmp_path / "integrations.yaml"
    path.write_text(f'- {{id: a, vi: A, en: A, owner: O, probe: {{url: "{url}"}}}}\n')
    with pytest.raises(ConfigError, match="integrations"):
        integrations.load(path)
