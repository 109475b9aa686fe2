"""Indicators: the catalogue as the database knows it, and figures with where they come from.

A figure that says something else than before replaces it, and what was said before is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

from ioc.domain.indicator import How
from ioc.indicators import Indicator

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

CENTRE: Final = "ioc"  # who puts what the centre counts itself or takes over from a feed
# Figures of feeds are looked through again for so long: a late writer's commit is not passed over.
_AGAIN: Final = "10 minutes"

_PUT_CATALOGUE: Final = """
insert into indicator (id, topic, position, name_vi, name_en, unit, decimals, direction, targets,
  owner, source, how, method, level, denominator, period, due_days)
values (%(id)s, %(topic)s, %(position)s, %(name_vi)s, %(name_en)s, %(unit)s, %(decimals)s,
  %(direction)s, %(targets)s, %(owner)s, %(source)s, %(how)s, %(method)s, %(level)s,
  %(denominator)s, %(period)s, %(due_days)s)
on conflict (id) do update set topic = excluded.topic, position = excluded.position,
  name_vi = excluded.name_vi, name_en = excluded.name_en, unit = excluded.unit,
  decimals = excluded.decimals, direction = excluded.direction, targets = excluded.targets,
  owner = excluded.owner, source = excluded.source, how = excluded.how, method = excluded.method,
  level = excluded.level, denominator = excluded.denominator, period = excluded.period,
  due_days = excluded.due_days, retired = false
"""

# One statement, one snapshot: what is replaced is read as it was.
_PUT: Final = """
with given as (
  select * from unnest(%(indicator)s::text[], %(at)s::date[], %(value)s::float8[],
    %(how)s::text[], %(detail)s::jsonb[]) as g (indicator, at, value, how, detail)),
replaced as (
  insert into indicator_value_replaced (indicator, at, value, how, detail, put_at, put_by)
  select v.indicator, v.at, v.value, v.how, v.detail, v.put_at, v.put_by
  from indicator_value v join given g using (indicator, at) where v.value <> g.value)
insert into indicator_value as v (indicator, at, value, how, detail, put_by)
select indicator, at, value, how, detail, %(by)s from given
on conflict (indicator, at) do update set value = excluded.value, how = excluded.how,
  detail = excluded.detail, put_at = now(), put_by = excluded.put_by
  where v.value <> excluded.value
"""

# The newest good value of each day of a thing whose id is an indicator's.
_FROM_FEEDS: Final = """
select distinct on (i.id, day) i.id, (o.phenomenon_time at time zone %(zone)s)::date as day,
  o.result, jsonb_build_object('feed', t.feed, 'feed_title', f.title_vi, 'thing', t.id,
    'at', o.phenomenon_time, 'received', o.received)
from indicator i
join thing t on t.kind = 'indicator' and t.external_id = i.id and t.state = 'admitted'
join feed f on f.name = t.feed
join datastream d on d.thing_id = t.id and d.property = 'indicator_value'
join observation o on o.datastream_id = d.id
where i.how = 'feed' and not i.retired and o.quality = 0
  and o.result > '-infinity' and o.result < 'infinity'
  and o.received >= coalesce(
    (select done_until from rollup_progress where name = 'indicators'), '-infinity')
  - %(again)s::interval
order by i.id, day, o.phenomenon_time desc
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to be put; `detail` says where it comes from."""

    indicator: str
    at: date
    value: float
    how: How
    detail: Mapping[str, Any]


def sync(conn: Db, catalogue: Sequence[Indicator]) -> None:
    """Make the catalogue the given one; what is no longer in it keeps its history."""
    with conn.transaction():
        conn.execute(
            "update indicator set retired = true where not retired and id <> all(%s)",
            ([one.id for one in catalogue],),
        )
        with conn.cursor() as cursor:
            cursor.executemany(
                _PUT_CATALOGUE, [_columns(n, one) for n, one in enumerate(catalogue)]
            )


def names(conn: Db) -> dict[str, str]:
    """Return the indicators that figures may be uploaded for, with their Vietnamese names."""
    return dict(
        conn.execute("select id, name_vi from indicator where not retired and how = 'upload'")
    )


def put(conn: Db, figures: Sequence[Figure], by: str) -> int:
    """Put figures in the caller's transaction; return how many are new or say something else."""
    return conn.execute(_PUT, _values(figures, by)).rowcount


async def put_async(conn: AsyncDb, figures: Sequence[Figure], by: str) -> int:
    """Do the same on an asynchronous connection."""
    return (await conn.execute(_PUT, _values(figures, by))).rowcount


def collect(conn: Db, zone: str, now: datetime) -> int:
    """Take over what feeds said of indicators since the last call; return the figures changed."""
    with conn.transaction():
        rows = conn.execute(_FROM_FEEDS, {"zone": zone, "again": _AGAIN}).fetchall()
        count = put(conn, [Figure(i, at, v, How.FEED, d) for i, at, v, d in rows], CENTRE)
        conn.execute(
            "insert into rollup_progress values ('indicators', %s)"
            " on conflict (name) do update set done_until = excluded.done_until",
            (now,),
        )
    return count


def _columns(position: int, one: Indicator) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "position": position,
        "name_vi": one.name_vi,
        "name_en": one.name_en,
        "unit": one.aim.unit,
        "decimals": one.decimals,
        "direction": one.aim.direction,
        "targets": Jsonb({str(year): value for year, value in one.aim.targets.items()}),
        "owner": one.owner,
        "source": one.source,
        "how": one.how,
        "method": one.method,
        "level": one.level,
        "denominator": one.denominator,
        "period": one.aim.period,
        "due_days": one.aim.due_days,
    }


def _values(figures: Iterable[Figure], by: str) -> dict[str, Any]:
    listed = list(figures)
    return {
        "indicator": [one.indicator for one in listed],
        "at": [one.at for one in listed],
        "value": [one.value for one in listed],
        "how": [one.how.value for one in listed],
        "detail": [Jsonb(dict(one.detail)) for one in listed],
        "by": by,
    }
