"""What the kernel says about processes: alive, listening, working in a folder; and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

_children: dict[int, subprocess.Popen[bytes]] = {}


def reap(process: subprocess.Popen[bytes]) -> None:
    """Keep hold of a child that outlives the caller: it is buried when it is found dead."""
    _children[process.pid] = process


def alive(number: int) -> bool:
    """Return whether a process runs; one that waits for its burial does not."""
    child = _children.get(number)
    if child is not None and child.poll() is not None:
        del _children[number]
        return False
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def end(number: int, how: signal.Signals, timeout: float) -> None:
    """Send a signal, wait for the end, use force after `timeout` seconds."""
    for sign, patience in ((how, timeout), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, sign)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not alive(number):
                return
            time.sleep(0.01)


def listeners(port: int) -> set[int]:
    """Return the processes that listen on a TCP port of this machine (0: one we may not see)."""
    sockets = _listening_sockets(port)
    if not sockets:
        return set()
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return {int(entry.name) for entry in processes if _has(entry, sockets)} or {0}


def _listening_sockets(port: int) -> set[str]:
    """Return the inodes of sockets in state LISTEN (0A) on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{words[9]}]")
    return found


def _has(entry: Path, sockets: set[str]) -> bool:
    try:
        for descriptor in (entry / "fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) in sockets:
                    return True
    except OSError:
        return False
    return False


def cwd_of(folder: Path) -> set[int]:
    """Return living processes that work in a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and alive(int(entry.name)):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == folder:
                    found.add(int(entry.name))
    return found
