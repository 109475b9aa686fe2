"""Two evaluators share the partitions: each gets its part, and all of it when the other is gone."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import redis

from ioc.domain.instant import SECOND
from ioc.domain.partition import PARTITIONS
from tests.awaiting import wait_for
from tests.integration.evaluation_rig import (
    Db,
    Process,
    World,
    configuration,
    evaluator,
    until_caught_up,
)
from tests.integration.test_evaluator import BEGIN, Wandering, check_against_the_fold


@pytest.fixture
def world(
    conn: Db, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Iterator[World]:
    with redis.Redis.from_url(redis_url) as client:
        config = configuration(tmp_path / "config")
        yield World(conn, database_url, client, redis_url, redis_prefix, config)


@pytest.fixture
def pair(world: World) -> Iterator[list[Process]]:
    """Return two running evaluators that have shared the partitions."""
    world.prepare(24)
    with ExitStack() as stack:
        found = [stack.enter_context(evaluator(world)) for _ in range(2)]
        wait_for(lambda: parts(world) == [PARTITIONS // 2] * 2 or None, 60)
        yield found


def parts(world: World) -> list[int]:
    """Return how many partitions each living evaluator holds, in order."""
    rows = world.conn.execute(
        "select count(l.partition) from evaluator_member m left join evaluator_lease l"
        " on l.owner = m.id and l.expires_at > now()"
        " where m.expires_at > now()"
        " and exists (select from pg_stat_activity a where a.pid = m.backend)"
        " group by m.id order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def holds(world: World, wanted: list[int]) -> bool:
    return parts(world) == wanted


def feed(world: World, wandering: Wandering, batches: int) -> None:
    for _ in range(batches):
        world.write(wandering.next())
        world.sign(wandering.now, BEGIN)


def settle(world: World, wandering: Wandering) -> None:
    until_caught_up(world, 60)
    end = wandering.now + 300 * SECOND
    world.sign(end, BEGIN)
    check_against_the_fold(world, end)


def test_the_second_has_it_all_when_the_first_dies(world: World, pair: list[Process]) -> None:
    """Killed in the middle of the load: the other goes on with all of it, exactly."""
    wandering = Wandering(world, 9)
    feed(world, wandering, 40)
    pair[0].kill()
    begun = time.monotonic()
    feed(world, wandering, 10)
    wait_for(partial(holds, world, [PARTITIONS]), 60)
    until_caught_up(world, 60)
    print(f"all of it after {time.monotonic() - begun:.1f} s")  # noqa: T201  goal: 5 s
    feed(world, wandering, 30)
    settle(world, wandering)


def test_joining_and_leaving_lose_and_double_nothing(world: World, pair: list[Process]) -> None:
    """An evaluator that ends and comes again gives its part away and gets one back, in order."""
    wandering = Wandering(world, 21)
    for place in (0, 1, 0):
        feed(world, wandering, 20)
        assert pair[place].end(signal.SIGTERM) == 0
        feed(world, wandering, 20)
        wait_for(partial(holds, world, [PARTITIONS]), 60)
        pair[place].start()
        feed(world, wandering, 20)
        wait_for(partial(holds, world, [PARTITIONS // 2] * 2), 60)
    settle(world, wandering)


def test_one_that_hung_loses_its_part_and_cannot_commit(world: World, pair: list[Process]) -> None:
    """Stopped for longer than its leases, it finds them taken, begins anew, and doubles nothing."""
    wandering = Wandering(world, 33)
    feed(world, wandering, 40)
    assert pair[0].popen is not None
    pair[0].popen.send_signal(signal.SIGSTOP)
    try:
        feed(world, wandering, 40)
        wait_for(partial(holds, world, [PARTITIONS]), 60)
        until_caught_up(world, 60)
    finally:
        pair[0].popen.send_signal(signal.SIGCONT)
    wait_for(partial(holds, world, [PARTITIONS // 2] * 2), 60)
    assert "session_failed" in pair[0].said()
    feed(world, wandering, 20)
    settle(world, wandering)
