"""A small real network in a database: a trunk with offices behind it, each a measured thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack
from threading import Event
from typing import Any

from psycopg import Connection

from ioc import catalogue
from ioc.alerting.cuts import Watch
from ioc.domain.alert import Kind, Rule
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change
from ioc.domain.evaluation import Announcement, Verdict
from ioc.domain.instant import SECOND, Micros, to_datetime
from ioc.domain.location import Point
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import definition as rule_files
from ioc.storage import rules, things, verdict
from tests.unit.network_plans import at

Db = Connection[tuple[Any, ...]]
CONFIG = Path(__file__).parents[2] / "config"
T0 = Micros(1_790_000_000 * SECOND)
ONLINE, OFFLINE = 0, 2


@dataclass
class Hands:
    """A clock that only a test moves."""

    at: Micros = T0

    def now(self) -> Micros:
        return self.at


def put_feature(
    conn: Db,
    layer: str,
    code: str,
    points: tuple[Point, ...],
    properties: str = "{}",
    *,
    name: str = "",
) -> None:
    """Write one row of a layer: a point, or a line."""
    numbers = b"".join(pack("<2d", *point) for point in points)
    one = len(points) == 1
    head = pack("<BI", 1, 1) if one else pack("<BII", 1, 2, len(points))
    conn.execute(
        "insert into layer_feature (layer, code, since, name, shape, bounds, properties,"
        " commune_how, digest) values (%s, %s, 1, %s, %s, %s, %s, 'none', '')",
        (layer, code, name or code, head + numbers, f"({points[0]},{points[-1]})", properties),
    )


@dataclass
class Town:
    """Core - a - b - c - d, with four offices behind each place; a clock that only we move."""

    conn: Db
    clock: Hands = field(default_factory=Hands)
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)  # office -> thing, stream
    told: list[Micros] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        things.upsert_properties(self.conn, catalogue.load(CONFIG / "catalog"))
        rules.sync(self.conn, rule_files.load(CONFIG / "rules"), "test")
        self.conn.execute(
            "insert into feed (name, title_vi, title_en, expected_period_s)"
            " values ('f', 'f', 'f', 300)"
        )
        self.conn.execute("insert into ingest_writer (client_id) values ('w')")
        self._layers()
        self.watch = Watch(Event(), self.clock, self.told.append)
        self.report(self.streams, ONLINE)

    def _layers(self) -> None:
        self.feature("node", "core", (at(0),), '{"kind": "core"}')
        for n, spot in enumerate("abcd"):
            self.feature("node", f"Nút {spot}", (at(2 * n + 2),))
            self.feature("fibre_route", f"k{n}", (at(2 * n), at(2 * n + 2)))
            for m in range(1, 5):
                place = at(2 * n + 2, m)
                self.feature("fibre_route", f"{spot}{m}", (at(2 * n + 2), place))
                self.streams[f"{spot}{m}"] = self._office(f"{spot}{m}", place)
        self.conn.execute(
            "insert into layer_import (layer, number, created_by) values ('fibre_route', 1, 'x')"
        )

    def feature(
        self,
        layer: str,
        code: str,
        points: tuple[Point, ...],
        properties: str = "{}",
        name: str = "",
    ) -> None:
        """Give a layer one more row."""
        put_feature(self.conn, layer, code, points, properties, name=name)

    def _office(self, code: str, place: Point) -> tuple[int, int]:
        row = self.conn.execute(
            "with t as (insert into thing (feed, external_id, name, short_name, kind, state)"
            " values ('f', %(code)s, %(code)s, %(code)s, 'network', 'admitted') returning id),"
            " l as (insert into location (thing_id, lon, lat, commune_how, outline)"
            "  select id, %(lon)s, %(lat)s, 'none', 'inside' from t)"
            " insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
            "  stale_after_s) select id, 's', 'network_status', 'network_status', '', 300, 1500"
            " from t returning thing_id, id",
            {"code": code, "lon": place[0], "lat": place[1]},
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    # ------------------------------------------------------------ what happens

    @property
    def now(self) -> Micros:
        return self.clock.at

    def sleep(self, seconds: float) -> None:
        self.clock.at = Micros(self.now + round(seconds * SECOND))

    def report(self, offices: Iterable[str], state: int) -> None:
        """Let offices say their state now."""
        self.number += 1
        with self.conn.cursor() as cursor:
            cursor.executemany(
                "insert into observation values (%s, %s, %s, 0, 0, now(), 1, %s)",
                [(self.streams[o][1], to_datetime(self.now), state, self.number) for o in offices],
            )

    def look(self) -> bool:
        return self.watch.turn(self.conn)

    def raise_alert(self, office: str) -> None:
        """Say, as the evaluator does two minutes later, that an office is offline."""
        (rule,) = self._levels("network-offline")
        thing, stream = self.streams[office]
        subject = Subject(DatastreamId(stream), ThingId(thing))
        said = Announcement(rule, subject, Change(Kind.RAISE, self.now, 2.0))
        verdict.commit(self.conn, Verdict(announcements=[said]), {}, self.now)

    def _levels(self, name: str) -> tuple[Rule, ...]:
        stored = next(one for one in rules.enabled(self.conn) if one.id == name)
        return rule_files.bind(rule_files.parse(stored.definition), stored.version, 1500)

    # ------------------------------------------------------------ what came of it

    def open(self, rule: str) -> list[tuple[str, str | None, bool]]:
        """Return thing, mask and whether it was announced, of the alerts of a rule that are on."""
        return self.conn.execute(
            "select t.name, a.mask, a.announced = a.occurrence from alert a"
            " join thing t on t.id = a.thing_id where a.rule_id = %s and a.active order by 1",
            (rule,),
        ).fetchall()

    def notices(self, rule: str) -> int:
        row = self.conn.execute(
            "select count(*) from alert a where rule_id = %s and announced > 0", (rule,)
        ).fetchone()
        assert row is not None
        return int(row[0])

    def ended(self) -> list[tuple[str | None]]:
        return self.conn.execute("select why from suspected_cut order by id").fetchall()
