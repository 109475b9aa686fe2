"""Masks in the database, and what they need to know of an alert: its place, parents and status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg.types.json import Jsonb

from ioc.domain import operator
from ioc.domain.announcement import Alert
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.mask import Mask, MaskKind, Masks, Matcher, Target
from ioc.storage.script import Db, Script

_COLUMNS: Final[LiteralString] = (
    "id, kind, matcher, starts, ends, reason, by_user, approved_by, one_shot"
)
# An ancestor is down while an alert of its own says so: no data, or a status that can be "offline".
# A latched one has come back; it only waits for somebody to say so. Behind a suspected cut a point
# is below the stretch of cable as long as the alert about that is on: one of them always sounds.
BELOW: Final[LiteralString] = """
with recursive parent (id) as materialized (
  select distinct parent_id from thing where parent_id is not null
), below (id) as (
  select c.id from thing c where c.parent_id in (
    select a.thing_id from parent join alert a on a.thing_id = parent.id
    join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version
    join datastream d on d.id = a.datastream_id join observed_property p on p.code = d.property
    where a.closed_at is null and a.active and not a.latched
      and (v.definition ->> 'input' = 'no_data' or p.states ? 'offline'))
  union select p.thing_id from suspected_cut c join suspected_cut_point p on p.cut_id = c.id
    where c.ended_at is null and exists (select 1 from alert a
      where a.thing_id = c.thing_id and a.closed_at is null and a.active)
  union select c.id from thing c join below on c.parent_id = below.id
)
"""
CALIBRATING: Final[LiteralString] = (
    "coalesce((select o.quality = 1 from observation o where o.datastream_id = d.id"
    " order by o.phenomenon_time desc limit 1), false)"
)
_FACTS: Final[LiteralString] = (
    BELOW  # noqa: S608  our own constants
    + "select d.id, d.thing_id, t.feed, l.commune_code, t.id in (select id from below), "
    + CALIBRATING
    + " from datastream d join thing t on t.id = d.thing_id"
    " left join location l on l.thing_id = t.id where d.id = any(%s)"
)
_IN_FORCE: Final[LiteralString] = (
    "select " + _COLUMNS + " from mask"  # noqa: S608  our own constant
    " where ended_at is null and ends > %s and starts <= %s"
)
_INSERT: Final[LiteralString] = (
    "insert into mask (kind, matcher, starts, ends, reason, by_user, one_shot)"
    " values (%s, %s, %s, %s, %s, %s, %s) returning id"
)
_ONE: Final[LiteralString] = (
    "select " + _COLUMNS + " from mask"  # noqa: S608  our own constant
    " where id = %s and ended_at is null and ends > %s for update"
)
_APPROVE: Final[LiteralString] = (
    "update mask set approved_by = %s, approved_at = coalesce(approved_at, %s) where id = %s"
)
_LIFT: Final[LiteralString] = (
    "update mask set ended_at = coalesce(ended_at, %s), ended_by = coalesce(ended_by, %s)"
    " where id = %s returning id"
)
_LIFT_SHELVES: Final[LiteralString] = (
    "update mask set ended_at = %s, ended_by = %s where kind = 'shelve' and ended_at is null"
    " and ends > %s and matcher = %s returning id"
)
_END_ONE_SHOTS: Final[LiteralString] = (
    "update mask m set ended_at = %s, ended_by = %s"
    " from unnest(%s::text[], %s::integer[]) as u (rule, datastream)"
    " where m.kind = 'shelve' and m.one_shot and m.ended_at is null"
    " and m.matcher = jsonb_build_object('rule', u.rule, 'datastream', u.datastream)"
)
_LIST: Final[LiteralString] = """
select m.id, m.kind, m.matcher,
  concat_ws(' · ', t.name, s.name, p.name_vi, r.name, m.matcher ->> 'commune', f.title_vi),
  m.starts, m.ends, m.reason, m.by_user, m.approved_by, m.one_shot, m.created_at,
  (select count(*) from alert a join thing x on x.id = a.thing_id
   left join location l on l.thing_id = x.id
   where a.closed_at is null and a.active and a.mask = m.kind
   and jsonb_build_object('rule', a.rule_id, 'datastream', a.datastream_id, 'thing', a.thing_id,
    'commune', l.commune_code, 'feed', x.feed) @> m.matcher)
