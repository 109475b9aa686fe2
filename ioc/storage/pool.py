"""Connections: opened one way, with limits that keep a dead server from hanging a process."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from ioc.domain.errors import ConfigError
from ioc.text import say

CONNECT_TIMEOUT_S: Final = 5  # a wall that waits longer shows nothing
STATEMENT_TIMEOUT_MS: Final = 30_000  # longer than the slowest batch measured, shorter than a shift

_OPTIONS: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC -c jit=off",
}


def connect(url: str, *, name: str, autocommit: bool = True) -> Connection[tuple[Any, ...]]:
    """Open one connection. Raises psycopg.OperationalError when the server cannot be reached."""
    connection = psycopg.connect(
        url, autocommit=autocommit, application_name=f"ioc-{name}", **_OPTIONS
    )
    connection.prepare_threshold = 1  # each process says few things, often
    return connection


def connect_or_refuse(url: str, *, name: str) -> Connection[tuple[Any, ...]]:
    """Open one connection, or raise ConfigError with the remedy: for commands a person runs."""
    if not url:
        raise ConfigError(say("up.database_unset"))
    try:
        return connect(url, name=name)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:  # the other: a bad URL
        reason = " ".join(str(error).split())
        raise ConfigError(say("up.database_unreachable", reason=reason)) from error


def pool(url: str, *, name: str, size: int = 4) -> ConnectionPool[Connection[tuple[Any, ...]]]:
    """Return a closed pool of blocking connections; the composition root opens it."""
    return ConnectionPool(
        url,
        kwargs={"autocommit": True, "application_name": f"ioc-{name}", **_OPTIONS},
        min_size=1,
        max_size=size,
        open=False,
        timeout=CONNECT_TIMEOUT_S,
        check=ConnectionPool.check_connection,
    )


def async_pool(
    url: str, *, name: str, size: int = 8
) -> AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]:
    """Return a closed pool of async connections; the composition root opens it."""
    return AsyncConnectionPool(
        url,
        kwargs={"autocommit": True, "application_name": f"ioc-{name}", **_OPTIONS},
        min_size=1,
        max_size=size,
        open=False,
        timeout=CONNECT_TIMEOUT_S,
        check=AsyncConnectionPool.check_connection,
    )
