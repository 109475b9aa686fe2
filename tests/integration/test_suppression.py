"""What hangs on something down is not announced, whichever of the two was written first."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import to_datetime
from ioc.storage import desk, suppression
from tests.fix_db import Db
from tests.http_sink import Sink, sink
from tests.integration.delivery_rig import DEFINITION, Post

HOOKS: Final = """
targets:
  - {name: a, channel: webhook, address: "URL"}
  - {name: b, channel: webhook, address: "URL"}
policies: [{name: all, tell: [a, b]}]
"""
GATEWAY, CHILD = 0, 1  # rules: both say that nothing comes any more


@pytest.fixture
def post(conn: Db, tmp_path: Path) -> Post:
    (tmp_path / "config").mkdir()
    made = Post(conn, tmp_path / "config", tmp_path / "data")
    made.prepare(2)
    conn.execute(
        "update rule_version set definition = %s", (Jsonb({**DEFINITION, "input": "no_data"}),)
    )
    return made


def child(post: Post) -> UUID:
    """Return the alert of a new thing, announced as its evaluator knew nothing of a gateway."""
    key = post.alert(Severity.CRITICAL, rule=CHILD)
    post.conn.execute("update alert set announced = 1, told_severity = 1 where id = %s", (key,))
    return key


def gateway(post: Post, *children: UUID) -> UUID:
    """Return the alert of a gateway, on which the others' things hang."""
    key = post.alert(rule=GATEWAY)
    post.conn.execute("update alert set announced = 1, told_severity = 2 where id = %s", (key,))
    post.conn.execute(
        "update thing set parent_id = (select thing_id from alert where id = %s)"
        " where id in (select thing_id from alert where id = any(%s))",
        (key, list(children)),
    )
    return key


def on(post: Post, key: UUID, *, active: bool) -> None:
    post.conn.execute("update alert set active = %s where id = %s", (active, key))


def dispatch(post: Post, seconds: float) -> None:
    """Do what the dispatcher does with each look."""
    post.clock.on(seconds)
    suppression.hold_back(post.conn, post.clock.at)
    post.gather()
    desk.tick(post.conn, post.clock.at)
    post.send()


def told(there: Sink) -> list[str]:
    return sorted(key.partition(":")[0] for key in there.keys)


def test_a_child_is_not_told_when_its_gateway_is_known_a_moment_later(post: Post) -> None:
    """Written first elsewhere, held for its gateway, masked, and told once that is back."""
    with sink() as there:
        post.arrange(HOOKS.replace("URL", there.url))
        one = child(post)
        parent = gateway(post, one)
        on(post, parent, active=False)
        post.tell(one)
        dispatch(post, 4.5)
        assert told(there) == [], "critical, and yet it waits for the word on its gateway"
        on(post, parent, active=True)
        post.tell(parent)
        dispatch(post, 0.5)
        dispatch(post, 5)
        assert told(there) == [str(parent)] * 2
        masked = post.conn.execute(
            "select mask, announced from alert where id = %s", (one,)
        ).fetchone()
        assert masked == ("parent", 0)
        on(post, parent, active=False)
        dispatch(post, 1)
        dispatch(post, 5)
    assert told(there) == sorted([str(parent)] * 2 + [str(one)] * 2)
    assert post.settled()


def test_what_one_target_was_told_is_told_all(post: Post) -> None:
    """Once a raise is decided for somebody nothing of it is taken back: its return will come."""
    with sink() as there:
        post.arrange(HOOKS.replace("URL", there.url))
        one = child(post)
        post.tell(one)
        post.conn.execute(
            "update outbox set decided_at = %s, not_before = %s where target = 'a'",
            [to_datetime(post.clock.at)] * 2,
        )
        gateway(post, one)
        assert not suppression.hold_back(post.conn, post.clock.at)
        dispatch(post, 5)
    assert told(there) == [str(one)] * 2


def test_what_has_returned_is_let_be(post: Post) -> None:
    """A raise whose return waits behind it is told with it, gateway or not."""
    with sink() as there:
        post.arrange(HOOKS.replace("URL", there.url))
        one = child(post)
        gateway(post, one)
        post.tell(one)
        post.end(one)
        dispatch(post, 5)
        dispatch(post, 5)
    kinds = sorted(key.split(":")[2] for key in there.keys)
    assert kinds == [Kind.RAISE, Kind.RAISE, Kind.RTN, Kind.RTN]
