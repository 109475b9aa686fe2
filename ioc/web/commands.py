"""Everything a person changes through the web: role checked, audited, done once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from psycopg.types.json import Jsonb

from ioc.clock import Clock
from ioc.domain.announcement import Alert
from ioc.domain.errors import ForbiddenError, OrderError, Refusal
from ioc.domain.instant import SECOND, to_datetime
from ioc.domain.mask import Mask
from ioc.domain.operator import Step, plan
from ioc.domain.permission import Action
from ioc.storage import audit, masks, orders
from ioc.storage.script import Script, run_async
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, current, limits, require
from ioc.web.queries.scope import ALERT_WITHIN

LONGEST_KEY: Final = 200
MOST_AT_ONCE: Final = 200  # alerts of one bulk acknowledgement: what a list can show and select

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one alert of several: `refusal` is a code, None where it was taken."""

    id: str
    acked_by: str | None = None
    acked_at: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Which alert a command is about, and from where it comes."""

    alert: UUID
    address: str | None = None


class Commands:
    """The writing half of the web process.

    Every command raises ForbiddenError (role), NotFoundError (no such alert or mask), OrderError
    (it does not take this as it stands) and DatabaseAwayError.
    """

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    async def acknowledge(
        self, alert_id: UUID, *, key: str, note: str = "", address: str | None = None
    ) -> Acknowledgement:
        """Take responsibility for an alert; repeating `key` repeats the answer, not the deed."""
        who = require(Action.ACKNOWLEDGE_ALERT)
        receipt = f"{who.actor}:{key}"
        async with self._database.connection() as conn, conn.transaction():
            # Two requests with one key: the second waits here and then finds the receipt.
            await conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (receipt,))
            known = await _receipt(conn, receipt)
            if known is not None:
                return known
            await _within(conn, who, alert_id)
            now = self._clock.now()
            order = orders.acknowledge(alert_id, who.actor, now, note)
            result = _acknowledgement(_found(await orders.give_async(conn, order, now), alert_id))
            entry = audit.Entry(
                who.actor, "alert.acknowledge", result.id, {"by": result.acked_by}, address
            )
            await audit.record_async(conn, entry)
            await _keep(conn, receipt, result)
        await self._notifier.notify("alert")
        return result

    async def acknowledge_all(
        self, alert_ids: list[UUID], *, address: str | None = None
    ) -> list[Answer]:
        """Take responsibility for several alerts; each is answered for by itself."""
        who = require(Action.ACKNOWLEDGE_ALERT)
        async with self._database.connection() as conn:
            answers = [
                await self._one_of_many(conn, who, alert_id, address)
                for alert_id in dict.fromkeys(alert_ids[:MOST_AT_ONCE])
            ]
        await self._notifier.notify("alert")
        return answers

    async def _one_of_many(
        self, conn: Db, who: Identity, alert_id: UUID, address: str | None
    ) -> Answer:
        try:
            async with conn.transaction():
                await _within(conn, who, alert_id)
                now = self._clock.now()
                order = orders.acknowledge(alert_id, who.actor, now)
                done = _acknowledgement(_found(await orders.give_async(conn, order, now), alert_id))
                entry = audit.Entry(
                    who.actor, "alert.acknowledge", done.id, {"by": done.acked_by}, address
                )
                await audit.record_async(conn, entry)
        except NotFoundError:
            return Answer(str(alert_id), refusal="not_found")
        except OrderError as error:
            return Answer(str(alert_id), refusal=error.code)
        return Answer(done.id, done.acked_by, done.acked_at)

    async def comment(self, order: Order, note: str) -> Alert:
        """Append a note to an alert."""
        who = require(Action.ACKNOWLEDGE_ALERT)
        script = orders.comment(order.alert, who.actor, note, self._clock.now())
        return await self._alert(who, order, "comment", script)

    async def assign(self, order: Order, assignee: str | None) -> Alert:
        """Give an alert to somebody, None: to nobody."""
        who = require(Action.HANDLE_ALERT)
        script = orders.assign(order.alert, who.actor, assignee, self._clock.now())
        return await self._alert(who, order, "assign", script, to=assignee)

    async def close(self, order: Order) -> Alert:
        """Close an alert that is over."""
        who = require(Action.ACKNOWLEDGE_ALERT)
        script = orders.close(order.alert, who.actor, self._clock.now())
        return await self._alert(who, order, "close", script)

    async def reset(self, order: Order) -> Alert:
        """Let go of a latched alert."""
        who = require(Action.ACKNOWLEDGE_ALERT)
        script = orders.reset(order.alert, who.actor, self._clock.now())
        return await self._alert(who, order, "reset", script)

    async def take_step(self, order: Order, step: Step) -> Alert:
        """Take an alert's handling one step on; what the step takes depends on where it stands."""
        who = _somebody()
        script = orders.take_step(order.alert, step, who.actor, self._clock.now(), who.may)
        return await self._alert(who, order, "handling", script, to=step.to.value)

    async def shelve(
        self, order: Order, seconds: float, reason: str, *, one_shot: bool = False
    ) -> Alert:
        """Put an alarm on the shelf, at most for a shift."""
        who = require(Action.MASK_ALERT)
        lasting = round(seconds * SECOND)
        script = orders.shelve(
            order.alert, who.actor, lasting, reason, self._clock.now(), one_shot=one_shot
        )
        said = {"seconds": seconds, "reason": reason, "one_shot": one_shot}
        return await self._alert(who, order, "shelve", script, **said)

    async def unshelve(self, order: Order) -> Alert:
        """Take an alarm from the shelf."""
        who = require(Action.MASK_ALERT)
        script = orders.unshelve(order.alert, who.actor, self._clock.now())
        return await self._alert(who, order, "unshelve", script)

    async def _alert(
        self,
        who: Identity,
        order: Order,
        word: str,
        script: Script[orders.Done | None],
        **detail: Any,  # noqa: ANN401  JSON
    ) -> Alert:
        entry = audit.Entry(who.actor, f"alert.{word}", str(order.alert), detail, order.address)
        async with self._database.connection() as conn, conn.transaction():
            await _within(conn, who, order.alert)
            given = await orders.give_async(conn, script, self._clock.now())
            done = _found(given, order.alert)
            await audit.record_async(conn, entry)
        await self._notifier.notify("alert")
        return done

    async def _run(self, script: Script[T | None], entry: audit.Entry) -> T | None:
        """Run a command with its line in the audit; None, and no line, where it found nothing."""
        async with self._database.connection() as conn, conn.transaction():
            done = await run_async(conn, script)
            if done is not None:
                await audit.record_async(conn, entry)
        return done

    # ------------------------------------------------------------ masks

    async def put_mask(self, draft: Mask, *, address: str | None = None) -> Mask:
        """Plan a mask; `by` is whoever asks."""
        who = _unlimited(require(Action.MASK_ALERT))
        mask = plan(replace(draft, by=who.actor), self._clock.now())
        detail = {
            "kind": mask.kind.value,
            "matcher": mask.matcher.given,
            "ends": to_datetime(mask.ends).isoformat(),
            "reason": mask.reason,
        }
        async with self._database.connection() as conn, conn.transaction():
            made = await run_async(conn, masks.put(mask))
            entry = audit.Entry(who.actor, "mask.put", str(made.id), detail, address)
            await audit.record_async(conn, entry)
        return made

    async def approve_mask(self, number: int, *, address: str | None = None) -> Mask:
        """Agree, as a second person, to put something out of service."""
        who = _unlimited(require(Action.MASK_ALERT))
        entry = audit.Entry(who.actor, "mask.approve", str(number), {}, address)
        done = await self._run(masks.approve(number, who.actor, self._clock.now()), entry)
        return _found(done, number)

    async def lift_mask(self, number: int, *, address: str | None = None) -> None:
        """End a mask; one that has ended stays as it was."""
        who = _unlimited(require(Action.MASK_ALERT))
        entry = audit.Entry(who.actor, "mask.lift", str(number), {}, address)
        _found(await self._run(masks.lift(number, who.actor, self._clock.now()), entry), number)


