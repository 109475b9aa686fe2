"""Kill -9 of evaluators, dispatchers and PostgreSQL at any point: told is what the fold says.

Two evaluators hand partitions to each other, two dispatchers deliver to a webhook; several rules
and levels. 12 kills in every run, 200 in `make rig`.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import psycopg
import pytest
import redis

from ioc.domain import levels
from ioc.domain.alert import Kind
from ioc.domain.announcement import Notice, alert_id
from ioc.domain.episode import announced
from ioc.domain.evaluation import GRACE
from ioc.domain.instant import SECOND, Micros, from_datetime
from ioc.domain.levels import Rules
from ioc.domain.observation import DatastreamId
from ioc.rules import definition
from ioc.storage import migrate
from tests.awaiting import wait_for
from tests.fix_outage import Killable, Outage
from tests.http_sink import Answer, Sink, sink
from tests.integration.delivery_rig import Dispatcher, Post, dispatchers
from tests.integration.evaluation_rig import Process, World, configuration, evaluator
from tests.integration.test_evaluator import BEGIN, STEP
from tests.unit.full_counts import RIG

KILLS: Final = 200 if RIG else 12
# Things live four rounds each; every (thing, rule) has a target of its own, so that no limit of a
# storm holds anything back for ten minutes.
THINGS: Final = 3  # that begin in each round
LIFE: Final = 4
STEPS: Final = 20  # values of each thing in a round
PHASES: Final = (30.0, 46.0, 54.0, 70.0, 12.0)
VICTIMS: Final = ("evaluator-0", "dispatcher-0", "evaluator-1", "dispatcher-1", "database")
_HEAD: Final = """
  name: {vi: Quy tắc, en: Rule}
  observed_property: pm25
  selector: {feed: f}
  late_horizon: 2m
  operator_action: {vi: Gọi, en: Call}
"""
RULES: Final = "".join(
    f"- id: {name}{_HEAD}  {text}\n"
    for name, text in {
        "over": 'op: ">"\n  levels: [{severity: high, limit: 50, deadband: 5}]\n'
        "  on_delay: 20s\n  off_delay: 30s\n  min_samples: 2",
        "graded": 'op: ">"\n  levels:\n    - {severity: medium, limit: 40, deadband: 5}\n'
        "    - {severity: high, limit: 50, deadband: 5}\n"
        "    - {severity: critical, limit: 60, deadband: 15}\n"
        "  on_delay: 10s\n  off_delay: 20s",
        "under": 'op: "<"\n  levels: [{severity: critical, limit: 20, deadband: 5}]\n'
        "  off_delay: 40s",
    }.items()
)
Log = dict[tuple[str, int], list[tuple[str, Micros]]]


@dataclass
class Course:
    """Values of all things: each keeps to a few phases, then is normal, then silent."""

    rng: random.Random
    streams: list[int]
    step: int = 0
    phases: dict[int, list[float]] = field(default_factory=dict)

    @property
    def now(self) -> int:
        return BEGIN + self.step * STEP

    def next(self, rounds: int) -> list[tuple[int, int, float]]:
        """Return the values of the next step, in round number `rounds`."""
        self.step += 1
        first = max(0, rounds - LIFE + 1) * THINGS
        rows = []
        for place in range(first, min((rounds + 1) * THINGS, len(self.streams))):
            phases = self.phases.setdefault(place, self.rng.choices(PHASES, k=LIFE - 1))
            lived = rounds - place // THINGS
            level = phases[lived] if lived < LIFE - 1 else PHASES[0]
            value = round(level + self.rng.gauss(0, 1), 2)
            rows.append((self.streams[place], self.now, value))
        return rows


@dataclass
class Rig:
    """The whole: a server of its own, a writer, processes that are killed."""

    server: Killable
    world: World
    post: Post
    course: Course
    evaluators: list[Process]
    dispatchers: list[Dispatcher]
    told: Sink
    killed: Counter[str] = field(default_factory=Counter)

    def write(self, rounds: int) -> None:
        for _ in range(STEPS):
            self.world.write(self.course.next(rounds))
            self.world.sign(self.course.now, BEGIN)

    def kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == "database":
            self.server.kill9()
            self.server.start()
            self.world.conn.close()
            self.world.conn = self.post.conn = psycopg.connect(self.server.url, autocommit=True)
            return
        kind, _, number = victim.partition("-")
        process: Process | Dispatcher
        process = (self.evaluators if kind == "evaluator" else self.dispatchers)[int(number)]
        process.end(signal.SIGKILL)
        process.start()

    def log(self) -> Log:
        rows = self.world.conn.execute(
            "select a.rule_id, a.datastream_id, e.kind, e.event_time from alert_event e"
            " join alert a on a.id = e.alert_id"
            " where e.kind in ('RAISE', 'RTN', 'STALE', 'FRESH', 'SEV_UP', 'SEV_DOWN')"
            " order by e.event_time, e.recorded_at, e.kind = 'RTN'"
        ).fetchall()
        found: Log = {}
        for rule, datastream, kind, time in rows:
            found.setdefault((rule, datastream), []).append((kind, from_datetime(time)))
        return found

    def expected(self, rules: dict[str, Rules], watermark: int) -> Log:
        """Return what the pure fold over the whole history says."""
        found: Log = {}
        for name, ladder in rules.items():
            begin = levels.start(ladder)
            for datastream, samples in self.world.written.items():
                _, turns = levels.fold(begin, ladder, samples, Micros(watermark - GRACE))
                if changes := announced(begin, turns):
                    found[name, datastream] = [(one.kind.value, one.time) for one in changes]
        return found


def keys(log: Log) -> set[str]:
    """Return what people must be told: each raise and each return, once."""
    found = set()
    for (rule, datastream), entries in log.items():
        raised = [time for kind, time in entries if kind == Kind.RAISE]
        alert = alert_id(rule, DatastreamId(datastream), raised[0], lambda _: True)
        for kind in (Kind.RAISE, Kind.RTN):
            count = sum(one == kind for one, _ in entries)
            found |= {Notice(alert, n, kind).key for n in range(1, count + 1)}
    return found


def plan(url: str, things: int) -> str:
    """Return a plan that tells each rule's news of each thing to a target of its own."""
    pairs = [(rule, n) for n in range(things) for rule in ("over", "graded", "under")]
    lines = ["targets:"]
    lines += [f'  - {{name: {rule}-{n}, channel: webhook, address: "{url}"}}' for rule, n in pairs]
    lines.append("policies:")
    lines += [
        f'  - {{name: {rule}-{n}, rule: [{rule}], commune: ["{10_000 + n}"], tell: [{rule}-{n}]}}'
        for rule, n in pairs
    ]
    return "\n".join(lines)


