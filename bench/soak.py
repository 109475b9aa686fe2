"""Does a wall that is left alone grow? Its heap, nodes and listeners, extrapolated to eight hours.

`python -m bench.soak --json`, `--minutes N` (30), `--size WIDTHxHEIGHT`. A real centre and a real
Chromium: a steered wall goes through its pages every ten seconds, 20 values a second move, alerts
open and close. The heap is read after a forced collection; the first fifth of the time is warming
up and counts for nothing. Prints JSON and exits 0 whatever it says.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import CDPSession, Page
from psycopg.types.json import Jsonb

from bench.ingest_rig import Services, services
from bench.live_rig import Centre, Masts, browser, centre, open_wall
from bench.machine import BenchError, say
from bench.report import Figure, Report
from tests.e2e.province import raise_alert

RATE: Final = 20.0  # values a second
DWELL_S: Final = 10
PAGES: Final = ("overview", "alerts", "environment", "network", "cameras")
EVERY_S: Final = 15.0  # between two readings; each takes a collection of the whole heap
ALERTS_EVERY_S: Final = 5.0
MOST_OPEN: Final = 40
HOURS: Final = 8
WARMING: Final = 0.2
LEAST: Final = 4  # readings without which a slope means nothing
GOALS: Final[dict[str, tuple[str, float | None]]] = {
    "heap_growth_8h": ("%", 5.0),
    "node_growth_8h": ("%", None),
    "listener_growth_8h": ("%", None),
    "heap": ("MB", None),
}
_METRICS: Final = {"heap": "JSHeapUsedSize", "node": "Nodes", "listener": "JSEventListeners"}


@dataclass(slots=True)
class Readings:
    """What was read, each with its time in seconds since the beginning."""

    times: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)

    def take(self, at: float, metrics: dict[str, float]) -> None:
        self.times.append(at)
        for name, metric in _METRICS.items():
            self.values.setdefault(name, []).append(metrics[metric])

    def counted(self, name: str, begin: float) -> tuple[list[float], list[float]]:
        """Return times and values of what was read after `begin`."""
        kept = [(t, v) for t, v in zip(self.times, self.values[name], strict=True) if t >= begin]
        return [t for t, _ in kept], [v for _, v in kept]


def growth(times: list[float], values: list[float], hours: float) -> float:
    """Return by how many percent of its mean a value would grow in `hours`: least squares."""
    middle_t, middle_v = sum(times) / len(times), sum(values) / len(values)
    spread = sum((t - middle_t) ** 2 for t in times)
    together = sum((t - middle_t) * (v - middle_v) for t, v in zip(times, values, strict=True))
    return 100 * together / spread * hours * 3600 / middle_v


class Alerts:
    """Opens and closes alerts in turn, as a busy shift does."""

    def __init__(self, made: Centre) -> None:
        self._made = made
        self._turn = 0

    def turn(self) -> None:
        """Open one more, of another severity; close the oldest beyond MOST_OPEN."""
        made = self._made.province
        self._turn += 1
        thing = self._turn % len(made.things)
        severity = self._turn % 4 + 1
        # A critical one would hold the list: somebody takes each at once.
        key = raise_alert(made, thing, severity=severity, rule_suffix=f"-{self._turn}")
        made.conn.execute("update alert set acked_at = now(), acked_by = 'x' where id = %s", (key,))
        made.conn.execute(
            "update alert set active = false, returned_at = now(), closed_at = now() where id in"
            " (select id from alert where closed_at is null order by raised_at desc offset %s)",
            (MOST_OPEN,),
        )
        made.beat()


def measure(where: Services, *, minutes: float, size: tuple[int, int]) -> Report:
    """Watch a wall for so long and return the report."""
    report = Report("soak")
    with centre(where) as made, browser() as opened:
        made.province.conn.execute(
            "update wall set items = %s, started_at = now() where name = 'tuong-1'",
            (Jsonb([[page, DWELL_S] for page in PAGES]),),
        )
        context = opened.new_context(viewport={"width": size[0], "height": size[1]}, locale="vi-VN")
        page = context.new_page()
        open_wall(page, made.wall.replace("/wall?", "/wall/screen/tuong-1?"))
        seconds = minutes * 60
        readings = _watch(page, made, seconds)
        version = opened.version
        context.close()
    report.calibration = {
        "services": where.kind,
        "viewport": f"{size[0]}x{size[1]}",
        "browser": version,
        "minutes": minutes,
        "values_per_second": RATE,
        "readings": len(readings.times),
    }
    for name in _METRICS:
        times, values = readings.counted(name, seconds * WARMING)
        if len(values) < LEAST:
            raise BenchError("too short: fewer than four readings count")
        key = f"{name}_growth_8h"
        unit, goal = GOALS[key]
        report.figures[key] = Figure([growth(times, values, HOURS)], unit, goal, at_least=False)
    heap = readings.counted("heap", 0)[1]
    report.figures["heap"] = Figure([value / 1e6 for value in heap], "MB")
    return report


def _watch(page: Page, made: Centre, seconds: float) -> Readings:
    """Read the page each EVERY_S while the centre is busy."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    publisher = threading.Thread(
        target=Masts(made.mqtt).publish, args=(round(seconds * RATE), RATE), daemon=True
    )
    publisher.start()
    alerts, readings, begun = Alerts(made), Readings(), time.monotonic()
    read = alerted = 0.0
    while (at := time.monotonic() - begun) < seconds:
        if at >= alerted:
            alerted = at + ALERTS_EVERY_S
            alerts.turn()
        if at >= read:
            read = at + EVERY_S
            readings.take(at, _read(session))
            say(f"  {at / 60:.1f} min: {readings.values['heap'][-1] / 1e6:.1f} MB")
        page.wait_for_timeout(500)
    publisher.join(30)
    return readings


def _read(session: CDPSession) -> dict[str, float]:
    session.send("HeapProfiler.collectGarbage")
    found: dict[str, Any] = session.send("Performance.getMetrics")
    return {str(one["name"]): float(one["value"]) for one in found["metrics"]}


def main() -> int:
    """Measure; 1 without services or browser."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="the only form there is")
    words.add_argument("--minutes", type=float, default=30.0, help="how long the wall is watched")
    words.add_argument("--size", default="1920x1080", help="of the browser's window")
    given = words.parse_args()
    width, _, height = given.size.partition("x")
    try:
        report = measure(services(), minutes=given.minutes, size=(int(width), int(height)))
    except BenchError as error:
        sys.stderr.write(f"bench.soak: {error}\n")
        return 1
    report.emit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
