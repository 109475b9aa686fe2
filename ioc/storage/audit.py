"""Who did what, when and from where; rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

_INSERT: Final = (
    "insert into audit (actor, action, object, detail, address) values (%s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit; never a secret in `detail`."""

    actor: str
    action: str
    object: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    address: str | None = None

    def row(self) -> tuple[str, str, str, Jsonb, str | None]:
        return self.actor, self.action, self.object, Jsonb(dict(self.detail)), self.address


def record(conn: Db, entry: Entry) -> None:
    """Write an entry in the caller's transaction."""
    conn.execute(_INSERT, entry.row())


async def record_async(conn: AsyncDb, entry: Entry) -> None:
    """Write an entry in the caller's transaction."""
    await conn.execute(_INSERT, entry.row())
