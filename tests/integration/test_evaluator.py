"""The evaluator process on a real database and Redis: exact, whatever is killed or lost."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ioc.domain import levels
from ioc.domain.evaluation import GRACE
from ioc.domain.instant import SECOND, Micros
from ioc.domain.levels import Rules
from ioc.rules import definition as rules
from tests.awaiting import wait_for
from tests.integration.evaluation_rig import (
    RULE_FILE,
    Db,
    World,
    configuration,
    evaluator,
    kinds,
    until_caught_up,
)

NOW = time.time_ns() // 1000 // SECOND * SECOND
BEGIN = NOW - 3 * 3600 * SECOND
STEP = 10 * SECOND


@pytest.fixture
def world(
    conn: Db, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Iterator[World]:
    client = redis.Redis.from_url(redis_url)
    yield World(
        conn, database_url, client, redis_url, redis_prefix, configuration(tmp_path / "config")
    )
    client.close()


def bound_rule(world: World, stale_after_s: float = 60) -> Rules:
    (rule,) = rules.load(world.config / "rules")
    return rules.bind(rule, 1, stale_after_s)


class Wandering:
    """Values of many datastreams that cross the limit now and then; some fall silent."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._rng = random.Random(seed)
        self._value = dict.fromkeys(world.streams, 45.0)
        self._silent = dict.fromkeys(world.streams, 0)
        self.step = 0

    @property
    def now(self) -> int:
        return BEGIN + self.step * STEP

    def next(self) -> list[tuple[int, int, float]]:
        self.step += 1
        rows = []
        for datastream in self._world.streams:
            if self._silent[datastream]:
                self._silent[datastream] -= 1
                continue
            if self._rng.random() < 0.01:
                self._silent[datastream] = self._rng.randint(3, 12)
            self._value[datastream] += self._rng.gauss((50 - self._value[datastream]) * 0.1, 6)
            if self._rng.random() < 0.9:
                rows.append((datastream, self.now, round(self._value[datastream], 2)))
        return rows or [(self._world.streams[0], self.now, 50.0)]


def check_against_the_fold(world: World, watermark: int) -> None:
    """None lost, none doubled, none invented, at most one open."""
    expected = world.expected(bound_rule(world), watermark)
    assert sum(map(len, expected.values())) > 20, "the series must be worth testing"

    def done() -> bool:
        # A writer signs every second. One that signed once and fell silent would be taken for away
        # by an evaluator that is late, and nothing more would ever be judged.
        world.sign(watermark, BEGIN)
        return world.log() == expected

    wait_for(done, 60)
    assert world.at_most_one_open()


def test_kill_9_loses_and_doubles_nothing(world: World) -> None:
    """Killed again and again under load, the log is that of the pure fold over history."""
    world.prepare(12)
    wandering, rng = Wandering(world, 7), random.Random(1)
    with evaluator(world) as process:
        for kill in range(8):
            for _ in range(30):
                world.write(wandering.next())
                world.sign(wandering.now, BEGIN)
            wait_for(lambda: world.offset() > 0 or None)
            time.sleep(rng.uniform(0, 0.4))  # the kill must fall anywhere
            process.kill()
            process.start()
            if kill == 4:
                world.client.delete(f"{world.prefix}stream")
        until_caught_up(world)
        world.sign(wandering.now + 300 * SECOND, BEGIN)
        check_against_the_fold(world, wandering.now + 300 * SECOND)
        assert process.end() == 0


def test_redelivered_batches_have_no_effect(world: World) -> None:
    """A batch announced twice, or again after a restart, is evaluated once."""
    world.prepare(4)
    wandering = Wandering(world, 3)
    with evaluator(world):
        for _ in range(60):
            rows = wandering.next()
            number = world.write(rows)
            world.publish(number, rows)
            world.publish(max(1, number - 7), rows)
            world.sign(wandering.now, BEGIN)
        until_caught_up(world)
        world.sign(wandering.now + 300 * SECOND, BEGIN)
        expected = world.expected(bound_rule(world), wandering.now + 300 * SECOND)
        wait_for(lambda: world.log() == expected or None)


def test_missing_batches_are_read_from_history(world: World) -> None:
    """Batches that Redis lost, in the middle and at the end, are evaluated all the same."""
    world.prepare(6)
    wandering, rng = Wandering(world, 11), random.Random(5)
    with evaluator(world):
        for step in range(120):
            world.write(wandering.next(), announce=rng.random() < 0.6 and step < 110)
            world.sign(wandering.now, BEGIN)
            if step == 60:
                world.client.xtrim(f"{world.prefix}stream", maxlen=0)
        until_caught_up(world)
        world.sign(wandering.now + 300 * SECOND, BEGIN)
        check_against_the_fold(world, wandering.now + 300 * SECOND)


