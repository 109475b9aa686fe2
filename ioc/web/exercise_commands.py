"""Trying a target from the screen: a message marked as an exercise, and its receipt."""

from __future__ import annotations

from ioc import policies
from ioc.clock import Clock
from ioc.domain.permission import Action
from ioc.storage import audit, exercises
from ioc.storage.exercises import Fate
from ioc.storage.script import run_async
from ioc.web.commands import NotFoundError
from ioc.web.database import Database
from ioc.web.identity import require


class Exercises:
    """What whoever edits rules may try: whether a message reaches those whom the plan names."""

    def __init__(self, database: Database, clock: Clock, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    async def send(self, target: str, *, address: str | None = None) -> int:
        """Ask the dispatcher for a test message; return its number. One a minute and target."""
        who = require(Action.EDIT_RULE)
        async with self._database.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "select definition::text from notify_plan order by version desc limit 1"
            )
            row = await cursor.fetchone()
            known = {} if row is None else policies.parse(row[0], self._zone).targets
            if target not in known:
                raise NotFoundError(target)
            asked = exercises.put(target, known[target].channel, self._clock.now())
            number = await run_async(conn, asked)
            entry = audit.Entry(who.actor, "notify.test", target, {"number": number}, address)
            await audit.record_async(conn, entry)
        return number

    async def fate(self, number: int) -> Fate:
        """Return what became of a test message. Raises NotFoundError."""
        require(Action.EDIT_RULE)
        async with self._database.connection() as conn:
            found = await run_async(conn, exercises.fate(number))
        if found is None:
            raise NotFoundError(str(number))
        return found
