"""Everything a person changes through the web: role checked, audited, done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from psycopg.types.json import Jsonb

from ioc.clock import Clock
from ioc.domain.errors import Refusal
from ioc.domain.permission import Action
from ioc.storage import alerts, audit
from ioc.web.database import Database, Db
from ioc.web.identity import require

LONGEST_KEY: Final = 200


class NotFoundError(Refusal):
    """What the command is about does not exist."""


class Notifier(Protocol):
    """Tells every worker that something in the database changed."""

    async def notify(self, kind: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has taken the alert, and when (ISO 8601): perhaps somebody else, earlier.

    Both are None for an alert that ended without anybody's answer.
    """

    id: str
    acked_by: str | None
    acked_at: str | None


class Commands:
    """The writing half of the web process."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    async def acknowledge(
        self, alert_id: UUID, *, key: str, address: str | None = None
    ) -> Acknowledgement:
        """Take responsibility for an open alert; repeating `key` repeats the answer, not the deed.

        Raises ForbiddenError (role), NotFoundError (no such open alert), DatabaseAwayError.
        """
        who = require(Action.ACKNOWLEDGE_ALERT)
        receipt = f"{who.actor}:{key}"
        async with self._database.connection() as conn, conn.transaction():
            # Two requests with one key: the second waits here and then finds the receipt.
            await conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (receipt,))
            known = await _receipt(conn, receipt)
            if known is not None:
                return known
            taken = await alerts.acknowledge_async(conn, alert_id, who.actor, self._clock.now())
            result = _result(taken)
            entry = audit.Entry(
                who.actor, "alert.acknowledge", result.id, {"by": result.acked_by}, address
            )
            await audit.record_async(conn, entry)
            await _keep(conn, receipt, result)
        await self._notifier.notify("alert")
        return result


def _result(taken: alerts.Acknowledgement) -> Acknowledgement:
    if isinstance(taken, alerts.NotFound):
        raise NotFoundError(str(taken.alert))
    at = None if taken.acked_at is None else taken.acked_at.isoformat()
    return Acknowledgement(str(taken.alert), taken.acked_by, at)


async def _receipt(conn: Db, key: str) -> Acknowledgement | None:
    cursor = await conn.execute("select response from command_receipt where key = %s", (key,))
    row = await cursor.fetchone()
    return None if row is None else Acknowledgement(**row[0])


async def _keep(conn: Db, key: str, result: Acknowledgement) -> None:
    response = {"id": result.id, "acked_by": result.acked_by, "acked_at": result.acked_at}
    await conn.execute(
        "insert into command_receipt (key, response) values (%s, %s)", (key, Jsonb(response))
    )
