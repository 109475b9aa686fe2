"""The `walls` section of `/live`: what each wall shows now, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from ioc.domain.instant import Micros
from ioc.domain.legibility import sizes
from ioc.domain.playlist import shown
from ioc.storage import walls
from ioc.storage.script import run_async
from ioc.storage.walls import Wall
from ioc.web.database import Db

_MS: Final = 1000  # µs


async def read(conn: Db) -> list[Wall]:
    """Read all walls."""
    return await run_async(conn, walls.listed())


def critical_since(alerts: Mapping[str, object]) -> Micros | None:
    """Return when the oldest critical alert of the list that nobody took came; None: there is none.

    One that is held back, or has returned, holds no wall.
    """
    rows = cast("list[dict[str, Any]]", alerts["open"])
    owed = [
        row["detected"]
        for row in rows
        if row["severity"] == 1 and row["active"] and not row["acked"] and not row["mask"]
    ]
    return Micros(min(owed) * _MS) if owed else None


def section(found: Iterable[Wall], alerts: Mapping[str, object], now: Micros) -> dict[str, object]:
    """Return what the screens of all walls are told, by name."""
    since = critical_since(alerts)
    return {wall.name: _told(wall, now, since) for wall in found}


def _told(wall: Wall, now: Micros, since: Micros | None) -> dict[str, object]:
    page = shown(wall.plan, now, since)
    return {
        "title": wall.title,
        "layout": page.layout,
        "until": None if page.until is None else page.until // _MS,
        "paused": page.paused,
        "room": wall.room,
        "scale": 1.0 if wall.screen is None else round(sizes(wall.screen).scale, 4),
    }
