"""`ioc check` tells what is wrong and what to do; each fault is caused for real where it can be."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import psycopg
import pytest
import redis
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ioc import doctor, settings
from ioc.doctor import broker, database, live
from ioc.doctor.database import Disk
from ioc.doctor.finding import Finding, Verdict
from ioc.domain.instant import SECOND, Micros, from_datetime
from ioc.storage import migrate
from ioc.text import say
from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.services.servers import Server

ROOT = Path(__file__).resolve().parents[2]
DEAD: dict[str, Any] = {
    "database_url": "postgresql://127.0.0.1:1/x",
    "redis_url": "redis://127.0.0.1:1",
    "mqtt_url": "mqtt://127.0.0.1:1",
}
Db = psycopg.Connection[tuple[Any, ...]]


class Shifted:
    """A clock that is off by some seconds."""

    def __init__(self, seconds: int) -> None:
        self._off = seconds * SECOND

    def now(self) -> Micros:
        return Micros(from_datetime(datetime.now(UTC)) + self._off)


def check(clock: Shifted | None = None, **given: Any) -> dict[str, list[Finding]]:
    """Return the findings by subject."""
    found: dict[str, list[Finding]] = {}
    for finding in doctor.check(msgspec.structs.replace(settings.load({}), **given), clock):
        found.setdefault(finding.subject, []).append(finding)
    return found


def only(found: dict[str, list[Finding]], subject: str) -> Finding:
    (finding,) = found[say(f"check.{subject}")]
    return finding


def remedies(findings: list[Finding]) -> set[str]:
    return {finding.remedy for finding in findings}


def test_running_services_pass(database_url: str, redis_url: str, mqtt_url: str) -> None:
    """A migrated database, a Redis and a broker as in production have nothing to mend."""
    found = check(database_url=database_url, redis_url=redis_url, mqtt_url=mqtt_url)
    for subject in ("database", "clock", "migrations", "disk", "redis", "broker"):
        assert only(found, subject).verdict is Verdict.OK, subject


def test_unreachable_services_are_named() -> None:
    """Each dead address is a finding with a remedy; nothing raises; the exit code is 1."""
    found = check(**DEAD)
    for subject in ("database", "redis", "broker"):
        finding = only(found, subject)
        assert finding.verdict is Verdict.WRONG
        assert finding.remedy
        assert "\n" not in finding.detail
    assert doctor.exit_code([finding for one in found.values() for finding in one]) == 1


def test_addresses_that_are_not_set_are_named() -> None:
    """Without URLs the remedy names each variable."""
    found = check()
    for subject, name in (("database", "DATABASE"), ("redis", "REDIS"), ("broker", "MQTT")):
        assert f"IOC_{name}_URL" in only(found, subject).remedy


def test_missing_front_end_is_named(tmp_path: Path) -> None:
    """A tree whose front-end parts were not installed says which."""
    assert only(check(assets_dir=tmp_path), "assets").detail.count("maplibre") == 3


# ---------------------------------------------------------------- database


def test_licence_is_shown(database_url: str, conn: Db) -> None:
    """The edition of TimescaleDB stands in the report: it decides what can be switched on."""
    server = migrate.server(conn)
    if server.timescaledb is None:
        pytest.skip("a PostgreSQL without TimescaleDB")
    assert f"({server.licence})" in only(check(database_url=database_url), "database").detail


def test_plain_and_old_servers(empty_database_url: str) -> None:
    """A database without TimescaleDB is a warning, one older than 15 does not do."""
    finding = only(check(database_url=empty_database_url), "database")
    assert finding.verdict is Verdict.WARNING
    assert finding.remedy == say("check.timescaledb_remedy")
    old = database.judge_server(migrate.Server(140_013, "2.19.0", "apache"))
    assert (old.verdict, old.remedy) == (Verdict.WRONG, say("check.postgres_remedy"))


def test_missing_migrations_are_named(empty_database_url: str) -> None:
    """An empty database is sent to `ioc migrate`, and no disk is forecast from it."""
    found = check(database_url=empty_database_url)
    assert only(found, "migrations").remedy == say("check.migrations_remedy")
    assert migrate.available()[0].name in only(found, "migrations").detail
    assert say("check.disk") not in found


def test_a_newer_database_is_a_finding(database_url: str, conn: Db) -> None:
    """A schema that this version does not know is told, not thrown."""
    conn.execute("insert into schema_migration (number, name, digest) values (9999, 'x', 'y')")
    found = only(check(database_url=database_url), "migrations")
    assert (found.verdict, found.remedy) == (Verdict.WRONG, say("check.version_remedy"))


@pytest.mark.parametrize(("off", "verdict"), [(-3, "wrong"), (0, "ok"), (3, "wrong")])
def test_clock_skew(database_url: str, off: int, verdict: str) -> None:
    """A clock three seconds before or behind the database's is wrong."""
    found = only(check(Shifted(off), database_url=database_url), "clock")
    assert found.verdict == verdict
    assert f"{abs(off)}." in found.detail or found.detail.startswith(("2.9", "0."))


