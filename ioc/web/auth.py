"""Who stands at the door: passwords, codes, sessions and tokens, and what is remembered of them.

A cookie or token that was verified is believed for BELIEF_S; revoking one therefore takes effect
within that time on every worker, for an open `/live` at its next recheck after it. While the
database is away, what was verified before stays valid for GRACE_S at most: a wall must not go dark
because the database restarts, and nobody can revoke anything meanwhile anyway, since a revocation
is a row of that same database.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from ioc.clock import Clock
from ioc.domain.credential import LONGEST_PASSWORD
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.domain.permission import lock_seconds
from ioc.domain.scope import Scope
from ioc.settings import Door as Policy
from ioc.storage import audit, second_factor, secret, sessions
from ioc.storage.script import run_async
from ioc.storage.second_factor import Factor
from ioc.storage.sessions import Account, New
from ioc.web import totp
from ioc.web.database import Database, DatabaseAwayError, Db
from ioc.web.identity import Identity, Kind

BELIEF_S: Final = 5.0
GRACE_S: Final = 12 * 3600.0  # a shift: by then somebody has seen the banner about the database
_MOST_KNOWN: Final = 10_000  # cookies and tokens remembered; far more than a centre has screens
# argon2 takes 64 MiB and a core each: two at a time leave the rest of the worker alone, and whoever
# finds a longer queue than this is told to come back.
_HASHES_AT_ONCE: Final = 2
_LONGEST_QUEUE: Final = 16
_MOST_UNKNOWN_NAMES: Final = 10_000
_LONGEST_NAME: Final = 64
_LONGEST_CODE: Final = 64
_LONGEST_AGENT: Final = 200
_SECOND_STEP: Final = timedelta(minutes=5)  # to find the telephone
_TOUCH_S: Final = 60.0  # a sign of a person is written at most this often


class Outcome(Enum):
    """What came of a login."""

    OPEN = auto()
    SECOND = auto()  # the password fits; the code of the second factor is still owed
    WRONG = auto()
    LOCKED = auto()
    BUSY = auto()


@dataclass(frozen=True, slots=True)
class Login:
    """`secret` for the cookie when open; `locked_until` when locked; `left` tries when wrong."""

    outcome: Outcome
    secret: str = ""
    locked_until: Micros | None = None
    left: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody knocks: what lists of sessions and the audit say of it."""

    address: str | None = None
    agent: str = ""
    old_cookie: str = ""  # its session ends when another begins


@dataclass(slots=True)
class _Known:
    identity: Identity
    checked: float  # monotonic
    expires_at: Micros | None
    touched: float = float("-inf")  # monotonic


@dataclass(slots=True)
class _Misses:
    """Failures under a name that is no account, so that it behaves like one."""

    failures: int = 0
    locked_until: int = 0


