"""What the desk's map costs a browser: first paint, updates, panning, memory, a return.

`python -m bench.map --json`, `--quick`, `--minutes N`, `--only GROUP[,GROUP]` (province, large,
long). The real web process and a real Chromium whose WebGL is software. Prints JSON and exits 0
whatever it says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Page

from bench import map_rig
from bench.ingest_rig import Services, services
from bench.live_rig import browser, main_thread
from bench.machine import BenchError, say
from bench.map_rig import Ground
from bench.report import Figure, Report

CHANGES: Final = 100  # of one update
PAUSE_MS: Final = 400  # between updates: each is a message of its own
MB: Final = 1e6
GOALS: Final[dict[str, tuple[str, float | None]]] = {
    "first_paint": ("ms", 2000),
    "update_main_thread": ("ms", 15),
    "returning_bytes": ("B", 5000),
    "large_first_paint": ("ms", None),
    "large_update_main_thread": ("ms", 25),
    "large_pan_longest_task": ("ms", 100),
    "heap_growth": ("%", 5),
    "heap_start": ("MB", None),
    "dropped_states": ("", 0),
    "changes_per_second": ("1/s", None),
}
GROUPS: Final = ("province", "large", "long")

# Over the province and down to a street and back, as a hand does it; then the longest task.
PAN: Final = """async () => {
  const map = window.IOC.map;
  window.benchLong.length = 0;
  const move = (to) => new Promise((done) => { map.once("moveend", done); map.easeTo(to); });
  for (const [lon, lat, zoom] of [[106.8, 11, 9], [107.2, 11.6, 9], [107, 11.2, 12.5],
    [107.02, 11.21, 14], [107, 11.4, 8]]) {
    await move({center: [lon, lat], zoom, duration: 700});
  }
  return Math.max(0, ...window.benchLong);
}"""


@dataclass(slots=True)
class Bench:
    """What was measured so far."""

    opened: Browser
    runs: int
    minutes: float
    figures: dict[str, list[float]] = field(default_factory=dict)

    def take(self, key: str, value: float) -> None:
        self.figures.setdefault(key, []).append(value)
        say(f"  {key} = {value:.4g} {GOALS[key][0]}")

    def province(self, where: Services) -> None:
        """Measure with 3,500 masts, 3,600 segments of fibre, 2,000 things."""
        counts = {"fibre_route": 3600}
        with map_rig.ground(where, things=2000, masts=3500, layers=counts) as ground:
            url = f"{ground.origin}/map#on=fibre_route"
            for _ in range(self.runs):
                with self._page(ground) as page:
                    self.take("first_paint", map_rig.shown(page, url))
                    self._updates(page, ground, "update_main_thread")
                    self.take("returning_bytes", _again(page, url))

    def large(self, where: Services) -> None:
        """Measure with a layer of 100,000 features, of which 2,000 are places of things."""
        counts = {"camera": 100_000}
        with map_rig.ground(where, things=2000, masts=0, layers=counts) as ground:
            for _ in range(self.runs):
                with self._page(ground) as page:
                    url = f"{ground.origin}/map#on=camera"
                    self.take("large_first_paint", map_rig.shown(page, url))
                    page.evaluate(PAN)  # tiles and shaders
                    self.take("large_pan_longest_task", float(page.evaluate(PAN)))
                    self._updates(page, ground, "large_update_main_thread")

    def long(self, where: Services) -> None:
        """Measure 20,000 things, 1,000 changes a second; growth is extrapolated to ten minutes."""
        with (
            map_rig.ground(where, things=0, masts=20_000, layers={}) as ground,
            self._page(ground) as page,
        ):
            map_rig.shown(page, f"{ground.origin}/map")
            heap = _heap(page)
            _storm(page, ground, 20.0)  # every thing has changed once
            begun, before = time.monotonic(), heap()
            sent = _storm(page, ground, self.minutes * 60)
            seconds = time.monotonic() - begun
            page.wait_for_timeout(3000)
            growth = (heap() - before) / before * 100 * 600 / seconds
            self.take("heap_start", before / MB)
            self.take("heap_growth", growth)
            self.take("changes_per_second", sent / seconds)
            self.take("dropped_states", _dropped(page, ground))

    @contextmanager
    def _page(self, ground: Ground) -> Any:  # noqa: ANN401  a generator
        context = map_rig.desk(self.opened, ground)
        yield context.new_page()
        context.close()

    def _updates(self, page: Page, ground: Ground, key: str, updates: int = 15) -> None:
        work = main_thread(page)
        ground.change(CHANGES)
        page.wait_for_timeout(1500)
        idle = work()
        page.wait_for_timeout(PAUSE_MS * updates)
        idle = work() - idle
        used = work()
        for _ in range(updates):
            ground.change(CHANGES)
            page.wait_for_timeout(PAUSE_MS)
        self.take(key, (work() - used - idle) * 1000 / updates)


def _again(page: Page, url: str) -> float:
    """Return the bytes of map data that a browser fetches when it comes back."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    kinds: dict[str, str] = {}
    total = [0.0]
    session.on("Network.requestWillBeSent", lambda e: kinds.update({e["requestId"]: _path(e)}))
    session.on("Network.loadingFinished", lambda e: _count(total, kinds, e))
    page.goto("about:blank")
    map_rig.shown(page, url)
    page.wait_for_timeout(1000)
    session.detach()
    return total[0]


