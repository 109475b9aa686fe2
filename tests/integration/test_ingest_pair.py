"""More than one ingest: active and standby by one lock, or a shared subscription."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import Connection

from ingest.__main__ import STANDBY_S
from ioc import settings as configuration
from tests.awaiting import wait_for
from tests.integration.ingest_rig import Device, broken_invariants, environment, one, prepare
from tests.unit.full_counts import RIG

Db = Connection[tuple[Any, ...]]
TAKE_OVER_S: Final = 5.0
COUNT: Final = 4_000


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, mqtt_url: str, redis_url: str,
    redis_prefix: str,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of an ingest of this test."""
    found = environment(
        tmp_path,
        topic_prefix,
        {"IOC_DATABASE_URL": database_url, "IOC_MQTT_URL": mqtt_url, "IOC_REDIS_URL": redis_url,
         "IOC_REDIS_PREFIX": redis_prefix},
    )  # fmt: skip
    prepare(configuration.load(found))
    return found


@contextmanager
def process(env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run an ingest process; ended by force at the end of the block."""
    made = subprocess.Popen([sys.executable, "-m", "ingest"], env={**os.environ, **env})
    try:
        yield made
    finally:
        made.kill()
        made.wait()


def connected(conn: Db, writers: int = 1) -> bool:
    """Say whether so many writers are connected to the broker."""
    query = "select count(*) from ingest_writer where connected_since is not null"
    return bool(one(conn, query) == writers)


def message(n: int, now_ms: int) -> str:
    return f'{{"t": {now_ms - n}, "v": {n % 100}}}'


@pytest.mark.rig
def test_the_standby_takes_over_and_nothing_is_lost(
    conn: Db, env: dict[str, str], topic_prefix: str, mqtt_url: str
) -> None:
    """Kill -9 of the active one under load: the other goes on (rig: in 5 s), each message once."""
    device = Device(mqtt_url)
    now_ms = time.time_ns() // 1_000_000
    messages = [(f"{topic_prefix}/timed/s{n % 7}", message(n, now_ms)) for n in range(COUNT)]
    with process(env) as first:
        wait_for(lambda: connected(conn), timeout=30)
        with process(env):
            device.burst(messages[: COUNT // 2])
            waiting = [device.client.publish(t, m, qos=1) for t, m in messages[COUNT // 2 :]]
            first.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            newest = "select coalesce(max(batch_no), 0) from ingest_batch"  # none yet, perhaps
            seen = one(conn, newest)
            for sent in waiting:
                sent.wait_for_publish(60)
            device.publish(messages[0][0], message(-1, now_ms))
            wait_for(lambda: one(conn, newest) > seen, timeout=30)
            gone = time.monotonic() - killed
            wait_for(lambda: one(conn, "select count(*) from observation") == COUNT + 1, timeout=30)
    device.close()
    assert STANDBY_S < TAKE_OVER_S
    assert gone <= TAKE_OVER_S or not RIG, "a busy machine is no finding, a quiet one is"
    assert one(conn, "select count(*) from ingest_writer") == 1
    assert one(conn, "select count(*) from observation_correction") == 0
    assert broken_invariants(conn) == []


def test_the_standby_neither_reads_nor_signs(
    conn: Db, env: dict[str, str], topic_prefix: str, mqtt_url: str
) -> None:
    """With the active one alive the broker never hears of the other."""
    with process(env):
        wait_for(lambda: connected(conn), timeout=30)
        since = one(conn, "select connected_since from ingest_writer")
        with process(env) as second:
            query = (
                "select count(*) from pg_stat_activity where application_name like 'ioc-ingest%'"
            )
            wait_for(lambda: one(conn, query) > 5, timeout=30)
            device = Device(mqtt_url)
            device.publish(f"{topic_prefix}/timed/a", message(0, time.time_ns() // 1_000_000))
            wait_for(lambda: one(conn, "select count(*) from observation") == 1)
            device.close()
            assert second.poll() is None
            assert one(conn, "select connected_since from ingest_writer") == since


def test_two_that_share_keep_the_sums_exact(
    conn: Db, env: dict[str, str], topic_prefix: str, mqtt_url: str, tmp_path: Path
) -> None:
    """Two writers on the same datastreams and minutes at once: every row and sum once."""
    config = tmp_path / "config" / "ioc.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('share = ""', 'share = "pair"'), encoding="utf-8")
    names = [f"{topic_prefix.replace('/', '-')}-{n}" for n in range(2)]
    with (
        process({**env, "IOC_INGEST_CLIENT_ID": names[0]}),
        process({**env, "IOC_INGEST_CLIENT_ID": names[1]}),
    ):
        wait_for(lambda: connected(conn, 2), timeout=30)
        device = Device(mqtt_url)
        wait_for(lambda: _shared(conn, device, topic_prefix), timeout=30)
        now_ms = time.time_ns() // 1_000_000 - 600_000
        device.burst([(f"{topic_prefix}/timed/s{n % 5}", message(n, now_ms)) for n in range(COUNT)])
        query = (
            "select count(*) from observation o join datastream d on d.id = o.datastream_id"
            " join thing t on t.id = d.thing_id where t.external_id <> 'probe'"
        )
        wait_for(lambda: one(conn, query) == COUNT, timeout=60)
        device.close()
    shares = [
        n for (n,) in conn.execute("select sum(n_inserted) from ingest_batch group by writer")
    ]
    assert len(shares) == 2
    assert min(shares) > COUNT // 10
    assert broken_invariants(conn) == []


def _shared(conn: Db, device: Device, topic_prefix: str) -> bool:
    """Publish until both have their subscription."""
    device.publish(f"{topic_prefix}/timed/probe", message(0, time.time_ns() // 1_000_000))
    return bool(one(conn, "select count(distinct writer) from observation") == 2)
