"""Which evaluator holds which partition: leases with an expiry, fenced by an epoch.

A lease falls free when it expires, and at once when its owner's connection is gone (kill -9). Who
lost one without knowing cannot commit: the transaction locks the lease under the epoch at which it
was taken. A lease that is locked belongs to somebody in the middle of a commit and is not taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from psycopg import Connection

from ioc.domain.partition import PARTITIONS

Db = Connection[tuple[Any, ...]]

# Renewed every second; who is silent four times as long hangs. Another one holds all of it within
# five seconds: this, and half a second until it looks.
LEASE_S: Final = 4.0
# A transaction that stands still for so long belongs to a process that was stopped.
_IDLE: Final = "set idle_in_transaction_session_timeout = '10s'"


class LeaseLostError(Exception):
    """Another evaluator holds the partition now; what this one remembers is void."""


def join(conn: Db, me: str) -> None:
    """Become a member on this connection; members that are long gone are forgotten."""
    conn.execute(_IDLE)
    conn.execute(
        "insert into evaluator_lease (partition) select generate_series(0, %s - 1)"
        " on conflict do nothing",
        (PARTITIONS,),
    )
    conn.execute("delete from evaluator_member where expires_at < now() - interval '1 hour'")
    conn.execute(
        "insert into evaluator_member (id, backend, expires_at)"
        " values (%s, pg_backend_pid(), clock_timestamp() + make_interval(secs => %s))",
        (me, LEASE_S),
    )


def leave(conn: Db, me: str) -> None:
    """Give everything back at once, as somebody who ends in order does."""
    conn.execute("update evaluator_lease set owner = null, backend = null where owner = %s", (me,))
    conn.execute("delete from evaluator_member where id = %s", (me,))


def renew(conn: Db, me: str, held: Mapping[int, int]) -> None:
    """Say that we live. Raises LeaseLostError when a lease is another one's."""
    rows = conn.execute(
        "with m as (update evaluator_member"
        "  set expires_at = clock_timestamp() + make_interval(secs => %(s)s) where id = %(me)s)"
        " update evaluator_lease set expires_at = clock_timestamp() + make_interval(secs => %(s)s)"
        " where owner = %(me)s returning partition, epoch",
        {"me": me, "s": LEASE_S},
    ).fetchall()
    if dict(rows) != held:
        raise LeaseLostError(f"holds {sorted(dict(rows))}, not {sorted(held)}")


def members(conn: Db) -> set[str]:
    """Return the evaluators that live."""
    rows = conn.execute(
        "select id from evaluator_member m where expires_at > clock_timestamp()"
        " and exists (select from pg_stat_activity a where a.pid = m.backend)"
    )
    return {row[0] for row in rows}


def take(conn: Db, me: str, wanted: int) -> dict[int, int]:
    """Take at most so many free partitions; return the epoch of each."""
    rows = conn.execute(
        "update evaluator_lease l set owner = %(me)s, backend = pg_backend_pid(),"
        " epoch = l.epoch + 1, expires_at = clock_timestamp() + make_interval(secs => %(s)s)"
        " from (select partition from evaluator_lease f"
        "  where owner is null or expires_at < clock_timestamp()"
        "  or not exists (select from pg_stat_activity a where a.pid = f.backend)"
        "  order by partition limit %(wanted)s for update skip locked) free"
        " where l.partition = free.partition returning l.partition, l.epoch",
        {"me": me, "s": LEASE_S, "wanted": wanted},
    )
    return dict(rows.fetchall())


def release(conn: Db, me: str, partitions: Collection[int]) -> None:
    """Give partitions back; all that was decided about them is committed."""
    conn.execute(
        "update evaluator_lease set owner = null, backend = null"
        " where owner = %s and partition = any(%s)",
        (me, list(partitions)),
    )


def fence(conn: Db, held: Mapping[int, int]) -> None:
    """Lock leases for the caller's transaction. Raises LeaseLostError when one was taken since."""
    rows = conn.execute(
        "select l.partition from evaluator_lease l"
        " join unnest(%s::smallint[], %s::bigint[]) h (partition, epoch) using (partition, epoch)"
        " order by 1 for update of l",
        (list(held), list(held.values())),
    ).fetchall()
    if len(rows) != len(held):
        raise LeaseLostError(f"another evaluator has taken one of {sorted(held)}")
