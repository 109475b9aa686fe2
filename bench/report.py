"""The one shape in which every benchmark prints (`{"bench", "commit", "machine", …}`)."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `goal` is None where there is nothing to reach."""

    runs: Sequence[float]
    unit: str
    goal: float | None = None
    at_least: bool = True  # else: at most

    def as_json(self) -> dict[str, Any]:
        value = statistics.median(self.runs)
        met = None
        if self.goal is not None:
            met = value >= self.goal if self.at_least else value <= self.goal
        return {
            "value": value,
            "unit": self.unit,
            "goal": self.goal,
            "met": met,
            "runs": list(self.runs),
        }


@dataclass(slots=True)
class Report:
    """What one benchmark found out; print it with `emit`."""

    bench: str
    calibration: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)

    def emit(self) -> None:
        """Print the JSON object to standard output."""
        print(
            json.dumps(
                {
                    "bench": self.bench,
                    "commit": _commit(),
                    "machine": {"cpus": os.cpu_count(), "load1": round(os.getloadavg()[0], 2)},
                    "calibration": self.calibration,
                    "figures": {key: figure.as_json() for key, figure in self.figures.items()},
                },
                ensure_ascii=False,
                indent=2,
            )
        )


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
