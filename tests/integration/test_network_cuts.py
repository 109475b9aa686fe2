"""One alert for what a cut silenced: opened, in force, taken back. A real database."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from ioc.alerting.__main__ import Database
from ioc.alerting.session import Session
from ioc.alerting.share import Store
from ioc.clock import SystemClock
from ioc.domain.evaluation import Batch
from ioc.domain.network.watch import DOUBT
from ioc.storage import cuts, desk, leases
from tests.integration.network_rig import OFFLINE, ONLINE, Db, Town

D = [f"d{n}" for n in range(1, 5)]
C = [f"c{n}" for n in range(1, 5)]
A = [f"a{n}" for n in range(1, 5)]
SETTLE_S = 30


@pytest.fixture
def town(conn: Db) -> Town:
    return Town(conn)


def cut(town: Town, offices: list[str], before: Sequence[str] = ()) -> None:
    """Let offices fall silent, the others report, and the watch look when it has settled."""
    town.sleep(60)
    town.report(offices, OFFLINE)
    town.sleep(SETTLE_S)
    town.report(set(town.streams) - {*offices, *before}, ONLINE)
    town.look()


def test_one_alert_stands_for_all_that_a_cut_silenced(town: Town) -> None:
    """Four offices fall silent: one alert names the stretch, their own alerts are held back."""
    cut(town, D)
    town.sleep(90)
    for office in D:
        town.raise_alert(office)
    assert town.open("fibre-cut") == [("Nút c – Nút d", None, True)]
    assert town.open("network-offline") == [(office, "parent", False) for office in D]
    desk.tick(town.conn, town.now)
    assert town.notices("network-offline") == 0
    assert town.conn.execute(
        "select result, severity from alert where rule_id = 'fibre-cut'"
    ).fetchone() == (4.0, 3)


def test_a_second_look_changes_nothing(town: Town) -> None:
    """A suspicion that stands is not raised again, by this process or by one that starts anew."""
    cut(town, D)
    assert not town.look()
    assert len(Town.ended(town)) == 1


class Nothing:
    """A bus that brings nothing."""

    def read(self, _timeout_s: float) -> list[Batch]:
        return []

    def registry_changed(self) -> bool:
        return True

    def tell(self, *, alerts_changed: bool) -> None:
        pass


def test_an_evaluator_leaves_the_alert_of_a_cut_alone(town: Town) -> None:
    """It has no sample to fold: begun anew and under an edited rule it ends nothing."""
    cut(town, D)
    stands = town.open("fibre-cut")
    assert town.conn.execute("select count(*) from alert_state").fetchone() == (0,)
    for limit in (3, 4):
        town.conn.execute(
            "update rule_version set definition = jsonb_set(definition, '{levels,2,limit}', %s)"
            " where rule_id = 'fibre-cut'",
            (str(limit),),
        )
        database = Database(town.conn, SystemClock(), f"e{limit}")
        leases.join(town.conn, database.name)
        store = Store(database, database, database, database, database)
        session = Session(store, database, Nothing(), SystemClock().now)
        session.turn()
        while any(share.evaluator.asleep for share in session.shares):
            session.turn()
        leases.leave(town.conn, database.name)
    assert town.open("fibre-cut") == stands != []


def test_when_the_cable_is_mended_the_alert_returns(town: Town) -> None:
    """All answer: the alert about the cut is over, and nobody was told of a single office."""
    cut(town, D)
    town.raise_alert("d1")
    town.sleep(600)
    town.report(D, ONLINE)
    assert town.look()
    assert town.open("fibre-cut") == []
    assert town.ended() == [("over",)]


def test_a_wrong_guess_gives_everything_back(town: Town) -> None:
    """One office answers while the cut is suspected: the others speak for themselves, all told."""
    cut(town, D)
    town.sleep(90)
    for office in D:
        town.raise_alert(office)
    town.report(["d1"], ONLINE)
    town.look()
    assert town.open("fibre-cut") != []  # in doubt, not yet given up
    town.sleep(DOUBT / 1_000_000)
    town.look()
    assert (town.open("fibre-cut"), town.ended()) == ([], [("answered",)])
    desk.tick(town.conn, town.now)
    assert town.open("network-offline") == [(office, None, True) for office in D]
    town.sleep(60)
    assert not town.look()  # the same silence is not explained by the same guess again


def test_a_wider_cut_takes_the_place_of_a_smaller_one(town: Town) -> None:
    """The next offices up the cable fall silent: still one alert, of the cut that explains all."""
    cut(town, D)
    cut(town, C, before=D)
    assert [(name, announced) for name, _, announced in town.open("fibre-cut")] == [
        ("Nút b – Nút c", True)
    ]
    assert town.ended() == [("wider",), (None,)]
    row = town.conn.execute(
        "select count(*) from suspected_cut_point p join suspected_cut c on c.id = p.cut_id"
        " where c.ended_at is null"
    ).fetchone()
    assert row == (8,)


def test_silence_of_a_whole_feed_is_no_cut(town: Town) -> None:
    """When nothing at all is sent any more, no cable is suspected: it may be the broker."""
    town.sleep(3000)
    assert not town.look()
    assert town.ended() == []


def test_offices_that_stop_sending_are_silent_too(town: Town) -> None:
    """Without a word of "offline", what stops sending while the others go on is silent."""
    for _ in range(8):
        town.sleep(290)
        town.report(set(town.streams) - set(D), ONLINE)
    town.look()
    assert [name for name, *_ in town.open("fibre-cut")] == ["Nút c – Nút d"]


def test_without_the_rule_nothing_is_suspected_or_held_back(town: Town) -> None:
    """Who switches the rule off gets every single alert; a suspicion that stands ends with it."""
    cut(town, D)
    town.conn.execute("update rule set enabled = false where id = 'fibre-cut'")
    town.look()
    assert town.open("fibre-cut") == []
    town.raise_alert("d1")
    assert town.open("network-offline") == [("d1", None, True)]
    cut(town, A)
    assert town.open("fibre-cut") == []


def test_only_one_watch_looks_at_a_time(town: Town, database_url: str) -> None:
    """While one looks another does nothing, and does not wait; afterwards it finds what stands."""
    town.sleep(60)
    town.report(D, OFFLINE)
    town.sleep(SETTLE_S)
    with psycopg.connect(database_url, autocommit=True) as other:
        with town.conn.transaction():
            assert cuts.lock(town.conn)
            assert not town.watch.turn(other)
        assert town.watch.turn(other)
        assert not town.look()
    assert town.ended() == [(None,)]
