"""All three together: one lock, remembered ports and passwords, start, watch, stop in order."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from ioc.domain.errors import ConfigError
from ioc.embedded import programs
from ioc.embedded.child import (
    Child,
    Program,
    accepts,
    choose_port,
    end_leftovers,
    with_death_signal,
)
from ioc.text import say

Say = Callable[[str], None]

_MADE: Final = ("services", "log", "demo-accounts.json")  # what `ioc up` writes below data_dir
# Folder and a word of the command of each, by which one that was left behind is known.
_PROGRAMS: Final = (
    ("postgres", "postgres", signal.SIGINT),
    ("valkey", "valkey-server", signal.SIGTERM),
    ("broker", "iotcore", signal.SIGTERM),
)


_KEPT: Final = "kept.json"
_PORTS: Final = ("database_port", "redis_port", "mqtt_port", "mqtt_old_port")


class Urls(msgspec.Struct, frozen=True):
    """Where the services are, passwords included: for environments of children, not for logs."""

    database_url: str
    redis_url: str
    mqtt_url: str


class _Kept(msgspec.Struct):
    """What must be the same in the next run."""

    database_port: int = 0
    redis_port: int = 0
    mqtt_port: int = 0
    mqtt_old_port: int = 0
    password: str = ""


class Embedded:
    """The three services of one data folder; start, poll and stop from the main thread."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.absolute() / "services"
        self._logs = data_dir.absolute() / "log"
        self._lock: IO[str] | None = None
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, progress: Say) -> Urls:
        """Start all three and wait until they answer; `progress` gets a line for each long step.

        Raises ConfigError with one line: the folder is in use, or which log says why.
        """
        self._lock = _locked(self._folder)
        progress(say("embedded.starting" if _has_cluster(self._folder) else "embedded.first"))
        if not with_death_signal(signal.SIGTERM):
            progress(say("embedded.no_death_signal"))
        _end_leftovers(self._folder)
        kept = self._choose()
        self._children = []
        for make in (self._broker, self._valkey, self._postgres):  # the slowest last: initdb
            child = Child(make(kept))
            self._children.append(child)
            child.start()
        for child in self._children:
            child.await_answer()
        return _urls(kept)

    def poll(self) -> None:
        """Start again what has ended, later each time; never waits."""
        for child in self._children:
            child.watch()

    def stop(self) -> None:
        """End all: the broker first, the database last. May be called at any time, twice too."""
        for child in self._children:
            child.stop()
        self._children = []
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _choose(self) -> _Kept:
        """Return ports and password: those of the last run as far as they can be had."""
        file = self._folder / _KEPT
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept) if file.exists() else _Kept()
        kept.password = kept.password or secrets.token_urlsafe(24)
        for name in _PORTS:
            taken = {getattr(kept, other) for other in _PORTS}
            setattr(kept, name, choose_port(getattr(kept, name), taken))
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_bytes(msgspec.json.encode(kept))
        part.replace(file)
        return kept

    def _postgres(self, kept: _Kept) -> Program:
        port, log_file = kept.database_port, self._logs / "postgres.log"
        return programs.postgres(self._folder / "postgres", log_file, port, kept.password)

    def _valkey(self, kept: _Kept) -> Program:
        port, log_file = kept.redis_port, self._logs / "valkey.log"
        return programs.valkey(self._folder / "valkey", log_file, port, kept.password)

    def _broker(self, kept: _Kept) -> Program:
        log_file = self._logs / "broker.log"
        return programs.broker(
            self._folder / "broker", log_file, kept.mqtt_port, kept.mqtt_old_port
        )


def running(data_dir: Path) -> Urls | None:
    """Return where the services of an `ioc up` that runs on this folder are; None without one."""
    try:
        kept = msgspec.json.decode((data_dir / "services" / _KEPT).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):  # never started here, or by another account
        return None
    return _urls(kept) if accepts(kept.database_port) else None


def fresh(data_dir: Path) -> None:
    """Remove what `ioc up` made below the folder, and nothing else.

    Raises ConfigError while another `ioc up` runs there.
    """
    folder = data_dir.absolute() / "services"
    if not folder.exists():
        return
    with _locked(folder):
        _end_leftovers(folder)
        for name in _MADE:
            path = data_dir / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _urls(kept: _Kept) -> Urls:
    return Urls(
        programs.database_url(kept.database_port, kept.password),
        programs.redis_url(kept.redis_port, kept.password),
        programs.mqtt_url(kept.mqtt_port),
    )


def _locked(folder: Path) -> IO[str]:
    """Return the held lock of the folder. Raises ConfigError when another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ConfigError(say("embedded.in_use", folder=folder.parent)) from error
    return lock


def _end_leftovers(folder: Path) -> None:
    for name, word, sign in _PROGRAMS:
        end_leftovers(folder / name, word, sign)


def _has_cluster(folder: Path) -> bool:
    return (folder / "postgres" / "PG_VERSION").exists()
