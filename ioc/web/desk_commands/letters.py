"""Trying dead letters of a feed again; ingest does the work."""

from __future__ import annotations

from ioc.domain.permission import Action
from ioc.storage import audit, letter_retries
from ioc.storage.script import run_async
from ioc.web.commands import NotFoundError
from ioc.web.database import Database
from ioc.web.desk_commands import DeskRefusedError
from ioc.web.queries.feeds import for_the_whole


class LetterCommands:
    """The writing half of the page of feeds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def retry(self, feed: str, address: str | None) -> int:
        """Ask for a retry of everything a feed's letters hold; return its number."""
        who = for_the_whole(Action.RETRY_DEAD_LETTERS)
        async with self._database.connection() as conn, conn.transaction():
            known = await (
                await conn.execute("select 1 from feed where name = %s", (feed,))
            ).fetchone()
            if known is None:
                raise NotFoundError(feed)
            made = await run_async(conn, letter_retries.ask(feed, who.actor))
            if made is None:
                raise DeskRefusedError("retry_open")
            entry = audit.Entry(who.actor, "letters.retry", feed, {"retry": made}, address)
            await audit.record_async(conn, entry)
        return made

    async def stop(self, feed: str, address: str | None) -> None:
        """Ask the open retry of a feed to stop; what was taken in stays."""
        who = for_the_whole(Action.RETRY_DEAD_LETTERS)
        async with self._database.connection() as conn, conn.transaction():
            if not await run_async(conn, letter_retries.stop(feed)):
                raise NotFoundError(feed)
            await audit.record_async(
                conn, audit.Entry(who.actor, "letters.stop", feed, {}, address)
            )
