"""Alerts in the database: what a person does to them, and what screens read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection

from ioc.domain.alert import Kind
from ioc.domain.announcement import Alert, Subject
from ioc.domain.episode import Change, Episode, Reason
from ioc.domain.evaluation import Announcement, Peak, Verdict
from ioc.domain.instant import to_datetime
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import definition as rule_files
from ioc.storage import alerts, orders, rules, verdict
from tests.integration.alert_rig import NOW, RAISE, RTN, T0, Desk, at
from tests.integration.evaluation_rig import RULE_FILE, Db, configuration


@pytest.fixture
def desk(conn: Db, tmp_path: Path) -> Desk:
    return Desk(conn, tmp_path / "config")


def test_an_open_alert_says_all_a_wall_needs(desk: Desk) -> None:
    """Place, value, unit, limit, action and times are in one row; a map learns the severity."""
    desk.say(RAISE)
    found = alerts.open_alerts(desk.conn)
    (row,) = found.rows
    assert (row.place, row.property_vi, row.unit, row.decimals) == ("t0", "Bụi mịn", "µg/m³", 1)
    assert (row.op, row.limit, row.action_vi, row.name_vi) == (">", 50.0, "Gọi", "Vượt")
    assert (found.total, found.unacked, found.by_severity[2]) == (1, 1, 1)
    assert found.things == {row.thing: (2, False)}
    shown = found.section["open"][0]
    assert (shown["raised"], shown["returned"], shown["acked"]) == (T0 // 1000, None, False)
    assert (shown["property"], shown["kind"]) == (row.observed_property, "quantity")


def test_return_before_acknowledgement_waits_for_it(desk: Desk) -> None:
    """RTN_UNACK stays open until somebody answers; the answer closes it."""
    desk.say(RAISE, RTN)
    (row,) = desk.open()
    assert not row.active
    answer = orders.give(desk.conn, orders.acknowledge(row.id, "lan", NOW), NOW)
    assert answer is not None
    assert (answer.acked_by, answer.closed_at) == ("lan", NOW)
    assert desk.open() == ()
    assert [event[1] for event in desk.events()].count("CLOSE") == 1


def test_return_after_acknowledgement_closes(desk: Desk) -> None:
    """ACK, then RTN: closed, one event each."""
    desk.say(RAISE)
    orders.give(desk.conn, orders.acknowledge(desk.open()[0].id, "lan", NOW), NOW)
    desk.say(RTN)
    assert desk.open() == ()
    assert sorted(event[1] for event in desk.events()) == ["ACK", "CLOSE", "RAISE", "RTN"]


def test_a_raise_of_an_unanswered_alert_reuses_it(desk: Desk) -> None:
    """Occurrence 2 of the same row; never two open alerts of one rule and datastream."""
    desk.say(RAISE, RTN, Change(Kind.RAISE, at(120), 70.0))
    (row,) = desk.open()
    assert (row.occurrence, row.active, row.result) == (2, True, 70.0)
    desk.say(Change(Kind.RAISE, at(130), 71.0))  # announced before: no effect
    assert [row.result for row in desk.open()] == [70.0]


def test_a_closed_alert_stays_closed(desk: Desk) -> None:
    """A raise after the close is another alert, even with the very same start."""
    desk.say(RAISE)
    first = desk.open()[0].id
    orders.give(desk.conn, orders.acknowledge(first, "lan", NOW), NOW)
    desk.say(RTN, RAISE)
    (second,) = desk.open()
    assert second.id != first
    assert desk.world.one("select count(*) from alert") == 2


def test_acknowledging_twice_changes_nothing(desk: Desk) -> None:
    """The second one learns who was first; an unknown alert is not found."""
    desk.say(RAISE)
    key = desk.open()[0].id
    orders.give(desk.conn, orders.acknowledge(key, "lan", NOW), NOW)
    again = orders.give(desk.conn, orders.acknowledge(key, "minh", NOW), NOW)
    assert again is not None
    assert again.acked_by == "lan"
    assert len(desk.events()) == 2
    assert orders.give(desk.conn, orders.acknowledge(uuid4(), "lan", NOW), NOW) is None


def test_the_awaiting_form_does_the_same(desk: Desk, database_url: str) -> None:
    """The web process acknowledges and lists over an async connection."""
    desk.say(RAISE)

    async def act(key: UUID) -> tuple[object, int]:
        conn = await AsyncConnection.connect(database_url, autocommit=True)
        async with conn:
            answer = await orders.give_async(conn, orders.acknowledge(key, "lan", NOW), NOW)
            return answer, (await alerts.open_alerts_async(conn)).unacked

    answer, unacked = asyncio.run(act(desk.open()[0].id))
    assert isinstance(answer, Alert)
    assert answer.closed_at is None
    assert unacked == 0
    assert desk.open()[0].acked_by == "lan"


def test_news_nobody_must_answer_closes_by_itself(conn: Db, tmp_path: Path) -> None:
    """A rule with auto_acknowledge leaves nothing behind on return."""
    desk = Desk(conn, tmp_path / "config", RULE_FILE + "  auto_acknowledge: true\n")
    desk.say(RAISE)
    assert len(desk.open()) == 1
    desk.say(RTN)
    assert desk.open() == ()


def test_what_late_data_says_is_recorded(desk: Desk) -> None:
    """Found over: closed at once; disproved: returned with the reason; moved: the same alert."""
    desk.say(Change(Kind.RAISE, at(0), 60.0, late=True, over=Episode(at(0), at(30), 60.0)))
    assert desk.open() == ()
    desk.say(Change(Kind.RAISE, at(100), 61.0))
    desk.say(Change(Kind.MOVED, at(90), 60.5, late=True, was=at(100)))
    assert desk.world.one("select count(*) from alert where raised_at = %s", (_time(90),)) == 1
    desk.say(Change(Kind.RTN, at(110), late=True, reason=Reason.CORRECTED))
    (row,) = desk.open()
    assert (row.corrected, row.active) == (True, False)
    desk.say(Change(Kind.CORRECTED, at(120), late=True, was=at(0)))
    assert desk.world.one("select count(*) from alert where corrected") == 2


def test_an_alert_that_is_over_takes_the_bounds_that_late_data_gives(desk: Desk) -> None:
    """Of an earlier occurrence the log says it; of the last one the alert itself, too."""
    desk.say(Change(Kind.RAISE, at(0), 60.0), Change(Kind.RTN, at(10)))
    desk.say(Change(Kind.RAISE, at(20), 60.0), Change(Kind.RTN, at(30)))
    last, first = Episode(at(25), at(35), 60.0), Episode(at(2), at(8), 60.0)
    for over, was in ((last, 20), (first, 0), (first._replace(raised_at=at(3)), 2)):
        desk.say(Change(Kind.CORRECTED, over.raised_at, late=True, was=at(was), over=over))
    bounds = "select raised_at, returned_at from alert"
    assert desk.conn.execute(bounds).fetchall() == [(_time(25), _time(35))]
    corrected = [(occurrence, n) for occurrence, kind, n in desk.events() if kind == "CORRECTED"]
    assert sorted(corrected) == [(1, 0), (1, 1), (2, 0)]
    assert not desk.world.one("select corrected from alert")


def _time(second: int) -> Any:
    return to_datetime(at(second))


def test_peaks_and_staleness_are_the_open_alerts(desk: Desk) -> None:
    """STALE and FRESH may repeat within an occurrence; the peak grows on the row."""
    stale, fresh = Change(Kind.STALE, at(10)), Change(Kind.FRESH, at(20))
    desk.say(RAISE, stale, fresh, stale)
    peak = Peak("over", DatastreamId(desk.world.streams[0]), 99.0, at(5))
    verdict.commit(desk.conn, Verdict(peaks=[peak]), {}, NOW)
    (row,) = desk.open()
    assert (row.stale, row.peak) == (True, 99.0)
    assert (1, "STALE", 1) in desk.events()


def test_a_peak_that_stands_already_is_not_written(desk: Desk) -> None:
    """Of 10,000 raises each peak is the raise's own: the row keeps its version."""
    desk.say(RAISE)
    stream = DatastreamId(desk.world.streams[0])
    assert RAISE.result is not None
    versions = []
    for result, time in ((RAISE.result, RAISE.time), (99.0, at(5))):
        verdict.commit(desk.conn, Verdict(peaks=[Peak("over", stream, result, time)]), {}, NOW)
        versions.append(desk.conn.execute("select xmin::text, peak from alert").fetchone())
    first = desk.conn.execute("select count(distinct xmin::text) from alert_event").fetchone()
    assert first == (1,)
    born = desk.conn.execute("select xmin::text from alert_event").fetchone()
    assert born is not None
    assert versions[0] == (born[0], RAISE.result)
    assert versions[1] is not None
    assert versions[1][0] != born[0]


