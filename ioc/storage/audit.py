"""Who did what, when and from where; rows are only ever added, and each is sealed at its commit.

A seal is the SHA-256 of the seal before it and of the row's fields (migration 0017), so a changed
or missing row breaks every seal after it; `verify` computes them again outside the database. Only
the end of the chain could be cut off unseen: note `Chain.head` somewhere else from time to time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

from ioc.domain.instant import from_datetime
from ioc.storage.script import Script

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

KEEP: Final = timedelta(days=400)  # twelve months and the time to notice
_INSERT: Final = (
    "insert into audit (actor, action, object, detail, address) values (%s, %s, %s, %s, %s)"
)
_AT_ONCE: Final = 5000  # rows of one round trip of a verification or an export


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit; never a secret in `detail`. Of a change: {"from": …, "to": …}."""

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


def recording(entry: Entry) -> Script[None]:
    """Write an entry as a step of a script."""
    yield _INSERT, entry.row()


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    address: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; what is None does not narrow. `action` is a prefix ("alert", "user.put")."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_LINES: Final[LiteralString] = (
    "select id, at, actor, action, object, detail, address from audit"
    " where (%(before)s::bigint is null or id < %(before)s)"
    " and (%(actor)s::text is null or actor = %(actor)s)"
    " and (%(action)s::text is null or starts_with(action, %(action)s))"
    " and (%(object)s::text is null or object = %(object)s)"
    " and (%(since)s::timestamptz is null or at >= %(since)s)"
    " and (%(until)s::timestamptz is null or at < %(until)s)"
    " order by id desc limit %(limit)s"
)


def lines(wanted: Wanted, *, before: int | None, limit: int) -> Script[list[Line]]:
    """Return up to `limit` lines with an id below `before`, newest first."""
    values = {
        "before": before,
        "actor": wanted.actor,
        "action": wanted.action,
        "object": wanted.object,
        "since": wanted.since,
        "until": wanted.until,
        "limit": limit,
    }
    rows = yield _LINES, values
    return [Line(*row) for row in rows]


def actions() -> Script[list[str]]:
    """Return every action that was ever written."""
    rows = yield "select distinct action from audit order by 1", ()
    return [row[0] for row in rows]


# ---------------------------------------------------------------- the chain


@dataclass(frozen=True, slots=True)
class Chain:
    """What a verification found: `broken` names the first line that does not fit, 0 when all do."""

    sealed: int
    head: str  # hex of the newest seal; "" when there is none
    broken: int = 0
    unsealed: int = 0  # lines that carry no seal


_SEALED: Final[LiteralString] = (
    "select s.n, s.hash, s.audit_id, a.id, a.at, a.actor, a.action, a.object, a.detail::text,"
    " a.address from audit_seal s left join audit a on a.id = s.audit_id"
    " where s.n > %s order by s.n limit %s"
)


def verify(conn: Db) -> Chain:
    """Compute every seal again. About 5 s a million lines."""
    n, previous = _begin(conn)
    first, broken = n, 0
    for row in _sealed(conn, n):
        n += 1
        if row[0] != n or row[3] is None or bytes(row[1]) != _hash(previous, row[3:]):
            broken = int(row[2])
            break
        previous = bytes(row[1])
    unsealed = conn.execute(
        "select count(*) from audit a where not exists"
        " (select 1 from audit_seal where audit_id = a.id)"
    ).fetchone()
    return Chain(n - first, previous.hex(), broken, 0 if unsealed is None else int(unsealed[0]))


def prune(conn: Db, now: datetime) -> int:
    """Drop lines beyond their retention behind a checkpoint; return how many."""
    with conn.transaction():
        row = conn.execute(
            "select s.n, s.hash from audit_seal s where s.n < coalesce("
            " (select min(k.n) from audit_seal k join audit a on a.id = k.audit_id"
            "  where a.at >= %(cut)s), (select max(n) + 1 from audit_seal))"
            " order by s.n desc limit 1",
            {"cut": now - KEEP},
        ).fetchone()
        if row is None:
            return 0
        conn.execute(
            "insert into audit_checkpoint (n, hash) values (%s, %s) on conflict do nothing", row
        )
        gone = conn.execute(
            "delete from audit a using audit_seal s where s.audit_id = a.id and s.n <= %s",
            (row[0],),
        ).rowcount
        conn.execute("delete from audit_seal where n <= %s", (row[0],))
    return gone


def _begin(conn: Db) -> tuple[int, bytes]:
    """Return number and hash behind which the chain begins."""
    row = conn.execute("select n, hash from audit_checkpoint order by n desc limit 1").fetchone()
    return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


def _sealed(conn: Db, after: int) -> Iterator[tuple[Any, ...]]:
    while rows := conn.execute(_SEALED, (after, _AT_ONCE)).fetchall():
        yield from rows
        after = rows[-1][0]


def _hash(previous: bytes, fields: tuple[Any, ...]) -> bytes:
    """Return the seal of a line: id, at, actor, action, object, detail, address."""
    key, at, *texts, address = fields
    parts = [str(key), str(from_datetime(at)), *texts, address or ""]
    whole = previous + b"".join(sha256(part.encode()).digest() for part in parts)
    return sha256(whole).digest()
