"""The services that tests run on, and the fixtures that hand them out."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis
from psycopg import Connection

from ioc.clock import SystemClock
from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.fix_proxy import ProxiedUrl
from tests.services.places import ServiceError
from tests.services.ports import free_port
from tests.services.servers import Redis, sweep

Db = Connection[tuple[Any, ...]]


def _count(url: str) -> int:
    with psycopg.connect(url, connect_timeout=5) as conn:
        row = conn.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def test_database_is_migrated_and_empty(conn: Db) -> None:
    """A test gets the whole schema and nobody else's rows."""
    assert conn.execute("select count(*) from thing").fetchone() == (0,)


def test_database_is_fresh_each_time(conn: Db, database_url: str) -> None:
    """A second connection of the same test sees the same database."""
    conn.execute("insert into feed values ('f', 'F', 'F', 60)")
    with psycopg.connect(database_url) as other:
        assert other.execute("select name from feed").fetchall() == [("f",)]


def test_redis_answers(redis_url: str, redis_prefix: str) -> None:
    """A prefix starts empty."""
    with redis.Redis.from_url(redis_url) as client:
        assert not list(client.scan_iter(f"{redis_prefix}*"))
        client.set(f"{redis_prefix}x", "1")


def test_line_can_be_cut_and_restored(redis_url: str, proxy: Callable[[str], ProxiedUrl]) -> None:
    """A cut line breaks the client at once; a restored one serves it again."""
    line = proxy(redis_url)
    with redis.Redis.from_url(line.url, socket_timeout=5) as client:
        assert client.ping()
        line.cut()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        line.restore()
        assert client.ping()


def test_killed_postgres_comes_back_with_its_data(outage: Outage) -> None:
    """What was committed before kill -9 is there after it, on the same address."""
    server = outage.postgres()
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute("create table kept as select 1")
    server.kill9()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url, connect_timeout=2)
    server.start()
    assert _count(server.url) == 1


def test_killed_redis_comes_back_with_its_data(outage: Outage) -> None:
    """Redis writes within a second what it was told."""
    server = outage.redis()
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "1")
        wait_for(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0)
        server.kill9()
        server.start()
        assert client.get("kept") == b"1"


def test_killed_mosquitto_comes_back(outage: Outage) -> None:
    """The broker listens on the same port again, and not in between."""
    server = outage.mosquitto()
    port = int(server.url.rpartition(":")[2])
    server.kill9()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    server.start()
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_port_of_a_stranger_is_refused(outage: Outage) -> None:
    """A server that somebody else runs is never taken for ours."""
    theirs = outage.redis()
    ours = Redis(f"/srv/t-{os.getpid()}-stranger", int(theirs.url.split(":")[2].split("/")[0]))
    with pytest.raises(ServiceError, match="held by somebody else"):
        ours.start()
    ours.remove()
    with redis.Redis.from_url(theirs.url) as client:
        assert client.ping()


def test_servers_of_a_killed_run_are_swept(outage: Outage) -> None:
    """What a killed run of the tests left behind is ended and removed by the next start."""
    outage.redis()  # skips where there is no root folder
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    left = Redis(f"/srv/t-{gone.pid}-left", free_port())
    left.start()
    sweep()
    assert left.pid() is None
    assert not left.path.exists()


def test_sign_of_life_is_judged_by_its_age(redis_url: str, redis_prefix: str) -> None:
    """A container is healthy while its process gave a sign within half a minute."""
    now = SystemClock().now()
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"{redis_prefix}heartbeat", mapping={"ingest": now, "layers": now - 60_000_000})
    environment = {"IOC_REDIS_URL": redis_url, "IOC_REDIS_PREFIX": redis_prefix}

    def says(name: str, **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "ioc.heartbeat", name],
            check=False,
            capture_output=True,
            text=True,
            env=environment | more,
        )
        return done.returncode, done.stderr.strip()

    assert says("ingest") == (0, "")
    code, line = says("layers")
    assert code == 1
    assert re.fullmatch(r"layers: no sign of life for [67]\d s", line)  # the process takes a moment
    assert says("nobody") == (1, "nobody: no sign of life")
    code, line = says("ingest", IOC_REDIS_URL="redis://127.0.0.1:1/0")
    assert code == 1
    assert "\n" not in line