def _somebody() -> Identity:
    who = current()
    if who is None:
        raise ForbiddenError("nobody may do this")
    return who


async def _within(conn: Db, who: Identity, alert_id: UUID) -> None:
    """Raise NotFoundError for an alert out of somebody's scope: it might as well not exist."""
    if who.scope.whole:
        return
    query = "select 1 from alert a where a.id = %(id)s" + ALERT_WITHIN  # noqa: S608  literals
    cursor = await conn.execute(query, {"id": alert_id} | limits())
    if await cursor.fetchone() is None:
        raise NotFoundError(str(alert_id))


def _unlimited(who: Identity) -> Identity:
    """Return who asks; a mask may cover anything, so it takes the whole province."""
    if not who.scope.whole:
        raise ForbiddenError(f"{who.actor} answers for a part of the province")
    return who


def _found(done: T | None, key: object) -> T:
    if done is None:
        raise NotFoundError(str(key))
    return done


def _acknowledgement(alert: Alert) -> Acknowledgement:
    at = None if alert.acked_at is None else to_datetime(alert.acked_at).isoformat()
    return Acknowledgement(str(alert.id), alert.acked_by, at)


async def _receipt(conn: Db, key: str) -> Acknowledgement | None:
    cursor = await conn.execute("select response from command_receipt where key = %s", (key,))
    row = await cursor.fetchone()
    return None if row is None else Acknowledgement(**row[0])


async def _keep(conn: Db, key: str, result: Acknowledgement) -> None:
    response = {"id": result.id, "acked_by": result.acked_by, "acked_at": result.acked_at}
    await conn.execute(
        "insert into command_receipt (key, response) values (%s, %s)", (key, Jsonb(response))
    )
