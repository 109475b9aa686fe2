"""`/live`: a snapshot, then only what changed; nobody's slowness or leaving costs the others."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
import redis
from psycopg import Connection

import ioc.web.__main__ as web_main
from ioc.clock import SystemClock
from ioc.live.state import Live
from ioc.rows import Rows
from ioc.settings import Settings
from ioc.storage import users
from ioc.web.auth import BELIEF_S
from ioc.web.stream import Limits
from tests.awaiting import wait_for
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import Client, Events, Site, add_thing, running

Db = Connection[tuple[Any, ...]]
QUICK: Final = Limits(heartbeat=0.3, window=0.02, recheck=0.2)
# Enough that one snapshot or delta (about 120 bytes a thing) is 700 kB: two of them are more than
# the kernel holds for a client that does not read.
CROWD: Final = 6000


class Feeder:
    """Publishes as ingest does."""

    def __init__(self, url: str, prefix: str) -> None:
        self.client = redis.Redis.from_url(url)
        self.prefix = prefix
        self._live = Live(self.client, prefix)

    def value(self, stream: int, value: float) -> None:
        self.values([stream], value)

    def values(self, streams: list[int], value: float) -> None:
        """Publish one batch in which each of these datastreams has a new value."""
        now = SystemClock().now()
        rows = Rows.of((one, int(now), value, 0, 0, int(now)) for one in streams)
        self._live.publish(1, 1, None, rows, now)

    def notice(self, kind: str) -> None:
        self.client.publish(f"{self.prefix}notice", json.dumps({"kind": kind}))

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def feeder(redis_url: str, redis_prefix: str) -> Iterator[Feeder]:
    made = Feeder(redis_url, redis_prefix)
    yield made
    made.close()


@contextmanager
def serving(given: Settings, limits: Limits = QUICK, **more: Any) -> Iterator[Site]:
    """Serve with short times, once the hub has read the registry."""
    with running(given, limits, **more) as site:
        wait_for(lambda: all(site.services.hub.health()[name] for name in ("database", "redis")))
        yield site


def until(events: Events, wanted: Callable[[Any], bool], *, seconds: float = 30) -> Any:
    """Return the first snapshot or delta that is `wanted`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        kind, data = events.next()
        if kind != "heartbeat" and wanted(data):
            return data
    raise AssertionError("no such event")


def holds(thing: int, value: float) -> Callable[[Any], bool]:
    return lambda data: (
        data.get("states", {}).get(str(thing), {}).get("values", {}).get("pm25", [None])[0] == value
    )


