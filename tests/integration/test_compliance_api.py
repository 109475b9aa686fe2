"""A station's month: the right window, the limit of its time, and where each figure comes from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.settings import Settings
from tests.integration.station_data import hours, last_month, limit, moment, station, status
from tests.integration.web_site import PASSWORD, Answer, Site, add_people, running

Db = Connection[tuple[Any, ...]]
FIRST = last_month()
MONTH = f"{FIRST:%Y-%m}"
END = (FIRST + timedelta(days=31)).replace(day=1)


@pytest.fixture
def site(web_settings: Settings) -> Iterator[Site]:
    """Yield a running site."""
    with running(web_settings) as found:
        yield found


@pytest.fixture
def read(site: Site, role_tokens: dict[Role, str]) -> Callable[..., Answer]:
    """Return a function that asks the API for a station's month."""

    def ask(thing: int, month: str = MONTH) -> Answer:
        client = site.client(role_tokens[Role.ADMIN])
        return client.get(f"/api/v1/compliance/{thing}?month={month}")

    return ask


def test_one_hour_is_no_breach_and_a_day_is(
    conn: Db, web_settings: Settings, read: Callable[..., Answer]
) -> None:
    """An hour of 300 in a clean day keeps a 24 h limit of 45; a day of 50 is beyond it."""
    thing, stream = station(conn, web_settings)
    limit(conn, thing, 45)
    hours(conn, stream, 10, (moment(FIRST), moment(END)))
    hours(conn, stream, 300, (moment(FIRST, 5), moment(FIRST, 6)))
    day = FIRST + timedelta(days=3)
    hours(conn, stream, 50, (moment(day), moment(day, 24)))
    [found] = read(thing).json()["parameters"]
    [verdict] = found["limits"]
    assert (verdict["judged"], verdict["unjudged"], verdict["beyond"]) == ((END - FIRST).days, 0, 1)
    [breach] = verdict["breaches"]
    assert breach["worst"] == 50
    assert breach["since"] == f"{moment(day):%Y-%m-%dT%H:%M:%SZ}"
    assert breach["until"] == f"{moment(day, 24):%Y-%m-%dT%H:%M:%SZ}"
    assert breach["chart"].startswith(f"/thing/{thing}?property=pm25&from=")
    assert verdict["early_warnings"] == []


def test_each_day_keeps_the_limit_of_its_time(
    conn: Db, web_settings: Settings, read: Callable[..., Answer]
) -> None:
    """47 keeps the old limit of 50 on its last day and breaches the new one of 45 a day later."""
    thing, stream = station(conn, web_settings)
    last = FIRST + timedelta(days=9)
    limit(conn, thing, 50, valid=(None, last))
    limit(conn, thing, 45, valid=(last + timedelta(days=1), None))
    hours(conn, stream, 47, (moment(FIRST), moment(END)))
    [found] = read(thing).json()["parameters"]
    old, new = sorted(found["limits"], key=lambda one: -one["high"])
    assert (old["judged"], old["beyond"]) == (10, 0)
    assert (new["judged"], new["beyond"]) == ((END - FIRST).days - 10,) * 2


def test_a_value_in_a_window_without_enough_data_warns_early(
    conn: Db, web_settings: Settings, read: Callable[..., Answer]
) -> None:
    """Three hours of 300 in an empty day: a warning, no breach, and the window is not judged."""
    thing, stream = station(conn, web_settings)
    limit(conn, thing, 45)
    hours(conn, stream, 300, (moment(FIRST), moment(FIRST, 3)))
    [found] = read(thing).json()["parameters"]
    [verdict] = found["limits"]
    assert (verdict["judged"], verdict["beyond"], verdict["breaches"]) == (0, 0, [])
    [early] = verdict["early_warnings"]
    assert early["worst"] == 300


