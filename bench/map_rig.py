"""A site for `bench.map`: a registry with live things, imported layers, the web process, a desk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any, Final
from uuid import uuid4

import psycopg
import shapely
from playwright.sync_api import Browser, BrowserContext, Page

from bench.ingest_rig import Services, fresh_database
from bench.live_rig import web
from bench.machine import BenchError
from ioc.clock import SystemClock
from ioc.domain.layer import Feature, LayerImport
from ioc.rows import Rows
from ioc.storage import migrate
from ioc.storage.features import Shelf
from layers import publish
from tests.e2e.province import BOX, Province, build
from tests.integration.web_site import Client

SEED: Final = 5
PATIENCE_S: Final = 300.0  # of a machine with other work
OFFLINE: Final = 2.0

# In the page from its first script on: when all that was asked for is drawn.
WATCH: Final = """(() => {
  window.benchLong = [];
  new PerformanceObserver((list) => window.benchLong.push(...list.getEntries()
    .map((one) => one.duration))).observe({entryTypes: ["longtask"]});
  const watch = setInterval(() => {
    const own = window.IOC;
    const wanted = (new URLSearchParams(location.hash.slice(1)).get("on") ?? "").split(",");
    if (!own?.map?.loaded() || !own.store.loaded || !own.live?.layers.points.size) return;
    if (!wanted.filter(Boolean).every((name) => own.live.layers.data.has(name))) return;
    clearInterval(watch);
    window.benchShown = performance.now()
      - performance.getEntriesByType("navigation")[0].loadEventEnd;
  }, 10);
})()"""


@dataclass
class Ground:
    """A province that is served; `last` is the newest value of each changed datastream."""

    province: Province
    origin: str
    port: int
    last: dict[int, float] = field(default_factory=dict)
    turn: int = 0

    def change(self, number: int) -> None:
        """Send the next `number` changes as ingest would, in one message."""
        now = SystemClock().now()
        rows = []
        streams = self.province.streams
        for _ in range(number):
            stream = streams[self.turn % len(streams)]
            visit = self.turn // len(streams)
            self.turn += 1
            self.last[stream] = 0.0 if visit % 2 else OFFLINE
            rows.append((stream, int(now), self.last[stream], 0, 4, int(now)))
        self.province.live.publish(1, 1, None, Rows.of(rows), now)


@contextmanager
def ground(where: Services, *, things: int, masts: int, layers: dict[str, int]) -> Iterator[Ground]:
    """Serve a province with so many things and masts, and imported layers by their counts."""
    with ExitStack() as stack:
        database = stack.enter_context(fresh_database(where.database))
        conn = stack.enter_context(psycopg.connect(database, autocommit=True))
        migrate.run(conn)
        prefix = f"bench-{uuid4().hex[:8]}:"
        province = build(conn, where.redis, prefix, things=things, masts=masts)
        stack.callback(province.client.close)
        for name, count in layers.items():
            bring(conn, name, count)
        environment = {
            "IOC_DATABASE_URL": database,
            "IOC_REDIS_URL": where.redis,
            "IOC_REDIS_PREFIX": prefix,
        }
        origin = stack.enter_context(web(environment))
        yield Ground(province, origin, int(origin.rpartition(":")[2]))


def bring(conn: Any, layer: str, count: int) -> None:  # noqa: ANN401  any connection
    """Publish a layer of so many features, a tenth of which are the places of things."""
    random = Random(SEED)
    rows = [_feature(random, layer, number) for number in range(count)]
    shelf = Shelf(conn)
    made = publish.features(rows, shelf.things(), (), layer)
    number = shelf.standing(layer).number
    shelf.commit(LayerImport(layer, number, tuple(rows), (), made, "bench", "", {}, {}))


def _feature(random: Random, layer: str, number: int) -> Feature:
    west, south, east, north = BOX
    lon, lat = random.uniform(west, east), random.uniform(south, north)
    if layer == "fibre_route":
        end = (lon + random.uniform(0, 0.02), lat + random.uniform(0, 0.02))
        shape: Any = shapely.LineString([(lon, lat), end])
        code = f"T{number}"
    else:
        shape = shapely.Point(lon, lat)
        code = f"x{number // 10}" if number % 10 == 0 else f"P{number}"
    return Feature(
        code, f"Điểm số {number}", shapely.to_wkb(shape), shape.bounds, b'{"height_m":30}',
        None, None, "none", blake2b(code.encode()).digest(),
    )  # fmt: skip


def desk(browser: Browser, ground: Ground) -> BrowserContext:
    """Return a browser of somebody who is logged in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN")
    client = Client(ground.port)
    client.login("truc-ban")
    context.add_cookies(
        [{"name": n, "value": v, "url": ground.origin} for n, v in client.cookies.items()]
    )
    context.add_init_script(WATCH)
    return context


def shown(page: Page, url: str) -> float:
    """Open the map; return the ms from the page's load to the map with all layers drawn."""
    page.goto(url)
    until = time.monotonic() + PATIENCE_S
    while (found := page.evaluate("window.benchShown ?? null")) is None:
        if time.monotonic() > until:
            raise BenchError("the map was not drawn in time (make frontend?)")
        page.wait_for_timeout(50)
    return float(found)
