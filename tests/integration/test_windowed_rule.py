"""Rules over averaging windows in the evaluator process: once, at their end, through kills."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from psycopg import Connection

from ioc.domain import levels
from ioc.domain.episode import announced
from ioc.domain.evaluation import GRACE
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros
from ioc.domain.window import windows
from ioc.rules import definition
from ioc.rules.pace import Pace, levels_of
from tests.awaiting import wait_for
from tests.integration.evaluation_rig import World, configuration, evaluator, until_caught_up

Db = Connection[tuple[Any, ...]]
Log = dict[int, list[tuple[str, Micros]]]

HERE = time.time_ns() // 1000 // HOUR * HOUR  # a full hour
BEGIN = HERE - 9 * HOUR

RULES = """
- id: hour-mean
  name: {vi: Trung bình giờ, en: Hour mean}
  observed_property: pm25
  op: ">"
  levels: [{severity: high, limit: 50, deadband: 2}]
  window: {function: mean, length: 1h, min_coverage: 0.5}
  late_horizon: 30m
  operator_action: {vi: Gọi, en: Call}
"""


@pytest.fixture
def world(
    conn: Db, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Iterator[World]:
    client = redis.Redis.from_url(redis_url)
    folder = configuration(tmp_path / "config", RULES)
    yield World(conn, database_url, client, redis_url, redis_prefix, folder)
    client.close()


def expected(world: World, watermark: int) -> Log:
    """Return what the pure fold over the windows of the whole history says."""
    (rule,) = definition.load(world.config / "rules")
    rules = levels_of(rule, 1, Pace(60, 600))
    assert rule.window is not None
    window = definition.averaged(rule.window, 60 * SECOND)
    end, found = Micros(watermark - GRACE), Log()
    for datastream, samples in world.written.items():
        begin = levels.start(rules)
        _, turns = levels.fold(begin, rules, windows(window, sorted(samples), end), end)
        if changes := announced(begin, turns):
            found[datastream] = [(change.kind.value, change.time) for change in changes]
    return found


def test_an_hour_mean_raises_once_at_its_end(world: World) -> None:
    """Not before the hour is over, at the hour, once; a kill in the middle changes nothing."""
    world.prepare(1, period_s=60, stale_after_s=600)
    (stream,) = world.streams
    with evaluator(world) as process:
        for minute in range(60):
            world.write([(stream, BEGIN + minute * MINUTE, 60.0)])
            world.sign(BEGIN + minute * MINUTE, BEGIN - HOUR)
            if minute == 30:
                until_caught_up(world)
                process.kill()
                process.start()
        until_caught_up(world)
        world.heartbeats(2)
        assert world.log() == {}
        world.sign(BEGIN + HOUR + 2 * GRACE, BEGIN - HOUR)  # nothing comes: the clock closes it
        raised = {stream: [("RAISE", Micros(BEGIN + HOUR))]}
        wait_for(lambda: world.log() == raised or None, 20)
        process.kill()  # what the clock had closed must be closed again
        process.start()
        world.heartbeats(3)
        assert world.log() == raised
        assert world.at_most_one_open()


def test_kills_and_late_values_end_in_the_log_of_the_fold(world: World) -> None:
    """Six hours, values that come late, kills in the middle of windows: the fold's own log."""
    world.prepare(4, period_s=60, stale_after_s=600)
    rng, late = random.Random(4), list[tuple[int, int, float]]()
    mean = dict.fromkeys(world.streams, 45.0)
    with evaluator(world) as process:
        for minute in range(6 * 60):
            if minute % 45 == 0:
                mean = {stream: rng.choice([40.0, 46.0, 55.0, 60.0]) for stream in world.streams}
            now = BEGIN + minute * MINUTE
            rows = [(s, now, round(mean[s] + rng.gauss(0, 8), 2)) for s in world.streams]
            silent = world.streams[0] if 130 < minute < 290 else None
            rows = [row for row in rows if row[0] != silent]
            late += [row for row in rows if rng.random() < 0.1]
            rows = [row for row in rows if row not in late]
            due = [row for row in late if rng.random() < 0.1 or row[1] < now - 25 * MINUTE]
            late = [row for row in late if row not in due]
            if rows or due:
                world.write(rows + due)
            world.sign(now - 20 * SECOND, BEGIN - HOUR)
            if minute % 50 == 25:
                wait_for(lambda: world.offset() > 0 or None)
                process.kill()
                process.start()
        until_caught_up(world)
        watermark = BEGIN + 8 * HOUR
        world.sign(watermark, BEGIN - HOUR)
        wanted = expected(world, watermark)
        assert sum(map(len, wanted.values())) > 8, "the series must be worth testing"
        wait_for(lambda: settled(world.log()) == settled(wanted) or None, 20)
        assert world.at_most_one_open()


def settled(log: Log) -> Log:
    """Return the raises and returns; of silence late values may have told less or more."""
    kept = {s: [one for one in found if one[0] in ("RAISE", "RTN")] for s, found in log.items()}
    return {stream: found for stream, found in kept.items() if found}
