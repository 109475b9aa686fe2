"""A real ingest process between servers that may be killed, and devices that never give up."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection

from bench import mqtt5
from ioc import provision
from ioc import settings as configuration
from tests.awaiting import wait_for
from tests.integration.ingest_rig import ROOT, one
from tests.integration.mixed_traffic import Made, Traffic, differences, write_feeds
from tests.integration.whole_path import Process

Db = Connection[tuple[Any, ...]]
CATCH_UP_S: Final = 180.0 if os.environ.get("IOC_RIG") == "1" else 60.0
WINDOW: Final = 500  # messages in flight of the device side
_PAUSE_S: Final = 0.1
_FINAL: Final = ("strange", "doubled", "wrong", "corrections")  # no waiting mends these


class Publisher:
    """One connection with a session: what the broker did not acknowledge is sent again, DUP = 1.

    `publish` runs in a thread, so that a test can kill something meanwhile.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._where = (parts.hostname or "127.0.0.1", parts.port or 1883)
        self._name = f"devices-{os.getpid()}-{id(self)}"
        self._flight: dict[int, bytes] = {}
        self._last = 0
        self._scanner = mqtt5.Scanner()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.failed: BaseException | None = None
        self.sent = 0

    def publish(self, messages: Sequence[Made], rate: float) -> None:
        """Begin to publish at a rate; `join` waits for the end."""
        self._thread = threading.Thread(target=self._guarded, args=(messages, rate), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until every message is acknowledged by the broker."""
        assert self._thread is not None
        self._thread.join(CATCH_UP_S)
        assert not self._thread.is_alive(), "the broker does not acknowledge"
        if self.failed is not None:
            raise self.failed

    def all(self, messages: Sequence[Made], rate: float) -> None:
        """Publish and wait for the acknowledgement of all."""
        self.publish(messages, rate)
        self.join()

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendall(mqtt5.DISCONNECT)
            self._socket.close()

    def _guarded(self, messages: Sequence[Made], rate: float) -> None:
        try:
            self._run(messages, rate)
        except BaseException as error:
            self.failed = error
            raise

    def _run(self, messages: Sequence[Made], rate: float) -> None:
        begun = time.monotonic()
        left = list(reversed(messages))
        done = 0
        until = begun + CATCH_UP_S + len(messages) / rate
        while (left or self._flight) and time.monotonic() < until:
            try:
                line = self._line()
                due = min(len(left), int((time.monotonic() - begun) * rate) + 1 - done)
                count = max(0, min(due, WINDOW - len(self._flight)))
                packets = [self._packet(left.pop()) for _ in range(count)]
                done += count
                line.sendall(b"".join(packets))
                self._hear(line)
            except OSError:
                self._drop()
                time.sleep(_PAUSE_S)
        self.sent += done

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _packet(self, made: Made) -> bytes:
        """Give a message its number; from here on it is in flight, whatever the connection does."""
        while True:
            self._last = self._last % mqtt5.LAST_ID + 1
            if self._last not in self._flight:
                break
        packet = mqtt5.publish(made.topic, made.payload, self._last)
        self._flight[self._last] = packet
        return packet

    def _hear(self, line: socket.socket) -> None:
        line.settimeout(0.005)
        try:
            data = line.recv(1 << 16)
        except TimeoutError:
            return
        finally:
            line.settimeout(10)
        if not data:
            raise ConnectionError
        for packet in self._scanner.feed(data)[1]:
            if packet.kind == mqtt5.PUBACK:
                reason = packet.body[2] if len(packet.body) > 2 else 0
                assert reason < mqtt5.FAILURE, f"the broker refused a message: {reason:#x}"
                self._flight.pop(int.from_bytes(packet.body[:2], "big"), None)

    def _line(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        self._socket = line = socket.create_connection(self._where, timeout=10)
        self._scanner = mqtt5.Scanner()
        line.sendall(mqtt5.connect(self._name, clean=False, expiry_s=3600))
        heard: list[mqtt5.Packet] = []
        while not heard:
            data = line.recv(1 << 16)
            if not data:
                raise ConnectionError
            heard = self._scanner.feed(data)[1]
        for packet in list(self._flight.values()):
            line.sendall(bytes([packet[0] | 0x08]) + packet[1:])
        return line


@dataclass
class Rig:
    """One ingest, its database, its devices."""

    ingest: Process
    database: str
    traffic: Traffic
    devices: Publisher
    peaks: list[int] = field(default_factory=list)  # MB of each life of the process

    def conn(self) -> Db:
        return psycopg.connect(self.database, autocommit=True, connect_timeout=5)

    def publish(self, count: int, rate: float) -> None:
        """Publish the next messages and wait until the broker has them."""
        self.devices.all(self.traffic.messages(count), rate)

    def start(self) -> None:
        self.ingest.start()
        self._writers = self.writers()
        wait_for(self._connected, CATCH_UP_S)

    def _connected(self) -> bool:
        assert self.ingest.running is not None
        assert self.ingest.running.poll() is None, self.log()[-500:]
        return bool(self.writers() > self._writers)

    def writers(self) -> Any:
        """Return when ingest last connected to the broker, as a number."""
        query = "select coalesce(max(extract(epoch from connected_since)), 0) from ingest_writer"
        with self.conn() as conn:
            return one(conn, query)

    def kill9(self) -> None:
        self.peaks.append(self.peak())
        self.ingest.kill9()

    def peak(self) -> int:
        """Return the most memory the process ever had, MB."""
        return _status(self, "VmHWM")

    def memory(self) -> int:
        """Return the memory the process has now, MB."""
        return _status(self, "VmRSS")

    def count(self, table: str = "observation") -> int:
        with self.conn() as conn:
            return int(one(conn, f"select count(*) from {table}"))

    def await_rows(self, more: int) -> None:
        """Wait until so many rows more than now are stored."""
        wanted = self.count() + more
        wait_for(lambda: self.count() >= wanted, CATCH_UP_S)

    def settle(self, *, exact: bool = True) -> None:
        """Wait until the database says what was published, and nothing else."""
        until = time.monotonic() + CATCH_UP_S
        while True:
            with self.conn() as conn:
                found = differences(conn, self.traffic, exact=exact)
            if not found:
                break
            assert time.monotonic() < until, found
            assert not any(word in one_ for one_ in found for word in _FINAL), found
            time.sleep(0.3)
        self.peaks.append(self.peak())

    def log(self) -> str:
        return self.ingest.log.read_text(errors="replace")

    def close(self) -> None:
        self.devices.close()
        self.ingest.stop()


def _status(rig: Rig, name: str) -> int:
    assert rig.ingest.running is not None
    text = Path(f"/proc/{rig.ingest.running.pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) // 1024


def configure(folder: Path, urls: dict[str, str]) -> dict[str, str]:
    """Write a configuration for the mixed traffic, migrate the database; return the environment."""
    config = folder / "config"
    shutil.copytree(ROOT / "config" / "catalog", config / "catalog")
    shutil.copy(ROOT / "config" / "ioc.toml", config / "ioc.toml")
    (config / "rules").mkdir()
    write_feeds(config)
    environment = {"IOC_CONFIG_DIR": str(config), "IOC_DATA_DIR": str(folder / "data"), **urls}
    provision.prepare(configuration.load(environment), demo=False)
    return environment
