"""A device that takes the place of another, in the database."""

from __future__ import annotations

from typing import Any, Final

import pytest
from psycopg import Connection

from ioc.domain.thing import Objection
from ioc.storage import thing_alias

Db = Connection[tuple[Any, ...]]

_FEED: Final = (
    "insert into feed (name, title_vi, title_en, expected_period_s) values (%s, 'a', 'a', 60)"
)
_THING: Final = (
    "insert into thing (feed, external_id, name, short_name, kind, state)"
    " values (%s, %s, 'a', 'a', 'environment', %s) returning id"
)


@pytest.fixture
def things(conn: Db) -> dict[str, int]:
    """Return the ids of three things of the feed `tt10`."""
    conn.execute(_FEED, ("tt10",))
    conn.execute(_FEED, ("other",))
    found = {}
    for name, state in (("OLD", "admitted"), ("NEWCOMER", "pending"), ("NEIGHBOUR", "admitted")):
        row = conn.execute(_THING, ("tt10", name, state)).fetchone()
        assert row is not None
        found[name] = row[0]
    return found


def test_a_new_device_continues_the_old_ones_thing(conn: Db, things: dict[str, int]) -> None:
    """The alias leads to the thing itself, with who said so; the next one needs no chain."""
    done = thing_alias.replace(conn, "tt10", "OLD", "SPARE", by="lan", note="hỏng nguồn")
    assert done == things["OLD"]
    assert thing_alias.replace(conn, "tt10", "SPARE", "SPARE-2", by="lan") == things["OLD"]
    assert thing_alias.all_(conn) == {
        ("tt10", "SPARE"): things["OLD"],
        ("tt10", "SPARE-2"): things["OLD"],
    }
    row = conn.execute("select made_by, note from thing_alias where external_id = 'SPARE'")
    assert row.fetchone() == ("lan", "hỏng nguồn")


def test_a_newcomer_that_has_spoken_is_retired(conn: Db, things: dict[str, int]) -> None:
    """It waits in no list any more; what it sent so far stays with it."""
    assert thing_alias.replace(conn, "tt10", "OLD", "NEWCOMER", by="lan") == things["OLD"]
    row = conn.execute("select state, properties from thing where external_id = 'NEWCOMER'")
    assert row.fetchone() == ("retired", {"continued_by": things["OLD"]})
    again = thing_alias.replace(conn, "tt10", "OLD", "NEWCOMER", by="lan")
    assert again is Objection.SAME


@pytest.mark.parametrize(
    ("feed", "old", "new", "why"),
    [
        ("tt10", "OLD", "NEIGHBOUR", Objection.NEW_IN_USE),
        ("tt10", "NEWCOMER", "SPARE", Objection.OLD_PENDING),
        ("tt10", "NOBODY", "SPARE", Objection.OLD_UNKNOWN),
        ("other", "OLD", "SPARE", Objection.OLD_UNKNOWN),
        ("tt10", "OLD", "OLD", Objection.SAME),
    ],
)
@pytest.mark.usefixtures("things")
def test_an_objection_changes_nothing(
    conn: Db, feed: str, old: str, new: str, why: Objection
) -> None:
    """What may not be is refused with its reason, and leaves no trace."""
    assert thing_alias.replace(conn, feed, old, new, by="lan") is why
    assert thing_alias.all_(conn) == {}
    states = conn.execute("select state from thing order by id").fetchall()
    assert states == [("admitted",), ("pending",), ("admitted",)]


def test_one_device_continues_one_thing(conn: Db, things: dict[str, int]) -> None:
    """Two histories cannot go on from one sensor."""
    assert thing_alias.replace(conn, "tt10", "OLD", "SPARE", by="lan") == things["OLD"]
    why = thing_alias.replace(conn, "tt10", "NEIGHBOUR", "SPARE", by="lan")
    assert why is Objection.NEW_TAKES_ANOTHERS
