"""A blocking connection to a broker, and the sessions that a benchmark makes and removes."""

from __future__ import annotations

import secrets
import socket
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from bench import mqtt5
from bench.machine import BenchError

TIMEOUT_S: Final = 20.0  # a broker that says nothing for so long is dead, or has lost us
CHUNK: Final = 262_144


class LineError(BenchError):
    """The broker refuses, hangs up or is silent."""


class Line:
    """One MQTT 5 connection; use it in a `with`."""

    def __init__(
        self, url: str, client_id: str = "", *, expiry_s: int = 0, clean: bool | None = None
    ) -> None:
        """Connect. With an expiry the session is kept and taken up again unless `clean`."""
        parts = urlsplit(url)
        where = (parts.hostname or "127.0.0.1", parts.port or 1883)
        self.socket = socket.create_connection(where, timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.scanner = mqtt5.Scanner()
        fresh = not expiry_s if clean is None else clean
        # As many in flight as ingest allows, so that relay and ingest ask the same of the broker.
        self.socket.sendall(
            mqtt5.connect(
                client_id or f"bench-{secrets.token_hex(6)}",
                clean=fresh,
                expiry_s=expiry_s,
                receive_maximum=20_000,
            )
        )
        # Messages of an old session may already lie behind the CONNACK: their ids are not lost.
        self.early, others = self._answer(mqtt5.CONNACK)
        body = others[0].body
        if body[1] >= mqtt5.FAILURE:
            raise LineError(f"CONNECT refused: reason {body[1]:#x}")
        self.receive_maximum = mqtt5.receive_maximum(body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.socket.sendall(mqtt5.DISCONNECT)
        except OSError:
            pass
        finally:
            self.socket.close()

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1 and wait until the broker has it."""
        self.socket.sendall(mqtt5.subscribe(topic_filter))
        early, others = self._answer(mqtt5.SUBACK)
        self.early += early
        if others[-1].body[-1] >= mqtt5.FAILURE:
            raise LineError(f"SUBSCRIBE refused: reason {others[-1].body[-1]:#x}")

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish one message and wait for its acknowledgement."""
        self.socket.sendall(mqtt5.publish(topic, payload, 1))
        self._answer(mqtt5.PUBACK)

    def await_acknowledged(self, number: int, so_far: int = 0) -> None:
        """Read until so many messages of this connection are acknowledged."""
        while so_far < number:
            packets = self.scanner.feed(self.read())[1]
            so_far += sum(packet.kind == mqtt5.PUBACK for packet in packets)

    def read(self) -> bytes:
        """Return what has come. Raises LineError at the end or after a long silence."""
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError as error:
            raise LineError(f"the broker is silent for {TIMEOUT_S} s") from error
        if not data:
            raise LineError("the broker hung up")
        return data

    def _answer(self, kind: int) -> tuple[list[bytes], list[mqtt5.Packet]]:
        ids: list[bytes] = []
        while True:
            more, others = self.scanner.feed(self.read())
            ids += more
            if any(packet.kind == kind for packet in others):
                return ids, others


def leave_session(url: str, client_id: str, topic_filter: str, expiry_s: int = 3600) -> None:
    """Subscribe as a client that then goes away, so that the broker keeps messages for it."""
    with Line(url, client_id, expiry_s=expiry_s, clean=True) as line:
        line.subscribe(topic_filter)


def forget_session(url: str, client_id: str) -> None:
    """Remove a client's session and whatever the broker holds for it."""
    with Line(url, client_id):
        pass
