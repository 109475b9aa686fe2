"""Messages that were not taken in, kept whole so that they can be tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.intake import Letter

Db = Connection[tuple[Any, ...]]

MAX_PAYLOAD: Final = 1 << 20  # 1 MiB; beyond it only `size` tells how much there was
_MAX_DETAIL: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One stored refusal. `retried_at` with `retry_reason` None: it was taken in later."""

    id: int
    feed: str | None
    topic: str
    payload: bytes
    size: int
    reason: str
    detail: str
    received: datetime
    retried_at: datetime | None
    retry_reason: str | None

    @property
    def received_micros(self) -> Micros:
        return from_datetime(self.received)


def insert(conn: Db, letters: Iterable[Letter], writer: int, number: int) -> None:
    """Store refusals inside the caller's transaction."""
    rows = [
        (
            letter.feed,
            _plain(letter.arrival.topic),
            letter.arrival.payload[:MAX_PAYLOAD],
            len(letter.arrival.payload),
            letter.reason,
            _plain(letter.detail)[:_MAX_DETAIL],
            to_datetime(letter.arrival.received),
            writer,
            number,
        )
        for letter in letters
    ]
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into dead_letter (feed, topic, payload, size, reason, detail, received, writer,"
            " batch_no) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )


def list_(conn: Db, feed: str | None, limit: int = 50) -> list[DeadLetter]:
    """Return the newest dead letters of a feed (None: of all) that were not taken in later."""
    rows = conn.execute(
        "select id, feed, topic, payload, size, reason, detail, received, retried_at, retry_reason"
        " from dead_letter where (%(feed)s::text is null or feed = %(feed)s)"
        " and (retried_at is null or retry_reason is not null) order by id desc limit %(limit)s",
        {"feed": feed, "limit": limit},
    )
    return [DeadLetter(*row) for row in rows]


def waiting(conn: Db, feed: str, after: int, limit: int) -> list[DeadLetter]:
    """Return whole dead letters of a feed that were never taken in, oldest first, after an id."""
    rows = conn.execute(
        "select id, feed, topic, payload, size, reason, detail, received, retried_at, retry_reason"
        " from dead_letter where feed = %s and id > %s"
        " and (retried_at is null or retry_reason is not null) and octet_length(payload) = size"
        " order by id limit %s",
        (feed, after, limit),
    )
    return [DeadLetter(*row) for row in rows]


def mark_retried(conn: Db, outcomes: Sequence[tuple[int, str | None]]) -> None:
    """Note (id, reason it was refused again or None) of a retry."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            "update dead_letter set retried_at = now(), retry_reason = %s where id = %s",
            [(reason, letter) for letter, reason in outcomes],
        )


def _plain(text: str) -> str:
    """Make text storable: PostgreSQL takes neither NUL nor half of a surrogate pair."""
    return text.replace("\0", "\\0").encode("utf-8", "replace").decode()
