"""Where the services of this checkout live, what they are called, and how a command runs."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = PROJECT / ".services"
ROOT: Final = FOLDER / "rootfs"
URLS: Final = FOLDER / "urls.json"
PORTS: Final = FOLDER / "ports.json"

NAMES: Final = ("database", "redis", "mqtt")


class ServiceError(Exception):
    """A service cannot be had; the message is one line with the remedy."""


def tell(line: str) -> None:
    """Say one line to whoever started the command."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(argv: Sequence[str], *, log: Path, timeout: float) -> None:
    """Run a command to its end; ServiceError names it, its last words and the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            code = subprocess.run(
                argv,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=timeout,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServiceError(f"{argv[0]}: {error} (log: {log})") from error
    if code:
        raise ServiceError(f"{argv[0]} ended with {code}: {last_line(log)} (log: {log})")


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock of `.services/`: two commands at once would start everything twice."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remember(path: Path, value: dict[str, object]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=2) + "\n")
    part.replace(path)


def recall(path: Path) -> dict[str, object]:
    """Return what `remember` wrote, or nothing."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