def place(world: World, things: int) -> None:
    """Register things, each in a commune of its own."""
    world.prepare(things)
    world.conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) select id, 107, 11, (10000 + row_number() over (order by id) - 1)::text, 'Xã',"
        " 'boundary', 'inside' from thing"
    )


def slow(_: int) -> Answer:
    """Answer a little later than the request was kept, so that kills fall between."""
    Event().wait(0.02)
    return Answer()


@pytest.fixture
def rig(outage: Outage, redis_url: str, redis_prefix: str, tmp_path: Path) -> Iterator[Rig]:
    server, things = outage.postgres(), KILLS * THINGS
    config = configuration(tmp_path / "config", RULES)
    with ExitStack() as stack:
        conn = stack.enter_context(psycopg.connect(server.url, autocommit=True))
        migrate.run(conn)
        client = stack.enter_context(redis.Redis.from_url(redis_url))
        world = World(conn, server.url, client, redis_url, redis_prefix, config)
        place(world, things)
        told = stack.enter_context(sink(slow))
        post = Post(conn, config, tmp_path / "data")
        post.arrange(plan(told.url, things))
        environment = {
            "IOC_DATABASE_URL": server.url,
            "IOC_REDIS_URL": redis_url,
            "IOC_REDIS_PREFIX": redis_prefix,
        }
        running = stack.enter_context(dispatchers(post, 2, environment))
        pair = [stack.enter_context(evaluator(world)) for _ in range(2)]
        course = Course(random.Random(47), world.streams)
        yield Rig(server, world, post, course, pair, running, told)
        if world.conn is not conn:
            world.conn.close()


@pytest.mark.rig
def test_whatever_is_killed_told_is_what_the_fold_says(rig: Rig) -> None:
    """None lost, none invented, none doubled but with its key, at most one alert open."""
    world, rng = rig.world, random.Random(53)
    for rounds in range(KILLS):
        before = world.offset()
        rig.write(rounds)
        some = before + rng.randint(1, STEPS)  # the kill must fall anywhere
        wait_for(partial(lambda wanted: world.offset() >= wanted, some), 60)
        rig.kill(VICTIMS[rounds % len(VICTIMS)])
    rig.write(KILLS)
    rig.write(KILLS + 1)
    rig.write(KILLS + 2)
    wait_for(world.caught_up, 120)
    end = rig.course.now + 300 * SECOND
    world.sign(end, BEGIN)
    bound = {one.id: definition.bind(one, 1, 60) for one in definition.load(world.config / "rules")}
    expected = rig.expected(bound, end)
    assert len(expected) > KILLS, "the series must be worth testing"
    wait_for(lambda: rig.log() == expected or None, 60, every=0.2)
    assert world.at_most_one_open()
    wait_for(rig.post.settled_in_time, 240, every=3)
    called = {key for key in rig.told.keys if key.split(":")[2] in (Kind.RAISE, Kind.RTN)}
    assert called == keys(expected)
    copies = len(rig.told.posted) - len({one.headers["webhook-id"] for one in rig.told.posted})
    kinds = Counter(kind for log in expected.values() for kind, _ in log)
    print(f"killed {dict(rig.killed)}; {dict(kinds)}; {len(called)} told, {copies} copies")  # noqa: T201  a rig's result
