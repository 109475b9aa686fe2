"""A small province for browser tests: registry, boundary, values, open alerts, signs of life."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import sin
from typing import Any, Final
from uuid import uuid4

import redis
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.clock import SystemClock
from ioc.domain.instant import MINUTE, Micros, to_datetime
from ioc.domain.layer import Published
from ioc.live.state import Live
from ioc.rows import Rows
from ioc.storage import layers
from tests.integration.web_site import add_people

Db = Connection[tuple[Any, ...]]
BOX: Final = (106.4, 10.6, 107.6, 12.3)  # west, south, east, north
HISTORY_MINUTES: Final = 180
_RULE: Final = "pm25-episode"


@dataclass
class Province:
    """What was made, and the hand that moves it."""

    conn: Db
    live: Live
    client: redis.Redis
    prefix: str
    kiosk: str
    things: list[int] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)

    def publish(self, index: int, value: float) -> None:
        """Send a new value of a thing as ingest would."""
        now = SystemClock().now()
        row = (self.streams[index], int(now), value, 0, 4, int(now))
        self.live.publish(1, 1, None, Rows.of([row]), now)

    def beat(self) -> None:
        """Leave the signs of life of ingest and evaluator."""
        now = str(SystemClock().now())
        self.client.hset(
            f"{self.prefix}heartbeat", mapping={"ingest": now, "evaluator": now, "dispatcher": now}
        )
        self.conn.execute("update ingest_writer set heartbeat = now(), watermark = now()")


def build(conn: Db, redis_url: str, prefix: str, *, things: int = 6, masts: int = 4) -> Province:
    """Fill an empty migrated database."""
    client = redis.Redis.from_url(redis_url)
    made = Province(conn, Live(client, prefix), client, prefix, add_people(conn))
    conn.execute("insert into ingest_writer (client_id, connected_since) values ('t', now())")
    _registry(made, things, masts)
    _layers(made, things)
    _history(made)
    for index in range(things + masts):
        made.publish(index, 40.0 + index if index < things else 0.0)
    made.beat()
    return made


def _registry(made: Province, things: int, masts: int) -> None:
    conn = made.conn
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s, simulated) values"
        " ('env', 'Môi trường', 'Environment', 60, true), ('bts', 'Viễn thông', 'BTS', 60, true)"
    )
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind, states, decimals)"
        " values ('pm25', 'Bụi mịn PM2,5', 'PM2.5', 'µg/m³', 'quantity', null, 1),"
        " ('bts_state', 'Trạng thái trạm BTS', 'BTS', '', 'category',"
        """ '{"online": 0, "degraded": 1, "offline": 2}', 0)"""
    )
    with conn.cursor() as cursor:
        for index in range(things + masts):
            mast = index >= things
            feed, prop, unit = ("bts", "bts_state", "") if mast else ("env", "pm25", "µg/m³")
            name = f"Không khí – phường Long Khánh {index}" if not mast else f"BTS {index}"
            cursor.execute(
                "insert into thing (feed, external_id, name, short_name, kind, state, simulated)"
                " values (%s, %s, %s, %s, %s, 'admitted', true) returning id",
                (feed, f"x{index}", name, name[:32], "bts" if mast else "environment"),
            )
            made.things.append(_one(cursor))
            cursor.execute(
                "insert into datastream (thing_id, name, code, property, unit,"
                " expected_period_s, stale_after_s) values (%s, %s, %s, %s, %s, 60, 300)"
                " returning id",
                (made.things[-1], prop, prop, prop, unit),
            )
            made.streams.append(_one(cursor))


def _one(cursor: Any) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _layers(made: Province, things: int) -> None:
    west, south, east, north = BOX
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    outline = {"type": "Polygon", "coordinates": [ring]}
    spots = []
    for index, thing in enumerate(made.things):
        lon = west + (index * 0.37 % 1) * (east - west) * 0.9 + 0.05
        lat = south + (index * 0.59 % 1) * (north - south) * 0.9 + 0.05
        kind = "environment" if index < things else "bts"
        names = {"kind": kind, "name": f"x{index}", "short": f"x{index}"}
        spots.append(_feature(thing, {"type": "Point", "coordinates": [lon, lat]}, names))
    found = {
        "province": [_feature(75, outline, {"name": "Đồng Nai"})],
        "things": spots[:things],
        "bts": spots[things:],
    }
    for number, (name, features) in enumerate(found.items()):
        body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
        layers.put(made.conn, name, Published(f"{number:016x}", body, len(features), ""))


def _feature(key: int, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "id": key, "geometry": geometry, "properties": properties}


def _history(made: Province) -> None:
    """Write the minutes of the first thing's past three hours."""
    now = SystemClock().now()
    with made.conn.cursor() as cursor:
        cursor.executemany(
            "insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last)"
            " values (%s, date_trunc('minute', %s), 1, 1, %s, %s, %s, %s)",
            [
                (
                    made.streams[0],
                    to_datetime(Micros(now - back * MINUTE)),
                    *[60 + 40 * sin(back / 20)] * 2,
                    *[65 + 40 * sin(back / 20)] * 2,
                )
                for back in range(HISTORY_MINUTES)
            ],
        )


def raise_alert(
    made: Province,
    index: int,
    *,
    severity: int = 1,
    value: float = 163.4,
    rule_suffix: str = "",
) -> str:
    """Open an alert on a thing as the evaluator would; return its id."""
    definition = {
        "name": {"vi": "Bụi mịn vượt ngưỡng", "en": "PM2.5"},
        "op": ">",
        "limit": 150,
        "operator_action": {"vi": "gọi trực ban môi trường của phường", "en": "call"},
        "legal_ref": "QCVN 05:2023/BTNMT",
    }
    rule = f"{_RULE}-{severity}{rule_suffix}"
    made.conn.execute(
        "insert into rule (id, name, current_version) values (%s, %s, 1) on conflict do nothing",
        (rule, "Bụi mịn"),
    )
    made.conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by) values"
        " (%s, 1, %s, 'test') on conflict do nothing",
        (rule, Jsonb(definition)),
    )
    key = uuid4()
    made.conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result, limit_value, peak) values (%s, %s, 1, %s, %s, %s, true,"
        " now() - interval '4 min', now(), %s, 150, %s)",
        (key, rule, made.streams[index], made.things[index], severity, value, value),
    )
    made.alerts.append(str(key))
    made.client.publish(f"{made.prefix}notice", json.dumps({"kind": "alert"}))
    return str(key)
