"""What the board of indicators fetches, and files of figures from a desk."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from openpyxl import load_workbook
from psycopg import Connection

from ioc import catalogue
from ioc import indicators as files
from ioc.domain.indicator import How
from ioc.domain.permission import Role
from ioc.storage import indicators, things, users
from ioc.storage.indicators import Figure
from tests.integration.web_site import Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]
CONFIG = Path(__file__).parents[2] / "config"
TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def known(conn: Db) -> None:
    """Give the database the shipped catalogue and one indicator's three quarters."""
    things.upsert_properties(conn, catalogue.load(CONFIG / "catalog"))
    indicators.sync(conn, files.load(CONFIG / "indicators"))
    figures = [
        Figure("smartphone_pct", TODAY - timedelta(days=back), value, How.UPLOAD, {"file": "a"})
        for back, value in ((200, 70), (110, 71), (20, 72))
    ]
    indicators.put(conn, figures, "an")


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may record figures."""
    return web.client(role_tokens[Role.OPERATOR])


def send(desk: Client, text: str, **more: str) -> Answer:
    query = urlencode({"name": "q3.csv"} | more)
    origin = {"Origin": f"http://127.0.0.1:{desk.port}"}
    return desk.ask("POST", f"/desk/indicators/file?{query}", text.encode(), origin)


def row(desk: Client, code: str) -> dict[str, Any]:
    rows = desk.get("/desk/indicators").json()["rows"]
    return next(one for one in rows if one["id"] == code)


def test_the_board_has_all_with_its_verdict(desk: Client) -> None:
    """Value, day, trend, target, owner; what nobody ever gave a figure for says so."""
    found = desk.get("/desk/indicators").json()
    assert len(found["rows"]) == len(files.load(CONFIG / "indicators"))
    assert found["may_put"] is True
    phones = row(desk, "smartphone_pct")
    assert (phones["value"], phones["target"], phones["year"]) == (72, 95, 2030)
    assert phones["at"] == str(TODAY - timedelta(days=20))
    assert [value for _, value in phones["trend"]] == [70, 71, 72]
    assert phones["owner"]
    assert phones["standing"] in {"on_track", "off_track"}
    assert row(desk, "e_id_pct")["standing"] == "no_source"
    assert row(desk, "e_id_pct")["value"] is None


def test_a_figure_leads_to_where_it_is_from(conn: Db, desk: Client) -> None:
    """Every figure with its file or feed, who and when; one that was replaced is still there."""
    changed = Figure("smartphone_pct", TODAY - timedelta(days=20), 73, How.UPLOAD, {"file": "b"})
    indicators.put(conn, [changed], "bình")
    history = desk.get("/desk/indicators/smartphone_pct").json()["history"]
    assert [(one["value"], one["put_by"], one["detail"]["file"]) for one in history] == [
        (73, "bình", "b"),
        (72, "an", "a"),
        (71, "an", "a"),
        (70, "an", "a"),
    ]
    assert [one["replaced_at"] is None for one in history] == [True, False, True, True]
    assert desk.get("/desk/indicators/nothing").status == 404


def test_a_file_is_looked_at_and_then_recorded(conn: Db, desk: Client) -> None:
    """The look writes nothing and says what changes; only the file that was seen is recorded."""
    text = f"mã,kỳ,giá trị\nsmartphone_pct,{TODAY - timedelta(days=20)},74\ne_id_pct,2025,50\n"
    look = send(desk, text).json()
    assert (look["changes"], look["refused"], len(look["rows"])) == (1, [], 2)
    assert (look["rows"][0]["before"], look["rows"][0]["value"]) == (72, 74)
    assert row(desk, "smartphone_pct")["value"] == 72
    other = send(desk, text + "par_index,2024,80\n", seen=look["digest"])
    assert other.status == 422
    assert send(desk, text, seen=look["digest"]).json() == {"figures": 2, "changed": 2}
    assert row(desk, "smartphone_pct")["value"] == 74
    assert row(desk, "e_id_pct")["at"] == "2025-12-31"
    told = conn.execute("select actor, action, object from audit order by id desc").fetchone()
    assert told is not None
    assert told[1:] == ("indicators.import", "q3.csv")


def test_a_file_with_a_wrong_row_is_not_recorded(desk: Client) -> None:
    """Its rows are named at the look; the record is refused whole; what is no table says so."""
    text = "mã,kỳ,giá trị\ne_id_pct,2025,50\nbts_count,2025,1\n"
    look = send(desk, text).json()
    assert [one["row"] for one in look["refused"]] == [3]
    assert send(desk, text, seen=look["digest"]).status == 422
    assert row(desk, "e_id_pct")["value"] is None
    assert "mã chỉ số" in send(desk, "x,y\n").json()["detail"]


def test_who_may_only_read_records_nothing(web: Site, role_tokens: dict[Role, str]) -> None:
    """A leader sees the board and no way to send a file; sending one is refused."""
    leader = web.client(role_tokens[Role.LEADER])
    assert leader.get("/desk/indicators").json()["may_put"] is False
    assert send(leader, "mã,kỳ,giá trị\ne_id_pct,2025,50\n").status == 403


def test_the_file_has_what_the_screen_has(desk: Client) -> None:
    """XLSX and CSV with one row an indicator, verdicts in words."""
    answer = desk.get("/desk/indicators/export.xlsx")
    sheet = load_workbook(io.BytesIO(answer.body)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 1 + len(files.load(CONFIG / "indicators"))
    phones = next(one for one in rows if one[0] == "smartphone_pct")
    assert phones[4] == 72
    assert isinstance(phones[5], datetime | date)
    text = desk.get("/desk/indicators/export.csv").body.decode("utf-8-sig")
    assert "Chưa có nguồn" in text


def test_an_id_that_only_a_source_knows_is_named(conn: Db, desk: Client) -> None:
    """A feed that sends what the catalogue lacks, or fills by files, is told on the board."""
    add_thing(conn, "khong-co", kind="indicator")
    add_thing(conn, "soc_incidents_count", kind="indicator")
    add_thing(conn, "smartphone_pct", kind="indicator")
    assert desk.get("/desk/indicators").json()["strangers"] == ["khong-co", "smartphone_pct"]


def test_a_limited_set_of_domains_hides_the_board(conn: Db, web: Site) -> None:
    """Who answers for cameras alone has no indicator, neither in the list nor by its address."""
    users.put_user(conn, username="cam", display_name="c", role="operator", password="Dài-đủ-1234")
    conn.execute("update app_user set domains = '{camera}' where username = 'cam'")
    client = web.client()
    assert client.login("cam", "Dài-đủ-1234").status == 303
    assert client.get("/desk/indicators").json()["rows"] == []
    assert client.get("/desk/indicators/smartphone_pct").status == 404
