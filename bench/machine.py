"""What the kernel and a list of numbers say: CPU of processes, percentiles, child tools."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A measurement cannot be had; the message is one line."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie, between neighbours."""
    if not values:
        raise BenchError("nothing was measured")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def cpu_seconds(processes: Iterable[int]) -> float:
    """Return user and system time of processes with all their threads; 10 ms exact."""
    total = 0
    for number in processes:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def say(line: str) -> None:
    """Tell whoever waits what is being measured; standard output is for the JSON."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Tool:
    """One of our own modules as a process that says "ready" and then prints one JSON object."""

    def __init__(self, module: str, *words: str, ready: bool = False) -> None:
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if ready and self._output.readline().strip() != "ready":
            self.kill()
            raise BenchError(f"{module} did not become ready")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def result(self, timeout: float = 120.0) -> dict[str, Any]:
        """Return what it printed. Raises BenchError when it failed."""
        try:
            text, _ = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise BenchError(f"{self._name} did not end within {timeout:.0f} s") from error
        if self._process.returncode:
            raise BenchError(f"{self._name} ended with {self._process.returncode}")
        found: dict[str, Any] = json.loads(text)
        return found

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout
