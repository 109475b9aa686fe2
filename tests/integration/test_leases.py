"""Leases of partitions in a real database: one owner at a time, and no commit of a former one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from ioc.domain.evaluation import Verdict
from ioc.domain.instant import Micros
from ioc.domain.observation import DatastreamId
from ioc.domain.partition import PARTITIONS, partition
from ioc.storage import evaluation, leases, pool, verdict
from ioc.storage.leases import LeaseLostError
from tests.awaiting import wait_for
from tests.fix_db import Db

NOW = Micros(1_790_000_000_000_000)
ALL = {*range(PARTITIONS)}


@pytest.fixture
def lines(database_url: str) -> Iterator[list[Db]]:
    """Return two connections of evaluators that are members: "a" and "b"."""
    with (
        closing(pool.connect(database_url, name="a")) as one,
        closing(pool.connect(database_url, name="b")) as two,
    ):
        leases.join(one, "a")
        leases.join(two, "b")
        yield [one, two]


def expire(conn: Db) -> None:
    conn.execute("update evaluator_lease set expires_at = now() - interval '1 second'")


def endure(conn: Db) -> None:
    """Let a machine that stands still for longer than a lease change nothing."""
    conn.execute("update evaluator_lease set expires_at = now() + interval '1 hour'")
    conn.execute("update evaluator_member set expires_at = now() + interval '1 hour'")


def test_a_partition_has_one_owner(lines: list[Db]) -> None:
    """What one holds another does not get, until it is given back."""
    a, b = lines
    held = leases.take(a, "a", PARTITIONS)
    endure(a)
    assert leases.members(a) == {"a", "b"}
    assert set(held) == ALL
    assert leases.take(b, "b", PARTITIONS) == {}
    leases.release(a, "a", [2, 5])
    assert set(leases.take(b, "b", PARTITIONS)) == {2, 5}


def test_a_lease_falls_free_when_it_expires_or_its_owner_is_gone(lines: list[Db]) -> None:
    """After its time in any case; at once when the owner's connection is no more."""
    a, b = lines
    leases.take(a, "a", 3)
    expire(b)
    assert len(leases.take(b, "b", 3)) == 3
    endure(b)
    leases.take(a, "a", PARTITIONS)
    endure(b)
    a.close()
    wait_for(lambda: leases.members(b) == {"b"})
    assert len(leases.take(b, "b", PARTITIONS)) == PARTITIONS - 3


def test_who_lost_a_lease_cannot_commit(lines: list[Db]) -> None:
    """Nothing of its transaction is written, and its next sign of life tells it."""
    a, b = lines
    held = leases.take(a, "a", PARTITIONS)
    b.execute("insert into ingest_writer (client_id) values ('w')")
    verdict.commit(a, Verdict(offsets={1: 4}), held, NOW)
    expire(b)
    taken = leases.take(b, "b", 1)
    with pytest.raises(LeaseLostError):
        verdict.commit(a, Verdict(offsets={1: 5}), held, NOW)
    assert evaluation.offsets(b, ALL) == {key: {1: 4} for key in ALL}
    with pytest.raises(LeaseLostError):
        leases.renew(a, "a", held)
    verdict.commit(b, Verdict(offsets={1: 5}), taken, NOW)
    assert evaluation.offsets(b, taken) == {key: {1: 5} for key in taken}


def test_a_lease_in_the_middle_of_a_commit_is_not_taken(lines: list[Db]) -> None:
    """However long a transaction takes, what it writes is of the owner."""
    a, b = lines
    held = leases.take(a, "a", 2)
    with a.transaction():
        leases.fence(a, held)
        expire_others = "update evaluator_lease set expires_at = now() where partition >= 2"
        b.execute(expire_others)
        assert set(leases.take(b, "b", PARTITIONS)) == ALL - set(held)


def test_a_stopped_owner_in_a_transaction_is_cut_off(lines: list[Db]) -> None:
    """A transaction that stands still does not keep a partition for ever."""
    (row,) = lines[0].execute("show idle_in_transaction_session_timeout").fetchall()
    assert row == ("10s",)


def test_the_database_and_the_code_agree_on_partitions(conn: Db) -> None:
    """Both put each datastream into the same partition."""
    ids = [*range(1, 3000), 2**31 - 1]
    rows = conn.execute("select d, evaluator_partition(d) from unnest(%s::integer[]) d", (ids,))
    assert all(partition(DatastreamId(one)) == found for one, found in rows)
