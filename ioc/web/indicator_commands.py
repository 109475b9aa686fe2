"""Putting figures from a file: looked at first, then recorded whole, with audit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from ioc import indicator_file
from ioc.domain.indicator import How
from ioc.domain.permission import Action
from ioc.indicator_file import Found, Row
from ioc.storage import audit, indicators
from ioc.storage.indicators import Figure
from ioc.text import say
from ioc.web.database import Database
from ioc.web.identity import require
from ioc.web.queries.indicators import IndicatorQueries


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it came; `seen`: the digest of the one that was looked at, None for a look."""

    name: str
    body: bytes
    address: str | None = None
    seen: str | None = None

    @property
    def digest(self) -> str:
        return sha256(self.body).hexdigest()


class IndicatorCommands:
    """The writing half. Raises ForbiddenError, FileError and DatabaseAwayError."""

    def __init__(self, database: Database, queries: IndicatorQueries) -> None:
        self._database = database
        self._queries = queries

    async def look(self, sent: Sent, today: date) -> dict[str, Any]:
        """Return what recording the file would do; nothing is written."""
        require(Action.PUT_INDICATOR)
        found, names = await self._read(sent, today)
        before = await self._queries.standing([(row.indicator, row.at) for row in found.rows])
        rows = [_shown(row, names, before) for row in found.rows]
        return {
            "digest": sent.digest,
            "name": sent.name,
            "rows": rows,
            "refused": [{"row": number, "words": words} for number, words in found.refused],
            "changes": sum(r["before"] is not None and r["before"] != r["value"] for r in rows),
        }

    async def put(self, sent: Sent, today: date) -> dict[str, int]:
        """Record a file that was looked at; FileError when it is another or has wrong rows."""
        who = require(Action.PUT_INDICATOR)
        if sent.seen != sent.digest:
            raise indicator_file.FileError(say("indicators.file.changed_since"))
        found, _ = await self._read(sent, today)
        if found.refused:
            count = len(found.refused)
            raise indicator_file.FileError(say("indicators.file.nothing", count=count))
        figures = [_figure(sent.name, row) for row in found.rows]
        async with self._database.connection() as conn, conn.transaction():
            changed = await indicators.put_async(conn, figures, who.actor)
            detail = {"figures": len(figures), "changed": changed, "sha256": sent.digest}
            entry = audit.Entry(who.actor, "indicators.import", sent.name, detail, sent.address)
            await audit.record_async(conn, entry)
        return {"figures": len(figures), "changed": changed}

    async def _read(self, sent: Sent, today: date) -> tuple[Found, dict[str, str]]:
        names = await self._queries.uploadable()
        found = await asyncio.to_thread(indicator_file.read, sent.name, sent.body, names, today)
        return found, names


def _shown(
    row: Row, names: dict[str, str], before: dict[tuple[str, date], float]
) -> dict[str, Any]:
    return {
        "row": row.row,
        "indicator": row.indicator,
        "name": names[row.indicator],
        "at": row.at,
        "value": row.value,
        "before": before.get((row.indicator, row.at)),
    }


def _figure(name: str, row: Row) -> Figure:
    return Figure(row.indicator, row.at, row.value, How.UPLOAD, {"file": name, "row": row.row})
