"""Figures of indicators: from files, feeds and our own data, each with where it comes from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from typer.testing import CliRunner

from ioc import catalogue
from ioc import indicators as files
from ioc.cli.main import app
from ioc.domain.indicator import How
from ioc.storage import computed_indicators, indicators, things
from ioc.storage.indicators import Figure

Db = Connection[tuple[Any, ...]]
CONFIG = Path(__file__).parents[2] / "config"
ZONE = "Asia/Ho_Chi_Minh"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 10:00 in the province
DAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def known(conn: Db) -> None:
    """Give the database the shipped catalogues."""
    things.upsert_properties(conn, catalogue.load(CONFIG / "catalog"))
    indicators.sync(conn, files.load(CONFIG / "indicators"))


def series(conn: Db, kind: str, external_id: str, code: str) -> int:
    """Return the datastream of a new thing."""
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s)"
        " values ('f', 'Nguồn F', 'F', 60) on conflict do nothing"
    )
    row = conn.execute(
        "with t as (insert into thing (feed, external_id, name, short_name, kind, state,"
        " created_at)"
        " values ('f', %s, %s, 'x', %s, 'admitted', '2026-01-01') returning id)"
        " insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) select id, %s, %s, %s, '', 60, 300 from t returning id",
        (external_id, external_id, kind, code, code, code),
    ).fetchone()
    assert row
    return int(row[0])


def said(conn: Db, stream: int, at: datetime, value: float, quality: int = 0) -> None:
    """Store an observation, received now."""
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags, received,"
        " writer, batch_no) values (%s, %s, %s, %s, 0, now(), 1, 1)",
        (stream, at, value, quality),
    )


def hour(conn: Db, stream: int, at: datetime, last: float) -> None:
    """Store an hour that ended with this value."""
    conn.execute(
        "insert into observation_hour (datastream_id, hour, n, n_good, last)"
        " values (%s, %s, 1, 1, %s)",
        (stream, at, last),
    )


def values(conn: Db, code: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select at, value, how, detail from indicator_value where indicator = %s order by at",
        (code,),
    ).fetchall()


def test_a_figure_that_changes_keeps_what_was_said(conn: Db) -> None:
    """Another value replaces and is kept; the same value changes nothing, not even who said it."""

    def put(value: float, by: str) -> int:
        where = {"file": f"{by}.csv", "row": 2}
        figure = Figure("smartphone_pct", DAY, value, How.UPLOAD, where)
        return indicators.put(conn, [figure], by)

    assert [put(80, "a"), put(80, "b"), put(85, "c")] == [1, 0, 1]
    assert values(conn, "smartphone_pct") == [(DAY, 85.0, "upload", {"file": "c.csv", "row": 2})]
    old = conn.execute("select value, put_by from indicator_value_replaced").fetchall()
    assert old == [(80.0, "a")]


def test_a_feed_gives_figures_of_the_province_s_days(conn: Db) -> None:
    """The newest good value of a day counts; a bad one, an unknown id and NaN give nothing."""
    stream = series(conn, "indicator", "soc_incidents_count", "indicator_value")
    stranger = series(conn, "indicator", "not_ours", "indicator_value")
    late = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # 01:00 of the 21st in the province
    for at, value, quality in (
        (late - timedelta(hours=3), 3, 0),
        (late, 4, 0),
        (late + timedelta(hours=1), 5, 0),
        (late + timedelta(hours=2), 99, 3),
        (late + timedelta(hours=3), float("nan"), 4),
    ):
        said(conn, stream, at, value, quality)
    said(conn, stranger, late, 1)
    assert indicators.collect(conn, ZONE, datetime.now(UTC)) == 2
    found = values(conn, "soc_incidents_count")
    assert [(at, value, how) for at, value, how, _ in found] == [
        (date(2026, 11, 20), 3.0, "feed"),
        (date(2026, 11, 21), 5.0, "feed"),
    ]
    assert found[1][3]["feed_title"] == "Nguồn F"
    assert indicators.collect(conn, ZONE, datetime.now(UTC)) == 0
    said(conn, stream, late + timedelta(hours=4), 6)
    assert indicators.collect(conn, ZONE, datetime.now(UTC)) == 1


def test_what_the_centre_counts_itself(conn: Db) -> None:
    """Shares of yesterday's hours with what they were counted from; maintenance is no hour lost."""
    camera = series(conn, "camera", "c1", "camera_status")
    point = series(conn, "network", "n1", "network_status")
    noon = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    for n, state in enumerate((0, 0, 2, 4)):
        hour(conn, camera, noon + timedelta(hours=n), state)
    hour(conn, point, noon, 0)
    hour(conn, point, datetime(2026, 11, 22, 16, 0, tzinfo=UTC), 2)  # the evening before
    assert computed_indicators.compute(conn, ZONE, NOW) >= 3
    [(at, value, how, detail)] = values(conn, "camera_uptime_pct")
    assert (at, round(value, 2), how) == (DAY, 66.67, "computed")
    assert detail == {"method": "camera_uptime_pct", "count": 2, "whole": 3}
    assert values(conn, "points_online_pct")[0][1] == 100
    assert values(conn, "sources_live_pct")[0][1] == 100
    assert values(conn, "bts_online_pct") == []  # no base station, no 100 %
    assert computed_indicators.compute(conn, ZONE, NOW) == 0


def test_every_method_of_the_catalogue_is_a_query(conn: Db) -> None:
    """An indicator that says it is computed is."""
    methods = {one.method for one in files.load(CONFIG / "indicators")} - {None}
    assert methods == set(computed_indicators._METHODS)
    assert computed_indicators.compute(conn, ZONE, NOW) == 0


def test_what_left_the_catalogue_keeps_its_history(conn: Db) -> None:
    """It takes no more figures, and is back with all it had when it is listed again."""
    every = files.load(CONFIG / "indicators")
    indicators.put(conn, [Figure(every[-1].id, DAY, 1, How.UPLOAD, {})], "a")
    indicators.sync(conn, every[:-1])
    assert every[-1].id not in indicators.names(conn)
    indicators.sync(conn, every)
    assert every[-1].id in indicators.names(conn)
    assert len(values(conn, every[-1].id)) == 1


def test_the_command_takes_all_or_nothing(
    conn: Db, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wrong row and nothing is put, exit 1; a dry run writes nothing; then it is audited."""
    monkeypatch.setenv("IOC_DATABASE_URL", database_url)
    path = tmp_path / "so-lieu.csv"

    def run(text: str, *options: str) -> tuple[int, str]:
        path.write_text("mã,kỳ,giá trị\n" + text, encoding="utf-8")
        done = CliRunner().invoke(app, ["indicators", "import", str(path), "--by", "an", *options])
        return done.exit_code, done.output

    code, told = run("smartphone_pct,2025,80\nbts_count,2025,3000\n")
    assert code == 1
    assert "dòng 3" in told
    assert run("smartphone_pct,2025,80\n", "--dry-run")[0] == 0
    assert values(conn, "smartphone_pct") == []
    assert run("smartphone_pct,2025,80\n")[0] == 0
    assert values(conn, "smartphone_pct")[0][:3] == (date(2025, 12, 31), 80.0, "upload")
    [audited] = conn.execute("select actor, object from audit").fetchall()
    assert audited == ("an", "so-lieu.csv")