from mask m
left join thing t on t.id = (m.matcher ->> 'thing')::integer
left join datastream d on d.id = (m.matcher ->> 'datastream')::integer
left join thing s on s.id = d.thing_id
left join observed_property p on p.code = d.property
left join rule r on r.id = m.matcher ->> 'rule'
left join feed f on f.name = m.matcher ->> 'feed'
where m.ended_at is null and m.ends > %s order by m.ends, m.id limit %s
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A mask as lists show it: what it covers in words, and how many open alerts it holds back."""

    id: int
    kind: str
    matcher: dict[str, Any]
    about: str  # the thing's, rule's, commune's or feed's name
    starts: datetime
    ends: datetime
    reason: str
    by_user: str
    approved_by: str | None
    one_shot: bool
    created_at: datetime
    holding: int  # open alerts that are on and held back by its kind and matcher


def in_force(now: Micros) -> Script[Masks]:
    """Return the masks in force."""
    at = to_datetime(now)
    rows = yield _IN_FORCE, (at, at)
    return Masks(from_row(row) for row in rows)


def facts(datastreams: Iterable[int]) -> Script[dict[int, Target]]:
    """Return what masks may ask of these datastreams' alerts; the rule is the alert's own."""
    rows = yield _FACTS, (list(datastreams),)
    return {row[0]: Target("", *row) for row in rows}


def target(known: Mapping[int, Target], rule: str, datastream: int, thing: int) -> Target:
    """Return the target of one alert; of a datastream that is gone only its own names count."""
    found = known.get(datastream)
    return Target(rule, datastream, thing) if found is None else replace(found, rule=rule)


def from_row(row: tuple[Any, ...]) -> Mask:
    number, kind, matcher, starts, ends, reason, by, approved, one_shot = row
    return Mask(
        MaskKind(kind),
        Matcher(**matcher),
        from_datetime(starts),
        from_datetime(ends),
        reason,
        by,
        approved,
        one_shot,
        number,
    )


def put(mask: Mask) -> Script[Mask]:
    """Store a mask; return it with its number."""
    rows = yield (
        _INSERT,
        (
            mask.kind.value,
            Jsonb(mask.matcher.given),
            to_datetime(mask.starts),
            to_datetime(mask.ends),
            mask.reason,
            mask.by,
            mask.one_shot,
        ),
    )
    return replace(mask, id=rows[0][0])


def approve(number: int, actor: str, now: Micros) -> Script[Mask | None]:
    """Agree, as a second person, to a mask that has not ended; None: there is no such one."""
    rows = yield _ONE, (number, to_datetime(now))
    if not rows:
        return None
    mask = operator.approve(from_row(rows[0]), actor)
    yield _APPROVE, (mask.approved_by, to_datetime(now), number)
    return mask


def lift(number: int, actor: str, now: Micros) -> Script[int | None]:
    """End a mask; one that has ended stays as it was. Return its number, None: no such one."""
    rows = yield _LIFT, (to_datetime(now), actor, number)
    return rows[0][0] if rows else None


def lift_shelves(rule: str, datastream: int, actor: str, now: Micros) -> Script[int]:
    """End the shelves of one alarm; return how many."""
    at = to_datetime(now)
    rows = yield (
        _LIFT_SHELVES,
        (at, actor, at, Jsonb({"rule": rule, "datastream": datastream})),
    )
    return len(rows)


def end_one_shots(conn: Db, returned: Sequence[Alert], actor: str, now: Micros) -> None:
    """End the shelves that the return of these alerts ends, in the caller's transaction."""
    if returned:
        rules = [alert.rule_id for alert in returned]
        datastreams = [alert.datastream for alert in returned]
        conn.execute(_END_ONE_SHOTS, (to_datetime(now), actor, rules, datastreams))


def listed(now: Micros, *, limit: int) -> Script[list[Listed]]:
    """Return the masks that have not ended, planned ones included, the next to end first."""
    rows = yield _LIST, (to_datetime(now), limit)
    return [Listed(*row) for row in rows]
