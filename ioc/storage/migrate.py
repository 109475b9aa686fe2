"""Numbered SQL files, applied once, in order, under a lock; a broken one leaves no trace.

After the files, what depends on the server is set up: `observation` becomes a hypertable where
the timescaledb extension can be had (any edition; retention and rollups are ours everywhere).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from psycopg import Connection

from ioc.domain.errors import ConfigError

_LOCK: Final = 7_501_001  # any number nobody else uses in this database
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")

Db = Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; `digest` notices an edit after release."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Server:
    """What the database turned out to be."""

    version: int  # 170012
    timescaledb: str | None  # extension version, None on plain PostgreSQL
    licence: str | None  # "apache" or "timescale"


def available() -> list[Migration]:
    """Return the shipped migrations in order."""
    folder = files("ioc.storage").joinpath("migrations")
    found = [
        Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda m: m.number)


def pending(conn: Db) -> list[Migration]:
    """Return what `run` would apply; ConfigError when an applied file was edited or is unknown."""
    applied = _applied(conn)
    known = {m.number: m for m in available()}
    for number, digest in applied.items():
        if number not in known:
            raise ConfigError(
                f"the database has migration {number:04d}, which this version does not know: "
                "install the version that wrote it"
            )
        if known[number].digest != digest:
            raise ConfigError(f"{known[number].name} was edited after it had been applied")
    return [m for m in available() if m.number not in applied]


def run(conn: Db) -> list[Migration]:
    """Apply what is missing; each file is one transaction, so a failed run can be repeated."""
    conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        conn.execute(
            "create table if not exists schema_migration (number integer primary key,"
            " name text not null, digest text not null,"
            " applied_at timestamptz not null default now())"
        )
        todo = pending(conn)
        for migration in todo:
            _apply(conn, migration)
        _make_hypertable(conn)
    finally:
        conn.execute("select pg_advisory_unlock(%s)", (_LOCK,))
    return todo


def server(conn: Db) -> Server:
    """Probe the server once: version, extension, licence."""
    version = conn.info.server_version
    row = conn.execute(
        "select extversion from pg_extension where extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        return Server(version, None, None)
    licence = conn.execute("select current_setting('timescaledb.license', true)").fetchone()
    return Server(version, row[0], licence[0] if licence else None)


def _applied(conn: Db) -> dict[int, str]:
    exists = conn.execute("select to_regclass('schema_migration') is not null").fetchone()
    if exists is None or not exists[0]:
        return {}
    return dict(conn.execute("select number, digest from schema_migration").fetchall())


def _apply(conn: Db, migration: Migration) -> None:
    with conn.transaction():
        # bytes: the text is ours, shipped in the package, and holds several statements.
        conn.execute(migration.text.encode(), prepare=False)
        conn.execute(
            "insert into schema_migration (number, name, digest) values (%s, %s, %s)",
            (migration.number, migration.name, migration.digest),
        )


def _make_hypertable(conn: Db) -> None:
    """Turn `observation` into a hypertable where the extension can be had; else leave it plain."""
    available_here = conn.execute(
        "select 1 from pg_available_extensions where name = 'timescaledb'"
    ).fetchone()
    if available_here is None:
        return
    with conn.transaction():
        conn.execute("create extension if not exists timescaledb")
        conn.execute(
            "select create_hypertable('observation', by_range('phenomenon_time', interval '1 day'),"
            " if_not_exists => true, migrate_data => true, create_default_indexes => false)"
        )
