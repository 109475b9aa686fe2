"""Days of sources, as they are built from hours, and the board that is drawn from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.storage import source_days, users
from tests.integration.web_site import Site, add_thing

Db = Connection[tuple[Any, ...]]
ZONE = "Asia/Ho_Chi_Minh"
HERE = ZoneInfo(ZONE)
TODAY = datetime.now(UTC).astimezone(HERE).date()
YESTERDAY = TODAY - timedelta(days=1)
MIDNIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=HERE)


def hours(conn: Db, stream: int, n: list[int], good: float = 1.0) -> None:
    """Store yesterday's first hours with so many values each, and close the day."""
    for number, count in enumerate(n):
        if count:
            at = MIDNIGHT - timedelta(days=1) + timedelta(hours=number)
            conn.execute(
                "insert into observation_hour (datastream_id, hour, n, n_good)"
                " values (%s, %s, %s, %s)",
                (stream, at, count, round(count * good)),
            )
    conn.execute("update thing set created_at = now() - interval '30 days'")
    closed(conn, MIDNIGHT)


def closed(conn: Db, until: datetime) -> None:
    conn.execute(
        "insert into rollup_progress values ('hour', %s)"
        " on conflict (name) do update set done_until = excluded.done_until",
        (until,),
    )


def day(conn: Db, thing: int) -> tuple[Any, ...]:
    row = conn.execute(
        "select expected, got, n, n_good, corrected, hours, possible from source_day"
        " where thing_id = %s and day = %s",
        (thing, YESTERDAY),
    ).fetchone()
    assert row is not None
    return row


def test_a_burst_does_not_fill_a_hole(conn: Db) -> None:
    """A value a minute: twelve hours at double pace are half of what the day promised."""
    thing, stream = add_thing(conn)
    hours(conn, stream, [120] * 12)
    assert source_days.build(conn, ZONE) == source_days.FIRST_DAYS
    assert day(conn, thing) == (1440, 720, 1440, 1440, 0, 12, 24)
    assert source_days.build(conn, ZONE) == 0


def test_late_hours_reach_the_days_before(conn: Db) -> None:
    """When the next day begins the week before it is built again."""
    thing, stream = add_thing(conn)
    hours(conn, stream, [60] * 23)
    source_days.build(conn, ZONE)
    assert day(conn, thing)[2] == 23 * 60
    hours(conn, stream, [0] * 23 + [60])
    closed(conn, MIDNIGHT + timedelta(hours=1))
    assert source_days.build(conn, ZONE) == source_days.LATE_DAYS + 2
    assert day(conn, thing)[2] == 24 * 60


def test_days_are_kept_as_long_as_their_hours(conn: Db) -> None:
    """A day beyond KEPT_DAYS goes, the one before it stays, and nothing of today."""
    thing, stream = add_thing(conn)
    hours(conn, stream, [60])
    source_days.build(conn, ZONE)
    days = conn.execute("select count(*) from source_day").fetchone()
    edge = MIDNIGHT - timedelta(days=source_days.KEPT_DAYS)
    for moment in (edge, edge - timedelta(days=1)):
        conn.execute(
            "insert into source_day values (%s, %s, 1, 1, 1, 1, 0, 1, 1)", (thing, moment.date())
        )
    assert source_days.prune(conn, MIDNIGHT) == 1
    assert conn.execute("select count(*) - 1 from source_day").fetchone() == days


@pytest.fixture
def board(conn: Db) -> tuple[int, int]:
    """Return a good station and a bad one, and three refused messages of their feed."""
    good, stream = add_thing(conn, "tot")
    bad, other = add_thing(conn, "kem")
    hours(conn, stream, [60] * 24)
    hours(conn, other, [60] * 24, good=0.5)
    source_days.build(conn, ZONE)
    conn.execute(
        "insert into dead_letter (feed, topic, payload, size, reason, received, writer, batch_no)"
        " select 'env', 't', 'x', 1, 'bad_json', %s, 1, 1 from generate_series(1, 3)",
        (MIDNIGHT - timedelta(hours=1),),
    )
    return good, bad


def test_the_board_leads_from_feed_to_thing_to_message(
    web: Site, role_tokens: dict[Role, str], board: tuple[int, int]
) -> None:
    """Shares of each feed and thing, the ten worst with a reason, refused messages by reason."""
    desk = web.client(role_tokens[Role.OPERATOR])
    found = desk.get(f"/desk/quality?at={YESTERDAY}").json()
    [feed] = found["feeds"]
    assert (feed["feed"], feed["things"], feed["refused"]) == ("env", 2, 3)
    assert feed["scores"][:2] == [0.75, 1]
    assert feed["reason"] == "wrong_values"
    assert board[1] in [one["id"] for one in found["worst"]]
    below = desk.get(f"/desk/quality?at={YESTERDAY}&feed=env").json()
    assert [one["id"] for one in below["things"]] == [board[1], board[0]]
    [refusal] = below["refusals"]
    assert (refusal["n"], bool(refusal["words"])) == (3, True)
    month = desk.get(f"/desk/quality?at={YESTERDAY}&of=month").json()
    assert len(month["feeds"][0]["days"]) >= 1
    assert "kem" in desk.get(f"/desk/quality/export.csv?at={YESTERDAY}&feed=env").body.decode()


def test_a_limited_scope_sees_its_own_alone(conn: Db, web: Site, board: tuple[int, int]) -> None:
    """Things of its communes, and no refused message: whose they are is not known."""
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_how, outline)"
        " values (%s, 107, 11, '26000', 'boundary', 'inside')",
        (board[0],),
    )
    users.put_user(conn, username="xa", display_name="x", role="operator", password="Dài-đủ-1234")
    conn.execute("update app_user set areas = '{26000}' where username = 'xa'")
    desk = web.client()
    assert desk.login("xa", "Dài-đủ-1234").status == 303
    found = desk.get(f"/desk/quality?at={YESTERDAY}").json()
    assert [(one["things"], one["refused"]) for one in found["feeds"]] == [(1, 0)]
    assert board[1] not in {one["id"] for one in found["worst"]}
    below = desk.get(f"/desk/quality?at={YESTERDAY}&feed=env").json()
    assert [one["id"] for one in below["things"]] == [board[0]]
    assert below["refusals"] is None
