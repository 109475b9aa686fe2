"""`ioc things`: what a person declares, admits and replaces, beside a running ingest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import redis

from ioc import settings as configuration
from ioc.text import say
from tests.awaiting import wait_for
from tests.integration.ingest_rig import ROOT, Device, environment, one, prepare
from tests.integration.whole_path import Process, listening

Db = psycopg.Connection[tuple[Any, ...]]
HEAD: Final = "feed,id,name,lon,lat,commune,datastreams\n"

FEED: Final = """
- name: bare
  title: {{vi: Trần, en: Bare}}
  codec: senml
  topic: "{topic}/bare/{{thing}}"
  expected_period_s: 60
  kind: water
  datastreams:
    level_of_feed: {{property: water_level, unit: cm}}
"""


@pytest.fixture
def env(
    tmp_path: Path, topic_prefix: str, database_url: str, redis_url: str, redis_prefix: str,
    mqtt_url: str,
) -> dict[str, str]:  # fmt: skip
    """Return the environment of a centre that has a feed of SenML."""
    urls = {
        "IOC_DATABASE_URL": database_url,
        "IOC_REDIS_URL": redis_url,
        "IOC_REDIS_PREFIX": redis_prefix,
        "IOC_MQTT_URL": mqtt_url,
    }
    made = environment(tmp_path, topic_prefix, urls)
    feed = Path(made["IOC_CONFIG_DIR"]) / "feeds" / "bare.yaml"
    feed.write_text(FEED.format(topic=topic_prefix), encoding="utf-8")
    prepare(configuration.load(made))
    return made


Ioc = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ioc(env: dict[str, str]) -> Ioc:
    """Return a function that runs `ioc things …`."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ioc.cli", "things", *words],
            env=os.environ | env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def write(folder: Path, rows: str) -> str:
    path = folder / "things.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    return str(path)


def audited(conn: Db) -> list[tuple[str, str]]:
    return conn.execute("select actor, action from audit order by id").fetchall()


@pytest.fixture
def publish(
    env: dict[str, str], mqtt_url: str, topic_prefix: str, database_url: str, tmp_path: Path
) -> Iterator[Callable[[str, str, float, str], None]]:
    """Run an ingest; return a function that sends a value of a device's channel, with its unit."""
    process, device = Process("ingest", env, tmp_path / "ingest.log"), Device(mqtt_url)
    process.start()

    def send(thing: str, name: str, value: float, unit: str = "") -> None:
        record = {"n": name, "v": value, "t": time.time()} | ({"u": unit} if unit else {})
        device.publish(f"{topic_prefix}/bare/{thing}", json.dumps([record]))

    try:
        wait_for(lambda: listening(database_url), 30)
        yield send
    finally:
        process.stop()
        device.close()


RESULTS: Final = """
select t.external_id, d.code, d.property, d.unit, round(o.result::numeric, 3)::float8
from observation o join datastream d on d.id = o.datastream_id join thing t on t.id = d.thing_id
order by o.phenomenon_time
"""


def test_a_declared_thing_is_named_and_converted_when_it_speaks(
    ioc: Ioc, publish: Any, conn: Db, tmp_path: Path
) -> None:
    """Imported beside a running ingest: its channels, in the declared unit or their own."""
    found = write(tmp_path, "bare,A1,Trạm A,106.82,10.94,,h=water_level [cm] | q=rain_1h\n")
    done = ioc("import", found, "--by", "lan")
    assert (done.returncode, done.stdout.strip()) == (
        0,
        say("things.imported", made=1, changed=0),
    ), done
    publish("A1", "h", 250)
    publish("A1", "h", 3, "m")
    publish("A1", "odd", 7)
    publish("B1", "level_of_feed", 40)
    wait_for(lambda: one(conn, "select count(*) from observation") == 4)
    assert conn.execute(RESULTS).fetchall() == [
        ("A1", "water_level", "water_level", "m", 2.5),
        ("A1", "/h [m]", "water_level", "m", 3.0),
        ("A1", "/odd", "unclassified", "", 7.0),
        ("B1", "water_level", "water_level", "m", 0.4),
    ]
    assert one(conn, "select lon from location") == 106.82
    assert audited(conn) == [("lan", "things.import")]
    assert "B1" in ioc("list", "--pending").stdout
    assert "A1" not in ioc("list", "--pending", "--feed", "bare").stdout


def test_one_wrong_row_changes_nothing(ioc: Ioc, conn: Db, tmp_path: Path) -> None:
    """Every reason in Vietnamese, whether of the file or of the database; exit 1."""
    found = write(tmp_path, "bare,A1,Trạm A,,,,\nnope,A2,Trạm B,,,,\nbare,A3,C,,,26122,\n")
    done = ioc("import", found)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("Dòng 3, feed: không có nguồn nope")
    assert one(conn, "select count(*) from thing") == 0
    good = write(tmp_path, "bare,A1,Trạm A,,,,\n")
    dry = ioc("import", good, "--dry-run")
    assert (dry.returncode, dry.stdout.strip()) == (
        0,
        say("things.would_import", made=1, changed=0),
    )
    assert one(conn, "select count(*) from thing") == 0
    assert ioc("import", good).returncode == 0
    conn.execute("update thing set state = 'retired'")
    late = ioc("import", write(tmp_path, "bare,NEW,Trạm,,,,\nbare,A1,Trạm A,,,,\n"))
    assert late.returncode == 1
    assert late.stdout.startswith("Dòng 3, id: ")
    assert one(conn, "select count(*) from thing") == 1


