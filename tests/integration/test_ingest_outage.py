"""Ingest under mixed traffic while something is killed: every acknowledged message, once."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from ioc.live import state
from ioc.rows import Rows
from ioc.storage import observations
from tests.awaiting import wait_for
from tests.fix_outage import Killable, Outage
from tests.fix_proxy import ProxiedUrl
from tests.integration.mixed_traffic import Traffic
from tests.integration.outage_rig import CATCH_UP_S, Publisher, Rig, configure
from tests.integration.whole_path import Process
from tests.services.servers import Server

pytestmark = pytest.mark.rig
FULL: Final = os.environ.get("IOC_RIG") == "1"
RATE: Final = 3000.0 if FULL else 800.0
COUNT: Final = 60_000 if FULL else 1200
OUTAGE_S: Final = 60.0 if FULL else 3.0
# 64 MiB may lie in the inbox and 8 MiB in a batch, each value of it some hundred bytes as Python
# objects and columns; the process alone, with numpy, the drivers and all units, is about 110 MB.
MEMORY_MB: Final = 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def broker(outage: Outage) -> Server:
    """Return a mosquitto of this test alone: topics of real formats have no prefix."""
    return outage.mosquitto()


@pytest.fixture
def make(
    folder: Path, broker: Server, database_url: str, redis_url: str, redis_prefix: str
) -> Iterator[Callable[..., Rig]]:
    """Return a maker of a running rig; servers not named are the shared ones."""
    rigs: list[Rig] = []

    def made(**urls: str) -> Rig:
        known = {
            "IOC_DATABASE_URL": database_url,
            "IOC_REDIS_URL": redis_url,
            "IOC_REDIS_PREFIX": redis_prefix,
            "IOC_MQTT_URL": broker.url,
        } | urls
        environment = configure(folder, known)
        process = Process("ingest", environment, folder / "ingest.log")
        rig = Rig(process, known["IOC_DATABASE_URL"], Traffic(), Publisher(broker.url))
        rigs.append(rig)
        rig.start()
        return rig

    yield made
    for rig in rigs:
        rig.close()


def settled(rig: Rig, *, exact: bool = True) -> None:
    rig.settle(exact=exact)
    assert max(rig.peaks) <= MEMORY_MB


def test_calm(make: Callable[..., Rig]) -> None:
    """Without an outage mixed traffic is stored as the truth says, refusals with their reasons."""
    rig = make()
    rig.publish(COUNT, RATE)
    settled(rig)


def test_killed_between_commit_and_acknowledgement(
    make: Callable[..., Rig], broker: Server, proxy: Callable[[str], ProxiedUrl]
) -> None:
    """Kill -9 when the database has rows that the broker believes undelivered: each is there once.

    The line swallows what ingest sends from the middle of a backlog on, so the gap is certain.
    """
    line = proxy(broker.url)
    rig = make(IOC_MQTT_URL=line.url)
    rig.kill9()
    rig.publish(COUNT, RATE)
    rig.ingest.start()
    wait_for(lambda: rig.count("ingest_batch") > 0, CATCH_UP_S)
    line.mute()
    rig.devices.publish(rig.traffic.messages(COUNT), RATE)
    rig.await_rows(50)
    rig.kill9()
    line.cut()
    line.restore()
    rig.devices.join()
    rig.start()
    settled(rig)
    assert redelivered(rig) > 0


def redelivered(rig: Rig) -> int:
    """Return how many rows came a second time and were absorbed."""
    with rig.conn() as conn:
        row = conn.execute("select sum(n_absorbed) from ingest_batch").fetchone()
    assert row is not None
    return int(row[0])


def test_killed_again_and_again_under_load(make: Callable[..., Rig]) -> None:
    """Kill -9 at moments that nobody chose, while devices go on."""
    rig = make()
    for _ in range(10 if FULL else 2):
        rig.devices.publish(rig.traffic.messages(COUNT), RATE)
        rig.await_rows(COUNT // 10)
        rig.kill9()
        rig.start()
        rig.devices.join()
    settled(rig)


def test_database_killed_under_load(make: Callable[..., Rig], outage: Outage) -> None:
    """Kill -9 of PostgreSQL: the broker keeps what cannot be stored, ingest stays alive."""
    postgres = outage.postgres()
    rig = make(IOC_DATABASE_URL=postgres.url)
    rig.devices.publish(rig.traffic.messages(int(RATE * (OUTAGE_S + 1))), RATE)
    rig.await_rows(100)
    postgres.kill9()
    time.sleep(OUTAGE_S)  # the length of the outage is what is tested
    postgres.start()
    rig.devices.join()
    settled(rig)
    assert "store_away" in rig.log()
    assert rig.ingest.running is not None
    assert rig.ingest.running.poll() is None


def test_redis_killed_under_load(
    make: Callable[..., Rig], outage: Outage, redis_prefix: str
) -> None:
    """Kill -9 of Redis and the loss of its data: history goes on, live state is rebuilt from it."""
    server = outage.redis()
    rig = make(IOC_REDIS_URL=server.url)
    rig.devices.publish(rig.traffic.messages(int(RATE * (OUTAGE_S + 2))), RATE)
    rig.await_rows(100)
    server.kill9()
    rig.await_rows(500)  # history does not wait for Redis
    shutil.rmtree(server.data)
    time.sleep(OUTAGE_S)
    server.start()
    rig.devices.join()
    settled(rig)
    with redis.Redis.from_url(server.url) as client:
        wait_for(lambda: live(client, redis_prefix) == newest(rig), CATCH_UP_S, every=0.3)


def live(client: redis.Redis, prefix: str) -> dict[int, int]:
    """Return the newest time of each datastream as Redis has it."""
    rows: Any = client.hgetall(prefix + "state")
    return {int(stream): int(row.split(b",")[1]) for stream, row in rows.items()}


def newest(rig: Rig) -> dict[int, int]:
    """Return the newest time of each datastream as history has it."""
    with rig.conn() as conn:
        rows = state.newest(Rows.of(observations.latest(conn)))
    return dict(zip(rows.datastreams.tolist(), rows.times.tolist(), strict=True))


def test_broker_killed_after_its_autosave(make: Callable[..., Rig], broker: Server) -> None:
    """Kill -9 of mosquitto with a saved backlog: all of it arrives; only what has no time twice."""
    rig = make()
    rig.publish(200, RATE)
    rig.settle()
    rig.kill9()
    rig.publish(COUNT, RATE)
    taken = time.time()
    queue = broker.data / "mosquitto.db"
    wait_for(lambda: queue.exists() and queue.stat().st_mtime > taken, 30)
    broker.kill9()
    broker.start()
    rig.start()
    rig.publish(200, RATE)
    settled(rig, exact=False)


def test_disk_full(make: Callable[..., Rig], small_disk: Killable, ballast: Path) -> None:
    """With the database's disk full nothing is acknowledged and the log says so; all comes later.

    Ingest is killed while the disk is full: what it had acknowledged would be lost.
    """
    rig = make(IOC_DATABASE_URL=small_disk.url)
    rig.publish(300, RATE)
    rig.settle()
    fill(ballast)
    rig.devices.publish(rig.traffic.messages(int(RATE * OUTAGE_S)), RATE)
    wait_for(lambda: "No space left on device" in rig.log(), CATCH_UP_S, every=0.2)
    rig.devices.join()
    assert rig.ingest.running is not None
    assert rig.ingest.running.poll() is None
    rig.kill9()
    ballast.unlink()
    small_disk.start()  # a server that found no room for its log has ended
    rig.start()
    settled(rig)


def fill(ballast: Path) -> None:
    """Take every byte that is left."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            return


@pytest.fixture
def small_disk(outage: Outage) -> Killable:
    """Return a PostgreSQL whose data lie on a disk of 300 MB."""
    return outage.small_postgres(300)


@pytest.fixture
def ballast(small_disk: Killable) -> Path:
    """Return a file of that disk that takes its room."""
    assert isinstance(small_disk, Server)
    return small_disk.data / "ballast"
