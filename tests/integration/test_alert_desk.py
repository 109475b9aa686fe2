"""Masks, orders and the wall clock on the real database: what people were told, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from ioc.domain import operator
from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import Alert
from ioc.domain.episode import Change
from ioc.domain.errors import OrderError
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros, to_datetime
from ioc.domain.mask import Mask, MaskKind, Matcher
from ioc.storage import alerts, desk, masks, orders
from ioc.storage.script import Script, run
from tests.integration.alert_rig import NOW, RAISE, RTN, Desk

Db = Connection[tuple[Any, ...]]


class Watch(Desk):
    """A database with one bound rule and two datastreams, and a wall clock."""

    def later(self, lasting: int) -> bool:
        self.now = Micros(self.now + lasting)
        return desk.tick(self.conn, self.now)

    def told(self) -> list[str]:
        rows = self.conn.execute("select kind from notice order by noticed_at, kind, n").fetchall()
        return [kind for (kind,) in rows]

    def alert(self, place: int = 0) -> alerts.OpenAlert:
        return self.open()[place]

    def give(self, order: Callable[[UUID], Script[orders.Done | None]]) -> Alert:
        done = orders.give(self.conn, order(self.alert().id), self.now)
        assert done is not None
        return done

    def shelve(self, lasting: int = HOUR, *, one_shot: bool = False) -> Alert:
        return self.give(
            lambda key: orders.shelve(key, "lan", lasting, "sửa", self.now, one_shot=one_shot)
        )

    def plan(self, kind: MaskKind, lasting: int = HOUR, **about: Any) -> Mask:
        ends = Micros(self.now + lasting)
        mask = Mask(kind, Matcher(**about), self.now, ends, "bảo trì", "lan")
        return run(self.conn, masks.put(operator.plan(mask, self.now)))

    def thing(self, stream: int = 0) -> int:
        query = "select thing_id from datastream where id = %s"
        found: int = self.world.one(query, (self.streams(stream),))
        return found

    def streams(self, place: int) -> int:
        return self.world.streams[place]


@pytest.fixture
def watch(conn: Db, tmp_path: Path) -> Watch:
    return Watch(conn, tmp_path / "config")


@pytest.fixture
def other(database_url: str) -> Iterator[Db]:
    """Return another process's connection."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


def test_a_raise_is_told_with_the_alert(watch: Watch) -> None:
    """The notice is written in the evaluator's transaction, and again only for a return."""
    watch.say(RAISE)
    assert watch.told() == ["RAISE"]
    watch.say(RAISE, RTN)
    assert watch.told() == ["RAISE", "RTN"]
    assert watch.alert().state == "RTN_UNACK"


@pytest.mark.parametrize("about", ["thing", "datastream", "rule", "feed", "commune"])
def test_a_mask_holds_back_what_it_names(watch: Watch, about: str) -> None:
    """Nothing is told of the alert it covers; one beside it, where it names one, is told."""
    watch.conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) values (%s, 106.9, 10.9, '26000', 'Trấn Biên', 'boundary', 'inside')",
        (watch.thing(),),
    )
    value: Any = {
        "thing": watch.thing(),
        "datastream": watch.streams(0),
        "rule": "over",
        "feed": "f",
        "commune": "26000",
    }[about]
    watch.plan(MaskKind.MAINTENANCE, **{about: value})
    watch.say(RAISE)
    assert watch.told() == []
    assert (watch.alert().state, watch.alert().mask) == ("SUPPRESSED", "maintenance")
    watch.say(RAISE, stream=1)
    assert watch.told() == ([] if about in ("rule", "feed") else ["RAISE"])


def test_the_end_of_a_mask_tells_what_it_held_back(watch: Watch) -> None:
    """Not a second early, once, and with the log saying so; what ended meanwhile says nothing."""
    watch.plan(MaskKind.MAINTENANCE, rule="over")
    watch.say(RAISE)
    watch.say(RAISE, RTN, stream=1)
    assert not watch.later(HOUR - SECOND)
    assert watch.told() == []
    assert watch.later(SECOND)
    assert not watch.later(SECOND)
    assert watch.told() == ["RAISE"]
    assert [event[1] for event in watch.events()].count("UNMASK") == 1


def test_a_planned_mask_begins_by_itself(watch: Watch) -> None:
    """Put on for later, it changes what a screen shows when its time comes, and lifted, back."""
    watch.say(RAISE)
    begin = Micros(NOW + MINUTE)
    mask = Mask(MaskKind.MAINTENANCE, Matcher(rule="over"), begin, Micros(NOW + HOUR), "x", "lan")
    number = run(watch.conn, masks.put(mask)).id
    assert not watch.later(SECOND)
    assert watch.later(MINUTE)
    assert (watch.alert().state, watch.alert().masked_until) == (
        "SUPPRESSED",
        to_datetime(Micros(NOW + HOUR)),
    )
    assert run(watch.conn, masks.lift(number, "minh", watch.now)) == number
    assert watch.later(SECOND)
    assert watch.alert().state == "UNACK"
    assert watch.told() == ["RAISE"]


