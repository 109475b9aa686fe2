"""One server out of the Debian 13 root folder: its files, its command, its life.

Each runs as its own user inside the root folder by `chroot` alone: nothing is mounted, so nothing
is to be unmounted. Who listens is proved by the kernel's tables, not believed from an answer.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.services.places import ROOT, ServiceError, last_line, run
from tests.services.processes import alive, cwd_of, end, listeners, reap

START_TIMEOUT_S: Final = 30.0  # crash recovery of a gigabyte of WAL on a slow disk
STOP_TIMEOUT_S: Final = 30.0  # a fast shutdown writes one checkpoint
STALE_LOCK_S: Final = 15.0  # a killed postmaster may linger as a zombie; 2.2 s were measured
PORT_RELEASE_S: Final = 3.0  # a killed server's other threads hold its socket a moment longer
_BIN: Final = "/usr/lib/postgresql/17/bin"


@dataclass
class Server:
    """A server with a folder of its own below the root folder, on a port of 127.0.0.1."""

    folder: str  # inside the root folder, e.g. /srv/main/postgres
    port: int
    user: str = ""
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def path(self) -> Path:
        """Return the folder as this machine sees it."""
        return ROOT / self.folder.lstrip("/")

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def pid_file(self) -> Path:
        return self.path / "pid"

    def pid(self) -> int | None:
        """Return the running server's process, None when it does not run."""
        try:
            number = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return number if alive(number) and _rooted(number) else None

    def start(self) -> None:
        """Start it and wait until it answers; does nothing when it runs already.

        Raises ServiceError when the port is somebody else's or it does not come up.
        """
        running = self.pid()
        if running is not None:
            if not self._await_ready(running):
                raise ServiceError(f"{self.user} (process {running}) does not answer ({self.log})")
            return
        self._refuse_taken_port()
        self._prepare()
        until = time.monotonic() + STALE_LOCK_S
        while not self._started():
            if time.monotonic() > until:
                raise ServiceError(f"{self.user} did not start: {last_line(self.log)} ({self.log})")
            time.sleep(0.3)

    def stop(self) -> None:
        """End it in its own orderly way, by force when that takes too long."""
        number = self.pid()
        if number is not None:
            end(number, self.stop_signal, STOP_TIMEOUT_S)
        self.pid_file.unlink(missing_ok=True)

    def kill9(self) -> None:
        """End it as a power cut would end the process."""
        number = self.pid()
        if number is not None:
            end(number, signal.SIGKILL, STOP_TIMEOUT_S)

    def remove(self) -> None:
        """Stop it and remove all it wrote."""
        self.stop()
        shutil.rmtree(self.path, ignore_errors=True)

    def _refuse_taken_port(self) -> None:
        """Raise ServiceError when somebody listens; our own dead server may take a moment to go."""
        until = time.monotonic() + PORT_RELEASE_S
        while listeners(self.port):
            if time.monotonic() > until:
                raise ServiceError(f"port {self.port} for {self.user} is held by somebody else")
            time.sleep(0.05)

    def _started(self) -> bool:
        """Start the process once; return whether it came up."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                in_root(self.user, self._argv()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{process.pid}\n")
        reap(process)
        return self._await_ready(process.pid)

    def _await_ready(self, number: int) -> bool:
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until and alive(number):
            if number in listeners(self.port) and self._answers():
                return True
            time.sleep(0.02)
        return False

    def _prepare(self) -> None:
        """Make folders and the configuration."""
        self.data.mkdir(parents=True, exist_ok=True)
        own(self.path, self.user)
        own(self.data, self.user)
        self.data.chmod(0o700)

    def _argv(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        return True


@dataclass
class Postgres(Server):
    """PostgreSQL 17 with TimescaleDB (Apache edition), durable as in production."""

    user: str = "postgres"
    stop_signal: signal.Signals = signal.SIGINT  # fast shutdown

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _prepare(self) -> None:
        super()._prepare()
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        self._drop_stale_lock()

    def _initdb(self) -> None:
        data = f"{self.folder}/data"
        words = f"{_BIN}/initdb -D {data} -U postgres -A trust -E UTF8 --locale=C.UTF-8"
        more = "--locale-provider=icu --icu-locale=vi-VN --no-instructions"
        run(in_root(self.user, [*words.split(), *more.split()]), log=self.log, timeout=120)

    def kill9(self) -> None:
        """End the postmaster and what is left of its children, as a power cut would.

        A child that waits for a lock of another one that is gone does not notice that the
        postmaster is, and would keep the port.
        """
        super().kill9()
        for number in cwd_of(self.data):
            end(number, signal.SIGKILL, STOP_TIMEOUT_S)

    def _drop_stale_lock(self) -> None:
        """Remove the lock of a postmaster that is dead but not yet buried by its parent.

        Safe because every process of a cluster works in its data folder, and none does.
        """
        lock = self.data / "postmaster.pid"
        until = time.monotonic() + STALE_LOCK_S
        while lock.exists() and cwd_of(self.data):
            if time.monotonic() > until:
                raise ServiceError(f"processes of a dead server still hold {self.data}")
            time.sleep(0.1)
        lock.unlink(missing_ok=True)

    def _argv(self) -> list[str]:
        values = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
            # Ours is the Apache edition: no jobs to run, and a scheduler in each database would
            # hold a connection that keeps it from being a template.
            "timescaledb.max_background_workers": "0",
            "shared_buffers": "256MB",
            "max_connections": "200",
            "max_wal_size": "1GB",
            "jit": "off",
            "fsync": "on",
            # For bench.ingest: when a batch was committed, seen from outside. Ten bytes a
            # transaction; 20,000 one-row commits took the same time with and without.
            "track_commit_timestamp": "on",
            "timezone": "UTC",
        }
        settings = [word for k, v in values.items() for word in ("-c", f"{k}={v}")]
        return [f"{_BIN}/postgres", "-D", f"{self.folder}/data", *settings]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2, autocommit=True) as conn:
                row = conn.execute("show data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return row == (f"{self.folder}/data",)


@dataclass
class Redis(Server):
    """Redis 8, its writes on disk within a second."""

    user: str = "redis"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _argv(self) -> list[str]:
        words = f"--bind 127.0.0.1 --port {self.port} --dir {self.folder}/data --appendonly yes"
        return ["/usr/bin/redis-server", *words.split(), "--save", "", "--daemonize", "no"]


@dataclass
class Mosquitto(Server):
    """mosquitto 2.0 with the queue limits of production; anonymous, loopback only."""

    user: str = "mosquitto"
    configuration: str = ""

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        super()._prepare()
        text = self.configuration or mosquitto_configuration(self.port, f"{self.folder}/data")
        (self.path / "mosquitto.conf").write_text(text)

    def _argv(self) -> list[str]:
        return ["/usr/sbin/mosquitto", "-c", f"{self.folder}/mosquitto.conf"]


def mosquitto_configuration(port: int, data: str) -> str:
    """Return the test broker's configuration: the limits of config/mosquitto.conf, no door."""
    return f"""\
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 1073741824
max_packet_size 2097152
persistence true
persistence_location {data}/
autosave_interval 2
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def sweep() -> None:
    """End and remove private servers of test runs that were killed (/srv/t-PID-…)."""
    for folder in (ROOT / "srv").glob("t-*-*"):
        owner = folder.name.split("-")[1]
        if owner.isdecimal() and not alive(int(owner)):
            Server(f"/srv/{folder.name}", 0, stop_signal=signal.SIGKILL).remove()


def in_root(user: str, argv: list[str]) -> list[str]:
    """Return the command that runs `argv` inside the root folder as one of its users."""
    number, group = identity(user)
    return ["chroot", f"--userspec={number}:{group}", str(ROOT), *argv]


def identity(user: str) -> tuple[int, int]:
    """Return a user's and its group's number inside the root folder: they differ by folder."""
    for line in (ROOT / "etc/passwd").read_text().splitlines():
        name, _, number, group, *_ = line.split(":")
        if name == user:
            return int(number), int(group)
    raise ServiceError(f"the root folder has no user {user}: remove {ROOT.parent} and try again")


def own(path: Path, user: str) -> None:
    """Give a file or folder to a user of the root folder."""
    os.chown(path, *identity(user))


def _rooted(number: int) -> bool:
    """Return whether a process lives in our root folder, so that a reused number fools nobody."""
    try:
        return Path(f"/proc/{number}/root").readlink() == ROOT
    except OSError:
        return False
