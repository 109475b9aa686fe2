"""What people must be told, kept until it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.announcement import Notice
from ioc.domain.instant import Micros, to_datetime

Db = Connection[tuple[Any, ...]]


def put(conn: Db, notices: Sequence[Notice], now: Micros) -> None:
    """Keep notices in the caller's transaction; the same one again changes nothing."""
    if notices:
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into outbox (dedup_key, alert_id, channel, target, payload, not_before)"
                " values (%s, %s, '', '', %s, %s) on conflict (dedup_key) do nothing",
                [
                    (
                        notice.key,
                        notice.alert,
                        Jsonb({"kind": notice.kind.value, "n": notice.n}),
                        to_datetime(now),
                    )
                    for notice in notices
                ],
            )
