"""Open screens through the loss of Redis and of the database: they say so, and recover alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from ioc.clock import SystemClock
from ioc.domain.instant import to_datetime
from ioc.settings import Settings
from ioc.storage.pool import CONNECT_TIMEOUT_S
from tests.awaiting import wait_for
from tests.fix_outage import Killable, Outage
from tests.fix_proxy import ProxiedUrl
from tests.integration.test_web_live import Feeder, holds, serving, until
from tests.integration.web_site import Events, Site, add_thing, running

Db = Connection[tuple[Any, ...]]
BACK_S = 15.0  # of a server: pauses of the hub are a second or two


@pytest.fixture
def own_redis(outage: Outage) -> Killable:
    """Return a Redis that this test may kill."""
    return outage.redis()


@pytest.fixture
def own_feeder(own_redis: Killable, redis_prefix: str) -> Iterator[Feeder]:
    made = Feeder(own_redis.url, redis_prefix)
    yield made
    made.close()


def store(conn: Db, stream: int, value: float) -> None:
    """Write a value as ingest does while Redis is away: history alone has it."""
    now = to_datetime(SystemClock().now())
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
        " received, writer, batch_no) values (%s, %s, %s, 0, 0, %s, 1, 1)",
        (stream, now, value, now),
    )


def health(events: Events, name: str, *, is_up: bool) -> None:
    until(events, lambda data: data.get("health", {}).get(name) is is_up, seconds=BACK_S)


def test_redis_killed_and_back(
    web_settings: Settings, kiosk_token: str, conn: Db, own_redis: Killable, own_feeder: Feeder
) -> None:
    """An open line says Redis is away, shows what history has, and lives on deltas again."""
    thing, stream = add_thing(conn)
    given = msgspec.structs.replace(web_settings, redis_url=own_redis.url)
    with serving(given) as site, site.events(site.client(kiosk_token)) as events:
        own_feeder.value(stream, 1.0)
        until(events, holds(thing, 1.0))
        own_redis.kill9()
        health(events, "redis", is_up=False)
        assert site.client(kiosk_token).get("/wall").status == 200
        store(conn, stream, 2.0)
        until(events, holds(thing, 2.0), seconds=BACK_S)  # Redis is still away
        store(conn, stream, 2.5)
        own_redis.start()
        until(events, holds(thing, 2.5), seconds=BACK_S)
        own_feeder.value(stream, 3.0)
        until(events, holds(thing, 3.0), seconds=BACK_S)
        assert site.services.hub.loop_errors == 0


def test_redis_emptied(
    web_settings: Settings, kiosk_token: str, conn: Db, own_redis: Killable, own_feeder: Feeder
) -> None:
    """After a FLUSHALL nothing that was shown disappears, and the next delta is understood."""
    (thing, stream), (other, quiet) = add_thing(conn, "tram-1"), add_thing(conn, "tram-2")
    given = msgspec.structs.replace(web_settings, redis_url=own_redis.url)
    with serving(given) as site, site.events(site.client(kiosk_token)) as events:
        store(conn, quiet, 5.0)
        own_feeder.value(stream, 1.0)
        own_feeder.value(stream, 2.0)
        until(events, holds(thing, 2.0))
        own_feeder.client.flushall()
        own_feeder.value(stream, 3.0)  # number 1 again: a number that does not follow
        until(events, holds(thing, 3.0), seconds=BACK_S)
        with site.events(site.client(kiosk_token)) as fresh:
            until(fresh, holds(other, 5.0), seconds=BACK_S)
            assert site.services.hub.loop_errors == 0


def test_a_missed_delta_is_noticed(
    web_settings: Settings,
    kiosk_token: str,
    conn: Db,
    redis_url: str,
    feeder_at: Feeder,
    proxy: Callable[[str], ProxiedUrl],
) -> None:
    """What Redis said while the line to it was cut stands on the screen after its return."""
    thing, stream = add_thing(conn)
    line = proxy(redis_url)
    given = msgspec.structs.replace(web_settings, redis_url=line.url)
    with serving(given) as site, site.events(site.client(kiosk_token)) as events:
        feeder_at.value(stream, 1.0)
        until(events, holds(thing, 1.0))
        line.cut()
        health(events, "redis", is_up=False)
        feeder_at.value(stream, 2.0)
        line.restore()
        until(events, holds(thing, 2.0), seconds=BACK_S)


@pytest.fixture
def feeder_at(redis_url: str, redis_prefix: str) -> Iterator[Feeder]:
    made = Feeder(redis_url, redis_prefix)
    yield made
    made.close()


def test_the_database_away_and_back(  # noqa: PLR0917  fixtures
    database_url: str,
    web_settings: Settings,
    kiosk_token: str,
    conn: Db,
    feeder_at: Feeder,
    proxy: Callable[[str], ProxiedUrl],
    through: Callable[[Settings, ProxiedUrl], Settings],
) -> None:
    """Values go on without the database; programs hear 503 at once, not after a queue."""
    thing, stream = add_thing(conn)
    line = proxy(database_url)
    with (
        serving(through(web_settings, line)) as site,
        site.events(site.client(kiosk_token)) as events,
    ):
        operator = site.operator()
        assert operator.get("/api/v1/things").status == 200
        line.cut()
        health(events, "database", is_up=False)
        feeder_at.value(stream, 2.0)
        until(events, holds(thing, 2.0))
        fast_503(site, operator.cookies)
        late, _ = add_thing(conn, "tram-2")  # its notice is lost
        line.restore()
        news = until(events, lambda data: str(late) in data.get("states", {}), seconds=BACK_S)
        assert news["health"]["database"] is True
        wait_for(lambda: operator.get("/api/v1/things").status == 200, BACK_S)


def fast_503(site: Site, cookies: dict[str, str]) -> None:
    """Ask ten times: all are refused, together in less than half of ten waits."""
    client = site.client()
    client.cookies = dict(cookies)
    begin = time.monotonic()
    for _ in range(10):
        answer = client.get("/api/v1/things")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "urn:ioc:problem:database_away"
    assert time.monotonic() - begin < 10 * CONNECT_TIMEOUT_S / 2


def test_started_without_anything(web_settings: Settings, kiosk_token: str) -> None:
    """A worker starts while database and Redis are away: alive, not ready, and says what is."""
    given = msgspec.structs.replace(
        web_settings,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
    )
    with running(given) as site:
        assert site.client().get("/healthz").status == 200
        answer = site.client().get("/readyz")
        assert answer.status == 503
        assert site.client(kiosk_token).get("/wall").status == 503
        assert site.client().get("/login").status == 200
