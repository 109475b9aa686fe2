"""Who stands at the door: passwords, sessions and tokens, and what is remembered of them.

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
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from ioc.clock import Clock
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.domain.permission import FREE_FAILURES, lock_seconds
from ioc.storage import audit, secret, sessions
from ioc.web.database import Database, DatabaseAwayError
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


class Outcome(Enum):
    """What came of a login."""

    OPEN = auto()
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


@dataclass(slots=True)
class _Known:
    identity: Identity
    checked: float  # monotonic
    expires_at: Micros | None


@dataclass(slots=True)
class _Misses:
    """Failures under a name that is no account, so that it behaves like one."""

    failures: int = 0
    locked_until: int = 0


class Door:
    """Verifies credentials against the database, with a short and bounded memory."""

    def __init__(self, database: Database, clock: Clock, *, session_hours: int) -> None:
        self._database = database
        self._clock = clock
        self._session = timedelta(hours=session_hours)
        self._known: OrderedDict[tuple[bool, bytes], _Known] = OrderedDict()
        self._misses: OrderedDict[str, _Misses] = OrderedDict()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._queue = 0

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
        kind = Kind(holder.kind)
        identity = Identity(holder.actor, holder.display_name, holder.role, kind, holder.source)
        expires = None if holder.expires_at is None else from_datetime(holder.expires_at)
        self._known[key] = _Known(identity, time.monotonic(), expires)
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return identity

    async def login(
        self, username: str, password: str, *, address: str | None, old_cookie: str = ""
    ) -> Login:
        """Check a password and open a session; `old_cookie`'s session ends (rotation).

        Raises DatabaseAwayError. Names that are no accounts answer, take time and lock as accounts
        do. Each password that was checked leaves an audit row; what a lock or a full queue turned
        away leaves none, so that nobody can fill the audit at the speed of the network.
        """
        name = username.strip().lower()
        usable = name.isprintable() and 0 < len(name) <= _LONGEST_NAME
        if not usable or len(password) > secret.LONGEST_PASSWORD:
            return Login(Outcome.WRONG, left=FREE_FAILURES)
        if self._queue >= _LONGEST_QUEUE:
            return Login(Outcome.BUSY)
        self._queue += 1
        try:
            async with self._hashing:
                result = await self._check(name, password, address)
        finally:
            self._queue -= 1
        if result.outcome is Outcome.OPEN and old_cookie:
            await self.logout(old_cookie, address=address)
        return result

    async def _check(self, name: str, password: str, address: str | None) -> Login:
        async with self._database.connection() as conn:
            account = await sessions.account(conn, name)
        locked = self._locked_until(name, account)
        if locked is not None:
            return Login(Outcome.LOCKED, locked_until=locked)
        stored = account.password_hash if account is not None and not account.disabled else None
        fits = await asyncio.to_thread(secret.verify_password, stored, password)
        if account is None or not fits:
            return await self._refuse(name, account, address)
        new = secret.new_secret()
        expires = to_datetime(self._clock.now()) + self._session
        entry = audit.Entry(name, "login", name, address=address)
        async with self._database.connection() as conn:
            await sessions.begin(conn, account.id, new, expires_at=expires, entry=entry)
        return Login(Outcome.OPEN, secret=new)

    def _locked_until(self, name: str, account: sessions.Account | None) -> Micros | None:
        if account is None:
            until = self._misses[name].locked_until if name in self._misses else 0
        else:
            until = 0 if account.locked_until is None else from_datetime(account.locked_until)
        return Micros(until) if until > self._clock.now() else None

    async def _refuse(
        self, name: str, account: sessions.Account | None, address: str | None
    ) -> Login:
        entry = audit.Entry("anonymous", "login.failed", name, address=address)
        async with self._database.connection() as conn:
            if account is None:
                await audit.record_async(conn, entry)
                failures = self._count_miss(name)
            else:
                failures = await sessions.fail(conn, account.id, entry)
            until = Micros(self._clock.now() + lock_seconds(failures) * SECOND)
            if failures < FREE_FAILURES:
                return Login(Outcome.WRONG, left=FREE_FAILURES - failures)
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

    async def logout(self, cookie: str, *, address: str | None) -> None:
        """End the session of a cookie. Raises DatabaseAwayError; this worker forgets it anyway."""
        self._known.pop((False, secret.digest(cookie)), None)
        async with self._database.connection() as conn:
            await sessions.end(conn, cookie, address=address)
