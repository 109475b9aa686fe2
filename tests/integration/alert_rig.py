"""A database with one bound rule, for tests that say changes as the evaluator does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ioc.domain.alert import Kind, Rule
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change
from ioc.domain.evaluation import Announcement, Verdict
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import definition as rule_files
from ioc.storage import alerts, rules, verdict
from ioc.storage.alerts import OpenAlert
from tests.integration.evaluation_rig import RULE_FILE, Db, World, configuration

T0 = Micros(1_790_000_000 * SECOND)
NOW = Micros(T0 + 3600 * SECOND)


class Desk:
    """A database with one bound rule; says changes as the evaluator does."""

    now: Micros = NOW

    def __init__(self, conn: Db, folder: Path, text: str = RULE_FILE) -> None:
        self.conn = conn
        self.world = World(conn, "", None, "", "", configuration(folder, text))  # type: ignore[arg-type]
        self.world.prepare(2)
        (file,) = found = rule_files.load(self.world.config / "rules")
        rules.sync(conn, found, "test")
        self.rule: Rule = rule_files.bind(file, 1, 60)[0]

    def say(self, *changes: Change, stream: int = 0, rule: Rule | None = None) -> None:
        self.commit([self.announcement(change, stream, rule) for change in changes])

    def commit(self, said: Sequence[Announcement]) -> None:
        verdict.commit(self.conn, Verdict(announcements=list(said)), {}, self.now)

    def announcement(
        self, change: Change, stream: int = 0, rule: Rule | None = None
    ) -> Announcement:
        thing = self.world.one(
            "select thing_id from datastream where id = %s", (self.world.streams[stream],)
        )
        subject = Subject(DatastreamId(self.world.streams[stream]), ThingId(thing))
        return Announcement(rule or self.rule, subject, change)

    def events(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "select occurrence, kind, n from alert_event order by recorded_at, occurrence,"
            " event_time, kind"
        ).fetchall()

    def open(self) -> tuple[OpenAlert, ...]:
        return alerts.open_alerts(self.conn).rows


def at(second: int) -> Micros:
    return Micros(T0 + second * SECOND)


RAISE = Change(Kind.RAISE, at(0), 60.0)
RTN = Change(Kind.RTN, at(60), 40.0)
