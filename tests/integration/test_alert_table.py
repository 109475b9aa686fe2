"""What an operator takes away from `/alerts`: the list as the filter shows it, and idle masks."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from psycopg import Connection
from psycopg.types.json import Jsonb

from tests.integration.web_site import Client, Site, add_people, add_thing

Db = Connection[tuple[Any, ...]]
RULE = {
    "name": {"vi": "=pH ngoài khoảng", "en": "pH"},
    "op": "outside",
    "levels": [
        {"severity": "critical", "low": 4, "high": 10},
        {"severity": "high", "low": 6, "high": 8.5},
    ],
    "operator_action": {"vi": "gọi", "en": "call"},
}


@pytest.fixture
def operator(web: Site, conn: Db) -> Client:
    """Return an operator in front of two open alerts of a two-sided rule."""
    add_people(conn)
    thing, stream = add_thing(conn)
    conn.execute("insert into rule (id, name, current_version) values ('ph', 'r', 1)")
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values ('ph', 1, %s, 't')",
        (Jsonb(RULE),),
    )
    for severity, closed in ((2, "null"), (1, "now()")):
        conn.execute(
            "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity,"
            " active, raised_at, detected_at, result, limit_value, closed_at)"
            f" values (gen_random_uuid(), 'ph', 1, %s, %s, %s, {closed == 'null'}, now(), now(),"
            f" 9.1, 8.5, {closed})".encode(),
            (stream, thing, severity),
        )
    client = web.client()
    assert client.login("truc-ban").status == 303
    return client


def test_a_csv_holds_what_the_filter_shows(operator: Client) -> None:
    """One row of the open tab, both limits in it, and no text that a spreadsheet would run."""
    answer = operator.get("/desk/alerts/export.csv")
    assert answer.status == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert len(rows) == 1
    assert rows[0]["Ngưỡng"] == "ngoài 6 – 8,5"
    assert rows[0]["Quy tắc"] == "'=pH ngoài khoảng"
    assert rows[0]["Mức"] == "Cao"
    closed = operator.get("/desk/alerts/export.csv?tab=closed").body.decode("utf-8-sig")
    assert "ngoài 4 – 10" in closed
    none = operator.get("/desk/alerts/export.csv?severity=4").body.decode("utf-8-sig")
    assert len(none.splitlines()) == 1, "only the head"


def test_a_workbook_holds_the_same(operator: Client) -> None:
    """Numbers are numbers and times are times."""
    answer = operator.get("/desk/alerts/export.xlsx")
    sheet = load_workbook(io.BytesIO(answer.body)).active
    assert sheet is not None
    head, row = list(sheet.iter_rows(values_only=True))
    found = dict(zip(head, row, strict=True))
    assert found["Giá trị khi báo"] == 9.1
    assert found["Bắt đầu"].year >= 2024


def test_a_file_takes_the_right_to_see_alerts(web: Site, operator: Client) -> None:
    """Who is nobody gets no list; a form that there is not is no file."""
    assert operator
    assert web.client().get("/desk/alerts/export.csv").status in {401, 403}
    assert operator.get("/desk/alerts/export.pdf").status in {404, 422}


def test_both_limits_stand_on_the_row(operator: Client) -> None:
    """The level's own band, not one end of it."""
    (row,) = operator.get("/desk/alerts").json()["rows"]
    assert (row["low"], row["high"]) == (6, 8.5)


def test_masks_without_an_alert_are_listed(operator: Client, conn: Db) -> None:
    """Planned work and a mask that holds nothing stand under their tab, and only there."""
    conn.execute(
        "insert into mask (kind, matcher, starts, ends, reason, by_user) values"
        """ ('maintenance', '{"feed": "env"}', now() + interval '1 day',"""
        " now() + interval '2 days',"
        " 'thay cảm biến', 'truc-ban')"
    )
    found = operator.get("/desk/alerts?tab=suppressed").json()
    assert [one["reason"] for one in found["masks"]] == ["thay cảm biến"]
    assert found["rows"] == []
    assert operator.get("/desk/alerts?tab=shelved").json()["masks"] == []
    assert operator.get("/desk/alerts").json()["masks"] == []
