"""Accounts and tokens, as an administrator changes them; each change leaves an audit row.

The web process verifies them through `ioc.storage.sessions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from ioc.domain.errors import ConfigError
from ioc.domain.permission import Role
from ioc.storage import audit
from ioc.storage.secret import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    digest,
    hash_password,
    new_secret,
)

Db = Connection[tuple[Any, ...]]

_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # one level of a topic, as a feed's name


@dataclass(frozen=True, slots=True)
class User:
    """An account without its secret."""

    username: str
    display_name: str
    role: str
    disabled: bool
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret."""

    id: int
    kind: str
    role: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    source: str | None  # whom a token of kind source speaks for


def put_user(
    conn: Db, *, username: str, display_name: str, role: str, password: str, actor: str = "cli"
) -> None:
    """Create the account or replace its name, role and password; ends all its sessions.

    Raises ConfigError for an unknown role, an unusable name or too short a password.
    """
    name = _username(username)
    _check_role(role)
    if role == Role.SOURCE:
        raise ConfigError("the role source is a token's: ioc token create --role source")
    hashed = hash_password(_password(password))
    with conn.transaction():
        conn.execute(
            "insert into app_user (username, display_name, role, password_hash)"
            " values (%s, %s, %s, %s) on conflict (username) do update set"
            " display_name = excluded.display_name, role = excluded.role, disabled = false,"
            " password_hash = excluded.password_hash, failed_logins = 0, locked_until = null",
            (name, display_name or name, role, hashed),
        )
        _end_sessions(conn, name)
        audit.record(conn, audit.Entry(actor, "user.put", name, {"role": role}))


def set_password(conn: Db, username: str, password: str, *, actor: str = "cli") -> None:
    """Replace a password, open a locked account, end its sessions; ConfigError: no such account."""
    name = _username(username)
    hashed = hash_password(_password(password))
    with conn.transaction():
        _changed(
            conn.execute(
                "update app_user set password_hash = %s, failed_logins = 0, locked_until = null"
                " where username = %s",
                (hashed, name),
            ).rowcount,
            name,
        )
        _end_sessions(conn, name)
        audit.record(conn, audit.Entry(actor, "user.password", name))


def disable_user(conn: Db, username: str, *, actor: str = "cli") -> None:
    """Shut an account and end its sessions; ConfigError: no such account."""
    name = _username(username)
    with conn.transaction():
        changed = conn.execute(
            "update app_user set disabled = true where username = %s", (name,)
        ).rowcount
        _changed(changed, name)
        _end_sessions(conn, name)
        audit.record(conn, audit.Entry(actor, "user.disable", name))


def list_users(conn: Db) -> list[User]:
    """Return every account by name."""
    rows = conn.execute(
        "select username, display_name, role, disabled, locked_until from app_user"
        " order by username"
    ).fetchall()
    return [User(*row) for row in rows]


def create_token(  # noqa: PLR0913  one keyword a column
    conn: Db,
    *,
    kind: str,
    role: str,
    label: str,
    source: str | None = None,
    expires_at: datetime | None = None,
    actor: str = "cli",
) -> str:
    """Return a new token; only its hash is kept. ConfigError for a role the kind may not have."""
    _check_kind(kind, role, source)
    token = new_secret()
    with conn.transaction():
        conn.execute(
            "insert into token (token_hash, kind, role, label, source, expires_at)"
            " values (%s, %s, %s, %s, %s, %s)",
            (digest(token), kind, role, label, source, expires_at),
        )
        detail = {"kind": kind, "role": role} | ({"source": source} if source else {})
        audit.record(conn, audit.Entry(actor, "token.create", label, detail))
    return token


def revoke_token(conn: Db, token_id: int, *, actor: str = "cli") -> None:
    """Make a token useless (screens notice within seconds); ConfigError: no such live token."""
    with conn.transaction():
        changed = conn.execute(
            "update token set revoked_at = now() where id = %s and revoked_at is null", (token_id,)
        ).rowcount
        if not changed:
            raise ConfigError(f"no live token with id {token_id}")
        audit.record(conn, audit.Entry(actor, "token.revoke", str(token_id)))


def list_tokens(conn: Db) -> list[Token]:
    """Return every token by id, revoked ones too."""
    rows = conn.execute(
        "select id, kind, role, label, created_at, expires_at, revoked_at, source from token"
        " order by id"
    ).fetchall()
    return [Token(*row) for row in rows]


def token_role(conn: Db, token: str) -> str | None:
    """Return the role of a live token, None when it opens nothing."""
    row = conn.execute(
        "select role from token where token_hash = %s and revoked_at is null"
        " and (expires_at is null or expires_at > now())",
        (digest(token),),
    ).fetchone()
    return None if row is None else str(row[0])


def _end_sessions(conn: Db, username: str) -> None:
    conn.execute(
        "delete from session where user_id = (select id from app_user where username = %s)",
        (username,),
    )


def _username(username: str) -> str:
    """Return the name as it is stored: trimmed, lower case, so that no two look alike."""
    name = username.strip().lower()
    if not name or len(name) > 64 or not name.isprintable() or " " in name:  # noqa: PLR2004
        raise ConfigError(f"username {username!r}: 1 to 64 printable characters without spaces")
    return name


def _password(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password


def _check_role(role: str) -> None:
    if role not in frozenset(Role):
        raise ConfigError(f"role {role!r} is not one of: {', '.join(Role)}")


def _check_kind(kind: str, role: str, source: str | None) -> None:
    """Raise ConfigError unless a token of this kind may have this role and source."""
    _check_role(role)
    if kind not in ("kiosk", "api", "source"):
        raise ConfigError(f"token kind {kind!r} is not one of: kiosk, api, source")
    if kind == "kiosk" and role != Role.KIOSK:
        raise ConfigError(f"a kiosk token has the role kiosk, not {role}: a wall only shows")
    if (kind == "source") != (role == Role.SOURCE):
        raise ConfigError(f"a token of kind {kind} cannot have the role {role}")
    if (kind == "source") != (source is not None):
        raise ConfigError("a token with the role source, and no other, names its source")
    if source is not None and not _SOURCE.fullmatch(source):
        raise ConfigError(f"source {source!r}: 1 to 64 of a-z, 0-9, - and _, no - or _ in front")


def _changed(rows: int, name: str) -> None:
    if not rows:
        raise ConfigError(f"no account named {name!r}")
