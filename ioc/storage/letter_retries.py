"""Retries of dead letters that somebody asked for: asked by the web, worked through by ingest.

A row's way: waiting -> running -> done, failed or cancelled. A running one whose lease ran out is
of a process that is gone, and is taken up again: what was taken in is marked and not tried twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from ioc.storage import dead_letters
from ioc.storage.script import Script

Db = Connection[tuple[Any, ...]]

LEASE_S: Final = 120  # a page of 200 letters takes seconds; a database that is away may take more


@dataclass(frozen=True, slots=True)
class LetterRetry:
    """One retry of a feed's dead letters; counts are of letters."""

    id: int
    feed: str
    state: str
    total: int
    taken: int
    refused: int
    stop: bool
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None


# ---------------------------------------------------------------- of the worker


def take(conn: Db) -> tuple[int, str] | None:
    """Begin the oldest retry that waits; return (its id, the feed), None when none does."""
    row = conn.execute(
        "update letter_retry r set state = 'running',"
        " lease_until = now() + make_interval(secs => %s),"
        " total = r.taken + r.refused + (select count(*) from dead_letter d where d.feed = r.feed"
        "  and (d.retried_at is null or d.retry_reason is not null)"
        "  and octet_length(d.payload) = d.size)"
        " where id = (select id from letter_retry where state = 'waiting'"
        "  or (state = 'running' and lease_until < now()) order by id limit 1"
        "  for update skip locked) returning id, feed",
        (LEASE_S,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def progress(conn: Db, retry: int, outcomes: Sequence[tuple[int, str | None]]) -> bool:
    """Mark tried letters and count them; False when somebody asked to stop."""
    taken = sum(reason is None for _, reason in outcomes)
    with conn.transaction():
        dead_letters.mark_retried(conn, outcomes)
        row = conn.execute(
            "update letter_retry set taken = taken + %s, refused = refused + %s,"
            " lease_until = now() + make_interval(secs => %s) where id = %s returning stop",
            (taken, len(outcomes) - taken, LEASE_S, retry),
        ).fetchone()
    return row is not None and not row[0]


def finish(conn: Db, retry: int, state: str, error: str | None = None) -> None:
    """End a retry: done, failed (with a code) or cancelled; waiting: somebody else goes on."""
    conn.execute(
        "update letter_retry set state = %(state)s, error = %(error)s, lease_until = null,"
        " finished_at = case when %(state)s <> 'waiting' then now() end where id = %(id)s",
        {"state": state, "error": error, "id": retry},
    )


# ---------------------------------------------------------------- of the web


def ask(feed: str, by: str) -> Script[int | None]:
    """Ask for a retry of a feed; None when one is open already, or there is no such feed."""
    rows = yield (
        (
            "insert into letter_retry (feed, created_by) select name, %s from feed where name = %s"
            " on conflict (feed) where state in ('waiting', 'running') do nothing returning id"
        ),
        (by, feed),
    )
    return rows[0][0] if rows else None


def stop(feed: str) -> Script[bool]:
    """Ask the open retry of a feed to stop; False when there is none."""
    rows = yield (
        (
            "update letter_retry set stop = true,"
            " state = case when state = 'waiting' then 'cancelled' else state end,"
            " finished_at = case when state = 'waiting' then now() end"
            " where feed = %s and state in ('waiting', 'running') returning id"
        ),
        (feed,),
    )
    return bool(rows)


def latest(feed: str | None = None) -> Script[list[LetterRetry]]:
    """Return the newest retry of a feed (None: of each)."""
    rows = yield (
        (
            "select distinct on (feed) id, feed, state, total, taken, refused, stop, error,"
            " created_at, created_by, finished_at from letter_retry"
            " where %(feed)s::text is null or feed = %(feed)s order by feed, id desc"
        ),
        {"feed": feed},
    )
    return [LetterRetry(*row) for row in rows]