class Door:
    """Verifies credentials against the database, with a short and bounded memory."""

    def __init__(
        self, database: Database, clock: Clock, *, session_hours: int, policy: Policy
    ) -> None:
        self._database = database
        self._clock = clock
        self._session = timedelta(hours=session_hours)
        self._policy = policy
        self._idle = timedelta(minutes=policy.idle_minutes)
        self._known: OrderedDict[tuple[bool, bytes], _Known] = OrderedDict()
        self._misses: OrderedDict[str, _Misses] = OrderedDict()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._queue = 0

    # ------------------------------------------------------------------ who asks

    async def session(self, cookie: str) -> Identity | None:
        """Return whom a session cookie stands for. Raises DatabaseAwayError when nobody knows."""
        return await self._identify(cookie, token=False)

    async def token(self, token: str) -> Identity | None:
        """Return whom a token stands for. Raises DatabaseAwayError when nobody knows."""
        return await self._identify(token, token=True)

    async def _identify(self, credential: str, *, token: bool) -> Identity | None:
        key = (token, secret.digest(credential))
        known = self._known.get(key)
        if known is not None:
            if known.expires_at is not None and known.expires_at <= self._clock.now():
                del self._known[key]
                return None
            age = time.monotonic() - known.checked
            if age < BELIEF_S or (self._database.away and age < GRACE_S):
                return known.identity
        try:
            holder = await self._ask(credential, token=token)
        except DatabaseAwayError:
            if known is not None and time.monotonic() - known.checked < GRACE_S:
                return known.identity
            raise
        return self._learn(key, holder)

    async def _ask(self, credential: str, *, token: bool) -> sessions.Holder | None:
        async with self._database.connection() as conn:
            if token:
                return await sessions.token_holder(conn, credential)
            return await sessions.session_holder(conn, credential)

    def _learn(self, key: tuple[bool, bytes], holder: sessions.Holder | None) -> Identity | None:
        if holder is None:
            self._known.pop(key, None)
            return None
        expires = None if holder.expires_at is None else from_datetime(holder.expires_at)
        before = self._known.get(key)
        touched = float("-inf") if before is None else before.touched
        known = _Known(_identity(holder), time.monotonic(), expires, touched)
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return known.identity

    def forget(self, cookie: str) -> None:
        """Believe nothing of a session any more: the next request asks the database."""
        self._known.pop((False, secret.digest(cookie)), None)

    # ------------------------------------------------------------------ idle

    async def idle(self, cookie: str, who: Identity) -> bool:
        """Tell whether nobody has stirred at a session for so long that it may not write."""
        if not self._is_idle(who):
            return False
        self.forget(cookie)  # another worker may have seen a person meanwhile
        again = await self.session(cookie)
        return again is None or self._is_idle(again)

    def _is_idle(self, who: Identity) -> bool:
        if who.active_at is None:
            return False
        return self._clock.now() - who.active_at > self._idle.total_seconds() * SECOND

    async def stir(self, cookie: str) -> None:
        """Note a sign of a person; one that comes too late changes nothing."""
        known = self._known.get((False, secret.digest(cookie)))
        now = time.monotonic()
        if known is None or self._is_idle(known.identity) or now - known.touched < _TOUCH_S:
            return
        known.touched = now
        known.identity = replace(known.identity, active_at=self._clock.now())
        async with self._database.connection() as conn:
            await sessions.touch(conn, cookie, self._idle)

    async def wake(self, cookie: str, who: Identity, password: str, caller: Caller) -> Login:
        """Let an idle session write again when the password fits. Raises DatabaseAwayError."""
        result, account = await self.prove(who.actor, password, caller.address)
        if account is None:
            return result
        entry = audit.Entry(who.actor, "login.again", who.actor, address=caller.address)
        async with self._database.connection() as conn:
            await sessions.forgive(conn, account.id)
            await sessions.wake(conn, cookie, entry)
        self.forget(cookie)
        return Login(Outcome.OPEN)

    # ------------------------------------------------------------------ coming in

    async def login(self, username: str, password: str, caller: Caller) -> Login:
        """Check a password and open a session; the old cookie's session ends (rotation).

        Raises DatabaseAwayError. Names that are no accounts answer, take time and lock as accounts
        do. Each password that was checked leaves an audit row; what a lock or a full queue turned
        away leaves none, so that nobody can fill the audit at the speed of the network.
        """
        name = username.strip().lower()
        if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
            return Login(Outcome.WRONG, left=self._policy.free_failures)
        result, account = await self.prove(name, password, caller.address)
        if account is None:
            return result
        if account.second_factor:
            new = self._new(caller, _SECOND_STEP, stage="second")
            async with self._database.connection() as conn:
                await sessions.begin(conn, account.id, new, None)
            await self._leave(caller)
            return Login(Outcome.SECOND, secret=new.secret)
        return await self.open(account.id, name, caller)

    async def open(
        self, account_id: int, name: str, caller: Caller, *, how: str = "password"
    ) -> Login:
        """Open a session for somebody who has proven everything; the old one ends."""
        new = self._new(caller, self._session)
        entry = audit.Entry(name, "login", name, {"how": how}, caller.address)
        async with self._database.connection() as conn:
            await sessions.begin(conn, account_id, new, entry)
        await self._leave(caller)
        return Login(Outcome.OPEN, secret=new.secret)

    async def _leave(self, caller: Caller) -> None:
        """End the session that the browser had: no cookie from before a login opens anything."""
        if caller.old_cookie:
            await self.logout(caller.old_cookie, address=caller.address)

    def _new(self, caller: Caller, lasting: timedelta, stage: str = "open") -> New:
        ends = to_datetime(self._clock.now()) + lasting
        agent = "".join(c for c in caller.agent[:_LONGEST_AGENT] if c.isprintable())
        return New(secret.new_secret(), ends, caller.address, agent, stage)

    async def second(self, cookie: str, code: str, caller: Caller) -> Login | None:
        """Check the code of a second factor; None: nobody owes one with this cookie.

        Raises DatabaseAwayError.
        """
        async with self._database.connection() as conn:
            name = await sessions.pending(conn, cookie)
            account = None if name is None else await sessions.account(conn, name)
        if account is None:
            return None
        locked = self._locked_until(account.username, account)
        if locked is not None:
            return Login(Outcome.LOCKED, locked_until=locked)
        if not await self._fits(account, code[:_LONGEST_CODE]):
            return await self._refuse(account.username, account, caller.address)
        async with self._database.connection() as conn:
            await sessions.drop(conn, cookie)
        return await self.open(account.id, account.username, caller, how="second_factor")

    async def _fits(self, account: Account, code: str) -> bool:
        """Tell whether a code, or a recovery code, fits now; it will not again."""
        async with self._database.connection() as conn, conn.transaction():
            factor = await run_async(conn, second_factor.of(account.username))
            if factor is None or not factor.confirmed:
                return False
            return await self.take_code(conn, factor, code) or await run_async(
                conn, second_factor.use_recovery(factor.account, secret.digest(totp.plain(code)))
            )

    async def take_code(self, conn: Db, factor: Factor, code: str) -> bool:
        """Use a code in the caller's transaction; False when it does not fit."""
        step = totp.accepted(factor.secret, code, self._clock.now(), factor.step)
        if step is not None:
            await run_async(conn, second_factor.use_step(factor.account, step))
        return step is not None

    async def logout(self, cookie: str, *, address: str | None) -> None:
        """End the session of a cookie. Raises DatabaseAwayError; this worker forgets it anyway."""
        self.forget(cookie)
        async with self._database.connection() as conn:
            await sessions.end(conn, cookie, address=address)

    # ------------------------------------------------------------------ passwords

    async def prove(
        self, name: str, password: str, address: str | None
    ) -> tuple[Login, Account | None]:
        """Check a password; the account only when it fits. Raises DatabaseAwayError."""
        if len(password) > LONGEST_PASSWORD:
            return Login(Outcome.WRONG, left=self._policy.free_failures), None
        if self._queue >= _LONGEST_QUEUE:
            return Login(Outcome.BUSY), None
        self._queue += 1
        try:
            async with self._hashing:
                return await self._check(name, password, address)
        finally:
            self._queue -= 1

    async def _check(
        self, name: str, password: str, address: str | None
    ) -> tuple[Login, Account | None]:
        async with self._database.connection() as conn:
            account = await sessions.account(conn, name)
            until = await self._shut_address(conn, address)
        locked = self._locked_until(name, account) or until
        if locked is not None:
            return Login(Outcome.LOCKED, locked_until=locked), None
        stored = account.password_hash if account is not None and not account.disabled else None
        fits = await asyncio.to_thread(secret.verify_password, stored, password)
        if account is None or not fits:
            return await self._refuse(name, account, address), None
        return Login(Outcome.OPEN), account

    async def _shut_address(self, conn: Db, address: str | None) -> Micros | None:
        """Return until when nobody may try from an address, whichever account; None: now."""
        if address is None:
            return None
        span = timedelta(minutes=self._policy.lock_minutes)
        since = to_datetime(self._clock.now()) - span
        failures, first = await sessions.failures_from(conn, address, since)
        if failures < self._policy.address_failures or first is None:
            return None
        return from_datetime(first + span)

    def _locked_until(self, name: str, account: Account | None) -> Micros | None:
        if account is None:
            until = self._misses[name].locked_until if name in self._misses else 0
        else:
            until = 0 if account.locked_until is None else from_datetime(account.locked_until)
        return Micros(until) if until > self._clock.now() else None

    async def _refuse(self, name: str, account: Account | None, address: str | None) -> Login:
        entry = audit.Entry("anonymous", "login.failed", name, address=address)
        free, first_s = self._policy.free_failures, self._policy.lock_minutes * 60
        async with self._database.connection() as conn:
            if account is None:
                await audit.record_async(conn, entry)
                failures = self._count_miss(name)
            else:
                failures = await sessions.fail(conn, account.id, entry)
            seconds = lock_seconds(failures, free=free, first_s=first_s)
            until = Micros(self._clock.now() + seconds * SECOND)
            if failures < free:
                return Login(Outcome.WRONG, left=free - failures)
            if account is None:
                self._misses[name].locked_until = until
            else:
                await sessions.lock(conn, account.id, to_datetime(until))
        return Login(Outcome.LOCKED, locked_until=until)

    def _count_miss(self, name: str) -> int:
        misses = self._misses.setdefault(name, _Misses())
        self._misses.move_to_end(name)
        misses.failures += 1
        while len(self._misses) > _MOST_UNKNOWN_NAMES:
            self._misses.popitem(last=False)
        return misses.failures


def _identity(holder: sessions.Holder) -> Identity:
    areas = None if holder.areas is None else frozenset(holder.areas)
    domains = None if holder.domains is None else frozenset(holder.domains)
    return Identity(
        holder.actor,
        holder.display_name,
        holder.role,
        Kind(holder.kind),
        holder.source,
        scope=Scope(areas, domains),
        active_at=None if holder.active_at is None else from_datetime(holder.active_at),
        must_change=holder.must_change,
        second_factor=holder.second_factor,
    )
