"""The door's rows: who may log in, which cookie and which token stand for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from ioc.storage import audit
from ioc.storage.secret import digest

Db = AsyncConnection[tuple[Any, ...]]

# Written at most this often: a wall asks several times a second, and nobody needs it finer.
_SEEN_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Account:
    """What a login is checked against."""

    id: int
    username: str
    display_name: str
    role: str
    password_hash: str
    disabled: bool
    failed_logins: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a cookie or a token stands for, and until when (None: until revoked)."""

    actor: str
    display_name: str
    role: str
    kind: str  # session, kiosk, api, source
    expires_at: datetime | None
    source: str = ""  # whom a token of kind source speaks for


async def account(conn: Db, username: str) -> Account | None:
    """Return the account of a name."""
    cursor = await conn.execute(
        "select id, username, display_name, role, password_hash, disabled, failed_logins,"
        " locked_until from app_user where username = %s",
        (username,),
    )
    row = await cursor.fetchone()
    return None if row is None else Account(*row)


async def fail(conn: Db, account_id: int, entry: audit.Entry) -> int:
    """Count a failed login; return how many there were in a row, this one included."""
    async with conn.transaction():
        cursor = await conn.execute(
            "update app_user set failed_logins = failed_logins + 1 where id = %s"
            " returning failed_logins",
            (account_id,),
        )
        row = await cursor.fetchone()
        await audit.record_async(conn, entry)
    return 0 if row is None else int(row[0])


async def lock(conn: Db, account_id: int, until: datetime) -> None:
    """Shut an account until an instant."""
    await conn.execute(
        "update app_user set locked_until = greatest(locked_until, %s) where id = %s",
        (until, account_id),
    )


async def begin(
    conn: Db, account_id: int, secret: str, *, expires_at: datetime, entry: audit.Entry
) -> None:
    """Open a session, forget failed logins, drop expired sessions."""
    async with conn.transaction():
        await conn.execute(
            "update app_user set failed_logins = 0, locked_until = null where id = %s",
            (account_id,),
        )
        await conn.execute("delete from session where expires_at < now()")
        await conn.execute(
            "insert into session (id_hash, user_id, expires_at) values (%s, %s, %s)",
            (digest(secret), account_id, expires_at),
        )
        await audit.record_async(conn, entry)


async def end(conn: Db, secret: str, *, address: str | None) -> None:
    """End the session of a cookie and say whose it was; an unknown one is no error."""
    async with conn.transaction():
        cursor = await conn.execute(
            "delete from session s using app_user u where s.id_hash = %s and u.id = s.user_id"
            " returning u.username",
            (digest(secret),),
        )
        row = await cursor.fetchone()
        if row is not None:
            entry = audit.Entry(row[0], "logout", row[0], address=address)
            await audit.record_async(conn, entry)


async def session_holder(conn: Db, secret: str) -> Holder | None:
    """Return whom a session cookie stands for; None when it is unknown, over or shut."""
    cursor = await conn.execute(
        "select u.username, u.display_name, u.role, s.expires_at, now() - s.last_seen"
        " from session s join app_user u on u.id = s.user_id"
        " where s.id_hash = %s and s.expires_at > now() and not u.disabled",
        (digest(secret),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[4] > _SEEN_EVERY:
        await conn.execute(
            "update session set last_seen = now() where id_hash = %s", (digest(secret),)
        )
    return Holder(row[0], row[1], row[2], "session", row[3])


async def token_holder(conn: Db, token: str) -> Holder | None:
    """Return whom a token stands for; None when it is unknown, over or revoked."""
    cursor = await conn.execute(
        "select id, label, role, kind, expires_at, source from token where token_hash = %s"
        " and revoked_at is null and (expires_at is null or expires_at > now())",
        (digest(token),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Holder(f"token:{row[0]}", row[1], row[2], row[3], row[4], row[5] or "")