def test_admit_and_replace(
    ioc: Ioc, publish: Any, conn: Db, tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    """All or none admitted; a replaced device goes on; screens are told, the audit knows who."""
    publish("OLD", "h", 1)
    publish("NEW", "h", 2)
    wait_for(lambda: one(conn, "select count(*) from observation") == 2)
    refused = ioc("admit", "--feed", "bare", "OLD", "NOBODY")
    assert refused.returncode == 1
    assert say("things.not_unknown", device="NOBODY") in refused.stdout
    assert one(conn, "select count(*) from thing where state = 'pending'") == 2
    early = ioc("replace", "--feed", "bare", "OLD", "NEW")
    assert (early.returncode, early.stderr.strip()) == (2, f"ioc: {say('replacement.old_pending')}")
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as ears:
        ears.subscribe(f"{redis_prefix}notice")
        assert ears.get_message(timeout=5)
        admit = ("admit", "--feed", "bare", "OLD", "--name", "Hồ Trị An", "--by", "lan")
        assert ioc(*admit).returncode == 0
        heard = ears.get_message(timeout=5)
        assert heard is not None
        assert json.loads(heard["data"]) == {"kind": "registry"}
    done = ioc("replace", "--feed", "bare", "OLD", "NEW", "--by", "mai")
    assert done.returncode == 0, done
    thing = one(conn, "select id from thing where name = 'Hồ Trị An'")
    apart = one(conn, "select id from thing where external_id = 'NEW'")
    assert done.stdout.splitlines() == [
        say("things.replaced", old="OLD", new="NEW", thing=thing),
        say("things.kept_apart", new="NEW", thing=apart, count=1),
    ]
    publish("NEW", "h", 3)
    wait_for(lambda: one(conn, "select count(*) from observation") == 3)
    assert [row[0::4] for row in conn.execute(RESULTS)] == [("OLD", 1), ("NEW", 2), ("OLD", 3)]
    assert audited(conn) == [("lan", "thing.admit"), ("mai", "thing.replace")]
    assert "NEW" in ioc("list").stdout
    again = ioc("import", write(tmp_path, "bare,NEW,Trạm,,,,\nbare,OLD,Hồ,,,,h=water_level\n"))
    assert say("things_file.is_alias", detail="NEW") in again.stdout


def test_a_channel_with_a_history_is_classified_once(
    ioc: Ioc, publish: Any, conn: Db, tmp_path: Path
) -> None:
    """What has spoken gets its name where no stored value becomes wrong by it, else a refusal."""
    publish("A1", "h", 1)
    publish("A1", "t", 300, "K")
    wait_for(lambda: one(conn, "select count(*) from observation") == 2)
    assert ioc("import", write(tmp_path, "bare,A1,Trạm,,,,h=rain_1h\n")).returncode == 0
    assert conn.execute(RESULTS).fetchall() == [
        ("A1", "rain_1h", "rain_1h", "mm", 1.0),
        ("A1", "/t [K]", "unclassified", "K", 300.0),
    ]
    for row in ("h=water_level", "t=temperature"):
        refused = ioc("import", write(tmp_path, f"bare,A1,Trạm,,,,{row}\n"))
        assert say("things_file.has_history", detail=row[0]) in refused.stdout


def test_a_file_says_what_a_thing_hangs_on(ioc: Ioc, conn: Db, tmp_path: Path) -> None:
    """In any order of rows, across feeds; an unknown parent and a loop are named, by row."""
    path = tmp_path / "tree.csv"

    def load(rows: str) -> tuple[int, str]:
        path.write_text(f"feed,id,name,parent\n{rows}", encoding="utf-8")
        done = ioc("import", str(path), "--by", "lan")
        return done.returncode, done.stdout + done.stderr

    code, said = load("bare,A1,Trạm A,G/1\nbare,A2,Trạm B,bare/A1\nbare,G/1,Gateway,\n")
    assert code == 0, said
    tree = "select t.external_id, p.external_id from thing t join thing p on p.id = t.parent_id"
    assert sorted(conn.execute(tree).fetchall()) == [("A1", "G/1"), ("A2", "A1")]
    code, said = load("bare,G/1,Gateway,A2\nbare,A1,Trạm A,nobody\n")
    assert code != 0
    assert say("things_file.parent_loop", detail="A2") in said
    assert say("things_file.no_parent", detail="nobody") in said
    assert sorted(conn.execute(tree).fetchall()) == [("A1", "G/1"), ("A2", "A1")]
