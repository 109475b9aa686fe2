"""Migrations: once, in order, under a lock, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ioc.domain.errors import ConfigError
from ioc.embedded import Embedded
from ioc.storage import migrate

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Db]:
    """Return a connection to a database without tables of ours."""
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        yield conn


def _tables(conn: Db) -> set[str]:
    rows = conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


def test_first_run_applies_all_and_the_second_nothing(empty: Db) -> None:
    """A database gets every file once, in order of number."""
    applied = migrate.run(empty)
    assert [m.number for m in applied] == sorted(m.number for m in migrate.available())
    assert migrate.run(empty) == []
    assert migrate.pending(empty) == []
    assert {"thing", "observation", "alert", "schema_migration"} <= _tables(empty)


def test_asking_writes_nothing(empty: Db) -> None:
    """What a dry run prints comes without a trace in the database."""
    assert migrate.pending(empty) == migrate.available()
    assert _tables(empty) == set()


def test_broken_run_leaves_no_trace_and_can_be_repeated(empty: Db) -> None:
    """A file that fails half-way is undone whole; after the mending it is applied."""
    empty.execute("create table audit (mine integer)")  # the last table of the first file
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate.run(empty)
    assert _tables(empty) == {"audit", "schema_migration"}
    empty.execute("drop table audit")
    assert migrate.run(empty) == migrate.available()


def test_two_at_once_apply_each_file_once(empty_database_url: str) -> None:
    """Every process may migrate at its start: one does, the others wait for it."""

    def run(_number: int) -> int:
        with psycopg.connect(empty_database_url, autocommit=True) as conn:
            return len(migrate.run(conn))

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(run, range(4))) == [0, 0, 0, len(migrate.available())]


def test_edited_file_is_refused(conn: Db) -> None:
    """A file that was edited after it had been applied is named."""
    conn.execute("update schema_migration set digest = 'x' where number = 1")
    with pytest.raises(ConfigError, match=r"0001_\w+\.sql was edited"):
        migrate.run(conn)


def test_newer_database_is_refused(conn: Db) -> None:
    """A database of a newer version is not touched by an older one."""
    conn.execute("insert into schema_migration values (9999, '9999_later.sql', 'x')")
    with pytest.raises(ConfigError, match="9999"):
        migrate.run(conn)
    conn.execute("delete from schema_migration where number = 9999")
    assert migrate.run(conn) == []  # the lock was given back


def test_observation_is_a_hypertable_where_it_can_be(conn: Db) -> None:
    """With TimescaleDB a day is a chunk, and the probe names extension and licence."""
    found = migrate.server(conn)
    if found.timescaledb is None:
        pytest.skip("this server has no TimescaleDB")
    assert found.licence in {"apache", "timescale"}
    rows = conn.execute("select hypertable_name from timescaledb_information.hypertables")
    assert rows.fetchall() == [("observation",)]
    conn.execute(
        "insert into observation select 1, now() - n * interval '1 day', 1, 0, 0, now(), 1, 1"
        " from generate_series(0, 2) n"
    )
    chunks = conn.execute("select count(*) from timescaledb_information.chunks").fetchone()
    assert chunks == (3,)


def test_plain_postgresql_will_do(tmp_path: Path) -> None:
    """Without the extension the same schema stands, and the probe says so."""
    with Embedded(tmp_path) as embedded:
        urls = embedded.start(lambda _line: None)
        with psycopg.connect(urls.database_url, autocommit=True) as conn:
            migrate.run(conn)
            assert migrate.server(conn).timescaledb is None
            conn.execute("insert into observation values (1, now(), 1, 0, 0, now(), 1, 1)")
            assert migrate.run(conn) == []
