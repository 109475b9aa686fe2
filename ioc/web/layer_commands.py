"""Everything people change about layers: role checked, audited, done by the layers worker."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ioc.domain.errors import Refusal
from ioc.domain.file_name import neutral
from ioc.domain.permission import Action
from ioc.storage import audit, layer_uploads
from ioc.storage.script import run_async
from ioc.web.commands import NotFoundError
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, require

_SPARE: Final = 1 << 30  # bytes of the disk that an upload must leave free
_CHUNK: Final = 1 << 20  # bytes between two writes


class LayerRefusedError(Refusal):
    """An upload or an answer that is not taken; `code` has words under `layers.page.refused`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Choices:
    """What a clerk says of a file; "auto" and "" leave it to the importer."""

    layer: str = ""
    crs: str = "auto"
    encoding: str = "auto"
    mapping: Mapping[str, str] | None = None

    def argument(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "crs": self.crs or "auto",
            "encoding": self.encoding or "auto",
            "mapping": dict(self.mapping or {}),
        }


class LayerCommands:
    """The writing half of the layers page.

    Every command raises ForbiddenError (role), NotFoundError (no such file), LayerRefusedError
    (not as it stands) and DatabaseAwayError.
    """

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._folder = data_dir / "uploads"

    async def upload(
        self, name: str, size: int, body: AsyncIterator[bytes], address: str | None
    ) -> int:
        """Keep a file outside the web root and ask the worker to look at it; return its job."""
        who = require(Action.IMPORT_LAYER)
        folder = self._folder / secrets.token_hex(8)
        await asyncio.to_thread(self._make_room, folder, size)
        try:
            path = folder / neutral(name)
            written = await _write(path, body, size)
            argument = Choices().argument() | {
                "upload": f"{folder.name}/{path.name}",
                "name": path.name,
                "bytes": written,
                "dry_run": True,
                "preview": True,
                "by": who.actor,
            }
            async with self._database.connection() as conn, conn.transaction():
                job = _taken(await run_async(conn, layer_uploads.add(argument, who.actor)))
                detail = {"job": job, "bytes": written}
                await _record(conn, who, "layer.upload", path.name, detail, address)
        except BaseException:  # whatever ended it: no file stays behind without a job
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        return job

    async def look_again(self, job: int, choices: Choices) -> None:
        """Have the file looked at once more, with other choices."""
        require(Action.IMPORT_LAYER)
        async with self._database.connection() as conn:
            _asking(await run_async(conn, layer_uploads.look_again(job, choices.argument())))

    async def confirm(self, job: int, address: str | None) -> None:
        """Say yes to what was shown."""
        who = require(Action.IMPORT_LAYER)
        async with self._database.connection() as conn, conn.transaction():
            layer = await run_async(conn, layer_uploads.confirm(job, who.actor))
            _asking(layer is not None)
            await _record(conn, who, "layer.confirm", str(layer), {"job": job}, address)

    async def cancel(self, job: int, address: str | None) -> None:
        """End a job; one that runs ends before its next stage."""
        who = require(Action.IMPORT_LAYER)
        async with self._database.connection() as conn, conn.transaction():
            _asking(await run_async(conn, layer_uploads.cancel(job)))
            await _record(conn, who, "layer.cancel", str(job), {}, address)

    async def undo(self, layer: str) -> int:
        """Ask the worker to bring back what the layer was; it writes the audit. Return the job."""
        who = require(Action.IMPORT_LAYER)
        async with self._database.connection() as conn:
            return await run_async(conn, layer_uploads.undo(layer, who.actor))

    def _make_room(self, folder: Path, size: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < size + _SPARE:
            raise LayerRefusedError("disk_full")
        folder.mkdir()


async def _write(path: Path, body: AsyncIterator[bytes], size: int) -> int:
    """Write a body as it comes, in few and large steps; LayerRefusedError for another length."""
    written, kept = 0, bytearray()
    with await asyncio.to_thread(path.open, "xb") as file:
        async for chunk in body:
            written += len(chunk)
            if written > size:
                raise LayerRefusedError("length")
            kept += chunk
            if len(kept) >= _CHUNK:
                await asyncio.to_thread(file.write, bytes(kept))
                kept.clear()
        await asyncio.to_thread(file.write, bytes(kept))
    if written != size or not written:
        raise LayerRefusedError("length")
    return written


def _taken(job: int | None) -> int:
    if job is None:
        raise LayerRefusedError("too_many")
    return job


def _asking(done: bool) -> None:  # noqa: FBT001  what an update found
    if not done:
        raise NotFoundError("no such file asks")


async def _record(
    conn: Db, who: Identity, action: str, about: str, detail: dict[str, Any], address: str | None
) -> None:
    await audit.record_async(conn, audit.Entry(who.actor, action, about, detail, address))
