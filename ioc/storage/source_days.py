"""What each source sent on each day of the province, built from hours as they close."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection

Db = Connection[tuple[Any, ...]]

# As far as late values reach back by default: a new day builds these again, once.
LATE_DAYS: Final = 7
FIRST_DAYS: Final = 31  # what a centre that is updated gets of its past

KEPT_DAYS: Final = 3650  # as long as the hours they are made of

# An hour counts for no more than its period promises: a burst does not fill yesterday's hole.
_BUILD: Final = """
insert into source_day (thing_id, day, expected, got, n, n_good, corrected, hours, possible)
select t.id, %(day)s, p.expected, least(coalesce(s.got, 0), p.expected), coalesce(s.n, 0),
  coalesce(s.n_good, 0), coalesce(c.n, 0), coalesce(s.hours, 0),
  least(b.seconds / 3600, p.fastest)
from thing t
cross join lateral (select extract(epoch from %(until)s
  - greatest(%(since)s, t.created_at))::float8 as seconds) b
cross join lateral (select sum(b.seconds / expected_period_s) as expected,
  max(b.seconds / expected_period_s) as fastest
  from datastream where thing_id = t.id and not derived having count(*) > 0) p
left join lateral (select sum(h.n) as n, sum(h.n_good) as n_good, count(distinct h.hour) as hours,
  sum(least(h.n, greatest(3600 / d.expected_period_s, 1))) as got
  from datastream d join observation_hour h on h.datastream_id = d.id
  where d.thing_id = t.id and not d.derived and h.hour >= %(since)s and h.hour < %(until)s) s
  on true
left join (select d.thing_id, count(*) as n from observation_correction o
  join datastream d on d.id = o.datastream_id and not d.derived
  where o.corrected_at >= %(since)s and o.corrected_at < %(until)s group by 1) c
  on c.thing_id = t.id
where t.state = 'admitted' and b.seconds > 0
on conflict (thing_id, day) do update set expected = excluded.expected, got = excluded.got,
  n = excluded.n, n_good = excluded.n_good, corrected = excluded.corrected,
  hours = excluded.hours, possible = excluded.possible
"""


def build(conn: Db, zone: str) -> int:
    """Build the days that a newly closed hour changes; return how many were built."""
    row = conn.execute(
        "select h.done_until, s.done_until from rollup_progress h"
        " left join rollup_progress s on s.name = 'source_day' where h.name = 'hour'"
    ).fetchone()
    if row is None or row[0] == row[1]:
        return 0
    closed, here = row[0], ZoneInfo(zone)
    days = list(_days(closed, row[1], here))
    for day in days:
        since = datetime(day.year, day.month, day.day, tzinfo=here)
        until = min(since + timedelta(days=1), closed)
        with conn.transaction():
            conn.execute(_BUILD, {"day": day, "since": since, "until": until})
    conn.execute(
        "insert into rollup_progress values ('source_day', %s)"
        " on conflict (name) do update set done_until = excluded.done_until",
        (closed,),
    )
    return len(days)


def prune(conn: Db, now: datetime) -> int:
    """Forget days that are older than KEPT_DAYS; return the rows removed."""
    before = (now - timedelta(days=KEPT_DAYS)).date()
    return conn.execute("delete from source_day where day < %s", (before,)).rowcount


def _days(closed: datetime, done: datetime | None, zone: ZoneInfo) -> list[date]:
    last = _day(closed, zone)
    if done is None:
        first = last - timedelta(days=FIRST_DAYS - 1)
    else:
        first = _day(done, zone)
        if first < last:
            first = max(first - timedelta(days=LATE_DAYS), last - timedelta(days=FIRST_DAYS - 1))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _day(closed: datetime, zone: ZoneInfo) -> date:
    """Return the day that the hour before an instant is of."""
    return (closed - timedelta(microseconds=1)).astimezone(zone).date()
