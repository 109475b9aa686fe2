"""Admitting and refusing things that appeared by themselves, one by one or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ioc.domain.errors import ForbiddenError
from ioc.domain.location import Place
from ioc.domain.permission import Action
from ioc.storage import audit
from ioc.storage import pending as store
from ioc.storage.pending import Admission
from ioc.storage.script import Script, run_async
from ioc.web.commands import Notifier
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, limits, require
from ioc.web.queries.scope import WITHIN

__all__ = ["Admission", "Done", "PendingCommands"]

MOST_AT_ONCE: Final = 200  # what a list shows and selects


@dataclass(frozen=True, slots=True)
class Done:
    """Which things were done, and which were not there any more (somebody was faster)."""

    done: list[int]
    gone: list[int]


class PendingCommands:
    """The writing half of the page of pending things."""

    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier

    async def admit(self, given: Sequence[Admission], address: str | None) -> Done:
        """Admit things, each by itself; their history becomes visible."""
        who = require(Action.ADMIT_THING)
        for one in given:
            _inside(who, one.place)
        ways = {one.id: (store.admit(one, who.actor), _said(one)) for one in given}
        return await self._each(who, "thing.admit", ways, address)

    async def refuse(self, things: Sequence[int], reason: str, address: str | None) -> Done:
        """Turn things away, with a reason; what they sent stays, hidden."""
        who = require(Action.ADMIT_THING)
        ways = {one: (store.refuse(one, who.actor, reason), {"reason": reason}) for one in things}
        return await self._each(who, "thing.refuse", ways, address)

    async def restore(self, things: Sequence[int], address: str | None) -> Done:
        """Let things wait again that somebody refused."""
        who = require(Action.ADMIT_THING)
        ways: dict[int, _Way] = {one: (store.restore(one), {}) for one in things}
        return await self._each(who, "thing.restore", ways, address)

    async def _each(
        self, who: Identity, word: str, ways: dict[int, _Way], address: str | None
    ) -> Done:
        found = Done([], [])
        async with self._database.connection() as conn:
            for thing, (script, said) in list(ways.items())[:MOST_AT_ONCE]:
                entry = audit.Entry(who.actor, word, str(thing), said, address)
                done = await _one(conn, thing, script, entry)
                (found.done if done else found.gone).append(thing)
        if found.done:
            await self._notifier.notify("registry")
        return found


_Way = tuple[Script[bool], dict[str, Any]]


async def _one(conn: Db, thing: int, script: Script[bool], entry: audit.Entry) -> bool:
    """Do one thing with its line in the audit; False, and no line, where it is not there."""
    query = "select 1 from thing t where t.id = %(id)s" + WITHIN  # noqa: S608  literals
    async with conn.transaction():
        cursor = await conn.execute(query + " for update of t", {"id": thing} | limits())
        if await cursor.fetchone() is None or not await run_async(conn, script):
            return False
        await audit.record_async(conn, entry)
    return True


def _inside(who: Identity, place: Place | None) -> None:
    """Refuse a place out of somebody's part: the thing would be gone for him at once."""
    areas = who.scope.areas
    if place is None or areas is None:
        return
    if place.commune is None or place.commune.code not in areas:
        raise ForbiddenError(f"{who.actor} answers for other communes")


def _said(given: Admission) -> dict[str, Any]:
    place = given.place
    found: dict[str, Any] = {
        name: value
        for name, value in asdict(given).items()
        if value is not None and name not in ("id", "place", "exact")
    }
    if place is not None:
        found |= {"lon": place.lon, "lat": place.lat}
        found["commune"] = place.commune and place.commune.code
    return found
