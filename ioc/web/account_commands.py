"""What an administrator changes: accounts, their sessions, tokens. Role checked, audited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from ioc.clock import Clock
from ioc.domain.credential import one_time_password
from ioc.domain.errors import ConfigError, Refusal
from ioc.domain.instant import to_datetime
from ioc.domain.permission import Action, Role
from ioc.storage import accounts, secret, users
from ioc.storage.accounts import AccountRow, By, NewAccount, NewToken, SessionRow, TokenRow
from ioc.storage.script import Script, run_async
from ioc.web.commands import NotFoundError
from ioc.web.database import Database
from ioc.web.identity import Kind, require

__all__ = ["AccountCommands", "AccountRefusedError", "Made", "NewAccount", "NewToken"]

T = TypeVar("T")


class AccountRefusedError(Refusal):
    """What was asked for cannot be; `code` has words under `users.refusal.<code>`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Made:
    """A secret that is shown once and kept nowhere."""

    name: str
    secret: str


class AccountCommands:
    """Every method raises ForbiddenError, NotFoundError, AccountRefusedError, DatabaseAwayError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # ------------------------------------------------------------------ accounts

    async def accounts(self) -> list[AccountRow]:
        """Return every account."""
        require(Action.MANAGE_USERS)
        return await self._run(accounts.listed())

    async def create(self, new: NewAccount, address: str | None) -> Made:
        """Add an account with a one-time password."""
        by = _by(address)
        name = _checked(new)
        made = Made(name, one_time_password())
        hashed = await asyncio.to_thread(secret.hash_password, made.secret)
        new = replace(new, username=name, display_name=new.display_name or name)
        if await self._run(accounts.create(new, hashed, by)) is None:
            raise AccountRefusedError("taken")
        return made

    async def change(self, new: NewAccount, address: str | None) -> None:
        """Set name, role and scope; nobody changes the own role, so one administrator stays."""
        by = _by(address)
        _checked(new)
        if new.username == by.actor and (new.role != Role.ADMIN or not new.scope.whole):
            raise AccountRefusedError("own")
        await self._found(accounts.change(new, by))

    async def reset(self, username: str, address: str | None) -> Made:
        """Give a one-time password; sessions end and the second factor must be set up anew."""
        by = _by(address)
        if username == by.actor:
            raise AccountRefusedError("own")
        made = Made(username, one_time_password())
        hashed = await asyncio.to_thread(secret.hash_password, made.secret)
        await self._found(accounts.reset_password(username, hashed, by))
        return made

    async def lock(self, username: str, address: str | None) -> None:
        """Shut an account; nobody shuts the own one."""
        by = _by(address)
        if username == by.actor:
            raise AccountRefusedError("own")
        await self._found(accounts.shut(username, by))

    async def unlock(self, username: str, address: str | None) -> None:
        """Open an account again."""
        await self._found(accounts.unlock(username, _by(address)))

    # ------------------------------------------------------------------ sessions

    async def sessions(self, username: str) -> list[SessionRow]:
        """Return an account's open sessions."""
        require(Action.MANAGE_USERS)
        return await self._run(accounts.sessions_of(username, b""))

    async def end_session(self, username: str, number: int, address: str | None) -> None:
        """End one session of an account."""
        await self._found(accounts.end_session(username, number, _by(address)))

    async def end_sessions(self, username: str, address: str | None) -> None:
        """End every session of an account."""
        await self._found(accounts.end_sessions(username, _by(address)))

    # ------------------------------------------------------------------ tokens

    async def tokens(self) -> list[TokenRow]:
        """Return every token, ended ones too."""
        require(Action.MANAGE_USERS)
        return await self._run(accounts.tokens())

    async def create_token(self, new: NewToken, days: int, address: str | None) -> Made:
        """Make a token that ends by itself after `days`."""
        by = _by(address)
        try:
            users.check_token(new.kind, new.role, new.source)
        except ConfigError as error:
            raise AccountRefusedError("token") from error
        ends = to_datetime(self._clock.now()) + timedelta(days=days)
        made = secret.new_secret()
        script = accounts.create_token(replace(new, expires_at=ends), secret.digest(made), by)
        return Made(str(await self._run(script)), made)

    async def revoke_token(self, number: int, address: str | None) -> None:
        """Make a token useless."""
        await self._found(accounts.revoke_token(number, _by(address)))

    async def _run(self, script: Script[T]) -> T:
        async with self._database.connection() as conn:
            return await run_async(conn, script)

    async def _found(self, script: Script[T | None]) -> T:
        done = await self._run(script)
        if done is None:
            raise NotFoundError("nothing of this name")
        return done


def _by(address: str | None) -> By:
    """Return who changes something. A token changes no accounts: nobody answers for it."""
    who = require(Action.MANAGE_USERS)
    if who.kind is not Kind.SESSION:
        raise AccountRefusedError("token_may_not")
    return By(who.actor, address)


def _checked(new: NewAccount) -> str:
    try:
        users.check_person(new.role)
        return users.usable_name(new.username)
    except ConfigError as error:
        raise AccountRefusedError("name") from error
