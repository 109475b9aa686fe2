"""A test message to one target, asked for on a screen: put into the outbox, and what came of it.

The dispatcher sends it like any other, with the secrets that only it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from psycopg.types.json import Jsonb

from ioc.domain.instant import MINUTE, Micros, to_datetime
from ioc.storage.script import Script

# One in a minute and target, whoever asks: the same minute again is the same message.
_PUT: Final[LiteralString] = (
    "insert into outbox (dedup_key, channel, target, payload, policy, not_before, decided_at,"
    " created_at) values (%(key)s, %(channel)s, %(target)s, %(payload)s, 'exercise', %(at)s,"
    " %(at)s, %(at)s) on conflict (dedup_key) do update set dedup_key = excluded.dedup_key"
    " returning id"
)
_FATE: Final[LiteralString] = (
    "select o.target, o.channel, o.created_at, o.sent_at, o.dead, o.attempts,"
    " coalesce((select l.detail from notify_log l where l.outbox_id = o.id"
    " order by l.id desc limit 1), '') from outbox o where o.id = %s and o.payload ? 'exercise'"
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a test message: sent, dead, or on its way after some attempts."""

    target: str
    channel: str
    asked_at: datetime
    sent_at: datetime | None
    dead: bool
    attempts: int
    detail: str  # the receipt, or why the last attempt failed


def put(target: str, channel: str, now: Micros) -> Script[int]:
    """Ask for a test message; return its number."""
    values = {
        "key": f"exercise:{target}:{now // MINUTE}",
        "channel": channel,
        "target": target,
        "payload": Jsonb({"exercise": True}),
        "at": to_datetime(now),
    }
    rows = yield _PUT, values
    number: int = rows[0][0]
    return number


def fate(number: int) -> Script[Fate | None]:
    """Return what became of a test message; None: there is no such one."""
    rows = yield _FATE, (number,)
    return Fate(*rows[0]) if rows else None