def test_snapshot_then_only_what_changed(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """The first event is everything; each later one holds the changed thing alone, seq rises."""
    (first, stream), (second, _) = add_thing(conn, "tram-1"), add_thing(conn, "tram-2")
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        kind, snapshot = events.next()
        assert (events.status, kind) == (200, "snapshot")
        assert set(snapshot["states"]) == {str(first), str(second)}
        assert set(snapshot) > {"seq", "t", "alerts", "counts", "feeds", "layers", "health"}
        last = snapshot["seq"]
        deltas = 0
        for value in (41.0, 42.0, 43.0, 44.0, 45.0):
            feeder.value(stream, value)
            data = until(events, holds(first, value))
            assert data["seq"] > last
            last = data["seq"]
            if "layers" not in data:  # else a new snapshot: the hub read its registry anew
                assert set(data["states"]) == {str(first)}
                deltas += 1
        assert deltas >= 2


def test_a_burst_is_one_delta_with_the_newest_value(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """What changes a hundred times while a client waits reaches it a few times, at its newest."""
    thing, stream = add_thing(conn)
    with (
        serving(web_settings, replace(QUICK, window=0.5)) as site,
        site.events(site.client(kiosk_token)) as events,
    ):
        events.next("snapshot")
        for n in range(100):
            feeder.value(stream, float(n))
        seen: list[Any] = []
        while not seen or not holds(thing, 99.0)(seen[-1]):
            seen.append(events.next("delta")[1])
        assert len([data for data in seen if "states" in data]) <= 10


def test_heartbeats_come_through_silence(web_settings: Settings, kiosk_token: str) -> None:
    """Without news the line still tells time and health, faster than a browser gives up."""
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        first = events.next("heartbeat")[1]
        second = events.next("heartbeat")[1]
        assert second["t"] > first["t"]
        assert set(first) == {"seq", "t", "health"}
        assert first["health"]["database"] is True
    assert Limits().heartbeat * 3 < 15  # ARCHITECTURE: "connection lost" within 15 s


def test_pending_things_are_not_shown(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """A thing nobody admitted is a number, never a point; a retired one is gone."""
    shown, _ = add_thing(conn, "tram-1")
    _, hidden = add_thing(conn, "la-1", state="pending")
    add_thing(conn, "cu-1", state="retired")
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        data = until(events, lambda data: data.get("counts", {}).get("pending") == 1)
        assert set(data["states"]) == {str(shown)}
        feeder.value(hidden, 5.0)
        wait_for(lambda: feeder.client.hlen(f"{feeder.prefix}state") == 1)
        with site.events(site.client(kiosk_token)) as again:
            assert set(again.next("snapshot")[1]["states"]) == {str(shown)}


def test_a_new_thing_appears_in_an_open_line(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """A notice of the registry brings a snapshot in the same connection."""
    add_thing(conn, "tram-1")
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        events.next("snapshot")
        late, _ = add_thing(conn, "tram-2")
        feeder.notice("registry")
        until(events, lambda data: str(late) in data.get("states", {}))


def test_an_unknown_stream_is_looked_up(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """A value of a thing that appeared a moment ago is shown even where its notice was lost."""
    add_thing(conn, "tram-1")
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        events.next("snapshot")
        thing, stream = add_thing(conn, "tram-2")
        feeder.value(stream, 12.5)
        until(events, lambda data: str(thing) in data.get("states", {}))


def test_a_bad_delta_harms_nobody(
    web_settings: Settings, kiosk_token: str, conn: Db, feeder: Feeder
) -> None:
    """Junk on the bus is counted as a bug; the loop lives and the next value arrives."""
    thing, stream = add_thing(conn)
    with serving(web_settings) as site, site.events(site.client(kiosk_token)) as events:
        events.next("snapshot")
        feeder.client.publish(f"{feeder.prefix}delta", b"{not json")
        wait_for(lambda: site.services.hub.loop_errors == 1)
        feeder.value(stream, 7.0)
        until(events, holds(thing, 7.0))


# ---------------------------------------------------------------- limits


def many_things(conn: Db, number: int) -> list[int]:
    """Create things with a datastream each; return the datastreams."""
    add_thing(conn, "tram-0")
    conn.execute(
        "with made as (insert into thing (feed, external_id, name, short_name, kind, state)"
        " select 'env', 'm' || n, 'm' || n, 'm' || n, 'environment', 'admitted'"
        " from generate_series(1, %s) n returning id)"
        " insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) select id, 'v', 'pm25', 'pm25', '', 60, 300 from made",
        (number,),
    )
    return [row[0] for row in conn.execute("select id from datastream order by id")]


@contextmanager
def deaf(site: Site, token: str) -> Iterator[socket.socket]:
    """Open /live and read nothing of it."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", site.port))
        line.sendall(
            b"GET /live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + token.encode()
            + b"\r\n\r\n"
        )
        yield line


def test_a_client_that_does_not_read_is_dropped(
    web_settings: Settings,
    kiosk_token: str,
    conn: Db,
    feeder: Feeder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It holds a mailbox no larger than the registry, is cut off, and the others go on."""
    streams = many_things(conn, CROWD)
    limits = replace(QUICK, send=1.0, heartbeat=2.0)
    with serving(web_settings, limits) as site, site.events(site.client(kiosk_token)) as well:
        well.next("snapshot")
        hub = site.services.hub
        with deaf(site, kiosk_token) as line:
            wait_for(lambda: hub.clients == 2)
            sizes = []
            for n in range(200):
                feeder.values(streams, float(n))
                well.next("delta")
                sizes += [len(box.things) for box in list(hub._mailboxes)]
                if hub.clients == 1:
                    break
            assert hub.clients == 1
            assert max(sizes) <= len(streams)
            left = b""
            while part := line.recv(1 << 20):
                left += part
            assert not left.endswith(b"0\r\n\r\n")  # a browser sees an error and comes back
        assert "without completing" not in caplog.text
        feeder.values(streams, 1000.0)
        until(
            well,
            lambda data: any(
                entry["values"]["pm25"][0] == 1000.0 for entry in data.get("states", {}).values()
            ),
        )


def test_the_number_of_clients_is_limited(web_settings: Settings, kiosk_token: str) -> None:
    """One more than the worker may hold hears 503 and when to come back; a free place is free."""
    with serving(web_settings, most_clients=2) as site:
        client = site.client(kiosk_token)
        with site.events(client) as first, site.events(client):
            first.next("snapshot")
            wait_for(lambda: site.services.hub.clients == 2)
            answer = client.get("/live")
            assert (answer.status, answer.headers["retry-after"]) == (503, "10")
            assert answer.json()["type"] == "urn:ioc:problem:too_many_clients"
        wait_for(lambda: site.services.hub.clients == 0)
        with site.events(client) as again:
            assert again.next()[0] == "snapshot"


def test_a_stream_has_an_age(web_settings: Settings, kiosk_token: str) -> None:
    """No stream is for ever; it ends cleanly and the browser comes back."""
    with (
        serving(web_settings, replace(QUICK, age=1.0)) as site,
        site.events(site.client(kiosk_token)) as events,
    ):
        ends(events, within=30)


# ---------------------------------------------------------------- who may listen


def ends(events: Events, *, within: float) -> None:
    """Read until the stream ends; it must do so within these seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            events.next()
        except EOFError:
            return
    raise AssertionError("the stream goes on")


@pytest.mark.parametrize("deed", ["logout", "disable", "expire", "revoke"])
def test_a_stream_ends_with_its_right(
    web_settings: Settings, kiosk_token: str, conn: Db, deed: str
) -> None:
    """Logout, a disabled account, an expired session and a revoked token end an open line."""
    with serving(web_settings) as site:
        client = site.client(kiosk_token) if deed == "revoke" else site.operator()
        with site.events(client) as events, site.events(site.operator()) as other:
            events.next("snapshot")
            match deed:
                case "logout":
                    client.post("/logout")
                case "disable":
                    users.disable_user(conn, "truc-ban")
                case "expire":
                    conn.execute(
                        "update session set expires_at = now() where id_hash in"
                        " (select id_hash from session order by created_at limit 1)"
                    )
                case "revoke":
                    (token,) = users.list_tokens(conn)
                    users.revoke_token(conn, token.id)
            ends(events, within=BELIEF_S + QUICK.recheck + 30)
            assert client.get("/live").status == 401
            if deed != "disable":  # the other session is the same person's
                assert other.next("heartbeat")


def test_a_stream_outlives_the_database(
    database_url: str,
    web_settings: Settings,
    kiosk_token: str,
    proxy: Callable[[str], ProxiedUrl],
    through: Callable[[Settings, ProxiedUrl], Settings],
) -> None:
    """While nobody can ask the door, an open line goes on, says so, and notices the return."""
    line = proxy(database_url)
    with (
        serving(through(web_settings, line)) as site,
        site.events(site.client(kiosk_token)) as events,
    ):
        events.next("snapshot")
        line.cut()
        away = until(events, lambda data: data.get("health", {}).get("database") is False)
        end = time.monotonic() + BELIEF_S + 2  # longer than the door's belief and a recheck
        while time.monotonic() < end:
            assert events.next("heartbeat")[1]["health"]["database"] is False
        assert away["seq"]
        line.restore()
        until(events, lambda data: data.get("health", {}).get("database") is True)


def test_shutdown_ends_open_streams(
    web_settings: Settings, kiosk_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is told to stop does not wait for its screens."""
    monkeypatch.setattr(web_main, "_GRACEFUL_S", 25)  # far from what a busy machine may take
    with serving(web_settings, Limits()) as site:
        events = site.events(site.client(kiosk_token))
        events.__enter__()
        events.next("snapshot")
        begin = time.monotonic()
    assert time.monotonic() - begin < 20
    events.__exit__()
    assert isinstance(site.client(), Client)
