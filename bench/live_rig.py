"""A whole centre for `bench.live`: ingest and web as processes, 4,500 things, a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright

from bench import mqtt5
from bench.ingest_rig import Ingest, Services, fresh_database
from bench.line import Line
from bench.machine import ROOT, BenchError
from ioc.embedded.child import accepts
from ioc.storage import migrate
from tests.e2e.conftest import FLAGS, NAMES, READY
from tests.e2e.province import Province, build
from tests.services.ports import free_port

THINGS: Final = 1000
MASTS: Final = 3500
PATIENCE_S: Final = 60.0
OFFLINE: Final = 2

# The feeds of tests.e2e.province, with an address and a codec; keys are the datastreams' names.
_FEEDS: Final = """
- name: env
  title: {vi: Môi trường, en: Environment}
  codec: json
  topic: "live/env/{thing}"
  expected_period_s: 60
  kind: environment
  options: {time: t, time_format: epoch_us, values: {pm25: {path: pm25}}}
- name: bts
  title: {vi: BTS, en: BTS}
  codec: json
  topic: "live/bts/{thing}"
  expected_period_s: 60
  kind: bts
  options: {time: t, time_format: epoch_us, values: {bts_status: {path: bts_state}}}
"""

_SHOWN: Final = """() => ["bts", "things"].every(
  (name) => window.IOC.map.querySourceFeatures(name).length > 0) && window.IOC.map.loaded()"""


@dataclass(frozen=True, slots=True)
class Centre:
    """What runs: publish to the broker, open the origin."""

    mqtt: str
    origin: str
    province: Province

    @property
    def wall(self) -> str:
        return f"{self.origin}/wall?token={self.province.kiosk}"


@contextmanager
def centre(where: Services) -> Iterator[Centre]:
    """Run ingest and web on a database with 1,000 things and 3,500 masts."""
    with ExitStack() as stack:
        database = stack.enter_context(fresh_database(where.database))
        conn = stack.enter_context(psycopg.connect(database, autocommit=True))
        migrate.run(conn)
        ingest = stack.enter_context(Ingest(database, where, feed_file=_FEEDS))
        province = build(conn, where.redis, ingest.prefix, things=THINGS, masts=MASTS)
        stack.callback(province.client.close)
        ingest.start()
        ingest.await_subscribed(f"live/bts/x{THINGS}", "bts_state")
        origin = stack.enter_context(web(ingest.environment))
        yield Centre(where.mqtt, origin, province)


@contextmanager
def web(environment: dict[str, str]) -> Iterator[str]:
    """Run the web process on a free port."""
    port = free_port()
    door = {"IOC_WEB_HOST": "127.0.0.1", "IOC_WEB_PORT": str(port)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ioc.web"],
            env=os.environ | environment | door,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            until = time.monotonic() + PATIENCE_S
            while not accepts(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise BenchError("the web process did not start")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium, with WebGL in software."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        raise BenchError("no Chromium or Chrome: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


def open_wall(page: Page, url: str) -> None:
    """Open the wall and wait until both layers are drawn."""
    page.goto(url)
    _await(page, READY)
    _await(page, _SHOWN)


def _await(page: Page, script: str) -> None:
    # Not `wait_for_function`: its polling evaluates inside the page, which our policy forbids.
    until = time.monotonic() + PATIENCE_S
    while not page.evaluate(script):
        if time.monotonic() > until:
            raise BenchError("the wall was not drawn in time (make frontend?)")
        page.wait_for_timeout(100)


class Masts:
    """Publishes changes of masts' states at an even rate; every change shows on the map."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = 0
        self.late_ms = 0.0

    def publish(self, number: int, rate: float) -> None:
        """Publish `number` changes; returns when the broker has them all."""
        with Line(self._url) as line:
            begun = time.monotonic()
            for n in range(number):
                ahead = begun + n / rate - time.monotonic()
                self.late_ms = max(self.late_ms, -ahead * 1000)
                time.sleep(max(0.0, ahead))
                line.socket.sendall(mqtt5.publish(*self._next(), n % mqtt5.LAST_ID + 1))
            line.await_acknowledged(number)

    def _next(self) -> tuple[str, bytes]:
        """Return the next mast's topic and its other state; 1,009 and 3,500 share no divisor."""
        visit, place = divmod(self._turn, MASTS)
        mast = THINGS + place * 1009 % MASTS
        self._turn += 1
        state = 0 if visit % 2 else OFFLINE
        return f"live/bts/x{mast}", b'{"t":%d,"bts_state":%d}' % (time.time_ns() // 1000, state)


def main_thread(page: Page) -> Callable[[], float]:
    """Return a function that gives the seconds of work of the page's main thread so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def task_duration() -> float:
        found: dict[str, Any] = session.send("Performance.getMetrics")
        return next(float(m["value"]) for m in found["metrics"] if m["name"] == "TaskDuration")

    return task_duration
