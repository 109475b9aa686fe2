"""A database of its own for each test: a copy of one that was migrated once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ioc.storage import migrate
from tests.fix_services import address, missing

Db = Connection[tuple[Any, ...]]


@pytest.fixture(scope="session")
def database_server() -> Iterator[Db]:
    """Return an autocommit connection to the server's own database, allowed to create others."""
    url = address("database")
    try:
        conn = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        missing(f"the database does not answer ({str(error).splitlines()[0]}): make services")
        raise
    with conn:
        yield conn


@pytest.fixture(scope="session")
def migrated_template(database_server: Db) -> Iterator[str]:
    """Return the name of a migrated database that nobody is connected to."""
    name = f"t_template_{secrets.token_hex(4)}"
    _create(database_server, name)
    with psycopg.connect(url_of(database_server, name), autocommit=True) as conn:
        migrate.run(conn)
    yield name
    _drop(database_server, name)


@pytest.fixture
def empty_database_url(database_server: Db) -> Iterator[str]:
    """Return the URL of a database without a single table of ours."""
    name = f"t_{secrets.token_hex(6)}"
    _create(database_server, name)
    yield url_of(database_server, name)
    _drop(database_server, name)


@pytest.fixture
def database_url(database_server: Db, migrated_template: str) -> Iterator[str]:
    """Return the URL of a fresh migrated database, about 50 ms; dropped afterwards."""
    name = f"t_{secrets.token_hex(6)}"
    try:
        _create(database_server, name, migrated_template)
    except psycopg.errors.ObjectInUse:  # a TimescaleDB with schedulers sits in every database
        _create(database_server, name)
        with psycopg.connect(url_of(database_server, name), autocommit=True) as conn:
            migrate.run(conn)
    yield url_of(database_server, name)
    _drop(database_server, name)


@pytest.fixture
def conn(database_url: str) -> Iterator[Db]:
    """Return an autocommit connection to the test's database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def url_of(server: Db, name: str) -> str:
    """Return a URL of another database of the same server."""
    parts = conninfo_to_dict(make_conninfo(address("database"), dbname=name))
    user, host, port = (str(parts.get(k, "")) for k in ("user", "host", "port"))
    password = parts.get("password")
    door = f"{user}:{password}@" if password else f"{user}@"
    return f"postgresql://{door}{host}:{port or server.info.port}/{name}"


def _create(server: Db, name: str, template: str | None = None) -> None:
    source = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
    server.execute(sql.SQL("create database {}").format(sql.Identifier(name)) + source)


def _drop(server: Db, name: str) -> None:
    statement = sql.SQL("drop database if exists {} with (force)")
    server.execute(statement.format(sql.Identifier(name)))
