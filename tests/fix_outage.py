"""Private servers that a test may kill: own folder, own port, the same programs."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import pytest

from tests.fix_services import missing
from tests.services import rootfs
from tests.services.ports import free_port
from tests.services.servers import Mosquitto, Postgres, Redis, Server

_numbers: Final = itertools.count(1)


@dataclass
class SmallPostgres(Postgres):
    """A PostgreSQL that may run out of disk."""

    megabytes: int = 300

    def _prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if not self.data.is_mount():
            size = f"size={self.megabytes}m"
            command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.data)]
            if subprocess.run(command, check=False, capture_output=True).returncode:
                missing("no disk of limited size (mount is not allowed here)")
        super()._prepare()

    def remove(self) -> None:
        self.stop()
        if self.data.is_mount():
            subprocess.run(["umount", "--lazy", self.data], check=True)
        super().remove()


class Killable(Protocol):
    """A server of one test. `start` after `kill9` brings it back on the same port with its data."""

    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill9(self) -> None: ...


class Outage:
    """Makes private servers, running when they are handed out."""

    def __init__(self) -> None:
        self._servers: list[Server] = []

    def postgres(self) -> Killable:
        """Return a PostgreSQL with TimescaleDB; an empty database, nothing migrated."""
        return self._run(Postgres(_folder("postgres"), free_port()))

    def small_postgres(self, megabytes: int) -> Killable:
        """Return a PostgreSQL whose data folder is a disk of its own, in memory."""
        return self._run(SmallPostgres(_folder("postgres"), free_port(), megabytes=megabytes))

    def redis(self) -> Server:
        """Return a Redis that keeps an append-only file."""
        return self._run(Redis(_folder("redis"), free_port()))

    def mosquitto(self, configuration: str = "") -> Server:
        """Return a mosquitto that saves its queues every 2 s, or with a configuration of its own.

        `{port}` in it stands for the port.
        """
        port = free_port()
        text = configuration.replace("{port}", str(port))
        return self._run(Mosquitto(_folder("mqtt"), port, configuration=text))

    def close(self) -> None:
        """Stop and remove them all."""
        for server in self._servers:
            server.remove()

    def _run(self, server: Server) -> Server:
        self._servers.append(server)
        server.start()
        return server


def _folder(name: str) -> str:
    return f"/srv/t-{os.getpid()}-{next(_numbers)}-{name}"


@pytest.fixture
def outage() -> Iterator[Outage]:
    """Return a maker of private servers; skipped where the root folder cannot be had."""
    if rootfs.obstacle() or not rootfs.built():
        missing(f"no private servers ({rootfs.obstacle() or 'make services'})")
    servers = Outage()
    yield servers
    servers.close()