def _datastream(conn: Db, period_s: float) -> None:
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values ('f', 'a', 'b', 60)"
    )
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind)"
        " values ('pm25', 'Bụi', 'Dust', 'µg/m³', 'quantity')"
    )
    conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind)"
        " values ('f', 'x', 'A', 'A', 'environment')"
    )
    conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) values (1, 'v', 'pm25', 'pm25', 'µg/m³', %s, 300)",
        (period_s,),
    )


def test_disk_is_forecast_from_periods_and_retention(database_url: str, conn: Db) -> None:
    """90 days of values, 2 years of minutes and 10 years of hours, each at its measured size."""
    _datastream(conn, 1)
    raw, minutes, hours = 86400 * 90, 1440 * 730, 24 * 3650
    need = (
        raw * database.ROW_BYTES + minutes * database.MINUTE_BYTES + hours * database.HOUR_BYTES
    ) / 1e9
    assert f"{need:.1f} GB" in only(check(database_url=database_url), "disk").detail


def test_a_disk_that_will_be_full_is_a_warning(database_url: str, conn: Db) -> None:
    """A datastream of a million values a second fits on no disk; what is stored already counts."""
    _datastream(conn, 1e-6)
    found = only(check(database_url=database_url), "disk")
    assert (found.verdict, found.remedy) == (Verdict.WARNING, say("check.disk_remedy"))
    assert database.judge_disk(Disk(10e9, 6 * 10**9, 5 * 10**9)).verdict is Verdict.OK
    assert database.judge_disk(Disk(10e9, 4 * 10**9, 5 * 10**9)).verdict is Verdict.WARNING


def test_a_foreign_disk_is_not_guessed() -> None:
    """The free space of this machine says nothing about the database server's."""
    found = database.judge_disk(Disk(1e15, 0, None))
    assert (found.verdict, found.detail) == (Verdict.OK, say("check.disk_far", need="1000000.0"))
    assert [database._local(host) for host in ("127.0.0.1", "::1", "localhost", "/tmp")] == [
        True
    ] * 4
    assert not database._local("10.0.0.5")
    assert not database._local("db.example.vn")


# ---------------------------------------------------------------- Redis


def test_redis_that_keeps_nothing_is_a_warning(outage: Outage) -> None:
    """Neither append-only file nor snapshots: told; with either of them: fine."""
    server = outage.redis()
    with redis.Redis.from_url(server.url) as client:
        assert only(check(redis_url=server.url), "redis").verdict is Verdict.OK
        client.config_set("appendonly", "no")
        found = only(check(redis_url=server.url), "redis")
        assert (found.verdict, found.remedy) == (
            Verdict.WARNING,
            say("check.redis_persistence_remedy"),
        )
        client.config_set("save", "60 1")
        assert only(check(redis_url=server.url), "redis").verdict is Verdict.OK


def test_redis_that_throws_values_away_is_a_warning(outage: Outage) -> None:
    """A memory limit with eviction loses live values; a limit without it does not."""
    server = outage.redis()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "100mb")
        assert only(check(redis_url=server.url), "redis").verdict is Verdict.OK
        client.config_set("maxmemory-policy", "allkeys-lru")
        found = only(check(redis_url=server.url), "redis")
    assert (found.verdict, found.remedy) == (Verdict.WARNING, say("check.redis_eviction_remedy"))


def test_redis_that_cannot_write_is_wrong(outage: Outage) -> None:
    """A snapshot that fails is told before its data are needed."""
    server = outage.redis()
    (server.data / "dump.rdb").mkdir()  # what stands in the way of the file
    with redis.Redis.from_url(server.url) as client:
        client.set("a", "b")
        client.bgsave()
        wait_for(lambda: client.info()["rdb_last_bgsave_status"] == "err", 10)
        found = only(check(redis_url=server.url), "redis")
    assert (found.verdict, found.remedy) == (Verdict.WRONG, say("check.redis_write_remedy"))


