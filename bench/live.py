"""How old a change is when the map has drawn it: MQTT publish → MapLibre `idle` in Chromium.

`python -m bench.live --json` on the services of `make services`: a device publishes over MQTT, the
real ingest commits it, the real web process sends it, and a real browser (WebGL in software unless
the machine has a GPU) sets feature-state on a map of 3,500 masts and 1,000 stations. A change's
time is the device's own, on the same machine's clock; the calibration is an empty map's frame.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from playwright.sync_api import Page, sync_playwright

from bench.report import Figure, Report
from ioc.storage import migrate
from tests.e2e.conftest import FLAGS, NAMES
from tests.e2e.province import Province, build, raise_alert
from tests.fix_db import url_of
from tests.fix_services import address
from tests.services.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[1]
THINGS, MASTS, RATE = 1000, 3500, 100
FEED: Final = """
name: bts
title: {{vi: Viễn thông, en: BTS}}
codec: json
topic: "{topic}/{{thing}}"
expected_period_s: 60
stale_after_s: 3600
kind: bts
options:
  thing: "{{thing}}"
  time: ts
  time_format: epoch_ms
  values:
    bts_status: {{path: v, states: {{up: 0, down: 2}}}}
"""
# Counts a change as drawn at the first `idle` after its feature-state was set.
PROBE: Final = """() => {
  const {store, map} = window.IOC;
  const waiting = [];
  window.drawn = [];
  store.subscribe((changed, ids) => {
    if (!changed.has("states")) return;
    const now = Date.now();
    for (const id of ids) {
      const value = store.states.get(id)?.values?.bts_status;
      if (value && now - value[1] < 10000 && value[1] >= window.from) waiting.push([value[1], now]);
    }
    map.triggerRepaint();
  });
  map.on("idle", () => {
    const now = Date.now();
    for (const [sent, heard] of waiting.splice(0)) window.drawn.push([heard - sent, now - sent]);
  });
  window.from = Date.now();
}"""
FRAME: Final = """() => new Promise((done) => {
  const began = performance.now();
  window.IOC.map.once("idle", () => done(performance.now() - began));
  window.IOC.map.triggerRepaint();
})"""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="the one way it prints")
    options.add_argument("--seconds", type=int, default=20)
    seconds = options.parse_args().seconds
    report = Report("live")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        topic = f"bench/{secrets.token_hex(4)}"
        urls = stack.enter_context(_database())
        conn = stack.enter_context(psycopg.connect(urls["IOC_DATABASE_URL"], autocommit=True))
        province = build(
            conn, urls["IOC_REDIS_URL"], urls["IOC_REDIS_PREFIX"], things=THINGS, masts=MASTS
        )
        stack.callback(_forget, province)
        for severity in (1, 2, 3, 4):  # so that every severity's layer is drawn
            raise_alert(province, severity, severity=severity)
        port = free_port()
        environment = urls | _config(folder, topic) | {"IOC_WEB_PORT": str(port)}
        for module in ("ingest", "ioc.web"):
            stack.enter_context(_process(module, environment, folder))
        page = stack.enter_context(_page(port, province.kiosk))
        report.calibration = {
            "frame_ms": [round(page.evaluate(FRAME), 1) for _ in range(5)],
            "features": THINGS + MASTS,
            "changes_per_s": RATE,
            "from": "MQTT publish",
        }
        _measure(page, urls["IOC_MQTT_URL"], topic, seconds, report)
    report.emit()
    return 0


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Yield the addresses of the test services, with a database and a prefix of our own."""
    name = f"t_bench_{secrets.token_hex(4)}"
    with psycopg.connect(address("database"), autocommit=True) as server:
        server.execute(f"create database {name}")
        url = url_of(server, name)
        with psycopg.connect(url, autocommit=True) as conn:
            migrate.run(conn)
        yield {
            "IOC_DATABASE_URL": url,
            "IOC_REDIS_URL": address("redis"),
            "IOC_MQTT_URL": address("mqtt"),
            "IOC_REDIS_PREFIX": f"{name}:",
        }
        server.execute(f"drop database {name} with (force)")


def _forget(province: Province) -> None:
    keys = list(province.client.scan_iter(f"{province.prefix}*", count=1000))
    if keys:
        province.client.delete(*keys)


def _config(folder: Path, topic: str) -> dict[str, str]:
    config = folder / "config"
    shutil.copytree(ROOT / "config" / "catalog", config / "catalog")
    text = (ROOT / "config" / "ioc.toml").read_text(encoding="utf-8")
    client = topic.replace("/", "-")
    (config / "ioc.toml").write_text(text.replace("ioc-ingest-1", client), encoding="utf-8")
    (config / "feeds").mkdir()
    (config / "feeds" / "bts.yaml").write_text(FEED.format(topic=topic), encoding="utf-8")
    return {"IOC_CONFIG_DIR": str(config), "IOC_DATA_DIR": str(folder / "data")}


@contextmanager
def _process(module: str, environment: dict[str, str], folder: Path) -> Iterator[None]:
    log = folder / f"{module}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", module]
        running = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=output, cwd=ROOT
        )
    try:
        yield
        if running.poll() is not None:
            raise RuntimeError(f"{module} ended: {log.read_text(encoding='utf-8')[-2000:]}")
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def _page(port: int, kiosk: str) -> Iterator[Page]:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        raise SystemExit("no Chromium or Chrome: apt install chromium")
    _wait_for_server(port)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"http://127.0.0.1:{port}/wall?token={kiosk}")
        until = time.monotonic() + 60
        ready = f"window.IOC?.map?.loaded() && window.IOC.store.states.size === {THINGS + MASTS}"
        while not page.evaluate(ready):
            if time.monotonic() > until:
                raise RuntimeError("the wall did not load within 60 s")
            time.sleep(0.2)
        time.sleep(2)  # the first layers are drawn
        yield page
        browser.close()


def _wait_for_server(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _measure(page: Page, url: str, topic: str, seconds: int, report: Report) -> None:
    page.evaluate(PROBE)
    device = threading.Thread(target=_publish, args=(url, topic, seconds))
    device.start()
    while device.is_alive():
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)
    drawn: list[list[float]] = page.evaluate("window.drawn")
    report.calibration |= {"sent": RATE * seconds, "drawn": len(drawn)}
    for key, index, goals in (("heard", 0, (None, None)), ("idle", 1, (120.0, 400.0))):
        values = sorted(row[index] for row in drawn)
        for share, goal in zip((0.5, 0.95), goals, strict=True):
            at = values[min(len(values) - 1, int(len(values) * share))]
            name = f"publish_to_{key}_p{share * 100:.0f}"
            report.figures[name] = Figure([at], "ms", goal, at_least=False)


def _publish(url: str, topic: str, seconds: int) -> None:
    """Send RATE changes a second, evenly, each of another mast: down, then up again."""
    parts = urlsplit(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(parts.hostname or "127.0.0.1", parts.port or 1883)
    client.loop_start()
    began = time.monotonic()
    for number in range(RATE * seconds):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        mast = THINGS + number * 37 % MASTS
        payload: dict[str, Any] = {"ts": time.time_ns() // 1_000_000}
        payload["v"] = "down" if number // MASTS % 2 == 0 else "up"
        client.publish(f"{topic}/x{mast}", json.dumps(payload), qos=1)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    sys.exit(main())
