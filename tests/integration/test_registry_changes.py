"""What a running ingest does when somebody changes the registry under it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from ioc import settings as configuration
from ioc.storage import retention, thing_alias, things
from tests.awaiting import wait_for
from tests.integration.ingest_rig import (
    Device,
    broken_invariants,
    environment,
    one,
    prepare,
)
from tests.integration.whole_path import Process, listening

Db = psycopg.Connection[tuple[Any, ...]]
FEED: Final = "timed"

HISTORY: Final = """
select t.external_id, t.state, array_agg(o.result::integer order by o.result)
from observation o join datastream d on d.id = o.datastream_id join thing t on t.id = d.thing_id
group by t.id order by t.external_id desc
"""


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, redis_url: str, redis_prefix: str,
    mqtt_url: str,
) -> Iterator[dict[str, str]]:  # fmt: skip
    """Run an ingest; return its environment."""
    urls = {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
        "IOC_MQTT_URL": mqtt_url,
    }
    made = environment(tmp_path, topic_prefix, urls)
    feeds = Path(made["IOC_CONFIG_DIR"]) / "feeds" / "rig.yaml"
    text = feeds.read_text(encoding="utf-8")
    feeds.write_text(text.replace("admit: true", "admit: false"), encoding="utf-8")
    prepare(configuration.load(made))
    process = Process("ingest", made, tmp_path / "ingest.log")
    process.start()
    try:
        wait_for(lambda: listening(database_url), 30)
        yield made
    finally:
        process.stop()


class Sender(Device):
    """Devices of one feed."""

    def __init__(self, url: str, topic: str) -> None:
        super().__init__(url)
        self.topic = topic
        self.began = time.time_ns() // 1_000_000 - 60_000

    def send(self, thing: str, *values: int) -> None:
        """Publish values, each measured so many milliseconds after the sender began."""
        topic = f"{self.topic}/{FEED}/{thing}"
        self.burst([(topic, f'{{"t": {self.began + v}, "v": {v}}}') for v in values])


@pytest.fixture
def devices(mqtt_url: str, topic_prefix: str) -> Iterator[Sender]:
    made = Sender(mqtt_url, topic_prefix)
    yield made
    made.close()


def stored(conn: Db) -> int:
    return int(one(conn, "select count(*) from observation"))


def admitted(conn: Db, device: str) -> int:
    """Wait for a device's thing, and admit it."""
    query = f"select max(id) from thing where external_id = '{device}'"
    thing = int(wait_for(lambda: one(conn, query)))
    assert things.admit(conn, thing, by="lan")
    return thing


@pytest.mark.usefixtures("env")
def test_a_device_replaced_at_run_time_goes_on_in_one_history(conn: Db, devices: Sender) -> None:
    """From the change on, no message of the new device goes elsewhere; none is lost or doubled."""
    devices.send("OLD", *range(1, 51))
    devices.send("NEW", 901, 902)  # it was switched on before anybody said what it is
    wait_for(lambda: stored(conn) == 52)
    thing = admitted(conn, "OLD")
    assert thing_alias.replace(conn, FEED, "OLD", "NEW", by="lan") == thing
    devices.send("NEW", *range(51, 101))
    assert thing_alias.replace(conn, FEED, "NEW", "THIRD", by="lan") == thing
    devices.send("THIRD", *range(101, 111))  # never heard of before
    devices.send("OLD", 111)  # somebody tries the old one again
    wait_for(lambda: stored(conn) == 113)
    assert conn.execute(HISTORY).fetchall() == [
        ("OLD", "admitted", list(range(1, 112))),
        ("NEW", "retired", [901, 902]),
    ]
    assert one(conn, "select count(*) from datastream") == 2
    assert one(conn, "select count(*) from dead_letter") == 0
    assert broken_invariants(conn) == []


@pytest.mark.usefixtures("env")
def test_a_thing_that_expired_is_made_anew(conn: Db, devices: Sender) -> None:
    """What was forgotten is not written to any more: the next message begins a new thing."""
    devices.send("STRANGER", 1)
    wait_for(lambda: stored(conn) == 1)
    first = one(conn, "select id from thing")
    conn.execute("update thing set created_at = now() - interval '40 days'")
    assert retention.expire_pending(conn, 30) == 1
    devices.send("STRANGER", 2)
    wait_for(lambda: stored(conn) == 1)
    assert one(conn, "select id from thing") != first
    assert conn.execute(HISTORY).fetchall() == [("STRANGER", "pending", [2])]


def test_an_alias_and_a_newcomer_cannot_pass_each_other(conn: Db, database_url: str) -> None:
    """While a writer makes a pending thing, a replacement waits for it, and retires that thing."""
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values (%s, 'a', 'a', 60)",
        (FEED,),
    )
    made = (
        "insert into thing (feed, external_id, name, short_name, kind, state)"
        " values (%s, %s, 'a', 'a', 'water', %s)"
    )
    conn.execute(made, (FEED, "OLD", "admitted"))
    with psycopg.connect(database_url) as writer, psycopg.connect(database_url) as other:
        writer.execute(made, (FEED, "NEW", "pending"))
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            thing_alias.replace(other, FEED, "OLD", "NEW", by="lan")
        other.rollback()
        writer.commit()
        assert isinstance(thing_alias.replace(other, FEED, "OLD", "NEW", by="lan"), int)
        other.commit()
    assert one(conn, "select state from thing where external_id = 'NEW'") == "retired"
