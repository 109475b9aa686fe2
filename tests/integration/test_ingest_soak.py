"""Mixed traffic for minutes while servers die: nothing lost, and memory does not grow."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

import pytest

from bench.report import Figure, Report
from tests.fix_outage import Killable, Outage
from tests.integration.ingest_rig import ROOT
from tests.integration.mixed_traffic import Traffic
from tests.integration.outage_rig import Publisher, Rig, configure
from tests.integration.whole_path import Process

pytestmark = pytest.mark.rig
FULL: Final = os.environ.get("IOC_RIG") == "1"
SECONDS: Final = 660.0 if FULL else 20.0
RATE: Final = 2000.0 if FULL else 400.0
WARM: Final = 120.0 if FULL else 8.0  # every kind of outage has been seen once by then
SLICE_S: Final = 5.0 if FULL else 1.0
GROWTH: Final = 0.05 if FULL else 0.25  # twenty seconds say little: an allocator still settles
_WARMING: Final = ("ingest", "postgres", "redis")
_LATER: Final = ("postgres", "redis", "", "")
DOWN_S: Final = 3.0 if FULL else 0.5


@pytest.fixture
def servers(outage: Outage) -> dict[str, Killable]:
    return {"postgres": outage.postgres(), "redis": outage.redis(), "mqtt": outage.mosquitto()}


@pytest.fixture
def rig(tmp_path: Path, servers: dict[str, Killable]) -> Iterator[Rig]:
    """Yield an ingest on servers of its own."""
    urls = {
        "IOC_DATABASE_URL": servers["postgres"].url,
        "IOC_REDIS_URL": servers["redis"].url,
        "IOC_MQTT_URL": servers["mqtt"].url,
    }
    process = Process("ingest", configure(tmp_path, urls), tmp_path / "ingest.log")
    devices = Publisher(servers["mqtt"].url)
    made = Rig(process, servers["postgres"].url, Traffic(), devices)
    made.start()
    yield made
    made.close()


def test_soak(rig: Rig, servers: dict[str, Killable]) -> None:
    """All is stored once, and after the first minutes memory grows by a twentieth at most.

    Ingest itself is killed while it warms up only: a fresh process would hide what the old one had
    gathered. The database and Redis are killed to the end.
    """
    chance = random.Random(3)
    begun = time.monotonic()
    samples: list[tuple[float, int]] = []
    kills = 0
    while (passed := time.monotonic() - begun) < SECONDS:
        rig.devices.publish(rig.traffic.messages(int(RATE * SLICE_S)), RATE)
        what = _WARMING[kills % 3] if passed < WARM else chance.choice(_LATER)
        kills += bool(what)
        strike(rig, servers, what)
        rig.devices.join()
        samples.append((time.monotonic() - begun, rig.memory()))
    rig.settle()
    warm = [memory for at, memory in samples if at >= WARM]
    head, tail = warm[: max(1, len(warm) // 4)], warm[-max(1, len(warm) // 4) :]
    growth = statistics.median(tail) / statistics.median(head) - 1
    tell(rig, growth, kills, [float(memory) for memory in warm])
    assert growth <= GROWTH, samples


def strike(rig: Rig, servers: dict[str, Killable], what: str) -> None:
    """Kill something, wait, bring it back; "" for nothing."""
    if what == "ingest":
        rig.kill9()
        rig.start()
    elif what:
        servers[what].kill9()
        time.sleep(DOWN_S)
        servers[what].start()


def tell(rig: Rig, growth: float, kills: int, memory: list[float]) -> None:
    """Print what was seen, and keep it where `make rig` keeps the others'."""
    report = Report("soak", {"seconds": SECONDS, "rate": RATE})
    report.figures["messages"] = Figure([rig.traffic.count], "messages")
    report.figures["kills"] = Figure([kills], "kills")
    report.figures["memory growth after warming up"] = Figure(
        [growth], "ratio", 0.05, at_least=False
    )
    report.figures["memory"] = Figure(memory, "MB")
    report.figures["peak memory"] = Figure([max(rig.peaks)], "MB")
    report.emit()
    if FULL:
        (ROOT / ".rig").mkdir(exist_ok=True)
        with (ROOT / ".rig" / "soak.json").open("w") as file, redirect_stdout(file):
            report.emit()
