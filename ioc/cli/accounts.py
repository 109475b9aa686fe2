"""`ioc user` and `ioc token`: what `/users` does, for whoever has the machine."""

from __future__ import annotations

import getpass
import sys
from datetime import timedelta
from typing import Annotated, TypeVar

import typer

from ioc.cli.context import By, settings
from ioc.clock import SystemClock
from ioc.domain.credential import one_time_password
from ioc.domain.errors import ConfigError
from ioc.domain.instant import to_datetime
from ioc.domain.permission import Role
from ioc.domain.scope import EVERYTHING, Scope
from ioc.storage import accounts, pool, users
from ioc.storage.script import Script, run
from ioc.storage.secret import hash_password

user_app = typer.Typer(no_args_is_help=True, help="accounts")
token_app = typer.Typer(no_args_is_help=True, help="tokens of walls and of programs")

Areas = Annotated[
    list[str] | None, typer.Option("--area", help="commune code, several times; none: all")
]
Domains = Annotated[
    list[str] | None, typer.Option("--domain", help="kind of things, several times; none: all")
]
T = TypeVar("T")


@user_app.command("add")
def user_add(
    username: str,
    role: Annotated[Role, typer.Option()],
    display_name: Annotated[str, typer.Option()] = "",
    *,
    by: By,
    own: Annotated[bool, typer.Option(help="whoever it is for has typed it")] = False,
    password_stdin: Annotated[bool, typer.Option(help="read it from standard input")] = False,
) -> None:
    """Create an account, or set a new password and role; the first login asks for another one."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else getpass.getpass()
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        users.put_user(
            conn,
            username=username,
            display_name=display_name or username,
            role=role,
            password=password,
            must_change=not own,
            policy=settings().door.passwords,
            actor=by,
        )


@user_app.command("list")
def user_list() -> None:
    """Show every account: name, role, state, scope, open sessions."""
    for one in _run(accounts.listed()):
        state = "locked" if one.disabled else "must change" if one.must_change else "open"
        areas = "*" if one.areas is None else ",".join(one.areas)
        domains = "*" if one.domains is None else ",".join(one.domains)
        typer.echo(f"{one.username}\t{one.role}\t{state}\t{areas}\t{domains}\t{one.sessions}")


@user_app.command("change")
def user_change(
    username: str,
    role: Annotated[Role, typer.Option()],
    *,
    by: By,
    display_name: Annotated[str, typer.Option()] = "",
    area: Areas = None,
    domain: Domains = None,
) -> None:
    """Set role and scope of an account; it takes effect within seconds."""
    users.check_person(role)
    new = accounts.NewAccount(username, display_name or username, role, _scope(area, domain))
    _found(accounts.change(new, accounts.By(by)), username)


@user_app.command("lock")
def user_lock(username: str, by: By) -> None:
    """Shut an account and end its sessions."""
    _found(accounts.shut(username, accounts.By(by)), username)


@user_app.command("unlock")
def user_unlock(username: str, by: By) -> None:
    """Open an account that was shut, by somebody or by wrong passwords."""
    _found(accounts.unlock(username, accounts.By(by)), username)


@user_app.command("reset")
def user_reset(username: str, by: By) -> None:
    """Print a one-time password; sessions end, a second factor must be set up anew."""
    password = one_time_password()
    hashed = hash_password(password)
    _found(accounts.reset_password(username, hashed, accounts.By(by)), username)
    typer.echo(password)


@user_app.command("end-sessions")
def user_end_sessions(username: str, by: By) -> None:
    """End every session of an account."""
    typer.echo(_found(accounts.end_sessions(username, accounts.By(by)), username))


@token_app.command("create")
def token_create(
    role: Annotated[Role, typer.Option()],
    label: Annotated[str, typer.Option(help="which wall or which program")] = "",
    source: Annotated[
        str | None, typer.Option(help="role source: whose observations it hands in")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="ends by itself after so long")] = None,
    area: Areas = None,
    domain: Domains = None,
) -> None:
    """Print a new token (kiosk: a wall's /wall?token=…); only its hash is kept."""
    kind = role if role in (Role.KIOSK, Role.SOURCE) else "api"
    name = label or source
    if not name:
        raise ConfigError("--label says which wall or which program the token is for")
    ends = None
    if days is not None:
        ends = to_datetime(SystemClock().now()) + timedelta(days=days)
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        token = users.create_token(
            conn,
            kind=kind,
            role=role,
            label=name,
            source=source,
            expires_at=ends,
            scope=_scope(area, domain),
        )
    typer.echo(token)


@token_app.command("list")
def token_list() -> None:
    """Show every token without its secret: id, role, label, and when it ended or ends."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        for one in users.list_tokens(conn):
            end = one.revoked_at or one.expires_at
            until = "" if end is None else end.isoformat(timespec="seconds")
            typer.echo(f"{one.id}\t{one.role}\t{one.source or ''}\t{one.label}\t{until}")


@token_app.command("revoke")
def token_revoke(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """End a token; whoever holds it is refused within seconds."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        users.revoke_token(conn, token_id)


def _scope(areas: list[str] | None, domains: list[str] | None) -> Scope:
    if not areas and not domains:
        return EVERYTHING
    return Scope(frozenset(areas) if areas else None, frozenset(domains) if domains else None)


def _run(script: Script[T]) -> T:
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn:
        return run(conn, script)


def _found(script: Script[T | None], username: str) -> T:
    done = _run(script)
    if done is None:
        raise ConfigError(f"no account named {username!r} here")
    return done
