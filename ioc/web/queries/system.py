"""What the page `/system` reads of the database: queues, and what the schema is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.domain.permission import Action
from ioc.web.database import Database
from ioc.web.identity import require


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits, and since when the oldest of it does; lag is of the newest batch committed."""

    notices: int
    oldest_notice: datetime | None
    dead_notices: int
    layer_jobs: int
    retries: int
    dirty_hours: int
    newest_batch: datetime | None
    schema: str
    bytes: int


class SystemQueries:
    """The reading half of the page of the system."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queues(self) -> Queues:
        """Return what waits. Raises ForbiddenError, DatabaseAwayError."""
        require(Action.SEE_METRICS)
        query = (
            "select (select count(*) from outbox where sent_at is null and not dead),"
            " (select min(not_before) from outbox where sent_at is null and not dead),"
            " (select count(*) from outbox where dead),"
            " (select count(*) from layer_job where state in ('waiting', 'running')),"
            " (select count(*) from letter_retry where state in ('waiting', 'running')),"
            " (select count(*) from (select 1 from observation_hour_dirty limit 100001) d),"
            " (select max(committed_at) from ingest_batch"
            "  where committed_at > now() - interval '1 day'),"
            " (select max(name) from schema_migration),"
            " pg_database_size(current_database())"
        )
        async with self._database.connection() as conn:
            row = await (await conn.execute(query)).fetchone()
        assert row is not None
        return Queues(*row)
