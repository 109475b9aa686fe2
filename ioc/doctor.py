"""`ioc check`: what is wrong here, in words of the person who must mend it.

Each check is a function that returns one or more findings; none raises for a broken installation.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import redis
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from ioc import clock
from ioc.domain.instant import SECOND, from_datetime
from ioc.settings import Settings
from ioc.storage import migrate, pool
from ioc.text import say

TIMEOUT_S: Final = 5
MAX_SKEW_S: Final = 2.0  # beyond it ages on the wall are visibly wrong
MIN_POSTGRES: Final = 150_000
ROW_BYTES: Final = 110  # measured: a stored observation with both indexes
ROW_MINUTE_BYTES: Final = 120


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` is empty when nothing has to be done."""

    verdict: Verdict
    subject: str
    detail: str
    remedy: str = ""


def ok(subject: str, detail: str) -> Finding:
    return Finding(Verdict.OK, say(f"check.{subject}"), detail)


def bad(
    subject: str, detail: str, remedy: str, verdict: Verdict = Verdict.WRONG, *, name: str = ""
) -> Finding:
    return Finding(verdict, say(f"check.{subject}"), detail, say(f"check.{remedy}", name=name))


def check(settings: Settings) -> Iterator[Finding]:
    """Yield findings in the order in which they should be mended."""
    yield from _assets(settings)
    yield from _database(settings)
    yield from _redis(settings)
    yield from _broker(settings)


def _assets(settings: Settings) -> Iterator[Finding]:
    vendor = settings.assets_dir / "vendor"
    needed = ["maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"]
    missing = [name for name in needed if not any(vendor.rglob(name))]
    if missing:
        yield bad("assets", ", ".join(missing), "assets_remedy")
    else:
        yield ok("assets", str(settings.assets_dir))


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        yield bad("database", "IOC_DATABASE_URL", "unset_remedy", name="IOC_DATABASE_URL")
        return
    try:
        conn = pool.connect(settings.database_url, name="check")
    except psycopg.OperationalError as error:
        yield bad("database", " ".join(str(error).split()), "database_remedy")
        return
    with conn:
        yield from _server(conn)
        yield from _skew(conn)
        yield from _migrations(conn)
        yield from _disk(conn, settings)


def _server(conn: migrate.Db) -> Iterator[Finding]:
    server = migrate.server(conn)
    shown = f"PostgreSQL {server.version // 10000}.{server.version % 10000}"
    if server.version < MIN_POSTGRES:
        yield bad("database", shown, "postgres_remedy")
    elif server.timescaledb is None:
        yield bad("database", shown, "timescaledb_remedy", Verdict.WARNING)
    else:
        yield ok("database", f"{shown}, TimescaleDB {server.timescaledb} ({server.licence})")


def _skew(conn: migrate.Db) -> Iterator[Finding]:
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    skew = abs(clock.SystemClock().now() - from_datetime(row[0])) / SECOND
    shown = f"{skew:.2f} s"
    if skew > MAX_SKEW_S:
        yield bad("clock", shown, "clock_remedy")
    else:
        yield ok("clock", shown)


def _migrations(conn: migrate.Db) -> Iterator[Finding]:
    waiting = ", ".join(m.name for m in migrate.pending(conn))
    if waiting:
        yield bad("migrations", waiting, "migrations_remedy")
    else:
        yield ok("migrations", str(len(migrate.available())))


def _disk(conn: migrate.Db, settings: Settings) -> Iterator[Finding]:
    """Forecast the size at the end of raw and minute retention from the datastreams' periods."""
    if migrate.pending(conn):
        return
    row = conn.execute(
        "select coalesce(sum(86400 / d.expected_period_s * p.raw_days), 0),"
        " coalesce(sum(least(1440, 86400 / d.expected_period_s) * p.minute_days), 0)"
        " from datastream d join observed_property p on p.code = d.property"
    ).fetchone()
    assert row is not None
    need = (float(row[0]) * ROW_BYTES + float(row[1]) * ROW_MINUTE_BYTES) / 1e9
    where = settings.data_dir if settings.data_dir.exists() else settings.config_dir
    free = shutil.disk_usage(where).free / 1e9
    detail = say("check.disk_detail", need=f"{need:.1f}", free=f"{free:.1f}")
    if need > free:
        yield bad("disk", detail, "disk_remedy", Verdict.WARNING)
    else:
        yield ok("disk", detail)


def _redis(settings: Settings) -> Iterator[Finding]:
    if not settings.redis_url:
        yield bad("redis", "IOC_REDIS_URL", "unset_remedy", name="IOC_REDIS_URL")
        return
    client = redis.Redis.from_url(
        settings.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None
    )
    try:
        info: dict[str, Any] = client.info()
    except (redis.RedisError, OSError) as error:
        yield bad("redis", str(error), "redis_remedy")
        return
    finally:
        client.close()
    persistent = info.get("aof_enabled") or info.get("rdb_bgsave_in_progress") is not None
    shown = f"{info.get('redis_version')}, AOF {'on' if info.get('aof_enabled') else 'off'}"
    if persistent:
        yield ok("redis", shown)
    else:
        yield bad("redis", shown, "redis_persistence_remedy", Verdict.WARNING)


def _broker(settings: Settings) -> Iterator[Finding]:
    if not settings.mqtt_url:
        yield bad("broker", "IOC_MQTT_URL", "unset_remedy", name="IOC_MQTT_URL")
        return
    answer = _connect_broker(settings)
    if isinstance(answer, str):
        yield bad("broker", answer, "broker_remedy")
        return
    maximum = getattr(answer, "ReceiveMaximum", 65535)
    packet = getattr(answer, "MaximumPacketSize", None)
    shown = f"receive maximum {maximum}, max packet {packet or '–'}"
    if settings.trial_broker:
        yield bad("broker", shown, "broker_trial_remedy", Verdict.WARNING)
    elif packet is not None and packet < 1_048_576:  # noqa: PLR2004  the dead letter's 1 MiB
        yield bad("broker", shown, "broker_packet_remedy", Verdict.WARNING)
    else:
        yield ok("broker", shown)


def _connect_broker(settings: Settings) -> Properties | str | None:
    """Return the CONNACK's properties, or why there is none."""
    url = urlsplit(settings.mqtt_url)
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id="", protocol=MQTTProtocolVersion.MQTTv5
    )
    if url.username:
        client.username_pw_set(url.username, url.password)
    if url.scheme == "mqtts":
        client.tls_set()
    answered = threading.Event()
    answer: list[Properties | str | None] = []

    def connected(_c: object, _u: object, _f: object, code: Any, found: Properties | None) -> None:  # noqa: ANN401
        answer.append(str(code) if code.is_failure else found)
        answered.set()

    client.on_connect = connected
    try:
        client.connect(url.hostname or "127.0.0.1", url.port or 1883, keepalive=TIMEOUT_S)
    except OSError as error:
        return str(error)
    client.loop_start()
    answered.wait(TIMEOUT_S)
    client.disconnect()
    client.loop_stop()
    return answer[0] if answer else say("check.broker_silent")


def exit_code(findings: list[Finding]) -> int:
    """Return 0 when nothing is wrong (warnings allowed), else 1."""
    return int(any(f.verdict is Verdict.WRONG for f in findings))