def test_redis_without_config_command_is_judged_by_what_it_tells() -> None:
    """Where CONFIG is forbidden snapshots are unknown: the append-only file alone decides."""
    hosted = {"redis_version": "8.0", "aof_enabled": 0}
    assert live.judge(hosted, None).verdict is Verdict.WARNING
    assert live.judge(hosted | {"aof_enabled": 1}, None).verdict is Verdict.OK


# ---------------------------------------------------------------- broker


def _mosquitto(outage: Outage, *lines: str) -> Server:
    always = ("listener {port} 127.0.0.1", "sys_interval 1")
    return outage.mosquitto("\n".join([*always, *lines, ""]))


def test_limits_of_the_broker_are_told(outage: Outage) -> None:
    """A small window, a small packet and a QoS of 0 are three findings, each with its remedy."""
    server = _mosquitto(
        outage,
        "allow_anonymous true",
        "max_inflight_messages 20",
        "max_packet_size 65536",
        "max_qos 0",
    )
    found = check(mqtt_url=server.url)[say("check.broker")]
    assert remedies(found) == {
        say(f"check.broker_{what}_remedy") for what in ("window", "packet", "qos")
    }
    assert doctor.exit_code(found) == 1
    assert "mosquitto version" in found[0].detail


def test_dropped_messages_are_told(outage: Outage) -> None:
    """A broker that has thrown away messages of an absent session says so in $SYS, and so do we."""
    server = _mosquitto(
        outage, "allow_anonymous true", "max_inflight_messages 0", "max_queued_messages 5"
    )
    url = server.url
    assert only(check(mqtt_url=url), "broker").verdict is Verdict.OK
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id="away", protocol=MQTTProtocolVersion.MQTTv5
    )
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    connected: list[object] = []
    client.on_subscribe = lambda *_: connected.append(1)
    client.connect("127.0.0.1", server.port, properties=properties)
    client.loop_start()
    client.subscribe("a", qos=1)
    wait_for(lambda: connected)
    client.disconnect()
    client.loop_stop()
    other = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    other.connect("127.0.0.1", server.port)
    other.loop_start()
    for sent in [other.publish("a", "x", qos=1) for _ in range(20)]:
        sent.wait_for_publish(10)
    other.disconnect()
    other.loop_stop()

    def told() -> bool:
        return say("check.broker_dropped_remedy") in remedies(
            check(mqtt_url=url)[say("check.broker")]
        )

    wait_for(told, 15)


def test_broker_that_refuses_us_is_wrong(outage: Outage) -> None:
    """An account that the broker does not know is told in the broker's own word."""
    server = _mosquitto(outage, "allow_anonymous false")
    found = only(check(mqtt_url=server.url), "broker")
    assert (found.verdict, found.detail) == (Verdict.WRONG, "Not authorized")


def test_port_that_speaks_no_mqtt_is_wrong(redis_url: str) -> None:
    """A Redis at the broker's address is not taken for a broker."""
    found = only(check(mqtt_url=redis_url.replace("redis://", "mqtt://")), "broker")
    assert found.verdict is Verdict.WRONG


def test_trial_broker_is_a_warning(mqtt_url: str) -> None:
    """The embedded broker is never called good."""
    found = only(check(mqtt_url=mqtt_url, trial_broker=True), "broker")
    assert found.remedy == say("check.broker_trial_remedy")


def test_short_sessions_are_told() -> None:
    """A broker that keeps our session shorter than we ask loses what comes while we are away."""
    (found,) = broker.judge(broker.Answer(session_s=3600), 604_800)
    assert found.remedy == say("check.broker_session_remedy")
    (fine,) = broker.judge(broker.Answer(session_s=604_800), 604_800)
    assert fine.verdict is Verdict.OK


# ---------------------------------------------------------------- the command


def _command(**urls: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", "check"],
        env=clean | {f"IOC_{k.upper()}": v for k, v in urls.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


def test_exit_code_of_the_command(database_url: str, redis_url: str, mqtt_url: str) -> None:
    """`ioc check` ends with 0 when nothing is wrong, else with 1, and shows remedies."""
    good = _command(database_url=database_url, redis_url=redis_url, mqtt_url=mqtt_url)
    assets = say("check.verdict_wrong") + "] " + say("check.assets")
    assert good.returncode == int(assets in good.stdout), good.stdout + good.stderr
    bad = _command(database_url=database_url, redis_url=DEAD["redis_url"], mqtt_url=mqtt_url)
    assert bad.returncode == 1
    assert say("check.redis_remedy") in bad.stdout
    assert bad.stderr == ""
