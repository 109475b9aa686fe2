"""What a person changes about the own account: password, second factor, sessions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ioc.clock import Clock
from ioc.domain.credential import Flaw, flaws
from ioc.domain.permission import Action
from ioc.settings import Door as Policy
from ioc.storage import accounts, audit, second_factor, secret, sessions
from ioc.storage.accounts import By, SessionRow
from ioc.storage.script import run_async
from ioc.web import totp
from ioc.web.auth import Caller, Door, Login
from ioc.web.commands import NotFoundError
from ioc.web.database import Database
from ioc.web.identity import Identity, Kind, require

__all__ = ["OwnAccount", "Refused", "SessionRow", "person"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a new password was not taken: the old one did not fit, or the new one has flaws."""

    login: Login | None = None
    flaws: tuple[Flaw, ...] = ()
    same: bool = False


class OwnAccount:
    """Everything asks for a person with a session: a token has no account of its own.

    Every method raises ForbiddenError, NotFoundError and DatabaseAwayError.
    """

    def __init__(self, database: Database, clock: Clock, door: Door, policy: Policy) -> None:
        self._database = database
        self._clock = clock
        self._door = door
        self._policy = policy

    async def change_password(
        self, cookie: str, old: str, new: str, caller: Caller
    ) -> Refused | None:
        """Set a new password; every other session of the account ends. None: done."""
        who = person()
        result, account = await self._door.prove(who.actor, old, caller.address)
        if account is None:
            return Refused(login=result)
        found = flaws(new, who.actor, self._policy.passwords)
        if found or new == old:
            return Refused(flaws=tuple(found), same=new == old)
        hashed = await asyncio.to_thread(secret.hash_password, new)
        entry = audit.Entry(who.actor, "user.password", who.actor, address=caller.address)
        async with self._database.connection() as conn:
            await sessions.forgive(conn, account.id)
            await sessions.change_password(conn, who.actor, hashed, keep=cookie, entry=entry)
        self._door.forget(cookie)
        return None

    async def begin_factor(self) -> str | None:
        """Return the secret to show; None where a factor counts already."""
        who = person()
        async with self._database.connection() as conn, conn.transaction():
            factor = await run_async(conn, second_factor.of(who.actor))
            if factor is not None and factor.confirmed:
                return None
            return await run_async(conn, second_factor.begin(who.actor, totp.new_secret()))

    async def confirm_factor(self, cookie: str, code: str, caller: Caller) -> list[str] | None:
        """Let the factor count once its first code fits; return the recovery codes, or None."""
        who = person()
        codes = totp.recovery_codes()
        entry = audit.Entry(who.actor, "user.second_factor", who.actor, address=caller.address)
        async with self._database.connection() as conn, conn.transaction():
            factor = await run_async(conn, second_factor.of(who.actor))
            if factor is None or factor.confirmed:
                return None
            if not await self._door.take_code(conn, factor, code):
                return None
            kept = [secret.digest(one) for one in codes]
            await run_async(conn, second_factor.confirm(factor.account, kept, entry))
        self._door.forget(cookie)
        return codes

    async def sessions(self, cookie: str) -> list[SessionRow]:
        """Return one's own open sessions."""
        who = person()
        async with self._database.connection() as conn:
            return await run_async(conn, accounts.sessions_of(who.actor, secret.digest(cookie)))

    async def end_session(self, number: int, address: str | None) -> None:
        """End one of one's own sessions; another's is none of them."""
        who = person()
        async with self._database.connection() as conn:
            await run_async(conn, accounts.end_session(who.actor, number, By(who.actor, address)))

    async def end_others(self, cookie: str, address: str | None) -> None:
        """End every session but this one."""
        who = person()
        script = accounts.end_sessions(who.actor, By(who.actor, address), but=secret.digest(cookie))
        async with self._database.connection() as conn:
            await run_async(conn, script)


def person() -> Identity:
    """Return the person who asks. Raises ForbiddenError, and NotFoundError for a token."""
    who = require(Action.OWN_ACCOUNT)
    if who.kind is not Kind.SESSION:
        raise NotFoundError("a token has no account")
    return who
