"""What the layers page reads: what each layer is now, and the files that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.storage import layer_uploads
from ioc.storage.layer_uploads import Upload
from ioc.storage.script import run_async
from ioc.web.database import Database

__all__ = ["LayerQueries", "LayerRow", "Upload"]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A published layer. `by` and `file` are None for one that ships or comes of the registry."""

    layer: str
    version: str
    count: int
    attribution: str
    at: datetime
    by: str | None
    file: str | None
    restores: int | None
    undoable: bool


class LayerQueries:
    """The reading half of the layers page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def layers(self) -> list[LayerRow]:
        """Return the current version of every layer, by name."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select v.layer, v.version, v.features, v.attribution,"
                " coalesce(i.created_at, v.created_at), i.created_by, i.facts ->> 'file',"
                " i.restores, coalesce(i.previous is not null, false)"
                " from layer_version v left join lateral (select * from layer_import i"
                "  where i.layer = v.layer order by number desc limit 1) i"
                "  on i.version = v.version where v.current order by v.layer"
            )
            return [LayerRow(*row) for row in await cursor.fetchall()]

    async def uploads(self) -> list[Upload]:
        """Return the newest uploaded files."""
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.listed())

    async def upload(self, job: int) -> Upload | None:
        """Return one uploaded file with all that was found in it; None: no such one."""
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.one(job))

    async def preview(self, job: int) -> bytes | None:
        """Return the gzipped GeoJSON of an uploaded file."""
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.preview(job))

    async def refused(self, job: int) -> bytes | None:
        """Return the CSV of the rows that were not taken."""
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.refused(job))

    async def undone(self, job: int) -> tuple[str, str | None] | None:
        """Return state and error of an undo; None: no such one."""
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.undone(job))
