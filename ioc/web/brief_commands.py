"""What a leader does from the tablet: directions and comments, and the tablet's own web push."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from ioc.clock import Clock
from ioc.domain.instant import to_datetime
from ioc.domain.operator import Word
from ioc.domain.permission import Action
from ioc.storage import audit, orders, push
from ioc.storage.notifications import Subscription
from ioc.storage.script import run_async
from ioc.web.commands import NotFoundError, Notifier
from ioc.web.database import Database, Db
from ioc.web.identity import require


@dataclass(frozen=True, slots=True)
class Given:
    """A word that stands in an alert's log; the times are ISO 8601."""

    alert: str
    kind: str
    by: str
    written_at: str
    received_at: str


@dataclass(frozen=True, slots=True)
class PushState:
    """How web push stands: the key to subscribe to ("" : not set up), and whether alerts come."""

    key: str
    told: bool


class BriefCommands:
    """The writing half of the tablet; raises what ioc.web.commands.Commands raises."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    async def direct(
        self, alert_id: UUID, word: Word, *, key: str, address: str | None = None
    ) -> Given:
        """Give a direction or a comment; repeating `key` repeats the answer, not the deed."""
        who = require(Action.DIRECT_ALERT)
        receipt = f"{who.actor}:direction:{key}"
        async with self._database.connection() as conn, conn.transaction():
            # Two requests with one key: the second waits here and then finds the receipt.
            await conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (receipt,))
            known = await _receipt(conn, receipt)
            if known is not None:
                return known
            now = self._clock.now()
            script = orders.direct(alert_id, who.actor, word, now)
            if await orders.give_async(conn, script, now) is None:
                raise NotFoundError(str(alert_id))
            kind = "direction" if word.asks else "comment"
            written = to_datetime(min(word.written, now)).isoformat()
            given = Given(str(alert_id), kind, who.actor, written, to_datetime(now).isoformat())
            detail = {"note": word.note, "written_at": written}
            entry = audit.Entry(who.actor, f"alert.{kind}", str(alert_id), detail, address)
            await audit.record_async(conn, entry)
            await _keep(conn, receipt, given)
        await self._notifier.notify("alert")
        return given

    async def subscribe(
        self, browser: tuple[str, str, str], *, address: str | None = None
    ) -> PushState:
        """Keep this person's browser (endpoint and keys) as one that web push reaches."""
        who = require(Action.SEE_API)
        async with self._database.connection() as conn, conn.transaction():
            number = await run_async(conn, push.subscribe(who.actor, Subscription(*browser)))
            entry = audit.Entry(who.actor, "push.subscribe", str(number), {}, address)
            await audit.record_async(conn, entry)
            return await self._state(conn, who.actor)

    async def unsubscribe(self, endpoint: str, *, address: str | None = None) -> PushState:
        """Forget a browser of this person; one that is not known stays so."""
        who = require(Action.SEE_API)
        async with self._database.connection() as conn, conn.transaction():
            if await run_async(conn, push.unsubscribe(who.actor, endpoint)):
                entry = audit.Entry(who.actor, "push.unsubscribe", "", {}, address)
                await audit.record_async(conn, entry)
            return await self._state(conn, who.actor)

    async def push_state(self) -> PushState:
        """Return how web push stands for whoever asks."""
        who = require(Action.SEE_API)
        async with self._database.connection() as conn:
            return await self._state(conn, who.actor)

    async def _state(self, conn: Db, actor: str) -> PushState:
        key = await run_async(conn, push.public_key())
        return PushState(key or "", await run_async(conn, push.is_told(actor)))


async def _receipt(conn: Db, key: str) -> Given | None:
    cursor = await conn.execute("select response from command_receipt where key = %s", (key,))
    row = await cursor.fetchone()
    if row is None:
        return None
    return Given(**row[0])


async def _keep(conn: Db, key: str, given: Given) -> None:
    response = {
        "alert": given.alert,
        "kind": given.kind,
        "by": given.by,
        "written_at": given.written_at,
        "received_at": given.received_at,
    }
    await conn.execute(
        "insert into command_receipt (key, response) values (%s, %s)", (key, Jsonb(response))
    )