def test_a_shelf_ends_by_itself(watch: Watch) -> None:
    """What came back on the shelf is told when its time is up, or when somebody takes it down."""
    watch.say(RAISE)
    assert watch.shelve().display == "SHELVED"
    watch.say(RTN, Change(Kind.RAISE, Micros(RTN.time + MINUTE), 70.0))
    assert watch.told() == ["RAISE", "RTN"]
    assert watch.later(HOUR)
    assert watch.told() == ["RAISE", "RTN", "RAISE"]
    watch.shelve()
    down = watch.give(lambda key: orders.unshelve(key, "minh", watch.now))
    assert down.display == "UNACK"
    assert watch.give(lambda key: orders.unshelve(key, "minh", watch.now)) == down
    assert [event[1] for event in watch.events()].count("UNSHELVE") == 2


def test_unshelving_tells_in_its_own_transaction(watch: Watch) -> None:
    """The raise that a shelf held back does not wait for the clock."""
    watch.say(RAISE)
    watch.shelve()
    watch.say(RTN, Change(Kind.RAISE, Micros(RTN.time + MINUTE), 70.0))
    watch.give(lambda key: orders.unshelve(key, "minh", watch.now))
    assert watch.told().count("RAISE") == 2


def test_a_one_shot_shelf_ends_with_the_return(watch: Watch) -> None:
    """The next raise is told; a shelf by time would have held it back."""
    watch.say(RAISE)
    watch.shelve(one_shot=True)
    watch.say(RTN)
    watch.say(Change(Kind.RAISE, Micros(RTN.time + MINUTE), 70.0))
    assert watch.told() == ["RAISE", "RAISE", "RTN"]
    assert run(watch.conn, masks.listed(watch.now, limit=9)) == []


def test_out_of_service_takes_two_for_critical(watch: Watch) -> None:
    """Critical sounds on until a second person agrees; the first one cannot."""
    mask = watch.plan(MaskKind.OUT_OF_SERVICE, rule="over")
    watch.say(Change(Kind.RAISE, RAISE.time, 60.0, severity=Severity.CRITICAL, limit=50.0))
    watch.say(RAISE, stream=1)
    assert watch.told() == ["RAISE"]
    with pytest.raises(OrderError, match="same_person"):
        run(watch.conn, masks.approve(mask.id, "lan", watch.now))
    agreed = run(watch.conn, masks.approve(mask.id, "minh", watch.now))
    assert agreed is not None
    assert watch.later(SECOND)
    assert {row.state for row in watch.open()} == {"OUT_OF_SERVICE"}
    (listed,) = run(watch.conn, masks.listed(watch.now, limit=9))
    assert (listed.approved_by, listed.holding, listed.about) == ("minh", 2, "Vượt")


def test_children_of_what_is_down_are_masked(watch: Watch) -> None:
    """By the parent's own alert on its status, through generations; told when it is back."""
    watch.conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind, states)"
        " values ('link', 'Kết nối', 'Link', '', 'category', '{\"online\": 0, \"offline\": 2}')"
    )
    gateway, middle = watch.thing(1), watch.thing(0)
    child = watch.world.add_thing("t9")
    watch.world.streams.append(child)
    watch.conn.execute("update datastream set property = 'link' where thing_id = %s", (gateway,))
    watch.conn.execute("update thing set parent_id = %s where id = %s", (gateway, middle))
    watch.conn.execute("update thing set parent_id = %s where external_id = 't9'", (middle,))
    watch.say(RAISE, stream=1)
    assert watch.told() == ["RAISE"]
    watch.say(RAISE)
    watch.say(RAISE, stream=2)
    assert watch.told() == ["RAISE"]
    assert [row.mask for row in watch.open()] == [None, "parent", "parent"]
    watch.say(RTN, stream=1)
    assert watch.later(SECOND)
    assert sorted(watch.told()) == ["RAISE", "RAISE", "RAISE", "RTN"]


def test_what_leads_is_decided_first(watch: Watch) -> None:
    """Gateway and child fall in one transaction, in whatever order: the child is silent."""
    watch.conn.execute("update observed_property set states = '{\"offline\": 2}'")
    child = "update thing set parent_id = %s where id = %s"
    watch.conn.execute(child, (watch.thing(1), watch.thing(0)))
    both = [watch.announcement(RAISE, stream) for stream in (0, 1)]
    watch.commit(both)
    assert watch.told() == ["RAISE"]
    assert {row.thing: row.mask for row in watch.open()} == {
        watch.thing(1): None,
        watch.thing(0): "parent",
    }


