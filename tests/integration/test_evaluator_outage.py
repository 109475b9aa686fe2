"""The evaluator when its services die: nothing lost, nothing doubled, back by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

from ioc.domain.instant import SECOND
from ioc.rules import definition as rules
from ioc.storage import migrate
from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.integration.evaluation_rig import Db, World, configuration, evaluator, until_caught_up
from tests.integration.test_evaluator import BEGIN, Wandering


@contextmanager
def connected(url: str) -> Iterator[Db]:
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


def settle(world: World, wandering: Wandering) -> None:
    """Wait until the log is that of the pure fold over all that was written."""
    end = wandering.now + 300 * SECOND
    world.sign(end, BEGIN)
    (rule,) = rules.load(world.config / "rules")
    expected = world.expected(rules.bind(rule, 1, 60), end)
    assert expected
    wait_for(lambda: world.log() == expected or None, 20)
    assert world.at_most_one_open()


def test_a_killed_database_loses_no_alert(
    outage: Outage, redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    """Kill -9 of PostgreSQL in the middle: the evaluator waits, comes back and goes on exactly."""
    server = outage.postgres()
    with connected(server.url) as conn:
        migrate.run(conn)
    client = redis.Redis.from_url(redis_url)
    config = configuration(tmp_path / "config")
    with connected(server.url) as conn:
        world = World(conn, server.url, client, redis_url, redis_prefix, config)
        world.prepare(8)
        wandering = Wandering(world, 31)
        with evaluator(world) as process:
            write(world, wandering, 40)
            server.kill9()
            wait_for(lambda: "session_failed" in process.said() or None)
            server.start()
            with connected(server.url) as again:
                world.conn = again
                write(world, wandering, 40)
                until_caught_up(world)
                settle(world, wandering)
                assert process.end(signal.SIGTERM) == 0
    client.close()


def test_a_killed_redis_loses_no_alert(
    outage: Outage, conn: Db, database_url: str, tmp_path: Path
) -> None:
    """Without Redis alerts come from history; with it again they come from the stream."""
    server = outage.redis()
    client = redis.Redis.from_url(server.url)
    world = World(conn, database_url, client, server.url, "t:", configuration(tmp_path / "config"))
    world.prepare(8)
    wandering = Wandering(world, 37)
    with evaluator(world) as process:
        write(world, wandering, 40)
        server.kill9()
        world.announce = False
        write(world, wandering, 40)
        until_caught_up(world)
        server.start()
        world.announce = True
        wait_for(lambda: "redis_back" in process.said() or None)
        write(world, wandering, 40)
        until_caught_up(world)
        settle(world, wandering)
    client.close()


def write(world: World, wandering: Wandering, batches: int) -> None:
    for _ in range(batches):
        world.write(wandering.next())
        world.sign(wandering.now, BEGIN)