def _path(event: dict[str, Any]) -> str:
    return str(event["request"]["url"])


def _count(total: list[float], kinds: dict[str, str], event: dict[str, Any]) -> None:
    if "/geo/" in kinds.get(event["requestId"], ""):
        total[0] += float(event["encodedDataLength"])


def _storm(page: Page, ground: Ground, seconds: float) -> int:
    """Send 1,000 changes a second; return how many."""
    begun, sent = time.monotonic(), 0
    while (gone := time.monotonic() - begun) < seconds:
        ground.change(CHANGES)
        sent += CHANGES
        page.wait_for_timeout(max(0.0, sent - gone * 1000))
    return sent


def _heap(page: Page) -> Callable[[], float]:
    session = page.context.new_cdp_session(page)

    def used() -> float:
        session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"])

    return used


def _dropped(page: Page, ground: Ground) -> int:
    """Return how many things the page shows otherwise than they were last said to be."""
    made = ground.province
    said = {
        str(thing): ground.last[stream]
        for thing, stream in zip(made.things, made.streams, strict=True)
        if stream in ground.last
    }
    script = """(said) => Object.entries(said).filter(([id, value]) =>
      window.IOC.store.states.get(id)?.values.bts_state?.[0] !== value).length"""
    return int(page.evaluate(script, said))


def measure(where: Services, groups: list[str], *, runs: int, minutes: float) -> Report:
    """Measure and return the report."""
    report = Report("map")
    with browser() as opened:
        bench = Bench(opened, runs, minutes)
        for group in groups:
            say(group)
            getattr(bench, group)(where)
        report.calibration = {
            "services": where.kind,
            "browser": opened.version,
            "renderer": "software",
            "changes_of_an_update": CHANGES,
            "minutes": minutes,
        }
    report.figures = {
        key: Figure(values, GOALS[key][0], GOALS[key][1], at_least=False)
        for key, values in bench.figures.items()
    }
    return report


def main() -> int:
    """Measure; 1 without services or browser."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="the only form there is")
    words.add_argument("--quick", action="store_true", help="one run of each")
    words.add_argument("--minutes", type=float, default=1.0, help="of 1,000 changes a second")
    words.add_argument("--only", default=",".join(GROUPS), help="groups, with commas between")
    given = words.parse_args()
    groups = [one for one in given.only.split(",") if one]
    if set(groups) - set(GROUPS):
        words.error(f"--only: of {', '.join(GROUPS)}")
    try:
        runs = 1 if given.quick else 3
        report = measure(services(), groups, runs=runs, minutes=given.minutes)
    except BenchError as error:
        sys.stderr.write(f"bench.map: {error}\n")
        return 1
    report.emit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
