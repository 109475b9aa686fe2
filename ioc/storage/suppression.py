"""News of what turns out to hang on something that is down, taken back before anybody was told.

Two evaluators decide about a gateway and about what hangs on it in two transactions, in whatever
order. The raise of a child may be written first; nobody is told of it before `GATHER` has passed
(`ioc.domain.grouping`), and here it is asked again whether its parent is down by then. If so, the
alert is as if that had been known at once: on, masked, not announced. When the mask ends while it
is still on, it is announced like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection

from ioc.domain.alert import Kind
from ioc.domain.announcement import Draft, settle
from ioc.domain.instant import Micros
from ioc.domain.mask import Masked, MaskKind
from ioc.storage import alerts
from ioc.storage.alerts import COLUMNS, from_row
from ioc.storage.masks import BELOW

Db = Connection[tuple[Any, ...]]

_MOST: Final = 2_000  # of one look; some 0.5 s. What is more is taken by the next one, a second on

_WAITING: Final[LiteralString] = (
    "select from outbox o join notice n on n.key = o.notice where o.decided_at is null"
    " and n.kind = %s limit 1"
)
_FOUND: Final[LiteralString] = (
    BELOW  # noqa: S608  our own constants
    + "select distinct a.id from outbox o join notice n on n.key = o.notice"
    " join alert a on a.id = n.alert_id and a.occurrence = n.occurrence"
    " where o.decided_at is null and n.kind = %s and a.active"
    " and a.thing_id in (select id from below) limit %s"
)
_LOCK: Final[LiteralString] = (
    "select " + COLUMNS + " from alert where id = any(%s) and active"  # noqa: S608  our own constant
    " and announced = occurrence order by id for update skip locked"
)
_ROWS: Final[LiteralString] = (
    "select o.alert_id, o.decided_at is not null from outbox o join notice n on n.key = o.notice"
    " join alert a on a.id = o.alert_id and a.occurrence = n.occurrence"
    " where o.alert_id = any(%s) for update of o"
)
_DROP: Final[LiteralString] = (
    "with gone as (delete from outbox o using notice n, alert a where n.key = o.notice"
    " and a.id = o.alert_id and a.occurrence = n.occurrence and o.alert_id = any(%s)"
    " returning o.notice) select distinct notice from gone"
)


def hold_back(conn: Db, now: Micros) -> bool:
    """Take back what no one was told of what hangs on something that is down; whether any was.

    What was decided for one target stays for all: a raise that somebody was told gets its return.
    """
    raised = Kind.RAISE.value
    if conn.execute(_WAITING, (raised,)).fetchone() is None:
        return False
    with conn.transaction():
        ids = [row[0] for row in conn.execute(_FOUND, (raised, _MOST)).fetchall()]
        return bool(ids) and _take_back(conn, ids, now)


def _take_back(conn: Db, ids: Sequence[UUID], now: Micros) -> bool:
    locked = [from_row(row) for row in conn.execute(_LOCK, (ids,)).fetchall()]
    rows = conn.execute(_ROWS, ([alert.id for alert in locked],)).fetchall()
    told = {alert for alert, decided in rows if decided}
    drafts = [Draft(alert, now) for alert in locked if alert.id not in told]
    for draft in drafts:
        draft.change(announced=0, told_severity=None, clock_from=None)
        settle(draft, Masked(MaskKind.PARENT))
    # Their notices go, too: the same key tells the same raise once the mask has ended.
    gone = conn.execute(_DROP, ([draft.alert.id for draft in drafts],)).fetchall()
    conn.execute("delete from notice where key = any(%s)", ([row[0] for row in gone],))
    entries = [entry for draft in drafts for entry in draft.entries]
    alerts.write(conn, [draft.alert for draft in drafts], entries, now)
    return bool(drafts)
