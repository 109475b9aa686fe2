"""Old news goes: attempts, outbox rows and notices beyond their time, slice by slice.

Alerts, their logs and the audit are kept by other rules (`ioc.storage.retention`); what waits is
never removed, however old.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString

from psycopg import Connection

from ioc.domain.instant import DAY, Micros, to_datetime

Db = Connection[tuple[Any, ...]]

KEPT: Final = 400 * DAY  # thirteen months: a year's report is written in the month after it
SLICE: Final = 5_000  # rows of one statement: a few milliseconds each

_SETTLED: Final[LiteralString] = (
    "(o.sent_at is not null or o.dead or o.withheld is not null)"
    " and not exists (select 1 from notify_log l where l.outbox_id = o.id)"
)
# In the order of their references. A digest's lines go before the digest.
_STATEMENTS: Final[tuple[LiteralString, ...]] = (
    "delete from notify_log where id in (select id from notify_log where at < %s limit %s)",
    "delete from outbox where id in (select o.id from notice n join outbox o on o.notice = n.key"  # noqa: S608  our own constant
    " where n.noticed_at < %s and " + _SETTLED + " limit %s)",
    "delete from outbox where id in (select o.id from outbox o where o.notice is null"  # noqa: S608  the same
    " and o.created_at < %s and not exists (select 1 from outbox e where e.digest = o.id)"
    " and " + _SETTLED + " limit %s)",
    (
        "delete from notice where key in (select n.key from notice n where n.noticed_at < %s"
        " and not exists (select 1 from outbox o where o.notice = n.key) limit %s)"
    ),
)


def drop_old(conn: Db, now: Micros, kept: int = KEPT) -> int:
    """Remove what is older than `kept`; return the rows removed."""
    before = to_datetime(Micros(now - kept))
    removed = 0
    for statement in _STATEMENTS:
        while gone := conn.execute(statement, (before, SLICE)).rowcount:
            removed += gone
    return removed
