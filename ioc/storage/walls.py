"""Walls as rows: what each shows, in which room, how large, and when its screen was heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg.types.json import Jsonb

from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.legibility import Screen
from ioc.domain.playlist import Item, Layout, Plan
from ioc.storage.script import Script

MOST: Final = 50  # walls; a province's centre has a handful

_COLUMNS: Final[LiteralString] = (
    "name, title, items, started_at, pinned, room, screen, updated_at, updated_by, seen_at,"
    " seen_layout"
)
_ALL: Final[LiteralString] = "select " + _COLUMNS + " from wall order by name limit %s"  # noqa: S608  our own constant
_ONE: Final[LiteralString] = "select " + _COLUMNS + " from wall where name = %s for update"  # noqa: S608  our own constant
# A list that is changed begins anew: else a new page would stand in the middle of its time.
_PUT: Final[LiteralString] = """
insert into wall as w (name, title, items, started_at, pinned, room, screen, updated_at, updated_by)
values (%(name)s, %(title)s, %(items)s, %(now)s, %(pinned)s, %(room)s, %(screen)s, %(now)s, %(by)s)
on conflict (name) do update set title = excluded.title, items = excluded.items,
  started_at = case when w.items = excluded.items and w.pinned is null then w.started_at
    else excluded.started_at end,
  pinned = excluded.pinned, room = excluded.room, screen = excluded.screen,
  updated_at = excluded.updated_at, updated_by = excluded.updated_by
"""


@dataclass(frozen=True, slots=True)
class Wall:
    """One wall; `seen_at` None: no screen ever opened its address."""

    name: str
    title: str
    plan: Plan
    room: str
    screen: Screen | None
    updated_at: datetime | None = None
    updated_by: str = ""
    seen_at: datetime | None = None
    seen_layout: str | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Return what a person decided about it, for the audit."""
        return {
            "title": self.title,
            "items": [list(item) for item in self.plan.items],
            "pinned": self.plan.pinned,
            "room": self.room,
            "screen": _measures(self.screen),
        }


def listed() -> Script[list[Wall]]:
    """Return all walls by name."""
    rows = yield _ALL, (MOST,)
    return [_read(row) for row in rows]


def one(name: str) -> Script[Wall | None]:
    """Return a wall, locked until the transaction ends."""
    rows = yield _ONE, (name,)
    return _read(rows[0]) if rows else None


def put(wall: Wall, by: str, now: Micros) -> Script[None]:
    """Create or change a wall; what its screen said of itself stays."""
    yield (
        _PUT,
        {
            "name": wall.name,
            "title": wall.title,
            "items": Jsonb([list(item) for item in wall.plan.items]),
            "pinned": wall.plan.pinned,
            "room": wall.room,
            "screen": None if wall.screen is None else Jsonb(_measures(wall.screen)),
            "now": to_datetime(now),
            "by": by,
        },
    )


def remove(name: str) -> Script[None]:
    """Forget a wall."""
    yield "delete from wall where name = %s", (name,)


def seen(name: str, layout: str, now: Micros) -> Script[bool]:
    """Note that a screen of this wall lives and what it shows; False: there is no such wall."""
    rows = yield (
        "update wall set seen_at = %s, seen_layout = %s where name = %s returning 1",
        (to_datetime(now), layout, name),
    )
    return bool(rows)


def _read(row: tuple[Any, ...]) -> Wall:
    name, title, items, started, pinned, room, screen, *rest = row
    plan = Plan(
        tuple(Item(Layout(layout), dwell) for layout, dwell in items),
        from_datetime(started),
        None if pinned is None else Layout(pinned),
    )
    return Wall(name, title, plan, room, None if screen is None else Screen(**screen), *rest)


def _measures(screen: Screen | None) -> dict[str, float] | None:
    if screen is None:
        return None
    return {
        "diagonal_in": screen.diagonal_in,
        "width_px": screen.width_px,
        "height_px": screen.height_px,
        "viewer_m": screen.viewer_m,
    }