def test_late_samples_are_refolded_across_kills(world: World) -> None:
    """Whatever came late inside the horizon, open alerts are those of the sorted history."""
    world.prepare(8)
    wandering, rng = Wandering(world, 23), random.Random(2)
    late: list[tuple[int, int, float]] = []
    with evaluator(world) as process:
        for step in range(120):
            rows = wandering.next()
            held = [row for row in rows if rng.random() < 0.1]
            due = [row for row in late if rng.random() < 0.3 or row[1] < wandering.now - 8 * STEP]
            late = [row for row in late if row not in due] + held
            world.write([row for row in rows if row not in held] + due or rows[:1])
            world.sign(wandering.now, BEGIN)
            if step % 40 == 39:
                process.kill()
                process.start()
        world.write(late or wandering.next())
        until_caught_up(world)
        world.sign(wandering.now + 300 * SECOND, BEGIN)
        check_open_is_the_fold(world, wandering.now + 300 * SECOND)
        for log in world.log().values():
            assert kinds(log).count("RAISE") - kinds(log).count("RTN") in (0, 1)


def check_open_is_the_fold(world: World, watermark: int) -> None:
    """Alerts that are on are those of the sorted history, with its starts."""
    expected = {
        datastream: [time for kind, time in log if kind == "RAISE"][-1]
        for datastream, log in world.expected(bound_rule(world), watermark).items()
        if kinds(log)[-1] == "RAISE"
    }

    def on() -> dict[int, int]:
        rows = world.conn.execute(
            "select datastream_id, (extract(epoch from raised_at) * 1000000)::bigint from alert"
            " where active"
        )
        return dict(rows.fetchall())

    wait_for(lambda: on() == expected or None, 15)
    assert world.at_most_one_open()


def test_silence_is_not_judged_while_the_line_is_down(world: World) -> None:
    """No STALE while ingest is away, nor within one period of its return; then at its time."""
    world.prepare(1)
    (stream,) = world.streams
    with evaluator(world):
        for step in range(4):
            world.write([(stream, NOW - 600 * SECOND + step * STEP, 80.0)])
        last = NOW - 600 * SECOND + 3 * STEP
        world.sign(last, NOW - 3600 * SECOND)
        wait_for(lambda: kinds(world.log().get(stream, [])) == ["RAISE"] or None)
        world.sign(NOW, None)  # the clock goes on, the line is down
        beat = world.heartbeats(2)
        assert "STALE" not in [kind for kind, _ in world.log()[stream]]
        world.sign(NOW + GRACE + 5 * SECOND, NOW)  # back for 5 s of its 10 s period
        beat = world.heartbeats(2, beat)
        assert "STALE" not in [kind for kind, _ in world.log()[stream]]
        world.sign(NOW + GRACE + 11 * SECOND, NOW)
        wait_for(lambda: ("STALE", Micros(last + 60 * SECOND)) in world.log()[stream] or None)
        row = world.conn.execute("select active, stale from alert").fetchone()
        assert row == (True, True)


def test_a_backlog_is_no_silence(world: World) -> None:
    """What waited in the database while the evaluator was away raises neither STALE nor RTN."""
    world.prepare(1)
    (stream,) = world.streams
    rows = [(stream, NOW - 2000 * SECOND + step * STEP, 80.0) for step in range(200)]
    with evaluator(world) as process:
        for row in rows[:6]:
            world.write([row])
        wait_for(lambda: kinds(world.log().get(stream, [])) == ["RAISE"] or None)
        process.end()
        for row in rows[6:]:
            world.write([row], announce=False)
        world.sign(NOW - STEP, NOW - 3600 * SECOND)
        process.start()
        until_caught_up(world)
        world.heartbeats(2)
        assert [kind for kind, _ in world.log()[stream]] == ["RAISE"]


def test_a_restart_remembers_what_lies_before_the_window(world: World) -> None:
    """An alert held by the deadband alone, for longer than the horizon, survives a kill."""
    world.prepare(1)
    (stream,) = world.streams
    values = [80.0] * 6 + [47.0] * 40
    with evaluator(world) as process:
        for step, value in enumerate(values):
            world.write([(stream, BEGIN + step * STEP, value)])
        until_caught_up(world)
        process.kill()
        process.start()
        world.write([(stream, BEGIN + len(values) * STEP, 47.0)])
        until_caught_up(world)
        world.heartbeats(1)
        assert [kind for kind, _ in world.log()[stream]] == ["RAISE"]


def test_replayed_history_is_recorded_only(world: World) -> None:
    """Rows flagged historical or retained raise nothing, nor do they move the clock."""
    world.prepare(1)
    with evaluator(world):
        for step in range(20):
            if step == 10:
                world.heartbeats(1)  # the first ten come from history, the others by the stream
            world.write([(world.streams[0], BEGIN + step * STEP, 99.0)], flags=1 + step % 2)
        until_caught_up(world)
        assert world.log() == {}


