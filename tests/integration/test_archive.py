"""Backup and restore carry everything, and refuse what they would spoil."""

import tarfile
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ioc import archive, settings
from ioc.domain.errors import ConfigError
from ioc.settings import Settings
from ioc.text import say

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
    saved = _dump(database_url)  # the audit's line of the backup itself is written after it
    counts = archive.backup(_settings(database_url), tmp_path / "a.ioc")
    assert counts["observation"] == 100
    archive.restore(_settings(empty_database_url), tmp_path / "a.ioc")
    assert _dump(empty_database_url) == saved
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
    with pytest.raises(ConfigError) as refusal:
        archive.restore(_settings(database_url), tmp_path / "a.ioc")
    assert str(refusal.value) in {
        say("archive.not_empty", table=table) for table in ("feed", "observed_property")
    } | {say("archive.not_empty", table="ingest_writer")}
    assert conn.execute("select count(*) from observation").fetchone() == (100,)


def test_configuration_is_in_the_backup(tmp_path: Path, database_url: str) -> None:
    """Every file of the configuration folder comes along, to the byte, below config/."""
    given = _settings(database_url)
    archive.backup(given, tmp_path / "a.ioc")
    with tarfile.open(tmp_path / "a.ioc") as tar:
        saved = {
            name.removeprefix("config/"): tar.extractfile(name)
            for name in tar.getnames()
            if name.startswith("config/")
        }
        found = {name: body.read() for name, body in saved.items() if body is not None}
    assert found == {
        str(path.relative_to(given.config_dir)): path.read_bytes()
        for path in given.config_dir.rglob("*")
        if path.is_file()
    }
    assert "ioc.toml" in found


def test_backup_is_for_its_owner_alone(tmp_path: Path, database_url: str) -> None:
    """Password hashes are in it, so nobody else may read it; nothing half-made stays."""
    archive.backup(_settings(database_url), tmp_path / "a.ioc")
    assert (tmp_path / "a.ioc").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.ioc"]


def test_failed_backup_keeps_the_former(tmp_path: Path, database_url: str) -> None:
    """A place that cannot be written to is one sentence; an older backup there is not touched."""
    with pytest.raises(ConfigError, match="nowhere"):
        archive.backup(_settings(database_url), tmp_path / "nowhere" / "a.ioc")
    (tmp_path / "a.ioc").write_bytes(b"former")
    with pytest.raises(ConfigError):
        archive.backup(_settings("postgresql://127.0.0.1:1/x"), tmp_path / "a.ioc")
    assert (tmp_path / "a.ioc").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a.ioc"]


@pytest.mark.parametrize("kind", ["foreign", "cut", "damaged"])
def test_broken_file_is_refused(
    tmp_path: Path, database_url: str, conn: Db, empty_database_url: str, kind: str
) -> None:
    """A file that is no backup, or not the whole of one, is one sentence and loads nothing."""
    _fill(conn)
    archive.backup(_settings(database_url), tmp_path / "a.ioc")
    whole = (tmp_path / "a.ioc").read_bytes()
    middle = len(whole) // 2
    broken = {
        "foreign": b"no archive",
        "cut": whole[:middle],
        "damaged": whole[:middle] + bytes(20) + whole[middle + 20 :],
    }
    (tmp_path / "x").write_bytes(broken[kind])
    with pytest.raises(ConfigError) as refusal:
        archive.restore(_settings(empty_database_url), tmp_path / "x")
    assert "\n" not in str(refusal.value)
    with psycopg.connect(empty_database_url, autocommit=True) as target:
        row = target.execute("select to_regclass('thing') is not null").fetchone()
        rows = target.execute("select 1 from thing").fetchall() if row == (True,) else []
    assert rows == []


def test_other_versions_file_is_refused(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of another schema is sent to the version that made it."""
    archive.backup(_settings(database_url), tmp_path / "a.ioc")
    monkeypatch.setattr(archive, "_FORMAT", 2)
    with pytest.raises(ConfigError) as refusal:
        archive.restore(_settings(database_url), tmp_path / "a.ioc")
    assert str(refusal.value) == say("archive.other_version", file=tmp_path / "a.ioc")
