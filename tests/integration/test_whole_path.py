"""From a device to an alert: nothing lost, nothing doubled, whatever is killed on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ioc import provision, settings
from tests.awaiting import wait_for
from tests.fix_outage import Killable, Outage
from tests.integration.whole_path import (
    Fleet,
    Process,
    broken_invariants,
    listening,
    recorded_transitions,
    stored,
    write_config,
)
from tests.services.servers import Server

pytestmark = pytest.mark.rig
RIG = os.environ.get("IOC_RIG") == "1"
RATE = 5000.0 if RIG else 1000.0
ROUNDS = 5 if RIG else 1
CATCH_UP_S = 180.0


@dataclass
class Line:
    """Everything between a device and an alert, on servers of its own."""

    postgres: Killable
    redis: Killable
    mosquitto: Server
    ingest: Process
    alerting: Process
    fleet: Fleet

    def settle(self) -> None:
        """Wait until all that the broker took is stored and evaluated, then compare."""
        wait_for(self.fleet.all_acknowledged, CATCH_UP_S)
        total = self.fleet.total()
        wait_for(lambda: stored(self.postgres.url) >= total, CATCH_UP_S)
        expected = self.fleet.transitions()
        wait_for(lambda: len(recorded_transitions(self.postgres.url)) >= len(expected), CATCH_UP_S)
        assert recorded_transitions(self.postgres.url) == expected
        assert stored(self.postgres.url) == total
        assert broken_invariants(self.postgres.url) == []


@pytest.fixture
def line(tmp_path: Path, outage: Outage, topic_prefix: str) -> Iterator[Line]:
    """Yield a running line with one feed and one plain rule."""
    postgres, redis, mosquitto = outage.postgres(), outage.redis(), outage.mosquitto()
    config = write_config(tmp_path / "config", topic_prefix)
    environment = {
        "IOC_CONFIG_DIR": str(config),
        "IOC_DATA_DIR": str(tmp_path / "data"),
        "IOC_DATABASE_URL": postgres.url,
        "IOC_REDIS_URL": redis.url,
        "IOC_MQTT_URL": mosquitto.url,
    }
    provision.prepare(settings.load(environment), demo=False)
    processes = {
        name: Process(module, environment, tmp_path / f"{name}.log")
        for name, module in (("ingest", "ingest"), ("alerting", "ioc.alerting"))
    }
    for process in processes.values():
        process.start()
    wait_for(lambda: listening(postgres.url), CATCH_UP_S)
    fleet = Fleet(mosquitto.url, topic_prefix, stations=200 if RIG else 20)
    yield Line(postgres, redis, mosquitto, **processes, fleet=fleet)
    fleet.close()
    for process in processes.values():
        process.stop()


def test_calm(line: Line) -> None:
    """Without any outage the log of alerts is the plain fold of what was published."""
    line.fleet.publish(2000, RATE)
    line.settle()


def test_killed_ingest_and_evaluator(line: Line) -> None:
    """Kill -9 of ingest and of the evaluator under load."""
    for _ in range(ROUNDS):
        line.fleet.publish(1000, RATE)
        line.ingest.kill9()
        line.fleet.publish(500, RATE)
        line.ingest.start()
        line.fleet.publish(1000, RATE)
        line.alerting.kill9()
        line.fleet.publish(500, RATE)
        line.alerting.start()
    line.settle()


def test_killed_redis(line: Line) -> None:
    """Kill -9 of Redis: alerts go on from history."""
    for _ in range(ROUNDS):
        line.fleet.publish(500, RATE)
        line.redis.kill9()
        line.fleet.publish(1000, RATE)
        line.redis.start()
        line.fleet.publish(500, RATE)
    line.settle()


def test_killed_database(line: Line) -> None:
    """Kill -9 of PostgreSQL: the broker holds what nobody could store."""
    for _ in range(ROUNDS):
        line.fleet.publish(500, RATE)
        line.postgres.kill9()
        line.fleet.publish(int(RATE * (20 if RIG else 5)), RATE)
        line.postgres.start()
        line.fleet.publish(500, RATE)
    line.settle()


def test_killed_broker_after_its_autosave(line: Line) -> None:
    """Kill -9 of mosquitto with a queue it had saved: the queue is delivered afterwards."""
    line.fleet.publish(500, RATE)
    wait_for(lambda: stored(line.postgres.url) == 500, CATCH_UP_S)
    line.ingest.kill9()
    line.fleet.publish(1000, RATE)
    wait_for(line.fleet.all_acknowledged, CATCH_UP_S)
    taken = time.time()
    queue = line.mosquitto.data / "mosquitto.db"
    wait_for(lambda: queue.exists() and queue.stat().st_mtime > taken, 30)
    line.mosquitto.kill9()
    line.mosquitto.start()
    line.ingest.start()
    line.fleet.publish(500, RATE)
    line.settle()
