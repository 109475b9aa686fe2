"""One ingest on the shared servers: its configuration, a device that publishes, SQL truths."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.__main__ import Ingest
from ioc import catalogue
from ioc import settings as configuration
from ioc.settings import Settings
from ioc.storage import things

ROOT: Final = Path(__file__).resolve().parents[2]

FEEDS: Final = """
- name: timed
  title: {{vi: Có giờ, en: Timed}}
  codec: json
  topic: "{topic}/timed/{{thing}}"
  expected_period_s: 60
  kind: environment
  admit: true
  options:
    time: t
    location: {{lon: lon, lat: lat}}
    values:
      pm25: {{path: v, min: 0, max: 999}}
      humidity: {{path: h}}
- name: timeless
  title: {{vi: Không giờ, en: Timeless}}
  codec: json
  topic: "{topic}/timeless/{{thing}}"
  expected_period_s: 60
  kind: environment
  options:
    values:
      pm25: {{path: v}}
"""


def write_config(folder: Path, topic: str) -> Path:
    """Make a configuration folder with two feeds."""
    shutil.copytree(ROOT / "config" / "catalog", folder / "catalog")
    shutil.copy(ROOT / "config" / "ioc.toml", folder / "ioc.toml")
    (folder / "feeds").mkdir()
    (folder / "feeds" / "rig.yaml").write_text(FEEDS.format(topic=topic), encoding="utf-8")
    return folder


def environment(folder: Path, topic: str, urls: dict[str, str]) -> dict[str, str]:
    """Return the environment of an ingest; its client id is the topic, so sessions are apart."""
    config = write_config(folder / "config", topic)
    text = (config / "ioc.toml").read_text(encoding="utf-8")
    name = topic.replace("/", "-")[-60:]
    (config / "ioc.toml").write_text(text.replace("ioc-ingest-1", name), encoding="utf-8")
    return {"IOC_CONFIG_DIR": str(config), "IOC_DATA_DIR": str(folder / "data"), **urls}


def prepare(settings: Settings) -> None:
    """Fill the catalogue, as `ioc migrate` does."""
    with psycopg.connect(settings.database_url, autocommit=True) as conn:
        things.upsert_properties(conn, catalogue.load(settings.config_dir / "catalog"))


@contextmanager
def running(env: dict[str, str]) -> Iterator[Ingest]:
    """Run an ingest in a thread until the end of the block."""
    process = Ingest(configuration.load(env))
    thread = threading.Thread(target=process.run, name="ingest")
    thread.start()
    try:
        yield process
    finally:
        process.stop()
        thread.join(30)
        assert not thread.is_alive()


class Device:
    """A plain MQTT client; `publish` returns when the broker has taken the message."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.max_inflight_messages_set(2000)
        self.client.connect(parts.hostname or "", parts.port or 1883)
        self.client.loop_start()

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def burst(self, messages: list[tuple[str, str]]) -> None:
        """Publish many and wait for the last acknowledgement."""
        for sent in [self.client.publish(topic, text, qos=1) for topic, text in messages]:
            sent.wait_for_publish(60)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def one(conn: psycopg.Connection[Any], query: str, *values: object) -> Any:
    """Return the first column of the first row."""
    row = conn.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]


def broken_invariants(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the invariants of the data that do not hold."""
    good = "quality = 0 and result > '-Infinity' and result < 'Infinity'"
    checks = {
        "sum(n) = count(*)": "select (select coalesce(sum(n), 0) from observation_minute)"
        " = (select count(*) from observation)",
        "sum(n_good) = count(good)": "select (select coalesce(sum(n_good), 0)"
        f" from observation_minute) = (select count(*) from observation where {good})",
        "sums agree": "select abs((select coalesce(sum(sum), 0) from observation_minute)"
        f" - (select coalesce(sum(result) filter (where {good}), 0) from observation)) < 1e-6",
        "no holes in batch numbers": "select coalesce(bool_and(n = top), true) from"
        " (select count(*) n, max(batch_no) top from ingest_batch group by writer) b",
        "counts of batches": "select (select coalesce(sum(n_inserted), 0) from ingest_batch)"
        " = (select count(*) from observation)",
    }
    return [name for name, query in checks.items() if not one(conn, query)]
