"""Everything a page or an API answer reads. Each call lends a connection and gives it back.

All raise `ioc.web.database.DatabaseAwayError` when the database cannot be reached.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from ioc.clock import Clock
from ioc.domain.instant import Micros, to_datetime
from ioc.domain.permission import Action
from ioc.storage.masks import Listed
from ioc.storage.script import run_async
from ioc.web.database import Database
from ioc.web.identity import require
from ioc.web.queries import alerts as desk
from ioc.web.queries import audit, history, kpi, masks, operations, registry
from ioc.web.queries.history import History
from ioc.web.queries.operations import AlertDetail, AlertRow, DeadLetterRow, ObservationRow
from ioc.web.queries.registry import DatastreamRow, FeedRow, ThingDetail, ThingRow
from ioc.web.queries.status import StatusRow

__all__ = [
    "AlertDetail",
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

    async def history_around(
        self, thing_id: int, property_code: str, *, since: datetime, until: datetime
    ) -> History | None:
        """Return a thing's property between two instants, as `history` does."""
        hours = ceil((until - since) / timedelta(hours=1))
        async with self._database.connection() as conn:
            return await history.read(conn, thing_id, property_code, hours=hours, now=until)

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
        self,
        datastream: int,
        *,
        before: datetime | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[ObservationRow]:
        """Return a datastream's values, newest first."""
        async with self._database.connection() as conn:
            return await operations.observations(
                conn, datastream, before=before, since=since, limit=limit
            )

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

    async def alert(self, key: UUID) -> AlertDetail | None:
        """Return an alert with its log; None: no such one."""
        async with self._database.connection() as conn:
            return await operations.alert(conn, key)

    async def masks(self, *, limit: int = 200) -> list[Listed]:
        """Return masks that have not ended, the next to end first."""
        async with self._database.connection() as conn:
            return await masks.listed(conn, self._clock.now(), limit=limit)

    async def dead_letters(
        self, feed: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> list[DeadLetterRow]:
        """Return refused messages, newest first."""
        async with self._database.connection() as conn:
            return await operations.dead_letters(conn, feed, before=before, limit=limit)

    async def desk_listing(
        self,
        wanted: desk.Filter,
        *,
        limit: int,
        before: tuple[datetime, UUID] | None = None,
        grouped: bool = False,
    ) -> desk.Listing:
        """Return a list of the operators' desk with its counts, flood and groups."""
        now = to_datetime(self._clock.now())
        async with self._database.connection() as conn:
            return await desk.listing(
                conn, wanted, now=now, limit=limit, before=before, grouped=grouped
            )

    async def desk_export(self, wanted: desk.Filter, *, limit: int) -> list[dict[str, Any]]:
        """Return the rows of a list for a file."""
        async with self._database.connection() as conn:
            return await desk.export(conn, wanted, limit=limit)

    async def alert_quality(self, length: int) -> kpi.Quality:
        """Return how good the alerts of the past `length` µs were."""
        now = self._clock.now()
        async with self._database.connection() as conn:
            return await kpi.quality(conn, Micros(now - length), now)

    async def desk_choices(self) -> desk.Choices:
        """Return what the desk's filters offer."""
        async with self._database.connection() as conn:
            return await desk.choices(conn)

    async def desk_alert(self, alert_id: UUID) -> dict[str, Any] | None:
        """Return one alert as the desk shows it; None: no such one."""
        async with self._database.connection() as conn:
            return await desk.one(conn, alert_id)

    async def desk_log(self, alert_id: UUID) -> list[dict[str, Any]]:
        """Return an alert's log, newest first."""
        async with self._database.connection() as conn:
            return await desk.log(conn, alert_id)

    async def audit(
        self, wanted: audit.Wanted, *, before: int | None, limit: int
    ) -> list[audit.Line]:
        """Return lines of the audit, newest first. Raises ForbiddenError."""
        require(Action.SEE_AUDIT)
        async with self._database.connection() as conn:
            return await run_async(conn, audit.lines(wanted, before=before, limit=limit))

    async def audit_actions(self) -> list[str]:
        """Return every action that the audit knows. Raises ForbiddenError."""
        require(Action.SEE_AUDIT)
        async with self._database.connection() as conn:
            return await run_async(conn, audit.actions())

    async def layers(self) -> list[registry.LayerRow]:
        """Return the layers that are shown, each in its current version."""
        async with self._database.connection() as conn:
            return await registry.layers(conn)

    async def steps(
        self, datastream: int, span: operations.Span, *, limit: int
    ) -> list[operations.StepRow]:
        """Return a datastream's minutes or hours, newest first."""
        async with self._database.connection() as conn:
            return await operations.steps(conn, datastream, span, limit=limit)
