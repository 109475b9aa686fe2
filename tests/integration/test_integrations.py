"""The board of exchanges: the catalogue, what heartbeats said, security operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from ioc import catalogue
from ioc.domain.exchange import Standing, standing
from ioc.domain.permission import Role
from ioc.storage import things
from tests.integration.web_site import Client, Site

Db = Connection[tuple[Any, ...]]
CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may look."""
    return web.client(role_tokens[Role.LEADER])


def said(conn: Db, kind: str, name: str, code: str, *values: tuple[float, float]) -> int:
    """Store what a thing said: (minutes ago, value); return the thing."""
    things.upsert_properties(conn, catalogue.load(CONFIG / "catalog"))
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values (%s, 'F', 'F', 300)"
        " on conflict do nothing",
        (kind,),
    )
    row = conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind, state)"
        " values (%s, %s, %s, 'x', %s, 'admitted')"
        " on conflict (feed, external_id) do update set kind = excluded.kind returning id",
        (kind, name, name, kind),
    ).fetchone()
    assert row is not None
    for minutes, value in values:
        conn.execute(
            "with d as (insert into datastream (thing_id, name, code, property, unit,"
            "  expected_period_s, stale_after_s) values (%s, %s, %s, %s, '', 300, 900)"
            "  on conflict (thing_id, code) do update set unit = '' returning id)"
            " insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
            "  received, writer, batch_no) select id, %s, %s, 0, 0, now(), 1, 1 from d",
            (row[0], code, code, code, datetime.now(UTC) - timedelta(minutes=minutes), value),
        )
    return int(row[0])


@pytest.mark.parametrize(
    ("failing", "age_s", "verdict"),
    [
        (None, None, Standing.NO_SOURCE),
        (False, 10, Standing.OK),
        (None, 10, Standing.OK),
        (True, 10, Standing.FAILING),
        (False, 901, Standing.STALE),
        (True, 901, Standing.STALE),
    ],
)
def test_what_a_tile_says(failing: bool | None, age_s: float | None, verdict: Standing) -> None:  # noqa: FBT001
    """An old word proves nothing, neither good nor bad."""
    assert standing(failing, age_s, 900) is verdict


def test_every_exchange_of_the_catalogue_has_a_tile(conn: Db, desk: Client) -> None:
    """Silent ones say that they have no source; one that only its heartbeat knows comes last."""
    failing = said(conn, "integration", "lgsp", "exchange_status", (40, 0), (20, 1), (1, 1))
    said(conn, "integration", "lgsp", "exchange_lag", (1, 12))
    said(conn, "integration", "ngsp", "exchange_status", (60, 0))
    said(conn, "integration", "la", "exchange_status", (1, 0))
    rows = desk.get("/desk/integrations").json()["exchanges"]
    told = {row["id"]: row for row in rows}
    assert told["lgsp"]["standing"] == "failing"
    assert told["lgsp"]["thing"] == failing
    assert told["lgsp"]["said"]["exchange_lag"] == 12
    assert round(told["lgsp"]["failed_share"], 2) == 0.67
    assert told["lgsp"]["success"] < told["lgsp"]["newest"]
    assert told["ngsp"]["standing"] == "stale"
    assert told["health"]["standing"] == "no_source"
    assert rows[-1]["id"] == "la"
    assert rows[-1]["owner"] is None
    assert "Đang lỗi" in desk.get("/desk/integrations/export.csv").body.decode("utf-8-sig")


def test_security_operations_have_a_block(conn: Db, desk: Client) -> None:
    """Each counter with its name and age; one that is old says so."""
    said(conn, "security", "soc", "agents_online", (1, 70))
    said(conn, "security", "soc", "incidents_critical", (600, 2))
    [centre] = desk.get("/desk/integrations").json()["security"]
    online, critical = (centre["counters"][k] for k in ("agents_online", "incidents_critical"))
    assert (online["value"], online["stale"]) == (70, False)
    assert (critical["value"], critical["stale"]) == (2, True)
    assert online["name"]
