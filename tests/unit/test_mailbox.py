"""One client's mailbox: bounded by the number of things, whatever happens meanwhile."""

from __future__ import annotations

import pytest

from ioc.web.mailbox import Mailbox


@pytest.fixture
def box() -> Mailbox:
    """Return the mailbox of a client that has had its snapshot."""
    made = Mailbox()
    made.take_snapshot()
    return made


def test_a_new_client_is_due_a_snapshot() -> None:
    """It is awake at once, and what changes before its snapshot is part of that snapshot."""
    made = Mailbox()
    assert made.snapshot
    assert made.wake.is_set()
    made.put({1, 2}, ["alerts"])
    assert (made.things, made.sections) == (set(), set())
    made.take_snapshot()
    assert not made.snapshot
    assert not made.wake.is_set()


def test_changes_coalesce(box: Mailbox) -> None:
    """A million changes of three things are three names."""
    for n in range(10_000):
        box.put([n % 3], ["counts", "feeds"])
    assert box.wake.is_set()
    assert box.take() == ({0, 1, 2}, {"counts", "feeds"})
    assert not box.wake.is_set()
    assert box.take() == (set(), set())


def test_what_comes_after_a_take_is_not_lost(box: Mailbox) -> None:
    """The sets that were handed out are not the ones that fill up next."""
    box.put([1], [])
    taken, _ = box.take()
    box.put([2], ["health"])
    assert taken == {1}
    assert box.take() == ({2}, {"health"})


def test_restart_forgets(box: Mailbox) -> None:
    """A whole snapshot replaces everything that was noted."""
    box.put([1, 2], ["alerts"])
    box.take()
    box.put([3], ["alerts"])
    box.restart()
    assert box.snapshot
    assert box.wake.is_set()
    assert (box.things, box.sections) == (set(), set())


def test_close_wakes(box: Mailbox) -> None:
    """A stream that waits for news hears that it must end."""
    box.close()
    assert box.closed
    assert box.wake.is_set()
