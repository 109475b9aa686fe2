"""The door's rows: who may log in, which cookie and which token stand for whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    second_factor: bool  # set up and confirmed


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a cookie or a token stands for, and until when (None: until revoked)."""

    actor: str
    display_name: str
    role: str
    kind: str  # session, kiosk, api, source
    expires_at: datetime | None
    source: str = ""  # whom a token of kind source speaks for
    areas: list[str] | None = None
    domains: list[str] | None = None
    active_at: datetime | None = None  # of a session: the last sign of a person
    must_change: bool = False
    second_factor: bool = False  # proven by one of ours, or by the province's sign-on


@dataclass(frozen=True, slots=True)
class New:
    """A session to open; `stage` second: the password fitted, the code is still owed."""

    secret: str
    expires_at: datetime
    address: str | None = None
    agent: str = ""
    stage: str = "open"


async def account(conn: Db, username: str) -> Account | None:
    """Return the account of a name."""
    cursor = await conn.execute(
        "select id, username, display_name, role, password_hash, disabled, failed_logins,"
        " locked_until, totp_confirmed_at is not null from app_user where username = %s",
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


async def failures_from(conn: Db, address: str, since: datetime) -> tuple[int, datetime | None]:
    """Return how many logins failed from an address since an instant, and the first of them."""
    cursor = await conn.execute(
        "select count(*), min(at) from audit"
        " where action = 'login.failed' and address = %s and at > %s",
        (address, since),
    )
    row = await cursor.fetchone()
    return (0, None) if row is None else (int(row[0]), row[1])


async def begin(conn: Db, account_id: int, new: New, entry: audit.Entry | None) -> None:
    """Open a session and drop expired ones; an open one forgets failed logins."""
    async with conn.transaction():
        if new.stage == "open":
            await conn.execute(
                "update app_user set failed_logins = 0, locked_until = null where id = %s",
                (account_id,),
            )
        await conn.execute("delete from session where expires_at < now()")
        await conn.execute(
            "insert into session (id_hash, user_id, expires_at, address, agent, stage)"
            " values (%s, %s, %s, %s, %s, %s)",
            (digest(new.secret), account_id, new.expires_at, new.address, new.agent, new.stage),
        )
        if entry is not None:
            await audit.record_async(conn, entry)


async def pending(conn: Db, secret: str) -> str | None:
    """Return the name of the account that still owes the code of its second factor."""
    cursor = await conn.execute(
        "select u.username from session s join app_user u on u.id = s.user_id where s.id_hash = %s"
        " and s.stage = 'second' and s.expires_at > now() and not u.disabled",
        (digest(secret),),
    )
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def drop(conn: Db, secret: str) -> None:
    """Forget a session without a word in the audit."""
    await conn.execute("delete from session where id_hash = %s", (digest(secret),))


async def touch(conn: Db, secret: str, idle: timedelta) -> None:
    """Note a sign of a person; a session that was idle for too long stays so."""
    await conn.execute(
        "update session set active_at = now() where id_hash = %s and active_at > now() - %s",
        (digest(secret), idle),
    )


async def wake(conn: Db, secret: str, entry: audit.Entry) -> None:
    """Let an idle session write again: its person has proven who it is."""
    async with conn.transaction():
        await conn.execute(
            "update session set active_at = now() where id_hash = %s", (digest(secret),)
        )
        await audit.record_async(conn, entry)


async def forgive(conn: Db, account_id: int) -> None:
    """Forget failed logins after a right password."""
    await conn.execute(
        "update app_user set failed_logins = 0, locked_until = null where id = %s", (account_id,)
    )


async def change_password(
    conn: Db, username: str, password_hash: str, *, keep: str, entry: audit.Entry
) -> None:
    """Set a person's own new password; every session but the one that asks ends."""
    async with conn.transaction():
        await conn.execute(
            "update app_user set password_hash = %s, must_change = false,"
            " password_changed_at = now() where username = %s",
            (password_hash, username),
        )
        await conn.execute(
            "delete from session s using app_user u where u.id = s.user_id and u.username = %s"
            " and s.id_hash <> %s",
            (username, digest(keep)),
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
        "select u.username, u.display_name, u.role, s.expires_at, now() - s.last_seen, u.areas,"
        " u.domains, s.active_at, u.must_change,"
        " u.totp_confirmed_at is not null or u.subject is not null"
        " from session s join app_user u on u.id = s.user_id where s.id_hash = %s"
        " and s.stage = 'open' and s.expires_at > now() and not u.disabled",
        (digest(secret),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[4] > _SEEN_EVERY:
        await conn.execute(
            "update session set last_seen = now() where id_hash = %s", (digest(secret),)
        )
    holder = Holder(row[0], row[1], row[2], "session", row[3], "", row[5], row[6])
    return replace(holder, active_at=row[7], must_change=row[8], second_factor=row[9])


async def token_holder(conn: Db, token: str) -> Holder | None:
    """Return whom a token stands for; None when it is unknown, over or revoked."""
    cursor = await conn.execute(
        "select id, label, role, kind, expires_at, source, areas, domains from token"
        " where token_hash = %s"
        " and revoked_at is null and (expires_at is null or expires_at > now())",
        (digest(token),),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    source = row[5] or ""
    return Holder(f"token:{row[0]}", row[1], row[2], row[3], row[4], source, row[6], row[7])
