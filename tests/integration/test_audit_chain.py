"""The audit: sealed line by line, never taken back, dropped only behind a checkpoint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from ioc.storage import audit
from ioc.storage.audit import Entry

Db = Connection[tuple[Any, ...]]


def write(conn: Db, n: int = 3) -> None:
    for i in range(n):
        detail = {"from": {"tên": f"cũ {i}"}, "to": {"tên": "mới"}, "n": 1.5}
        audit.record(conn, Entry("truc-ban", "rule.save", f"quy-tắc-{i}", detail, "10.0.0.7"))


def forge(conn: Db, statement: bytes) -> None:
    """Do what only the owner of the tables can: switch the guards off first."""
    for table in (b"audit", b"audit_seal"):
        conn.execute(b"alter table " + table + b" disable trigger user")
    conn.execute(statement)
    for table in (b"audit", b"audit_seal"):
        conn.execute(b"alter table " + table + b" enable trigger user")


def test_every_line_is_sealed_and_the_seals_fit(conn: Db) -> None:
    """What was written verifies outside the database, Vietnamese and numbers included."""
    write(conn)
    audit.record(conn, Entry("cli", "user.put"))
    found = audit.verify(conn)
    assert (found.sealed, found.broken, found.unsealed) == (4, 0, 0)
    assert len(found.head) == 64


@pytest.mark.parametrize(
    "statement",
    [
        b"update audit set actor = 'x'",
        b"delete from audit",
        b"truncate audit",
        b"update audit_seal set hash = ''",
        b"delete from audit_seal",
        b"truncate audit_seal",
    ],
)
def test_nothing_is_taken_back(conn: Db, statement: bytes) -> None:
    """The database itself refuses to change, delete or empty the audit and its seals."""
    write(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)
    assert audit.verify(conn).sealed == 3


@pytest.mark.parametrize(
    "statement",
    [
        b"update audit set actor = 'admin' where id = 2",
        b"update audit set at = at + interval '1 microsecond' where id = 2",
        b"update audit set detail = '{}' where id = 2",
        b"update audit set address = null where id = 2",
        b"delete from audit where id = 2",
        b"update audit_seal set n = n + 10 where audit_id = 2",
    ],
)
def test_a_forged_line_breaks_the_chain(conn: Db, statement: bytes) -> None:
    """Whoever owns the tables can change a line, but not so that nobody sees which."""
    write(conn)
    forge(conn, statement)
    assert audit.verify(conn).broken in (2, 3)


def test_a_line_slipped_in_is_seen(conn: Db) -> None:
    """A line without a seal is counted."""
    write(conn)
    forge(conn, b"insert into audit (actor, action) values ('admin', 'user.put')")
    assert audit.verify(conn).unsealed == 1


def test_writers_at_once_make_one_chain(conn: Db, database_url: str) -> None:
    """Eight connections that write at the same time leave no fork and no hole."""

    def many(_: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            write(own, 5)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))
    found = audit.verify(conn)
    assert (found.sealed, found.broken, found.unsealed) == (40, 0, 0)


def test_what_was_rolled_back_leaves_no_seal(conn: Db) -> None:
    """A command that fails leaves neither line nor seal, and the chain goes on."""
    write(conn, 1)
    with conn.transaction(force_rollback=True):
        write(conn, 2)
    write(conn, 1)
    assert (audit.verify(conn).sealed, audit.verify(conn).broken) == (2, 0)


def test_old_lines_go_behind_a_checkpoint(conn: Db) -> None:
    """After more than a year lines are dropped, the rest still verifies, and new ones fit."""
    for days in (500, 450, 10):
        conn.execute(
            "insert into audit (at, actor, action)"
            " values (now() - %s * interval '1 day', 'a', 'b')",
            (days,),
        )
    assert audit.prune(conn, datetime.now(UTC)) == 2
    write(conn, 1)
    found = audit.verify(conn)
    assert (found.sealed, found.broken, found.unsealed) == (2, 0, 0)
    assert audit.prune(conn, datetime.now(UTC)) == 0


def test_no_checkpoint_drops_what_is_young(conn: Db) -> None:
    """A checkpoint over young lines does not make them go: the database keeps twelve months."""
    write(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        audit.prune(conn, datetime.now(UTC) + timedelta(days=2 * 365))
    assert audit.verify(conn).sealed == 3
