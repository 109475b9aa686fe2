"""One supervised program: how it is started, found again after a crash, and ended."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from ioc.domain.errors import ConfigError
from ioc.text import say

log = structlog.get_logger()

STOP_GRACE_S: Final = 20.0  # a fast shutdown of PostgreSQL writes one checkpoint
KILL_GRACE_S: Final = 5.0  # the kernel needs no more, unless a disk hangs
READY_TIMEOUT_S: Final = 30.0  # crash recovery on a slow disk
LOCK_TIMEOUT_S: Final = 15.0  # a killed postmaster may linger unburied; 2.2 s were measured
LOG_LIMIT: Final = 20 * 1024 * 1024  # bytes of one log before it is set aside
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # before the n-th restart in a row
STEADY_S: Final = 60.0  # one that lived this long starts its back-off anew
# Ports below those the kernel gives to outgoing connections (32768 up): else one of them could
# take the port of a program that is being restarted, or a client could reach itself.
PORTS: Final = (20_000, 32_000)
_random: Final = random.SystemRandom()


@dataclass(slots=True)
class Program:
    """What is run: `prefix` changes the user, `answers` says whether it serves."""

    name: str
    argv: list[str]
    folder: Path  # its working directory, by which it is found again
    log_file: Path
    answers: Callable[[], bool]
    prefix: list[str] = field(default_factory=list)
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(slots=True)
class Child:
    """A program that is kept running.

    Start it from the main thread: the death signal is tied to the starting thread.
    """

    program: Program
    patience: float = READY_TIMEOUT_S
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started: float = 0.0
    due: float = 0.0

    def start(self) -> None:
        """Start the process without waiting for its service."""
        p = self.program
        p.log_file.parent.mkdir(parents=True, exist_ok=True)
        if p.log_file.exists() and p.log_file.stat().st_size > LOG_LIMIT:
            p.log_file.replace(p.log_file.with_suffix(".old.log"))
        with p.log_file.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  our own programs
                self._command(),
                cwd=p.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # else Ctrl-C reaches it before the last commit
            )
        self.started = time.monotonic()

    def _command(self) -> list[str]:
        """Return the whole command; a change of user would clear a death signal set before it."""
        p = self.program
        return [*p.prefix, *with_death_signal(p.stop_signal), *p.argv]

    def await_answer(self) -> None:
        """Wait until it serves, starting it again while an old lock is in its way.

        Raises ConfigError that names the log.
        """
        until = self.started + self.patience
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                if time.monotonic() > self.started + LOCK_TIMEOUT_S:
                    break
                time.sleep(0.3)
                self.process = None
                first = self.started
                self.start()
                self.started = first
            elif self.program.answers():
                return
            time.sleep(0.02)
        raise ConfigError(say("embedded.failed", name=self.program.name, log=self.program.log_file))

    def watch(self) -> None:
        """Start it again, later each time, when it has ended; never waits."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.process = None
        self.failures = 1 if now - self.started > STEADY_S else self.failures + 1
        wait = BACKOFF_S[min(self.failures, len(BACKOFF_S)) - 1]
        log.warning("service_ended", name=self.program.name, code=code, restart_in_s=wait)
        self.due = now + wait

    def stop(self) -> None:
        """End it in its own orderly way, by force after STOP_GRACE_S."""
        if self.process is None:
            return
        for sign, grace in _ways_to_end(self.program.stop_signal):
            self.process.send_signal(sign)
            try:
                self.process.wait(grace)
                break
            except subprocess.TimeoutExpired:
                log.warning("service_killed", name=self.program.name)
        self.process = None


def end_leftovers(folder: Path, word: str, stop_signal: signal.Signals) -> None:
    """End what an earlier run of ours left behind: processes that work in a program's folder.

    `word` is one that their command must hold.
    """
    for number in _working_in(folder, word):
        log.warning("leftover_ended", name=word, process=number)
        for sign, grace in _ways_to_end(stop_signal):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, sign)
            if _gone(number, grace):
                break


def _ways_to_end(sign: signal.Signals) -> tuple[tuple[signal.Signals, float], ...]:
    return ((sign, STOP_GRACE_S), (signal.SIGKILL, KILL_GRACE_S))


def with_death_signal(sign: signal.Signals) -> list[str]:
    """Return the command that has the kernel signal the child when we die (Linux), or nothing."""
    setpriv = shutil.which("setpriv")
    name = sign.name.removeprefix("SIG")
    return [setpriv, "--pdeathsig", name, "--"] if setpriv and sys.platform == "linux" else []


def choose_port(remembered: int, taken: set[int]) -> int:
    """Return the port of the last run (0: none) if nobody holds it, else a free one."""
    if remembered and _is_free(remembered):
        return remembered
    while True:
        port = _random.randint(*PORTS)
        if port not in taken and _is_free(port):
            return port


def accepts(port: int) -> bool:
    """Return whether a connection to a port of this machine is accepted."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _working_in(folder: Path, word: str) -> list[int]:
    """Return living processes that work in the folder and whose command holds a word (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if word.encode() in words and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return sorted(found)


def _gone(number: int, grace: float) -> bool:
    """Wait for the end of a process that is not our child; a zombie has ended."""
    until = time.monotonic() + grace
    while time.monotonic() < until:
        try:
            stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return True
        if stat.rpartition(")")[2].split()[0] in {"Z", "X"}:
            return True
        time.sleep(0.02)
    return False
