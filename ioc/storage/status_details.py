"""What stored states came with, beside their observations: tamper, no signal, a dead recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import Connection

from ioc.domain.instant import Micros, to_datetime

Db = Connection[tuple[Any, ...]]

MAX_DETAIL: Final = 500  # characters: eight kinds of problems and a recorder's name

_WRITE: Final = """
insert into status_detail as s (datastream_id, phenomenon_time, detail)
select d, t, w from unnest(%s::int4[], %s::timestamptz[], %s::text[]) as u (d, t, w)
on conflict (datastream_id, phenomenon_time) do update set detail = excluded.detail
  where s.detail <> excluded.detail
"""

# A state that was sent again without what it came with: the correction counts.
_CLEAR: Final = """
delete from status_detail s using unnest(%s::int4[], %s::timestamptz[]) as u (d, t)
where s.datastream_id = u.d and s.phenomenon_time = u.t
"""


def write(
    conn: Db,
    streams: Sequence[int],
    times: Sequence[int],
    details: Mapping[int, str],
    *,
    again: bool,
) -> None:
    """Store the details of a batch by the positions of their rows; -1 is no datastream.

    Of several words for one instant the last counts. `again`: some of the batch's rows were stored
    before, so a state that comes without a word takes an earlier word away.
    """
    rows = {
        (streams[position], times[position]): detail[:MAX_DETAIL]
        for position, detail in details.items()
        if streams[position] >= 0
    }
    gone = [key for key, detail in rows.items() if not detail]
    kept = [(*key, detail) for key, detail in rows.items() if detail]
    if gone and again:
        conn.execute(_CLEAR, ([d for d, _ in gone], [to_datetime(Micros(t)) for _, t in gone]))
    if kept:
        conn.execute(
            _WRITE,
            (
                [d for d, _, _ in kept],
                [to_datetime(Micros(t)) for _, t, _ in kept],
                [w for _, _, w in kept],
            ),
        )
