"""Push over HTTP: 202 means that the broker has it; whatever else is said, nothing was promised."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
import msgspec
import structlog
from psycopg import Connection

from ioc.settings import Settings
from ioc.storage import users
from ioc.web.access import LARGEST_BODY
from ioc.web.api.push_description import EXAMPLE, SENML_EXAMPLE
from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.fix_proxy import ProxiedUrl
from tests.integration.ingest_rig import ROOT, environment, one, prepare
from tests.integration.push_rig import CBOR, JSON, SENML, Taken, listening, push, refused
from tests.integration.test_ingest_pair import connected, process
from tests.integration.web_site import Site, running

Db = Connection[tuple[Any, ...]]


# ---------------------------------------------------------------- what is taken


def test_the_raw_body_is_at_the_broker_before_202(
    push_site: Site, mqtt_url: str, push_source: str, source_token: str
) -> None:
    """Bytes unchanged on the source's topic, whatever the format; answer, log and message agree."""
    pack = cbor2.dumps(SENML_EXAMPLE)
    bodies = [(b' {"a":\n1}', JSON), (b"[]", SENML), (pack, CBOR), (b"\xff no json", JSON)]
    with listening(mqtt_url, push_source) as listener, structlog.testing.capture_logs() as logs:
        answers = [push(push_site.client(source_token), body, kind) for body, kind in bodies]
        assert [answer.status for answer in answers] == [202] * 4, [a.body for a in answers]
        ids = [answer.json()["message_id"] for answer in answers]
        wait_for(lambda: len(listener.taken) == 4)
    topic = f"ioc/http/{push_source}"
    assert listener.taken == [
        Taken(topic, body, kind, number) for (body, kind), number in zip(bodies, ids, strict=True)
    ]
    assert [one["message_id"] for one in logs if one["event"] == "push_taken"] == ids
    assert source_token not in json.dumps(logs, default=str)
    assert all(set(answer.json()) == {"message_id"} for answer in answers)


def test_the_largest_body_passes_whole(
    push_site: Site, mqtt_url: str, push_source: str, source_token: str
) -> None:
    """1 MiB is taken, one byte more is 413 before any broker is asked."""
    with listening(mqtt_url, push_source) as listener:
        assert push(push_site.client(source_token), b"x" * LARGEST_BODY).status == 202
        assert refused(
            push(push_site.client(source_token), b"x" * (LARGEST_BODY + 1)), 413, "too_large"
        )
        wait_for(lambda: listener.taken)
        assert [len(one.payload) for one in listener.taken] == [LARGEST_BODY]


def test_many_at_once_are_each_confirmed(
    push_site: Site, mqtt_url: str, push_source: str, source_token: str, conn: Db
) -> None:
    """Requests side by side share one connection; each 202 is a message, and none is mixed up."""
    other = users.create_token(conn, kind="source", role="source", label="b", source=push_source)
    with listening(mqtt_url, push_source) as listener, ThreadPoolExecutor(12) as crowd:
        clients = [push_site.client(source_token), push_site.client(other)]
        answers = list(crowd.map(lambda n: (n, push(clients[n % 2], b"%d" % n)), range(60)))
        found = {a.json()["message_id"]: n for n, a in answers if a.status == 202}
        assert len(found) > 30
        wait_for(lambda: len(listener.taken) >= len(found))
        assert {one.message_id: int(one.payload) for one in listener.taken} == found
    assert {a.status for _, a in answers} <= {202, 429}


def test_from_push_to_a_stored_row(
    web_settings: Settings,
    outage: Outage,
    push_source: str,
    source_token: str,
    conn: Db,
    tmp_path: Path,
) -> None:
    """A pushed body becomes rows, once when it is sent twice; what is refused is listed later."""
    push_settings = msgspec.structs.replace(web_settings, mqtt_url=outage.mosquitto().url)
    env = environment(
        tmp_path,
        f"t/push-{push_source}",
        {
            "IOC_DATABASE_URL": push_settings.database_url,
            "IOC_REDIS_URL": push_settings.redis_url,
            "IOC_REDIS_PREFIX": push_settings.redis_prefix,
            "IOC_MQTT_URL": push_settings.mqtt_url,
        },
    )
    shipped = (ROOT / "config" / "feeds" / "http.yaml").read_text(encoding="utf-8")
    text = shipped.replace("enabled: false", "enabled: true").replace(
        "http/lgsp", f"http/{push_source}"
    )
    (Path(env["IOC_CONFIG_DIR"]) / "feeds" / "http.yaml").write_text(text, encoding="utf-8")
    record = EXAMPLE["observations"][0]
    now = datetime.now(UTC).isoformat()
    body = json.dumps({"observations": [record | {"phenomenonTime": now}, {"thing": "tram-08"}]})
    plain = users.create_token(
        conn, kind="source", role="source", label="b", source=f"j{push_source}"
    )
    reader = users.create_token(conn, kind="api", role="operator", label="đọc")
    prepare(push_settings)
    with running(push_settings) as site, process(env):
        wait_for(lambda: connected(conn), 30)
        json_client, senml_client = site.client(plain), site.client(source_token)
        wait_for(lambda: push(json_client, body.encode()).status == 202)
        assert push(json_client, body.encode()).status == 202
        pack = [{"bn": "tram-07:", "n": "pm25", "u": "ug/m3", "v": 12.5}]
        wait_for(lambda: push(senml_client, cbor2.dumps(pack), CBOR).status == 202)
        wait_for(lambda: one(conn, "select count(*) from dead_letter") == 2, 20)
        wait_for(lambda: one(conn, "select count(*) from observation") == 2, 20)
        names = conn.execute("select feed, external_id from thing order by 1").fetchall()
        assert names == [("http", f"j{push_source}:tram-07"), ("http-senml", "tram-07:")]
        assert one(conn, "select result from observation order by result desc limit 1") == 35.2
        letters = site.client(reader).get("/api/v1/feeds/http/dead-letters").json()["items"]
    assert {(one["topic"], one["reason"]) for one in letters} == {
        (f"ioc/http/j{push_source}", "unnamed_channel")
    }


