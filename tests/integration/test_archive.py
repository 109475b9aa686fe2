"""Backup and restore carry everything, and refuse what they would spoil."""

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ioc import archive, settings
from ioc.domain.errors import ConfigError
from ioc.settings import Settings

Db = psycopg.Connection[tuple[Any, ...]]


def _settings(url: str) -> Settings:
    return msgspec.structs.replace(settings.load({}), database_url=url)


def _fill(conn: Db) -> None:
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values ('f', 'a', 'b', 60)"
    )
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind)"
        " values ('pm25', 'Bụi', 'Dust', 'µg/m³', 'quantity')"
    )
    conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind)"
        " values ('f', 'x', 'Trạm Ễ', 'Trạm', 'environment')"
    )
    conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) values (1, 'v', 'pm25', 'pm25', 'µg/m³', 60, 300)"
    )
    conn.execute("insert into ingest_writer (client_id) values ('w')")
    conn.execute(
        "insert into observation select 1, timestamptz '2026-11-20 00:00Z' + n * interval '1 h',"
        " n, 0, 0, now(), 1, 1 from generate_series(1, 100) n"
    )


def _dump(url: str) -> dict[str, list[Any]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return {
            table: conn.execute(f"select * from {table} order by 1, 2").fetchall()
            for table in archive._tables(conn)
        }


def test_restored_database_equals_the_saved(
    tmp_path: Path, database_url: str, conn: Db, empty_database_url: str
) -> None:
    """Every row of every table comes back, and new rows get new ids."""
    _fill(conn)
    counts = archive.backup(_settings(database_url), tmp_path / "a.ioc")
    assert counts["observation"] == 100
    archive.restore(_settings(empty_database_url), tmp_path / "a.ioc")
    assert _dump(empty_database_url) == _dump(database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as restored:
        row = restored.execute(
            "insert into thing (feed, external_id, name, short_name, kind)"
            " values ('f', 'y', 'B', 'B', 'rain') returning id"
        ).fetchone()
    assert row == (2,)


def test_restore_refuses_a_used_database(tmp_path: Path, database_url: str, conn: Db) -> None:
    """A database that holds rows is left as it is."""
    _fill(conn)
    archive.backup(_settings(database_url), tmp_path / "a.ioc")
    with pytest.raises(ConfigError):
        archive.restore(_settings(database_url), tmp_path / "a.ioc")
    assert conn.execute("select count(*) from observation").fetchone() == (100,)


def test_broken_file_is_refused(tmp_path: Path, database_url: str) -> None:
    """A file that is no backup is one line, not a traceback."""
    (tmp_path / "x").write_bytes(b"no archive")
    with pytest.raises(ConfigError):
        archive.restore(_settings(database_url), tmp_path / "x")