def test_urgent_first(desk: Desk) -> None:
    """Lists begin with the worst severity; within one, with what nobody answered."""
    desk.say(RAISE)
    critical = replace(desk.rule, severity=type(desk.rule.severity).CRITICAL)
    desk.say(Change(Kind.RAISE, at(-100), 60.0), stream=1, rule=critical)
    assert [row.severity for row in desk.open()] == [1, 2]


def test_a_failed_transaction_leaves_nothing(desk: Desk) -> None:
    """States, alerts and offsets are written together or not at all."""
    thing = Subject(DatastreamId(desk.world.streams[0]), ThingId(1))
    broken = Verdict([Announcement(desk.rule, thing, RAISE)], offsets={99999: 5})
    desk.conn.execute("insert into evaluator_lease (partition) values (0)")
    with pytest.raises(psycopg.Error):
        verdict.commit(desk.conn, broken, {0: 0}, NOW)  # no smallint: the last statement fails
    assert desk.open() == ()


def test_sync_writes_a_version_only_for_a_change(desk: Desk) -> None:
    """The same files again change nothing; an edit is version 2; a rule that is gone is off."""
    (file,) = rule_files.load(desk.world.config / "rules")
    assert rules.sync(desk.conn, [file], "x") == rules.Synced((), (), ())
    edited = RULE_FILE.replace("limit: 50", "limit: 51")
    found = rule_files.load(configuration(desk.world.config, edited) / "rules")
    assert rules.sync(desk.conn, found, "x").changed == ("over",)
    assert [
        (rule.version, rule.definition["levels"][0]["limit"]) for rule in rules.enabled(desk.conn)
    ] == [(2, 51)]
    assert rules.sync(desk.conn, [], "x").disabled == ("over",)
    assert rules.enabled(desk.conn) == []
    assert rules.sync(desk.conn, found, "x") == rules.Synced((), (), ())
    assert len(rules.enabled(desk.conn)) == 1


def test_an_import_puts_rules_in_force_and_leaves_the_others(desk: Desk) -> None:
    """It writes over an edit made on screen, and a start of the processes leaves it alone."""
    folder = desk.world.config / "more"
    folder.mkdir()
    text = RULE_FILE.replace("limit: 50", "limit: 70")
    other = RULE_FILE.replace("id: over", "id: other")
    (folder / "more.yaml").write_text(text + other, encoding="utf-8")
    more = rule_files.load(folder)
    desk.conn.execute("update rule set origin = 'ui'")
    assert rules.bring(desk.conn, more, "mai") == ("over", "other")
    assert rules.bring(desk.conn, more, "mai") == ()
    rules.sync(desk.conn, rule_files.load(desk.world.config / "rules"), "config")
    stored = {
        rule.id: (rule.version, rule.definition["levels"][0]["limit"])
        for rule in rules.enabled(desk.conn)
    }
    assert stored == {"over": (2, 70), "other": (1, 50)}
    desk.conn.execute("update rule set enabled = false where id = 'other'")
    assert rules.bring(desk.conn, more, "mai") == ("other",)
