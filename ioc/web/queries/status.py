"""What a thing says of its own life, what of that counts, and what it came with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.domain import hold
from ioc.domain.hold import HOLD, WINDOW, Held
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.observation import DeviceState, Quality
from ioc.web.database import Db

MOST: Final = 5_000  # words that are looked at: more than one a second of the window
_STATES: Final = tuple(DeviceState)
_SPAN: Final = timedelta(microseconds=WINDOW + HOLD)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One datastream of states. `state` counts since `since`; `said` is the newest word.

    `detail` is what the newest word came with ("" for nothing), `changes` how often the word
    changed within the last hour.
    """

    datastream: int
    property: str
    state: str
    since: datetime
    said: str
    said_since: datetime
    detail: str
    changes: int


async def read(conn: Db, thing_id: int, now: datetime) -> list[StatusRow]:
    """Return the states of a thing's datastreams; one that never spoke is left out."""
    cursor = await conn.execute(
        "select d.id, d.code, p.code from datastream d"
        " join observed_property p on p.code = d.property"
        " where d.thing_id = %s and p.states ? 'offline' order by d.id limit 20",
        (thing_id,),
    )
    found = []
    for datastream, code, property_code in await cursor.fetchall():
        words = await _words(conn, datastream, now - _SPAN)
        if words:
            detail = await _detail(conn, datastream, words[-1][0])
            held = _held(words, from_datetime(now), holds=property_code in hold.HELD)
            found.append(_row(datastream, code, held, from_datetime(now), detail))
    return found


def _held(words: Sequence[tuple[datetime, int]], now: Micros, *, holds: bool) -> Held:
    """Fold words, oldest first; those of what is not held count at once."""
    held: Held | None = None
    for time, state in words:
        held = hold.heard(held, state, from_datetime(time))
        if not holds:
            held = held._replace(state=held.said, since=held.said_since)
    assert held is not None
    return hold.settled(held, now)


def _row(datastream: int, code: str, held: Held, now: Micros, detail: str) -> StatusRow:
    return StatusRow(
        datastream,
        code,
        _STATES[held.state],
        to_datetime(held.since),
        _STATES[held.said],
        to_datetime(held.said_since),
        detail,
        hold.changes(held, now),
    )


async def _words(conn: Db, datastream: int, since: datetime) -> list[tuple[datetime, int]]:
    """Return (time, state) from the last word before `since` on, oldest first."""
    query = (
        "select phenomenon_time, result::integer from observation where datastream_id = %(ds)s"
        " and quality = %(good)s and result between 0 and %(last)s"
    )
    values: dict[str, Any] = {
        "ds": datastream, "good": Quality.GOOD, "last": len(_STATES) - 1, "since": since,
        "most": MOST,
    }  # fmt: skip
    cursor = await conn.execute(
        f"({query} and phenomenon_time < %(since)s order by phenomenon_time desc limit 1)"
        f" union all ({query} and phenomenon_time >= %(since)s"
        " order by phenomenon_time desc limit %(most)s) order by phenomenon_time",
        values,
    )
    return [(time, state) for time, state in await cursor.fetchall()]


async def _detail(conn: Db, datastream: int, time: datetime) -> str:
    cursor = await conn.execute(
        "select detail from status_detail where datastream_id = %s and phenomenon_time = %s",
        (datastream, time),
    )
    row = await cursor.fetchone()
    return "" if row is None else row[0]
