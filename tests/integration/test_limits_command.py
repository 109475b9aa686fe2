"""`ioc limits import`: permits and regulations become limits of stations, all rows or none."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from typer.testing import CliRunner, Result

from ioc import catalogue
from ioc import settings as configuration
from ioc.cli import context
from ioc.cli.limits import app
from ioc.settings import Settings
from ioc.storage import legal_limits, things
from tests.integration.ingest_rig import one
from tests.integration.web_site import add_thing

Db = Connection[tuple[Any, ...]]
HEAD = "station;parameter;unit;low;high;window;basis;valid_from;valid_to\n"
PERMIT = "GPMT 12/2025"


@pytest.fixture
def thing(conn: Db, database_url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a station, and let the command find the test's database."""
    given: Settings = configuration.load({"IOC_DATABASE_URL": database_url})
    monkeypatch.setattr(context, "_settings", [given])
    things.upsert_properties(conn, catalogue.load(given.config_dir / "catalog"))
    return add_thing(conn, "NT-1")[0]


def load(folder: Path, rows: str, *options: str) -> Result:
    """Import rows."""
    file = folder / "permit.csv"
    file.write_text("\ufeff" + HEAD + rows, encoding="utf-8")
    return CliRunner().invoke(app, ["import", str(file), "--by", "lan", *options])


def test_a_permit_becomes_limits(conn: Db, thing: int, tmp_path: Path) -> None:
    """A decimal comma and a Vietnamese date are read; a second import replaces, not doubles."""
    row = f"NT-1;cod;mg/L;;67,5;24h;{PERMIT};01/03/2025;31/12/2029\n"
    assert load(tmp_path, row).exit_code == 0
    assert load(tmp_path, row.replace("67,5", "60")).exit_code == 0
    [found] = legal_limits.of_station(conn, thing)
    assert (found.observed_property, found.low, found.high) == ("cod", None, 60.0)
    assert found.averaging == ("mean", 86_400)
    assert (found.valid_from, found.valid_to) == (date(2025, 3, 1), date(2029, 12, 31))
    assert one(conn, "select count(*) from audit where action = 'limits.import'") == 2


def test_a_regulation_is_taken_over_with_its_dates(conn: Db, thing: int, tmp_path: Path) -> None:
    """QCVN 05's PM2.5 comes as 50 to the end of 2025 and 45 from 2026, with its confidence."""
    assert load(tmp_path, "NT-1;pm25;;;;;QCVN 05:2023/BTNMT;;\n").exit_code == 0
    found = legal_limits.of_station(conn, thing)
    assert [(one.high, one.valid_from, one.valid_to, one.confidence) for one in found] == [
        (50.0, date(2023, 9, 12), date(2025, 12, 31), "A"),
        (45.0, date(2026, 1, 1), None, "A"),
    ]


def test_a_refused_row_names_itself_and_nothing_is_changed(
    conn: Db, thing: int, tmp_path: Path
) -> None:
    """Each wrong row is told with its number; the good one beside them is not taken either."""
    assert thing
    rows = (
        f"NT-1;cod;mg/L;;60;24h;{PERMIT};;\n"
        f"NT-9;cod;mg/L;;60;24h;{PERMIT};;\n"
        f"NT-1;cod;g/L;;60;24h;{PERMIT};;\n"
        f"NT-1;cod;;;abc;24h;{PERMIT};;\n"
        f"NT-1;cod;;;60;2h;{PERMIT};;\n"
        f"NT-1;cod;;;;24h;{PERMIT};;\n"
        f"NT-1;ph;;9;6;;{PERMIT};;\n"
        f"NT-1;ph;;6;9;;{PERMIT};2026-02-30;\n"
        f"NT-1;cod;;;70;24h;{PERMIT};;\n"
    )
    done = load(tmp_path, rows)
    assert done.exit_code == 1
    told = [line.split(":")[0] for line in done.stdout.splitlines()[:-1]]
    assert told == [f"dòng {number}" for number in range(3, 11)]
    assert one(conn, "select count(*) from legal_limit") == 0


def test_a_dry_run_writes_nothing(conn: Db, thing: int, tmp_path: Path) -> None:
    """It says what would be done."""
    assert thing
    done = load(tmp_path, "NT-1;;;;;;QCVN 40:2011/BTNMT;;\n", "--dry-run")
    assert (done.exit_code, "27" in done.stdout) == (0, True)
    assert one(conn, "select count(*) from legal_limit") == 0
