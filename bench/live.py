"""How soon a message is on the map: MQTT publish -> MapLibre `idle` after `setFeatureState`.

`python -m bench.live --json`, `--quick`, `--only KEY[,KEY]`, `--size WIDTHxHEIGHT`. A real centre
(broker, ingest, database, Redis, web) and a real Chromium with 3,500 masts and 1,000 things, 100
changes a second. Prints JSON and exits 0 whatever it says.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Page

from bench.ingest_rig import Services, services
from bench.live_rig import MASTS, THINGS, Masts, browser, centre, main_thread, open_wall
from bench.machine import BenchError, percentile, say
from bench.report import Figure, Report

RATE: Final = 100.0  # changes a second
WARM: Final = 200  # changes before the first run: shaders and caches
QUIET_S: Final = 2.0  # after the last publish: whatever has not come by then is lost

# The stamp of a change is the device's time, which the store keeps beside the value in ms; page and
# publisher read the same machine's clock. The hook wraps the map's own method from outside.
HOOK: Final = """() => {
  const {map, store} = window.IOC;
  const bench = window.benchLive = {waiting: new Map(), done: [], deltas: 0};
  const set = map.setFeatureState.bind(map);
  map.setFeatureState = (target, state) => {
    const answer = set(target, state);
    const value = store.states.get(String(target.id))?.values.bts_state;
    if (target.source === "bts" && value) bench.waiting.set(target.id, [value[1], Date.now()]);
    return answer;
  };
  map.on("idle", () => {
    const now = Date.now();
    for (const [stamp, set] of bench.waiting.values()) bench.done.push([now - stamp, set - stamp]);
    bench.waiting.clear();
  });
  store.subscribe((changed) => { if (changed.has("states")) bench.deltas += 1; });
}"""
TAKE: Final = """() => {
  const {done, deltas, waiting} = window.benchLive;
  Object.assign(window.benchLive, {done: [], deltas: 0});
  return {done, deltas, waiting: waiting.size};
}"""
RENDERER: Final = """() => {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  return info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "unknown";
}"""

GOALS: Final[dict[str, tuple[str, float | None]]] = {
    "idle_p50": ("ms", 120),
    "idle_p95": ("ms", 400),
    "state_p50": ("ms", None),
    "state_p95": ("ms", None),
    "main_thread_per_change": ("ms", None),
    "main_thread_per_delta": ("ms", None),
    "main_thread_share": ("s/s", None),
}


@dataclass(slots=True)
class Bench:
    """Runs on one open wall."""

    page: Page
    masts: Masts
    figures: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self, changes: int, *, counts: bool = True) -> None:
        """Publish changes and take what the page saw."""
        work = main_thread(self.page)
        self.page.evaluate(TAKE)
        before, begun = work(), time.monotonic()
        self._publish(changes)
        seconds, used = time.monotonic() - begun, work() - before
        self.page.wait_for_timeout(QUIET_S * 1000)
        found: dict[str, Any] = self.page.evaluate(TAKE)
        done = found["done"]
        if len(done) < changes:
            self.notes.append(f"{len(done)} of {changes} changes were seen on the map")
        if not counts or not done:
            return
        idle, state = [d[0] for d in done], [d[1] for d in done]
        self._take("idle_p50", percentile(idle, 0.5))
        self._take("idle_p95", percentile(idle, 0.95))
        self._take("state_p50", percentile(state, 0.5))
        self._take("state_p95", percentile(state, 0.95))
        self._take("main_thread_per_change", used * 1000 / len(done))
        self._take("main_thread_per_delta", used * 1000 / max(1, found["deltas"]))
        self._take("main_thread_share", used / seconds)

    def _publish(self, changes: int) -> None:
        publisher = threading.Thread(target=self.masts.publish, args=(changes, RATE))
        publisher.start()
        while publisher.is_alive():
            self.page.wait_for_timeout(100)
        publisher.join()

    def _take(self, key: str, value: float) -> None:
        self.figures.setdefault(key, []).append(value)
        say(f"  {key} = {value:.4g} {GOALS[key][0]}")


def measure(where: Services, *, runs: int, changes: int, size: tuple[int, int]) -> Report:
    """Measure and return the report."""
    report = Report("live")
    with centre(where) as made, browser() as opened:
        context = opened.new_context(viewport={"width": size[0], "height": size[1]}, locale="vi-VN")
        page = context.new_page()
        open_wall(page, made.wall)
        page.evaluate(HOOK)
        bench = Bench(page, Masts(made.mqtt))
        bench.run(WARM, counts=False)
        for number in range(runs):
            say(f"run {number + 1} of {runs}")
            bench.run(changes)
        report.calibration = {
            "services": where.kind,
            "viewport": f"{size[0]}x{size[1]}",
            "renderer": page.evaluate(RENDERER),
            "browser": opened.version,
            "things": THINGS,
            "masts": MASTS,
            "changes_per_second": RATE,
            "changes_of_a_run": changes,
            "publisher_late_ms": round(bench.masts.late_ms, 1),
            "notes": bench.notes,
        }
        context.close()
    report.figures = {
        key: Figure(values, GOALS[key][0], GOALS[key][1], at_least=False)
        for key, values in bench.figures.items()
    }
    return report


def main() -> int:
    """Measure; 1 without services or browser."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="the only form there is")
    words.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    words.add_argument("--only", default="", help="figures, with commas between")
    words.add_argument("--size", default="1920x1080", help="of the browser's window")
    given = words.parse_args()
    asked = {key for key in given.only.split(",") if key}
    if asked - GOALS.keys():
        words.error(f"{', '.join(sorted(asked - GOALS.keys()))}: not one of {', '.join(GOALS)}")
    width, _, height = given.size.partition("x")
    runs, changes = (1, 300) if given.quick else (3, 2000)
    try:
        report = measure(services(), runs=runs, changes=changes, size=(int(width), int(height)))
    except BenchError as error:
        sys.stderr.write(f"bench.live: {error}\n")
        return 1
    if asked:
        report.figures = {key: report.figures[key] for key in asked if key in report.figures}
    report.emit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
