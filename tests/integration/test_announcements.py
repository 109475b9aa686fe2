"""What devices announce once and the broker keeps: known again after ingest was killed."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import Connection

from ingest import retained
from ioc import settings as configuration
from ioc.clock import SystemClock
from tests.awaiting import wait_for
from tests.integration.ingest_rig import Device, environment, one, prepare
from tests.integration.test_ingest_pair import connected, process

Db = Connection[tuple[Any, ...]]
CLOCK: Final = SystemClock()
MANY: Final = 3_000  # more than mosquitto's default queue of 1,000

FEEDS: Final = """
- name: zigbee
  title: {{vi: Zigbee, en: Zigbee}}
  codec: zigbee2mqtt
  topic: "{topic}/z/{{name*}}"
  expected_period_s: 60
  kind: environment
- name: announced
  title: {{vi: ESPHome, en: ESPHome}}
  codec: homeassistant
  topic: ["{discovery}/{{path*}}", "{topic}/h/{{path*}}"]
  expected_period_s: 60
  kind: environment
  options: {{discovery_prefix: {discovery}}}
- name: cameras
  title: {{vi: Camera, en: Cameras}}
  codec: camera
  topic: ["{topic}/c/{{camera}}", "{topic}/n/{{nvr}}"]
  expected_period_s: 60
  kind: camera
"""


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, mqtt_url: str, redis_url: str,
    redis_prefix: str,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of an ingest of feeds that announce themselves."""
    found = environment(
        tmp_path,
        topic_prefix,
        {"IOC_DATABASE_URL": database_url, "IOC_MQTT_URL": mqtt_url, "IOC_REDIS_URL": redis_url,
         "IOC_REDIS_PREFIX": redis_prefix},
    )  # fmt: skip
    text = FEEDS.format(topic=topic_prefix, discovery=discovery(topic_prefix))
    (tmp_path / "config" / "feeds" / "rig.yaml").write_text(text, encoding="utf-8")
    prepare(configuration.load(found))
    return found


def discovery(topic: str) -> str:
    return topic.replace("/", "-")


def announce(device: Device, topic: str) -> None:
    """Publish what is said once: a unit, what a state means, where a camera hangs."""
    exposes = [{"property": "voc", "unit": "ppb"}]
    inventory = [{"friendly_name": "phong", "definition": {"exposes": exposes}}]
    config = {"stat_t": f"{topic}/h/tram/bui", "unit_of_meas": "µg/m³", "val_tpl": "{{value}}"}
    for name, said in (
        (f"{topic}/z/bridge/devices", inventory),
        (f"{discovery(topic)}/sensor/tram/bui/config", config),
        (f"{topic}/c/cam1", {"camera_id": "cam1", "state": "online", "nvr_id": "nvr1", "fps": 25}),
    ):
        device.client.publish(name, json.dumps(said), qos=0, retain=True)


def values(device: Device, topic: str, number: int) -> None:
    device.publish(f"{topic}/z/phong", json.dumps({"voc": number}))
    device.publish(f"{topic}/h/tram/bui", str(number))


def counted(conn: Db) -> dict[str, int]:
    """Return the number of observations by thing, raw name and unit as sent."""
    return {
        f"{thing} {name} {unit}".rstrip(): count
        for thing, name, unit, count in conn.execute(
            "select t.external_id, d.name, d.sent_unit, count(*) from observation o"
            " join datastream d on d.id = o.datastream_id join thing t on t.id = d.thing_id"
            " group by 1, 2, 3"
        )
    }


def test_announcements_outlive_a_killed_ingest(
    conn: Db, env: dict[str, str], topic_prefix: str, mqtt_url: str
) -> None:
    """Kill -9 between announcement and values: units, meanings and recorders are known again.

    What was retained is not stored a second time.
    """
    device = Device(mqtt_url)
    told = {"phong voc ppb": 1, "tram bui µg/m³": 1, "cam1 fps": 1, "cam1 @status": 1}
    with process(env) as first:
        wait_for(lambda: connected(conn), timeout=30)
        announce(device, topic_prefix)
        values(device, topic_prefix, 1)
        wait_for(lambda: counted(conn) == told, timeout=30)
        first.send_signal(signal.SIGKILL)
        first.wait()
    values(device, topic_prefix, 2)
    device.publish(f"{topic_prefix}/n/nvr1", "offline")
    told |= {"phong voc ppb": 2, "tram bui µg/m³": 2, "cam1 @status": 2, "nvr1 @status": 1}
    with process(env):
        wait_for(lambda: len(counted(conn)) == len(told), timeout=30)
        wait_for(lambda: sum(counted(conn).values()) >= sum(told.values()), timeout=30)
        assert counted(conn) == told
        assert one(conn, "select count(*) from dead_letter") == 0
    device.close()


def test_everything_the_broker_retains_is_read(topic_prefix: str, mqtt_url: str) -> None:
    """Each retained message under the filters comes once, and nothing that is live."""
    device = Device(mqtt_url)
    topics = [f"{topic_prefix}/r/{n}" for n in range(MANY)]
    for sent in [device.client.publish(t, t, qos=1, retain=True) for t in topics]:
        sent.wait_for_publish(60)
    device.publish(f"{topic_prefix}/elsewhere", "x", retain=True)
    found = list(retained.read(mqtt_url, "r-" + topics[0][-40:], [f"{topic_prefix}/r/#"], CLOCK))
    for topic in topics:
        device.client.publish(topic, b"", qos=0, retain=True)
    device.close()
    assert sorted(one.topic for one in found) == sorted(topics)
    assert all(one.retain and one.payload.decode() == one.topic for one in found)


def test_a_broker_that_is_away_is_no_error(free_tcp_port: int) -> None:
    """Without a broker nothing is read, and nothing raised: the session will come again."""
    url, failures = f"mqtt://127.0.0.1:{free_tcp_port}", []
    read = retained.read(url, "r", ["a/#"], CLOCK, failed=lambda: failures.append(1))
    assert list(read) == []
    assert failures == [1], "and counted"


def test_a_broker_that_says_nothing_is_left() -> None:
    """The writer waits no longer than it was told to."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        assert list(retained.read(url, "r", ["a/#"], CLOCK, max_s=0.2)) == []
        assert time.monotonic() - begun < retained.MAX_S


def test_a_sea_of_retained_messages_is_left(topic_prefix: str, mqtt_url: str) -> None:
    """No more messages are read than the limit says."""
    device = Device(mqtt_url)
    topics = [f"{topic_prefix}/r/{n}" for n in range(5)]
    for topic in topics:
        device.publish(topic, "x", retain=True)
    found = retained.read(mqtt_url, "s" + topics[0][-40:], [f"{topic_prefix}/#"], CLOCK, most=2)
    assert len(list(found)) == 2
    for topic in topics:
        device.publish(topic, b"", retain=True)
    device.close()
