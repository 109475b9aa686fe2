"""Writing notes at a thing's past, and taking one's own back."""

from __future__ import annotations

from datetime import datetime

from ioc.domain.permission import Action
from ioc.storage import annotations as store
from ioc.storage import audit
from ioc.storage.annotations import Annotation, Note
from ioc.storage.script import run_async
from ioc.web.commands import NotFoundError
from ioc.web.database import Database, Db
from ioc.web.identity import limits, require
from ioc.web.queries.scope import WITHIN

__all__ = ["Annotation", "Annotations", "Note"]


class Annotations:
    """Reading and writing notes; a thing out of somebody's scope might as well not exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, thing: int, since: datetime, until: datetime) -> list[Annotation]:
        """Return the notes of a thing that touch a stretch."""
        async with self._database.connection() as conn:
            await _seen(conn, thing)
            return await run_async(conn, store.listed(thing, since, until))

    async def add(self, note: Note, address: str | None) -> int:
        """Write a note; return its number."""
        who = require(Action.ANNOTATE)
        async with self._database.connection() as conn, conn.transaction():
            await _seen(conn, note.thing)
            made = await run_async(conn, store.add(note, who.actor))
            if made is None:
                raise NotFoundError(str(note.code))
            detail = {"thing": note.thing, "words": note.words}
            entry = audit.Entry(who.actor, "note.add", str(made), detail, address)
            await audit.record_async(conn, entry)
        return made

    async def remove(self, thing: int, number: int, address: str | None) -> None:
        """Take one's own note back; the audit keeps its words."""
        who = require(Action.ANNOTATE)
        async with self._database.connection() as conn, conn.transaction():
            await _seen(conn, thing)
            if not await run_async(conn, store.remove(thing, number, who.actor)):
                raise NotFoundError(str(number))
            entry = audit.Entry(who.actor, "note.remove", str(number), {"thing": thing}, address)
            await audit.record_async(conn, entry)


async def _seen(conn: Db, thing: int) -> None:
    query = "select 1 from thing t where t.id = %(id)s and t.state = 'admitted'" + WITHIN  # noqa: S608  literals
    cursor = await conn.execute(query, {"id": thing} | limits())
    if await cursor.fetchone() is None:
        raise NotFoundError(str(thing))
