"""Accounts and tokens, as an administrator changes them; each change leaves an audit row.

The web process verifies them through `ioc.storage.sessions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from ioc.domain.credential import PasswordPolicy, flaws
from ioc.domain.errors import ConfigError
from ioc.domain.permission import Role
from ioc.domain.scope import EVERYTHING, Scope
from ioc.storage import accounts, audit
from ioc.storage.accounts import By, NewToken
from ioc.storage.script import run
from ioc.storage.secret import digest, hash_password, new_secret
from ioc.text import say

Db = Connection[tuple[Any, ...]]

_POLICY: Final = PasswordPolicy()

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


def put_user(  # noqa: PLR0913  one keyword a column
    conn: Db,
    *,
    username: str,
    display_name: str,
    role: str,
    password: str,
    must_change: bool = False,
    policy: PasswordPolicy = _POLICY,
    actor: str = "cli",
) -> None:
    """Create the account or replace its name, role and password; ends all its sessions.

    `must_change`: somebody else chose the password. Raises ConfigError for an unknown role, an
    unusable name or too weak a password.
    """
    name = usable_name(username)
    check_person(role)
    hashed = hash_password(_password(password, name, policy))
    with conn.transaction():
        conn.execute(
            "insert into app_user (username, display_name, role, password_hash, must_change)"
            " values (%s, %s, %s, %s, %s) on conflict (username) do update set"
            " display_name = excluded.display_name, role = excluded.role, disabled = false,"
            " password_hash = excluded.password_hash, must_change = excluded.must_change,"
            " password_changed_at = now(), failed_logins = 0, locked_until = null",
            (name, display_name or name, role, hashed, must_change),
        )
        _end_sessions(conn, name)
        audit.record(conn, audit.Entry(actor, "user.put", name, {"role": role}))


def set_password(conn: Db, username: str, password: str, *, actor: str = "cli") -> None:
    """Replace a password, open a locked account, end its sessions; ConfigError: no such account."""
    name = usable_name(username)
    hashed = hash_password(_password(password, name, _POLICY))
    with conn.transaction():
        _changed(
            conn.execute(
                "update app_user set password_hash = %s, password_changed_at = now(),"
                " failed_logins = 0, locked_until = null where username = %s",
                (hashed, name),
            ).rowcount,
            name,
        )
        _end_sessions(conn, name)
        audit.record(conn, audit.Entry(actor, "user.password", name))


def disable_user(conn: Db, username: str, *, actor: str = "cli") -> None:
    """Shut an account and end its sessions; ConfigError: no such account."""
    name = usable_name(username)
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
    scope: Scope = EVERYTHING,
    actor: str = "cli",
) -> str:
    """Return a new token; only its hash is kept. ConfigError for a role the kind may not have."""
    check_token(kind, role, source)
    token = new_secret()
    new = NewToken(kind, role, label, source, expires_at, scope)
    run(conn, accounts.create_token(new, digest(token), By(actor)))
    return token


def revoke_token(conn: Db, token_id: int, *, actor: str = "cli") -> None:
    """Make a token useless (screens notice within seconds); ConfigError: no such live token."""
    if run(conn, accounts.revoke_token(token_id, By(actor))) is None:
        raise ConfigError(f"no live token with id {token_id}")


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


def usable_name(username: str) -> str:
    """Return the name as it is stored: trimmed, lower case, so that no two look alike."""
    name = username.strip().lower()
    if not name or len(name) > 64 or not name.isprintable() or " " in name:  # noqa: PLR2004
        raise ConfigError(f"username {username!r}: 1 to 64 printable characters without spaces")
    return name


def _password(password: str, username: str, policy: PasswordPolicy) -> str:
    found = flaws(password, username, policy)
    if found:
        length, classes = policy.length, policy.classes
        said = [say(f"password.{flaw}", length=length, classes=classes) for flaw in found]
        raise ConfigError(" ".join(said))
    return password


def check_person(role: str) -> None:
    """Raise ConfigError unless a person may have this role."""
    _check_role(role)
    if role == Role.SOURCE:
        raise ConfigError("the role source is a token's: ioc token create --role source")


def _check_role(role: str) -> None:
    if role not in frozenset(Role):
        raise ConfigError(f"role {role!r} is not one of: {', '.join(Role)}")


def check_token(kind: str, role: str, source: str | None) -> None:
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
