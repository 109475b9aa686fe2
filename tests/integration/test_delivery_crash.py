"""Kill -9 of dispatchers at any point: everything is delivered, and what comes twice says so."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import pytest
import redis

from ioc.clock import SystemClock
from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import Notice
from ioc.domain.instant import Micros
from tests.awaiting import wait_for
from tests.fix_db import Db
from tests.http_sink import Answer, Sink, sink
from tests.integration.delivery_rig import Post, dispatchers

ROUNDS: Final = 60 if os.environ.get("IOC_RIG") == "1" else 5
TARGETS: Final = 4  # of each round, so that no limit of a storm is reached
LATENCY_S: Final = 0.03  # between a request and its answer, where most kills fall


def plan(url: str, rounds: int) -> str:
    """Return a plan with a rule and targets of its own for each round."""
    lines = ["targets:"]
    for n in range(rounds):
        lines += [
            f'  - {{name: h{n}-{t}, channel: webhook, address: "{url}"}}' for t in range(TARGETS)
        ]
    lines.append("policies:")
    for n in range(rounds):
        names = ", ".join(f"h{n}-{t}" for t in range(TARGETS))
        lines.append(f"  - {{name: p{n}, rule: [r{n}], tell: [{names}]}}")
    return "\n".join(lines)


def slow(_: int) -> Answer:
    """Answer a little later than the request was kept."""
    Event().wait(LATENCY_S)
    return Answer()


@pytest.fixture
def post(conn: Db, tmp_path: Path) -> Post:
    config = tmp_path / "config"
    config.mkdir()
    return Post(conn, config, tmp_path / "data")


@pytest.fixture
def environment(database_url: str, redis_url: str, redis_prefix: str) -> dict[str, str]:
    """Return what a dispatcher needs to know of its surroundings."""
    return {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
    }


def came(there: Sink, wanted: int) -> bool:
    return len(there.posted) >= wanted


def test_killed_dispatchers_lose_nothing(post: Post, environment: dict[str, str]) -> None:
    """Two dispatchers, one killed in each round: delivered == told; a copy has the same key."""
    post.prepare(rules=ROUNDS)
    wanted: set[str] = set()
    with sink(slow) as there:
        post.arrange(plan(there.url, ROUNDS))
        with dispatchers(post, 2, environment) as running:
            for n in range(ROUNDS):
                post.clock.at = Micros(SystemClock().now())
                alerts = post.alerts([(int(Severity.CRITICAL), 10_000 + n, n)] * 3)
                post.tell(*alerts)
                for alert in alerts:
                    post.end(alert)
                    for kind in (Kind.RAISE, Kind.RTN):
                        key = Notice(alert, 1, kind).key
                        wanted |= {f"{key}:h{n}-{t}" for t in range(TARGETS)}
                before = len(there.posted)
                wait_for(partial(came, there, before + random.randint(1, 10)), 60)
                victim = running[n % 2]
                victim.end(signal.SIGKILL)
                victim.start()
            wait_for(post.settled, 120, every=0.2)
    arrived = Counter(one.headers["webhook-id"] for one in there.posted)
    assert set(arrived) == wanted
    bodies = {(one.headers["webhook-id"], one.body) for one in there.posted}
    assert len(bodies) == len(wanted), "a copy says exactly what the first one said"
    order = [one.headers["webhook-id"] for one in there.posted]
    for key in wanted:
        if ":RAISE:" in key:
            assert order.index(key) < order.index(key.replace(":RAISE:", ":RTN:"))
    copies = sum(arrived.values()) - len(wanted)
    print(f"{ROUNDS} kills, {len(wanted)} messages, {copies} copies")  # noqa: T201  a rig's result


@pytest.mark.parametrize("ended", [signal.SIGTERM, signal.SIGINT])
def test_a_dispatcher_ends_when_asked(
    ended: signal.Signals, post: Post, environment: dict[str, str]
) -> None:
    """Exit 0 after a signal; before that it gives signs of life."""
    post.arrange("targets: []")
    url, beats = environment["IOC_REDIS_URL"], environment["IOC_REDIS_PREFIX"] + "heartbeat"
    with redis.Redis.from_url(url) as client, dispatchers(post, 1, environment) as running:
        wait_for(lambda: client.hget(beats, "dispatcher"), 60)
        assert running[0].end(ended) == 0
