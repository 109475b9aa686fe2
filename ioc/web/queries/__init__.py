"""Everything a page or an API answer reads. Each call lends a connection and gives it back.

All raise `ioc.web.database.DatabaseAwayError` when the database cannot be reached.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ioc.clock import Clock
from ioc.domain.instant import to_datetime
from ioc.web.database import Database
from ioc.web.queries import history, operations, registry
from ioc.web.queries.history import History
from ioc.web.queries.operations import AlertRow, DeadLetterRow, ObservationRow
from ioc.web.queries.registry import DatastreamRow, FeedRow, ThingDetail, ThingRow
from ioc.web.queries.status import StatusRow

__all__ = [
    "AlertRow",
    "DatastreamRow",
    "DeadLetterRow",
    "FeedRow",
    "History",
    "ObservationRow",
    "Queries",
    "StatusRow",
    "ThingDetail",
    "ThingRow",
]


class Queries:
    """The reading half of the web process, bound to its database and clock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def history(self, thing_id: int, property_code: str, hours: int = 24) -> History | None:
        """Return the past `hours` of a thing's property, at most 1,500 steps; None: no such one."""
        now = to_datetime(self._clock.now())
        async with self._database.connection() as conn:
            return await history.read(conn, thing_id, property_code, hours=hours, now=now)

    async def thing(self, thing_id: int) -> ThingDetail | None:
        """Return an admitted thing with its datastreams and newest values; None: no such one."""
        async with self._database.connection() as conn:
            return await registry.thing(conn, thing_id, to_datetime(self._clock.now()))

    async def things(
        self, *, after: int = 0, limit: int = 100, kind: str | None = None
    ) -> list[ThingRow]:
        """Return admitted things by id, from `after` on."""
        async with self._database.connection() as conn:
            return await registry.things(conn, after=after, limit=limit, kind=kind)

    async def pending(self, *, after: int = 0, limit: int = 100) -> list[ThingRow]:
        """Return things that appeared by themselves and wait for admission."""
        async with self._database.connection() as conn:
            return await registry.things(conn, after=after, limit=limit, state="pending")

    async def datastreams(
        self, *, thing_id: int | None = None, after: int = 0, limit: int = 100
    ) -> list[DatastreamRow]:
        """Return datastreams of admitted things by id, newest value in."""
        async with self._database.connection() as conn:
            return await registry.datastreams(conn, thing_id=thing_id, after=after, limit=limit)

    async def feeds(self) -> list[FeedRow]:
        """Return every feed with its counts."""
        async with self._database.connection() as conn:
            return await registry.feeds(conn)

    async def things_by_feed(self) -> list[tuple[str, str, int]]:
        """Return (feed, state, how many) of all things."""
        async with self._database.connection() as conn:
            return await registry.things_by_feed(conn)

    async def feed_exists(self, name: str) -> bool:
        """Tell whether there is a feed of this name."""
        async with self._database.connection() as conn:
            return await registry.feed_exists(conn, name)

    async def layer(self, name: str, version: str) -> tuple[bytes, str] | None:
        """Return (gzipped GeoJSON, attribution) of a layer version; None: no such one."""
        async with self._database.connection() as conn:
            return await registry.layer(conn, name, version)

    async def observations(
        self, datastream: int, *, before: datetime | None = None, limit: int = 100
    ) -> list[ObservationRow]:
        """Return a datastream's values, newest first."""
        async with self._database.connection() as conn:
            return await operations.observations(conn, datastream, before=before, limit=limit)

    async def alerts(
        self,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 100,
        open_only: bool = False,
    ) -> list[AlertRow]:
        """Return alerts, newest first."""
        async with self._database.connection() as conn:
            return await operations.alerts(conn, before=before, limit=limit, open_only=open_only)

    async def dead_letters(
        self, feed: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[DeadLetterRow]:
        """Return refused messages, newest first."""
        async with self._database.connection() as conn:
            return await operations.dead_letters(conn, feed, before=before, limit=limit)
