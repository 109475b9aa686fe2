"""Handing a shift over: what stands, what was noted, and two people who sign for it.

A hand-over is of the whole room, so somebody who sees a part of the province only can neither read
nor sign one. The one who takes over proves who it is by the password, at the desk of the one who
gives; what both signed is never changed again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from ioc.clock import Clock
from ioc.domain.errors import ForbiddenError, Refusal
from ioc.domain.instant import DAY, Micros, to_datetime
from ioc.domain.permission import Action, allowed
from ioc.domain.staleness import Freshness
from ioc.storage import audit, masks, shifts
from ioc.storage.script import run_async
from ioc.storage.shifts import Handover, Signed, Standing
from ioc.web.auth import Caller, Door, Login
from ioc.web.commands import NotFoundError
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, Kind, require
from ioc.web.queries.things import ThingQueries, Wanted

__all__ = ["Handover", "ShiftCommands", "ShiftRefusedError"]

MOST_PAST: Final = 100
_MOST_SILENT: Final = 200
_MOST_MASKS: Final = 200
_FIRST: Final = DAY // 2  # what the first hand-over looks back on


class ShiftRefusedError(Refusal):
    """The hand-over was not taken: `code` says why, `login` what became of the password."""

    def __init__(self, code: str, login: Login | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.login = login


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes over, with the password, and after which hand-over (None: the first)."""

    username: str
    password: str
    remark: str
    after: int | None


class ShiftCommands:
    """Every method raises ForbiddenError and DatabaseAwayError."""

    def __init__(self, database: Database, clock: Clock, door: Door, things: ThingQueries) -> None:
        self._database = database
        self._clock = clock
        self._door = door
        self._things = things

    async def standing(self) -> dict[str, Any]:
        """Return what the running shift would leave behind now, and who could take it."""
        who = _person()
        async with self._database.connection() as conn:
            found = await self._standing(conn)
            everybody = await run_async(conn, shifts.people(who.actor))
            past = await run_async(conn, shifts.past(MOST_PAST))
        people = [[name, shown] for name, shown, role in everybody
                  if allowed(role, Action.HAND_OVER)]  # fmt: skip
        content = await self._content(found)
        return content | {"last": found.last, "people": people, "past": [_line(h) for h in past]}

    async def one(self, number: int) -> dict[str, Any]:
        """Return a hand-over as it was signed. Raises NotFoundError."""
        _person()
        async with self._database.connection() as conn:
            found = await run_async(conn, shifts.one(number))
        if found is None:
            raise NotFoundError(str(number))
        return _line(found) | {"content": found.content}

    async def note(self, text: str) -> None:
        """Add a note to the running shift; it is never changed."""
        who = _person()
        async with self._database.connection() as conn:
            await run_async(conn, shifts.note(who.actor, text, self._clock.now()))

    async def sign(self, taking: Taking, caller: Caller) -> int:
        """Hand the shift over; return its number. Raises ShiftRefusedError."""
        who = _person()
        if taking.username == who.actor:
            raise ShiftRefusedError("same_person")
        result, account = await self._door.prove(taking.username, taking.password, caller.address)
        if account is None:
            raise ShiftRefusedError("password", result)
        if not allowed(account.role, Action.HAND_OVER):
            raise ShiftRefusedError("role")
        signed = Signed(who.actor, who.display_name, account.username, account.display_name,
                        taking.remark)  # fmt: skip
        async with self._database.connection() as conn, conn.transaction():
            await run_async(conn, shifts.lock())
            found = await self._standing(conn)
            if found.last != taking.after:
                raise ShiftRefusedError("handed_over")
            content = await self._content(found)
            now = self._clock.now()
            number = await run_async(conn, shifts.sign(signed, found.since, content, now))
            detail = {"taken_by": account.username, "counts": content["counts"]}
            entry = audit.Entry(who.actor, "shift.hand_over", str(number), detail, caller.address)
            await audit.record_async(conn, entry)
        return number

    async def _standing(self, conn: Db) -> Standing:
        now = self._clock.now()
        return await run_async(conn, shifts.standing(Micros(now - _FIRST)))

    async def _content(self, found: Standing) -> dict[str, Any]:
        """Return everything that is signed, as JSON."""
        now = self._clock.now()
        silent = await self._things.listing(
            Wanted(Freshness.SILENT, None, None, None, ""), to_datetime(now), limit=_MOST_SILENT
        )
        async with self._database.connection() as conn:
            held = await run_async(conn, masks.listed(now, limit=_MOST_MASKS))
        return {
            "now": now // 1000,
            "since": _ms(found.since),
            "alerts": found.alerts,
            "notes": found.notes,
            "masks": [
                {"kind": one.kind, "about": one.about, "reason": one.reason, "by": one.by_user,
                 "starts": _ms(one.starts), "ends": _ms(one.ends)}
                for one in held
            ],
            "silent": [
                {"id": row["id"], "name": row["name"], "commune": row["commune"],
                 "newest": row["newest"]}
                for row in silent.rows
            ],
            "counts": found.counts | {"silent": silent.counts["silent"], "masks": len(held)},
        }  # fmt: skip


def _person() -> Identity:
    """Return the person at the desk, who sees the whole province.

    Raises ForbiddenError, and NotFoundError for a token: it has no shift.
    """
    who = require(Action.HAND_OVER)
    if who.kind is not Kind.SESSION:
        raise NotFoundError("a token has no shift")
    if not who.scope.whole:
        raise ForbiddenError("a hand-over is of the whole room")
    return who


def _line(one: Handover) -> dict[str, Any]:
    found = asdict(one)
    del found["content"]
    counts = one.content.get("counts", one.content)
    return found | {"at": _ms(one.at), "since": _ms(one.since), "counts": counts}


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
