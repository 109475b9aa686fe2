"""What a desk does with the walls, and the one thing a wall's screen says of itself."""

from __future__ import annotations

from ioc.clock import Clock
from ioc.domain.errors import Refusal
from ioc.domain.permission import Action
from ioc.storage import audit, walls
from ioc.storage.script import Script, run_async
from ioc.storage.walls import Wall
from ioc.web.commands import NotFoundError, Notifier
from ioc.web.database import Database
from ioc.web.identity import require

__all__ = ["TooManyWallsError", "Wall", "WallCommands"]


class TooManyWallsError(Refusal):
    """There are as many walls as there may be."""


class WallCommands:
    """Every method raises ForbiddenError and DatabaseAwayError."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    async def listed(self) -> list[Wall]:
        """Return all walls."""
        require(Action.STEER_WALL)
        async with self._database.connection() as conn:
            return await run_async(conn, walls.listed())

    async def put(self, wall: Wall, *, address: str | None = None) -> None:
        """Create or change a wall; its screens follow at once. Raises TooManyWallsError."""
        who = require(Action.STEER_WALL)
        async with self._database.connection() as conn:
            await run_async(conn, self._putting(wall, who.actor, address))
        await self._notifier.notify("wall")

    def _putting(self, wall: Wall, actor: str, address: str | None) -> Script[None]:
        before = yield from walls.one(wall.name)
        if before is None and len((yield from walls.listed())) >= walls.MOST:
            raise TooManyWallsError(wall.name)
        yield from walls.put(wall, actor, self._clock.now())
        change = {"from": None if before is None else before.told, "to": wall.told}
        yield from audit.recording(audit.Entry(actor, "wall.put", wall.name, change, address))

    async def remove(self, name: str, *, address: str | None = None) -> None:
        """Forget a wall. Raises NotFoundError."""
        who = require(Action.STEER_WALL)
        async with self._database.connection() as conn:
            await run_async(conn, _removing(name, who.actor, address))
        await self._notifier.notify("wall")

    async def seen(self, name: str, layout: str) -> None:
        """Note that a wall's screen lives. Raises NotFoundError."""
        require(Action.SEE_WALL)
        async with self._database.connection() as conn:
            if not await run_async(conn, walls.seen(name, layout, self._clock.now())):
                raise NotFoundError(name)


def _removing(name: str, actor: str, address: str | None) -> Script[None]:
    before = yield from walls.one(name)
    if before is None:
        raise NotFoundError(name)
    yield from walls.remove(name)
    entry = audit.Entry(actor, "wall.remove", name, {"from": before.told, "to": None}, address)
    yield from audit.recording(entry)