def test_what_a_station_owed(conn: Db, web_settings: Settings, read: Callable[..., Answer]) -> None:
    """Shares of valid hours, hours of calibration and fault, silence of more than an hour."""
    thing, stream = station(conn, web_settings)
    hours(conn, stream, 10, (moment(FIRST), moment(END)))
    gap = FIRST + timedelta(days=5)
    silent = (moment(gap), moment(gap, 20))
    conn.execute("delete from observation_hour where hour >= %s and hour < %s", silent)
    conn.execute("delete from observation_minute where minute >= %s and minute < %s", silent)
    status(conn, stream, moment(FIRST, 2), 90, 1)
    status(conn, stream, moment(FIRST, 8), 30, 2)
    hours(conn, stream, 10, (moment(FIRST, 30), moment(FIRST, 31)), n=44)  # 44 of 60: too few
    found = read(thing).json()
    [one] = found["parameters"]
    total = (END - FIRST).days * 24
    assert (one["hours"], one["valid_hours"]) == (total, total - 21)
    assert one["enough"] is True
    assert (one["calibrating_hours"], one["fault_hours"]) == (1.5, 0.5)
    [silence] = found["interruptions"]
    assert silence["notice"] is True
    assert silence["until"] == f"{moment(gap, 20):%Y-%m-%dT%H:%M:%SZ}"


def test_who_may_not_see_a_station_hears_nothing_of_it(
    conn: Db, web_settings: Settings, site: Site, read: Callable[..., Answer]
) -> None:
    """404 for an unknown station and for one outside the caller's area, 422 for no month."""
    thing, _ = station(conn, web_settings)
    assert read(thing).status == 200
    assert read(thing + 1000).status == 404
    assert read(thing, "2026-13").status == 422
    add_people(conn)
    operator = site.operator()
    conn.execute("update app_user set areas = '{1}' where username = 'truc-ban'")
    assert operator.login("truc-ban", PASSWORD).status == 303
    assert operator.get(f"/api/v1/compliance/{thing}?month={MONTH}").status == 404
    assert operator.get(f"/desk/station/{thing}?month={MONTH}").status == 404


def test_the_report_says_the_same_as_page_pdf_and_workbook(
    conn: Db, web_settings: Settings, site: Site, role_tokens: dict[Role, str]
) -> None:
    """Page, XLSX and PDF come from one month; an hour's value is called a warning, not a breach."""
    thing, stream = station(conn, web_settings)
    limit(conn, thing, 45)
    hours(conn, stream, 50, (moment(FIRST), moment(FIRST, 24)))
    later = FIRST + timedelta(days=2)
    hours(conn, stream, 300, (moment(later), moment(later, 2)))
    conn.execute("update thing set name = '=1+1' where id = %s", (thing,))
    client = site.client(role_tokens[Role.LEADER])
    page = client.get(f"/desk/station/{thing}?month={MONTH}").json()
    assert page["empty"] is False
    assert "Cảnh báo sớm (không phải vượt quy chuẩn)" in page["html"]
    assert f'href="/thing/{thing}?property=pm25&amp;from=' in page["html"]
    assert "<script" not in page["html"]
    answer = client.get(f"/desk/station/{thing}/report?format=xlsx&month={MONTH}")
    book = openpyxl.load_workbook(io.BytesIO(answer.body))
    [row] = book["Vượt giới hạn"].iter_rows(min_row=2, values_only=True)
    assert row[2] == 50
    [early] = book["Cảnh báo sớm"].iter_rows(min_row=2, values_only=True)
    assert early[2] == 300
    texts = [cell for line in book.worksheets[0].iter_rows(values_only=True) for cell in line]
    assert not any(str(text).startswith("=") for text in texts)
    printed = client.get(f"/desk/station/{thing}/report?format=pdf&month={MONTH}")
    assert (printed.status, printed.body[:5]) == (200, b"%PDF-")
    assert f"bao-cao-tram-{thing}-{MONTH}.pdf" in printed.headers["content-disposition"]


def test_a_month_without_data_is_empty(
    conn: Db, web_settings: Settings, site: Site, role_tokens: dict[Role, str]
) -> None:
    """The page is told that there is nothing, not a table of zeros."""
    thing, _ = station(conn, web_settings)
    client = site.client(role_tokens[Role.LEADER])
    found = client.get(f"/desk/station/{thing}?month={MONTH}").json()
    assert found["empty"] is True
