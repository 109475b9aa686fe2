"""One scrape of the web process tells how every feed does, whoever reads the broker."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import Connection

from ioc import settings as configuration
from tests.awaiting import wait_for
from tests.integration.ingest_rig import Device, environment, one, prepare
from tests.integration.test_ingest_pair import process
from tests.integration.test_web_probes import families
from tests.integration.web_site import Client, Site

Db = Connection[tuple[Any, ...]]
BROKEN: Final = 3


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, mqtt_url: str, redis_url: str,
    redis_prefix: str,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of an ingest beside the web process."""
    found = environment(
        tmp_path,
        topic_prefix,
        {"IOC_DATABASE_URL": database_url, "IOC_MQTT_URL": mqtt_url, "IOC_REDIS_URL": redis_url,
         "IOC_REDIS_PREFIX": redis_prefix},
    )  # fmt: skip
    prepare(configuration.load(found))
    return found


def page(client: Client) -> dict[str, dict[str, float]]:
    """Return the samples of each family."""
    text = client.get("/metrics").body.decode()
    return {name: samples for name, (_, _, samples) in families(text).items()}


def shown(site: Client, name: str, **labels: str) -> Callable[[], float | None]:
    """Return a function that gives the one sample whose labels hold these, or None."""

    def look() -> float | None:
        wanted = {f'{key}="{text}"' for key, text in labels.items()}
        found = [v for key, v in page(site).get(name, {}).items() if all(w in key for w in wanted)]
        return found[0] if len(found) == 1 else None

    return look


def publish(device: Device, topic: str) -> None:
    """Publish two good messages of a pending thing's feed, one timed, and some nobody can read."""
    now_ms = time.time_ns() // 1_000_000
    device.publish(f"{topic}/timed/a", json.dumps({"t": now_ms, "v": 1}))
    device.publish(f"{topic}/timeless/b", '{"v": 1}')
    device.publish(f"{topic}/timeless/c", '{"v": 1}')
    for _ in range(BROKEN):
        device.publish(f"{topic}/timed/a", "{")


def test_one_scrape_tells_how_each_feed_does(
    web: Site, conn: Db, env: dict[str, str], topic_prefix: str, mqtt_url: str
) -> None:
    """Received, committed, refused by reason, lag, pending things and the session, by feed."""
    client = web.client()
    with process(env):
        wait_for(lambda: shown(client, "ioc_ingest_connected")() == 1, timeout=30)
        assert shown(client, "ioc_ingest_session_present")() == 0
        assert shown(client, "ioc_ingest_standing_by")() == 0
        device = Device(mqtt_url)
        publish(device, topic_prefix)
        device.close()
        wait_for(lambda: one(conn, "select sum(n_messages) from ingest_batch") == 3 + BROKEN)
        refused = shown(client, "ioc_ingest_refused_total", feed="timed", reason="bad_json")
        wait_for(lambda: refused() == BROKEN)
        for name in ("received", "committed"):
            assert shown(client, f"ioc_ingest_{name}_total", feed="timed")() == 1 + BROKEN
            assert shown(client, f"ioc_ingest_{name}_total", feed="timeless")() == 2
        le = shown(client, "ioc_ingest_lag_seconds", feed="timed", le="60.0")
        assert le() == 1
        assert shown(client, "ioc_things", feed="timeless", state="pending")() == 2
        assert shown(client, "ioc_things", feed="timed", state="pending")() == 0
        assert shown(client, "ioc_things", feed="timed", state="admitted")() == 1
    with process(env):
        wait_for(lambda: shown(client, "ioc_ingest_session_present")() == 1, timeout=30)


def test_the_one_that_waits_is_seen(web: Site, env: dict[str, str]) -> None:
    """Beside the active ingest a standing-by one shows itself, under the same client id."""
    client = web.client()
    name = configuration.load(env).ingest.client_id
    with process(env):
        wait_for(lambda: shown(client, "ioc_ingest_connected")() == 1, timeout=30)
        with process(env):
            waiting = shown(client, "ioc_ingest_standing_by", client=f"{name}/standby")
            wait_for(lambda: waiting() == 1, timeout=30)
            assert shown(client, "ioc_ingest_standing_by", client=name)() == 0
            assert shown(client, "ioc_ingest_connected", client=f"{name}/standby")() == 0


def test_a_page_of_its_own(env: dict[str, str], tmp_path: Path) -> None:
    """With a port of its own, ingest shows its numbers without web, Redis or database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "config" / "ioc.toml"
    text = config.read_text("utf-8").replace("metrics_port = 0", f"metrics_port = {port}")
    config.write_text(text, "utf-8")
    away = {
        "IOC_DATABASE_URL": "postgresql://127.0.0.1:1/x",
        "IOC_REDIS_URL": "redis://127.0.0.1:1",
    }
    with process(env | away):

        def numbers() -> dict[str, Any]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as got:
                    return families(got.read().decode())
            except OSError:
                return {}

        wait_for(lambda: numbers().get("ioc_ingest_connected") is not None, timeout=30)
