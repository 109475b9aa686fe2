"""The services that tests run on, and the fixtures that hand them out."""

import socket
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis
from psycopg import Connection

from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.fix_proxy import ProxiedUrl

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
