"""Limits of the catalogue become limits of stations, once, and what somebody changed is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from ioc import catalogue, limits, settings
from ioc.storage import legal_limits, things
from tests.integration.ingest_rig import one
from tests.integration.web_site import add_thing

Db = Connection[tuple[Any, ...]]
CONFIG = settings.load({}).config_dir
SHIPPED = limits.load(CONFIG / "limits")


@pytest.fixture
def station(conn: Db) -> int:
    """Return a station that measures PM2.5."""
    things.upsert_properties(conn, catalogue.load(CONFIG / "catalog"))
    return add_thing(conn, "kk-1")[0]


def put(conn: Db, station: int, high: float) -> None:
    """Let somebody change the newest limit of a station."""
    newest = legal_limits.of_station(conn, station)[-1]
    legal_limits.put(conn, [(station, replace(newest, high=high))], "lan")


def test_a_station_gets_what_holds_for_what_it_measures(conn: Db, station: int) -> None:
    """PM2.5 of QCVN 05 with window, dates and confidence; nothing of what is not measured."""
    assert legal_limits.seed(conn, SHIPPED) == (2, 0)
    found = legal_limits.of_station(conn, station)
    assert [(one.high, one.valid_from, one.valid_to, one.confidence) for one in found] == [
        (50.0, date(2023, 9, 12), date(2025, 12, 31), "A"),
        (45.0, date(2026, 1, 1), None, "A"),
    ]
    assert {one.averaging for one in found} == {("mean", 86_400)}


def test_seeding_again_changes_nothing(conn: Db, station: int) -> None:
    """Twice is once."""
    assert station
    legal_limits.seed(conn, SHIPPED)
    assert legal_limits.seed(conn, SHIPPED) == (0, 0)
    assert one(conn, "select count(*) from legal_limit") == 2


def test_what_somebody_changed_or_took_away_stays(conn: Db, station: int) -> None:
    """A changed number survives the next seeding, and a deleted limit does not come back."""
    legal_limits.seed(conn, SHIPPED)
    put(conn, station, 40)
    conn.execute("delete from legal_limit where valid_to is not null")
    assert legal_limits.seed(conn, SHIPPED) == (0, 0)
    assert [one.high for one in legal_limits.of_station(conn, station)] == [40.0]


def test_what_nobody_changed_follows_the_catalogue(conn: Db, station: int) -> None:
    """A number that is mended in the catalogue is mended at the stations."""
    wrong = [replace(one, high=99) if one.observed_property == "pm25" else one for one in SHIPPED]
    legal_limits.seed(conn, wrong)
    assert legal_limits.seed(conn, SHIPPED) == (0, 2)
    assert [one.high for one in legal_limits.of_station(conn, station)] == [50.0, 45.0]


def test_a_pending_station_waits(conn: Db, station: int) -> None:
    """Only admitted stations have limits."""
    conn.execute("update thing set state = 'pending' where id = %s", (station,))
    assert legal_limits.seed(conn, SHIPPED) == (0, 0)
