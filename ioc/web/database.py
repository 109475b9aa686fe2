"""The web's way to the database: bounded waits, one error when it is away, no pile-up meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from ioc.domain.errors import Refusal

Db = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Db]

WAIT_S: Final = 3.0  # for a free connection: a reader waits no longer before "not now" helps more
ANSWER_S: Final = 20.0  # for a whole use of it: a link that went silent must not hold a page
# After a failure nobody asks again for this long: without it each page in a busy minute would hold
# a task for WAIT_S; with it recovery is still noticed within a second.
PAUSE_S: Final = 1.0
RETRY_AFTER_S: Final = 5
AWAY_S: Final = 10.0  # a failure is remembered this long; the hub asks more often than that


class DatabaseAwayError(Refusal):
    """The database cannot be reached now; 503 with Retry-After for a caller."""


class Database:
    """A pool that fails fast while the server is away and comes back by itself."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._pool.reconnect_timeout = WAIT_S  # the pool's own back-off would sleep for minutes
        self._away_until = 0.0
        self._failed_at = float("-inf")
        self.failures = 0

    @property
    def away(self) -> bool:
        """Tell whether the last that is known of the server is that it could not be reached."""
        return time.monotonic() < self._failed_at + AWAY_S

    async def open(self) -> None:
        """Start connecting in the background; the server need not be there."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self, *, patient: bool = False) -> AsyncIterator[Db]:
        """Lend a connection. Raises DatabaseAwayError when none can be had or it breaks.

        `patient` asks the server even within the pause after a failure: for loops with a pace of
        their own.
        """
        if not patient and time.monotonic() < self._away_until:
            raise DatabaseAwayError("database away")
        try:
            async with asyncio.timeout(ANSWER_S), self._pool.connection(timeout=WAIT_S) as conn:
                yield conn
        except (
            psycopg.OperationalError,
            psycopg.InterfaceError,
            PoolTimeout,
            PoolClosed,
            TooManyRequests,
            TimeoutError,
        ) as error:
            self.failures += 1
            self._failed_at = time.monotonic()
            self._away_until = self._failed_at + PAUSE_S
            raise DatabaseAwayError(f"database away: {type(error).__name__}") from error
        self._away_until = 0.0
        self._failed_at = float("-inf")
