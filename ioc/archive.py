"""`ioc backup` and `ioc restore`: the whole database and the configuration in one file.

A .tar.gz of binary COPY streams, one a table, from one snapshot, with the schema's migration
numbers. No tool of the server is needed, and what was saved on TimescaleDB restores on plain
PostgreSQL and the other way round.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO, Final

import psycopg
from psycopg import sql

from ioc import clock
from ioc.domain.errors import ConfigError
from ioc.settings import Settings
from ioc.storage import audit, migrate, pool
from ioc.storage.migrate import Db
from ioc.text import say

_MANIFEST: Final = "manifest.json"
_SHIPPED: Final = ("wall",)  # a migration makes its rows: the saved ones take their place
_FORMAT: Final = 1
_SPOOL: Final = 64 * 1024 * 1024  # a table up to here stays in memory; a larger one goes to disk
_CHUNK: Final = 1024 * 1024
# What a damaged or foreign file makes the readers raise.
_UNREADABLE: Final = (OSError, EOFError, zlib.error, tarfile.TarError)


def backup(settings: Settings, target: Path) -> dict[str, int]:
    """Write everything to `target`; returns rows by table. Replaces it only when complete."""
    partial = target.with_name(target.name + ".partial")
    try:
        partial.touch(mode=0o600)  # password hashes are in it
        counts = _save(settings, partial)
        partial.replace(target)
        _note(settings, target, sum(counts.values()))
    except OSError as error:
        raise ConfigError(say("archive.unwritable", file=target, error=error.strerror)) from error
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _note(settings: Settings, target: Path, rows: int) -> None:
    """Leave a line in the audit: `ioc check` warns when the last one is old."""
    with pool.connect_or_refuse(settings.database_url, name="archive") as conn:
        entry = audit.Entry("ioc backup", "backup.made", target.name, {"rows": rows})
        audit.record(conn, entry)


def _save(settings: Settings, partial: Path) -> dict[str, int]:
    with pool.connect_or_refuse(settings.database_url, name="archive") as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute("set local statement_timeout = 0")  # a year of observations takes its time
        counts: dict[str, int] = {}
        with tarfile.open(partial, "w:gz", compresslevel=3) as tar:
            for table in _tables(conn):
                counts[table] = _save_table(conn, tar, table)
            manifest = {
                "format": _FORMAT,
                "made": clock.now().isoformat(),
                "migrations": [m.number for m in migrate.available()],
                "rows": counts,
            }
            _add(tar, _MANIFEST, io.BytesIO(json.dumps(manifest).encode()))
            for path in sorted(settings.config_dir.rglob("*")):
                if path.is_file():
                    tar.add(path, f"config/{path.relative_to(settings.config_dir)}")
    return counts


def restore(settings: Settings, source: Path) -> dict[str, int]:
    """Load a backup into an empty database; ConfigError when it holds anything already.

    The configuration is not overwritten: it lies in the archive under `config/`.
    """
    manifest = _manifest(source)
    with pool.connect_or_refuse(settings.database_url, name="archive") as conn:
        migrate.run(conn)
        _refuse_used(conn)
        try:
            with conn.transaction(), tarfile.open(source, "r:gz") as tar:
                _load(conn, tar)
        except (*_UNREADABLE, psycopg.DataError, psycopg.ProgrammingError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(say("archive.unreadable", file=source, error=reason)) from error
    return dict(manifest["rows"])


def _load(conn: Db, tar: tarfile.TarFile) -> None:
    conn.execute("set local statement_timeout = 0")
    for table in _SHIPPED:
        conn.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
    for member in tar:
        table = member.name.removeprefix("table/").removesuffix(".copy")
        body = tar.extractfile(member)
        if member.name.startswith("table/") and body is not None:
            _load_table(conn, table, body)
    _advance_identities(conn)


def _tables(conn: Db) -> list[str]:
    """Return our tables, each after those it refers to."""
    rows = conn.execute(
        "select table_name from information_schema.tables"
        " where table_schema = current_schema() and table_type = 'BASE TABLE'"
        " and table_name <> 'schema_migration'"
    ).fetchall()
    order = TopologicalSorter[str]({name: set() for (name,) in rows})
    references = conn.execute(
        "select child.relname, parent.relname from pg_constraint"
        " join pg_class child on child.oid = conrelid"
        " join pg_class parent on parent.oid = confrelid"
        " where contype = 'f' and connamespace = current_schema()::regnamespace"
        " and conrelid <> confrelid"
    ).fetchall()
    for child, parent in references:
        order.add(child, parent)
    return list(order.static_order())


def _save_table(conn: Db, tar: tarfile.TarFile, table: str) -> int:
    query = sql.SQL("copy (select {} from {}) to stdout (format binary)").format(
        _stored(conn, table), sql.Identifier(table)
    )
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
        with conn.cursor() as cursor:
            with cursor.copy(query) as copy:
                for block in copy:
                    spool.write(block)
            rows = cursor.rowcount
        _add(tar, f"table/{table}.copy", spool)
    return rows


def _add(tar: tarfile.TarFile, name: str, body: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = body.seek(0, io.SEEK_END)
    info.mode = 0o600
    body.seek(0)
    tar.addfile(info, body)


def _manifest(source: Path) -> dict[str, dict[str, int]]:
    try:
        with gzip.open(source) as stream:  # tar stops before the check sum at the end
            while stream.read(_CHUNK):
                pass
        with tarfile.open(source, "r:gz") as tar:
            body = tar.extractfile(_MANIFEST)
            manifest = dict(json.load(body)) if body else {}
    except (*_UNREADABLE, KeyError, ValueError) as error:
        raise ConfigError(say("archive.unreadable", file=source, error=error)) from error
    known = [m.number for m in migrate.available()]
    if manifest.get("format") != _FORMAT or manifest.get("migrations") != known:
        raise ConfigError(say("archive.other_version", file=source))
    return manifest


def _stored(conn: Db, table: str) -> sql.Composed:
    """Return the columns of a table, without those that the database computes itself."""
    rows = conn.execute(
        "select column_name from information_schema.columns where table_name = %s"
        " and table_schema = current_schema() and is_generated = 'NEVER' order by ordinal_position",
        (table,),
    ).fetchall()
    return sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)


def _refuse_used(conn: Db) -> None:
    for table in _tables(conn):
        if table in _SHIPPED:
            continue
        query = sql.SQL("select exists (select 1 from {})").format(sql.Identifier(table))
        row = conn.execute(query).fetchone()
        if row is not None and row[0]:
            raise ConfigError(say("archive.not_empty", table=table))


def _load_table(conn: Db, table: str, body: IO[bytes]) -> None:
    query = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(table), _stored(conn, table)
    )
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        for block in _blocks(body):
            copy.write(block)


def _blocks(body: IO[bytes]) -> Iterator[bytes]:
    while block := body.read(_CHUNK):
        yield block


def _advance_identities(conn: Db) -> None:
    """Let generated ids go on after the restored ones."""
    rows = conn.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = current_schema() and is_identity = 'YES'"
    ).fetchall()
    for table, column in rows:
        conn.execute(
            sql.SQL(
                "select setval(pg_get_serial_sequence({}, {}),"
                " (select coalesce(max({}), 0) + 1 from {}), false)"
            ).format(
                sql.Literal(table),
                sql.Literal(column),
                sql.Identifier(column),
                sql.Identifier(table),
            )
        )