# ---------------------------------------------------------------- the broker is away


def test_no_202_without_the_brokers_word(
    web_settings: Settings, outage: Outage, push_source: str, source_token: str
) -> None:
    """Killed broker: 503, in time; back: 202, and nothing that was told 202 is missing."""
    server = outage.mosquitto()
    given = msgspec.structs.replace(web_settings, mqtt_url=server.url)
    with running(given) as site, listening(server.url, push_source) as listener:
        client = site.client(source_token)
        taken = [push(client, b"1")]
        wait_for(lambda: listener.taken)
        server.kill9()
        for _ in range(3):
            answer = push(client, b"2")
            assert refused(answer, 503, "broker_away")
            assert int(answer.headers["retry-after"]) >= 1
        server.start()
        wait_for(listener.client.is_connected, 30)
        listener.client.subscribe(f"ioc/http/{push_source}", qos=1)
        wait_for(lambda: push(client, b"3").status == 202, 20)
        wait_for(lambda: [one.payload for one in listener.taken][-1:] == [b"3"])
        assert taken[0].status == 202
        assert {one.payload for one in listener.taken} == {b"1", b"3"}, "2 was never promised"


def test_a_broker_that_never_answers(web_settings: Settings, source_token: str) -> None:
    """An open port that says nothing: 503 in time, for the second request too."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        with running(msgspec.structs.replace(web_settings, mqtt_url=url)) as site:
            assert refused(push(site.client(source_token), b"1"), 503, "broker_away")
            assert refused(push(site.client(source_token), b"1"), 503, "broker_away")


def test_a_line_that_is_cut_and_comes_back(
    push_settings: Settings,
    mqtt_url: str,
    proxy: Callable[[str], ProxiedUrl],
    push_source: str,
    source_token: str,
) -> None:
    """The connection is made anew by the next request; who was told 503 may simply repeat."""
    line = proxy(mqtt_url)
    given = msgspec.structs.replace(push_settings, mqtt_url=line.url)
    with running(given) as site, listening(mqtt_url, push_source) as listener:
        client = site.client(source_token)
        assert push(client, b"1").status == 202
        line.cut()
        assert push(client, b"2").status == 503
        line.restore()
        wait_for(lambda: push(client, b"2").status == 202)
        wait_for(lambda: len(listener.taken) >= 2)
        assert [one.payload for one in listener.taken] == [b"1", b"2"]


def test_a_source_that_nobody_takes_in(
    web_settings: Settings, outage: Outage, push_source: str, source_token: str
) -> None:
    """A broker that confirms and has no subscriber drops the message: that is no 202."""
    server = outage.mosquitto()
    with running(msgspec.structs.replace(web_settings, mqtt_url=server.url)) as site:
        assert refused(push(site.client(source_token), b"1"), 503, "no_receiver")
        with listening(server.url, push_source):
            assert push(site.client(source_token), b"1").status == 202


def test_a_broker_with_smaller_packets(
    web_settings: Settings, outage: Outage, push_source: str, source_token: str
) -> None:
    """What the broker announced to refuse is 413 and costs nobody the connection."""
    server = outage.mosquitto(
        "listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 20000\n"
    )
    given = msgspec.structs.replace(web_settings, mqtt_url=server.url)
    with running(given) as site, listening(server.url, push_source):
        assert push(site.client(source_token), b"1").status == 202
        with structlog.testing.capture_logs() as logs:
            assert refused(push(site.client(source_token), b"x" * 20000), 413, "too_large")
            assert push(site.client(source_token), b"1").status == 202
        assert "broker_connected" not in {one["event"] for one in logs}


def test_without_a_broker_it_says_so(web: Site, source_token: str) -> None:
    """A web process that was given no broker serves all else and answers 503 here."""
    assert refused(push(web.client(source_token), b"1"), 503, "broker_away")
