"""One transaction written once, for blocking and for awaiting connections.

A script yields statements and is sent their rows; nothing in it waits, so the same decisions run in
the dispatcher (psycopg's Connection) and in the web (AsyncConnection).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, LiteralString, TypeAlias, TypeVar

from psycopg import AsyncConnection, Connection

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

T = TypeVar("T")
Rows: TypeAlias = list[tuple[Any, ...]]
Statement: TypeAlias = tuple[LiteralString, Sequence[Any] | Mapping[str, Any]]
Script: TypeAlias = Generator[Statement, Rows, T]

_NOTHING: Rows = []


def run(conn: Db, script: Script[T]) -> T:
    """Run a script in one transaction, or inside the caller's."""
    with conn.transaction():
        try:
            query, values = next(script)
            while True:
                cursor = conn.execute(query, values)
                query, values = script.send(cursor.fetchall() if cursor.description else _NOTHING)
        except StopIteration as done:
            result: T = done.value
            return result


async def run_async(conn: AsyncDb, script: Script[T]) -> T:
    """Run a script in one transaction, or inside the caller's."""
    async with conn.transaction():
        try:
            query, values = next(script)
            while True:
                cursor = await conn.execute(query, values)
                rows = await cursor.fetchall() if cursor.description else _NOTHING
                query, values = script.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result
