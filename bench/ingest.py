"""How fast ingest is, as ratios measured in the same run. Prints JSON, exits 0 whatever it says.

`python -m bench.ingest --json`, `--quick` for small counts, `--only KEY[,KEY]` for some figures (a
figure's key or a measurement's name). The services are those of `tests.services`; ingest is a
child process, driven from outside alone.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from bench import ingest_parts as parts
from bench import ingest_runs as runs
from bench.ingest_parts import FULL, QUICK, Round, Scale
from bench.ingest_rig import Services, services
from bench.machine import BenchError, percentile, say
from bench.report import Figure, Report
from ioc.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is measured in and what it has to reach."""

    unit: str
    goal: float | None = None
    at_least: bool = True


GOALS: Final = {
    "e2e_over_relay": Goal("ratio", 1.0),
    "e2e_messages": Goal("msg/s"),
    "relay_messages": Goal("msg/s"),
    "cpu_saturated": Goal("µs/message", 10, at_least=False),
    "ten_values_over_one": Goal("values/s ÷ msg/s", 4),
    "latency_10k_p50": Goal("ms", 20, at_least=False),
    "latency_10k_p99": Goal("ms", 50, at_least=False),
    "latency_5k_p50": Goal("ms"),
    "latency_5k_p99": Goal("ms"),
    "latency_1k_p50": Goal("ms"),
    "latency_1k_p99": Goal("ms"),
    "bus_10k_p50": Goal("ms"),
    "bus_10k_p99": Goal("ms"),
    "drain_over_copy": Goal("ratio", 0.40),
    "drain_messages": Goal("msg/s"),
    "copy_rows": Goal("rows/s"),
    "cpu_drain": Goal("µs/message", 3, at_least=False),
    "statement_over_copy": Goal("ratio", 0.45),
    "statement_rows": Goal("rows/s"),
    "over_naive": Goal("ratio", 25),
    "naive_messages": Goal("msg/s"),
    "over_stock_reader": Goal("ratio", 2),
    "many_datastreams_cpu": Goal("ratio", 1.5, at_least=False),
    "mixed_over_json": Goal("ratio", 0.4),
    "mixed_with_broken": Goal("ratio"),
    "deep_table": Goal("ratio", 0.85),
    "plain_postgresql_messages": Goal("msg/s"),
    "relay_backlog_messages": Goal("msg/s"),
}

NAMES: Final = {key: name for name, keys in parts.FIGURES.items() for key in keys}


@dataclass(slots=True)
class Bench:
    """Collects runs and notes; a measurement that fails is a note, not an end."""

    where: Services
    scale: Scale
    asked: Collection[str]
    figures: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    relays: list[runs.Relayed] = field(default_factory=list)

    def wants(self, measurement: parts.Measurement | parts.Once) -> bool:
        return wanted(measurement.__name__, self.asked)

    def take(self, found: dict[str, float]) -> None:
        for key, value in found.items():
            self.figures.setdefault(key, []).append(value)
            say(f"    {key} = {value:.4g} {GOALS[key].unit}")

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Turn a failed measurement into a note."""
        begun = time.monotonic()
        say(f"  {name}")
        try:
            yield
        except (BenchError, ConfigError) as error:
            self.note(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001  the other figures of ten minutes must not be lost
            say(traceback.format_exc())
            self.note(f"{name} failed: {error!r}")
        say(f"    ({time.monotonic() - begun:.1f} s)")

    def note(self, text: str) -> None:
        say(f"    note: {text}")
        if text not in self.notes:
            self.notes.append(text)

    def whole(self) -> None:
        """Measure everything that is wanted: the rounds, then what is done once."""
        for number in range(self.scale.rounds):
            say(f"round {number + 1} of {self.scale.rounds}")
            with self.attempt("round"):
                self._round()
        for measurement in filter(self.wants, parts.ONCE):
            with self.attempt(measurement.__name__):
                for found in measurement(Round(self.where, self.scale, self.note)):
                    self.take(found)

    def _round(self) -> None:
        """Measure each ratio's two sides in the same minute, on a database of this round."""
        now = Round(self.where, self.scale, self.note)
        with now.opened():
            if any(self.wants(m) for m in (*parts.SHARED, *parts.APART)):
                with self.attempt("end_to_end"):
                    self.take(parts.end_to_end(now))
                    self.relays += [now.relay] if now.relay else []
            for measurement in parts.SHARED:
                if measurement is not parts.end_to_end and self.wants(measurement):
                    with self.attempt(measurement.__name__):
                        self.take(measurement(now))
        for measurement in filter(self.wants, parts.APART):
            with self.attempt(measurement.__name__):
                self.take(measurement(now))

    def calibration(self) -> dict[str, Any]:
        """Return what the figures have to be read beside."""
        void = [n + 1 for n, relay in enumerate(self.relays) if not relay.valid]
        return {
            "services": self.where.kind,
            "rounds": self.scale.rounds,
            "quick": self.scale is QUICK,
            "relay": [
                {
                    "msg_s": round(relay.rate),
                    "broker_core": round(relay.broker_core, 3),
                    "subscriber_us": round(relay.subscriber_us, 2),
                    "valid": relay.valid,
                }
                for relay in self.relays
            ],
            "relay_rule": f"void unless >= {runs.RELAY_AT_LEAST:.0f} msg/s or the broker used >= "
            f"{runs.CORE_AT_LEAST:.0%} of a core",
            "void_rounds": void,
            "notes": self.notes,
        }


def measure(where: Services, scale: Scale, asked: Collection[str]) -> Report:
    """Measure and return the report."""
    bench = Bench(where, scale, asked)
    report = Report("ingest")
    flush = runs.flushes(where.database)
    bench.whole()
    report.calibration = bench.calibration() | {
        "commit_ms": {
            "p50": round(percentile(flush, 0.5), 3),
            "p99": round(percentile(flush, 0.99), 3),
            "of": "one-row commits; a latency up to the commit record lacks one flush of these",
        }
    }
    report.figures = {
        key: Figure(bench.figures[key], goal.unit, goal.goal, goal.at_least)
        for key, goal in GOALS.items()
        if key in bench.figures and (not asked or key in asked or NAMES[key] in asked)
    }
    return report


def wanted(measurement: str, asked: Collection[str]) -> bool:
    """Tell whether a measurement is asked for, by its own name or by a figure's; all if none is."""
    return not asked or not {measurement, *parts.FIGURES[measurement]}.isdisjoint(asked)


def main() -> int:
    """Measure what is asked for; 2 for an unknown key, 1 without services."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="the only form there is")
    words.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    words.add_argument("--only", default="", help="figures or measurements, with commas between")
    given = words.parse_args()
    asked = {key for key in given.only.split(",") if key}
    known = {*GOALS, *parts.FIGURES}
    if asked - known:
        words.error(f"{', '.join(sorted(asked - known))}: not one of {', '.join(sorted(known))}")
    try:
        measure(services(), QUICK if given.quick else FULL, asked).emit()
    except BenchError as error:
        sys.stderr.write(f"bench.ingest: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