def test_things_and_rules_come_and_go_at_run_time(world: World) -> None:
    """A new thing is bound on a notice; a rule that is disabled ends its alerts with a reason."""
    world.prepare(1)
    with evaluator(world) as process:
        wait_for(lambda: "evaluator_ready" in process.said() or None)
        stream = world.add_thing("new")
        world.notice("registry")
        for step in range(6):
            world.write([(stream, BEGIN + step * STEP, 80.0)])
        wait_for(lambda: kinds(world.log().get(stream, [])) == ["RAISE"] or None)
        world.conn.execute("update rule set enabled = false")
        world.notice("rule")
        wait_for(lambda: kinds(world.log()[stream]) == ["RAISE", "RTN"] or None)
        reason = world.one("select payload ->> 'reason' from alert_event where kind = 'RTN'")
        assert reason == "disabled"
        assert world.one("select count(*) from alert_state") == 0


def test_an_edited_rule_keeps_or_ends_its_alerts(world: World) -> None:
    """A new version that is still breached keeps the alert; one that is not ends it."""
    world.prepare(2)
    high, low = world.streams
    with evaluator(world) as process:
        for step in range(8):
            at = BEGIN + step * STEP
            world.write([(high, at, 200.0), (low, at, 60.0)])
        wait_for(lambda: len(world.log()) == 2 or None)
        process.end()
        configuration(world.config, RULE_FILE.replace("limit: 50", "limit: 100"))
        process.start()
        wait_for(lambda: kinds(world.log()[low]) == ["RAISE", "RTN"] or None)
        assert kinds(world.log()[high]) == ["RAISE"]
        changed = world.conn.execute(
            "select a.datastream_id, a.rule_version, a.limit_value from alert_event e"
            " join alert a on a.id = e.alert_id where e.kind = 'RULE_CHANGED'"
        ).fetchall()
        assert changed == [(high, 2, 100.0)]


LEVELS = """levels:
    - {severity: medium, limit: 40, deadband: 5}
    - {severity: high, limit: 50, deadband: 5}
    - {severity: critical, limit: 58, deadband: 15}
"""


def test_levels_go_up_and_down_in_one_alert_across_kills(world: World) -> None:
    """Three levels, killed again and again: one alert, with the severity of the pure fold."""
    level = "levels: [{severity: high, limit: 50, deadband: 5}]\n"
    assert level in RULE_FILE
    configuration(world.config, RULE_FILE.replace(level, LEVELS))
    world.prepare(8)
    wandering, rng = Wandering(world, 31), random.Random(4)
    with evaluator(world) as process:
        for step in range(120):
            world.write(wandering.next())
            world.sign(wandering.now, BEGIN)
            if step % 30 == 29:
                wait_for(lambda: world.offset() > 0 or None)
                time.sleep(rng.uniform(0, 0.3))  # the kill must fall anywhere
                process.kill()
                process.start()
        until_caught_up(world)
        world.sign(wandering.now + 300 * SECOND, BEGIN)
        check_against_the_fold(world, wandering.now + 300 * SECOND)
        assert open_severities(world) == expected_severities(world, wandering.now + 300 * SECOND)
        kinds_seen = {kind for log in world.log().values() for kind, _ in log}
        assert {"SEV_UP", "SEV_DOWN"} <= kinds_seen


def open_severities(world: World) -> dict[int, int]:
    rows = world.conn.execute("select datastream_id, severity from alert where active")
    return dict(rows.fetchall())


def expected_severities(world: World, watermark: int) -> dict[int, int]:
    """Return the severity of what the pure fold holds in alarm at the end."""
    ladder, end = bound_rule(world), Micros(watermark - GRACE)
    found = {}
    for datastream, samples in world.written.items():
        state, _ = levels.fold(levels.start(ladder), ladder, sorted(samples), end)
        top = levels.highest(state, ladder)
        if top is not None:
            found[datastream] = int(ladder[top].severity)
    return found


def test_it_stops_cleanly_and_refuses_a_wrong_rule(world: World) -> None:
    """SIGTERM ends it with 0; a wrong rule file with 2 and one line."""
    world.prepare(1)
    with evaluator(world) as process:
        wait_for(lambda: world.client.hget(f"{world.prefix}heartbeat", "evaluator"))
        assert process.end(signal.SIGTERM) == 0
        configuration(world.config, RULE_FILE.replace("limit: 50", "limit: x"))
        before = process.said()
        process.start()
        assert process.popen is not None
        assert process.popen.wait(10) == 2
        assert process.said()[len(before) :].count("\n") == 1