def test_a_calibrating_station_is_not_announced(watch: Watch) -> None:
    """Its newest status masks its alerts, and the next good value tells what is on."""

    def status(second: int, quality: int) -> None:
        watch.conn.execute(
            "insert into observation values (%s, %s, 1, %s, 0, now(), %s, 1)",
            (watch.streams(0), to_datetime(Micros(NOW + second)), quality, watch.world.writer),
        )

    status(1, 1)
    watch.say(RAISE)
    assert (watch.told(), watch.alert().mask) == ([], "calibration")
    status(2, 0)
    assert watch.later(SECOND)
    assert (watch.told(), watch.alert().mask) == (["RAISE"], None)
    status(3, 1)
    for _ in range(desk.STATUS_EVERY_S):  # each alert's station is asked within so many seconds
        watch.later(SECOND)
    assert watch.alert().state == "SUPPRESSED"


def test_nobody_answers(watch: Watch) -> None:
    """Level 1 after 5 minutes, level 2 after 15, each once; an answer stops it, for an hour."""
    watch.say(RAISE)
    assert not watch.later(5 * MINUTE - SECOND)
    assert watch.later(SECOND)
    assert not watch.later(SECOND)
    assert watch.later(10 * MINUTE)
    assert watch.told() == ["RAISE", "ESCALATE", "ESCALATE"]
    watch.give(lambda key: orders.acknowledge(key, "lan", watch.now))
    assert not watch.later(HOUR - SECOND)
    assert watch.later(SECOND)
    assert watch.told()[3:] == ["REALARM"]
    assert watch.alert().state == "UNACK"


def test_two_desks_say_it_once(watch: Watch, other: Db) -> None:
    """Two dispatchers tick at the same instant: one tells, the other finds it done or taken."""
    watch.say(RAISE)
    due = Micros(NOW + 5 * MINUTE)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda conn: desk.tick(conn, due), (watch.conn, other)))
    assert watch.told() == ["RAISE", "ESCALATE"]


def test_two_operators_at_once(watch: Watch, other: Db) -> None:
    """One is first; the other learns who; one line in the log."""
    watch.say(RAISE)
    key = watch.alert().id

    def press(who: str, conn: Db) -> str | None:
        done = orders.give(conn, orders.acknowledge(key, who, NOW), NOW)
        assert done is not None
        return done.acked_by

    with ThreadPoolExecutor(2) as pool:
        names = list(pool.map(press, ("lan", "minh"), (watch.conn, other)))
    assert len(set(names)) == 1
    assert [event[1] for event in watch.events()].count("ACK") == 1


@pytest.mark.parametrize("turn", range(6))
def test_an_answer_against_a_return(watch: Watch, other: Db, turn: int) -> None:
    """Whichever comes first, the alert is closed once, with one line of each."""
    watch.say(RAISE)
    key = watch.alert().id
    deeds = [
        lambda: watch.say(RTN),
        lambda: orders.give(other, orders.acknowledge(key, "lan", NOW), NOW),
    ]
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(deed) for deed in (deeds if turn % 2 else deeds[::-1])]:
            future.result()
    assert watch.open() == ()
    assert sorted(event[1] for event in watch.events()) == ["ACK", "CLOSE", "RAISE", "RTN"]
    assert watch.told() == ["RAISE", "RTN"]


def test_an_order_that_is_refused_leaves_nothing(watch: Watch) -> None:
    """A shelf without a reason, an answer to what is masked: no row, no line, no notice."""
    watch.say(RAISE)
    with pytest.raises(OrderError, match="text_missing"):
        watch.give(lambda key: orders.shelve(key, "lan", HOUR, " ", watch.now))
    watch.shelve()
    with pytest.raises(OrderError, match="masked"):
        watch.give(lambda key: orders.acknowledge(key, "lan", watch.now))
    assert sorted(event[1] for event in watch.events()) == ["RAISE", "SHELVE"]
    assert watch.told() == ["RAISE"]


def test_one_call_is_bounded(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a call's share waits for the next one; nothing is lost."""
    monkeypatch.setattr(desk, "BOUND", 1)
    watch.plan(MaskKind.MAINTENANCE, rule="over")
    watch.say(RAISE)
    watch.say(RAISE, stream=1)
    assert watch.later(HOUR)
    assert len(watch.told()) == 1
    assert watch.later(SECOND)
    assert len(watch.told()) == 2
