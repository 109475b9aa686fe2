"""The processes between the broker and the alert, a device fleet, and the truth to compare with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT: Final = 50.0
BLOCK: Final = 4  # samples above the limit, then as many below

FEED: Final = """
name: rig
title: {{vi: Thử, en: Rig}}
codec: json
topic: "{topic}/{{thing}}/data"
expected_period_s: 60
admit: true
kind: environment
options:
  thing: "{{thing}}"
  time: ts
  time_format: iso
  values:
    pm25: {{path: v}}
"""
RULE: Final = f"""
- id: rig
  name: {{vi: Thử, en: Rig}}
  observed_property: pm25
  selector: {{feed: rig}}
  op: ">"
  levels: [{{severity: high, limit: {LIMIT}}}]
  on_delay: 0
  off_delay: 0
  min_samples: 1
  stale_after: 3600
  cause: {{vi: thử, en: rig}}
  consequence: {{vi: thử, en: rig}}
  operator_action: {{vi: thử, en: rig}}
"""


def write_config(folder: Path, topic: str) -> Path:
    """Make a configuration folder with one feed and one rule."""
    shutil.copytree(ROOT / "config" / "catalog", folder / "catalog")
    shutil.copy(ROOT / "config" / "ioc.toml", folder / "ioc.toml")
    for name, text in (("feeds", FEED.format(topic=topic)), ("rules", RULE)):
        (folder / name).mkdir()
        (folder / name / "rig.yaml").write_text(text, encoding="utf-8")
    return folder


@dataclass
class Process:
    """One process of the product, to be killed at will."""

    module: str
    environment: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env=os.environ | self.environment,
                stdout=output,
                stderr=output,
                cwd=ROOT,
            )

    def kill9(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)
            try:
                self.running.wait(20)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()


@dataclass
class Fleet:
    """Stations that publish at a rate with their own clock; remembers what the broker took."""

    url: str
    topic: str
    stations: int = 20
    sent: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    _waiting: list[tuple[mqtt.MQTTMessageInfo, str, str, float]] = field(default_factory=list)
    _turn: int = 0

    def __post_init__(self) -> None:
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"fleet-{os.getpid()}-{id(self)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self.client.max_inflight_messages_set(1000)
        self.client.reconnect_delay_set(1, 1)
        # A session: messages in flight while the broker dies are sent again under their number.
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        parts = urlsplit(self.url)
        self.client.connect(
            parts.hostname or "", parts.port or 1883, clean_start=False, properties=properties
        )
        self.client.loop_start()

    def publish(self, count: int, rate: float) -> None:
        """Publish `count` messages, round robin over the stations, at `rate` a second."""
        begun = time.monotonic()
        for n in range(count):
            ahead = begun + n / rate - time.monotonic()
            if ahead > 0.005:
                time.sleep(ahead)
            self._one()

    def _one(self) -> None:
        station = f"s{self._turn % self.stations}"
        round_ = self._turn // self.stations
        self._turn += 1
        value = LIMIT + 10 if (round_ // BLOCK) % 2 else LIMIT - 10
        moment = datetime.now(UTC).isoformat()
        payload = json.dumps({"ts": moment, "v": value})
        info = self.client.publish(f"{self.topic}/{station}/data", payload, qos=1)
        self._waiting.append((info, station, moment, value))

    def all_acknowledged(self) -> bool:
        """Move what the broker took from `_waiting` to `sent`; tell whether that is all."""
        waiting = []
        for entry in self._waiting:
            info, station, moment, value = entry
            # Not is_published(): it raises for a message that was given during an outage.
            if info.mid not in self.client._out_messages:
                self.sent[station][moment] = value
            else:
                waiting.append(entry)
        self._waiting = waiting
        return not waiting

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def total(self) -> int:
        return sum(len(samples) for samples in self.sent.values())

    def transitions(self) -> list[tuple[str, str, datetime]]:
        """Return (station, RAISE or RTN, event time) as the plain fold of what was taken."""
        found = []
        for station, samples in self.sent.items():
            active = False
            for moment in sorted(samples):
                if (samples[moment] > LIMIT) != active:
                    active = not active
                    kind = "RAISE" if active else "RTN"
                    found.append((station, kind, datetime.fromisoformat(moment)))
        return sorted(found)


def listening(url: str) -> bool:
    """Tell whether ingest has been connected for a second: its session with the broker exists."""
    query = "select coalesce(bool_or(heartbeat > connected_since + interval '1 s'), false)"
    return bool(_one(url, query + " from ingest_writer"))


def stored(url: str) -> int:
    """Return the number of observations."""
    return int(_one(url, "select count(*) from observation"))


def _one(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def recorded_transitions(url: str) -> list[tuple[str, str, datetime]]:
    """Return (station, kind, event time) of every RAISE and RTN in the log."""
    with psycopg.connect(url, autocommit=True) as conn:
        rows = conn.execute(
            "select t.external_id, e.kind, e.event_time from alert_event e"
            " join alert a on a.id = e.alert_id join thing t on t.id = a.thing_id"
            " where e.kind in ('RAISE', 'RTN')"
        ).fetchall()
    return sorted((station, kind, at.astimezone(UTC)) for station, kind, at in rows)


def broken_invariants(url: str) -> list[str]:
    """Return the names of the data's invariants (one SQL truth each) that do not hold."""
    checks = {
        "sum of n is the count": "select (select coalesce(sum(n), 0) from observation_minute)"
        " = (select count(*) from observation)",
        "sum of n_good is the count of good": "select (select coalesce(sum(n_good), 0)"
        " from observation_minute) = (select count(*) from observation where quality = 0"
        " and result <> 'NaN')",
        "sums agree": "select abs((select coalesce(sum(sum), 0) from observation_minute)"
        " - (select coalesce(sum(result), 0) from observation)) < 1e-6",
        "batch numbers have no holes": "select coalesce(bool_and(n = top), true) from"
        " (select count(*) n, max(batch_no) top from ingest_batch group by writer) b",
        "at most one open alert": "select not exists (select 1 from alert where closed_at is null"
        " group by rule_id, datastream_id having count(*) > 1)",
        "nothing was refused": "select count(*) = 0 from dead_letter",
        "nothing was corrected": "select count(*) = 0 from observation_correction",
    }
    return [name for name, query in checks.items() if not _one(url, query)]
