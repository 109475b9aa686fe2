"""Things as a person declares, admits and lists them; what they measure is kept with the thing.

Datastreams appear when they first speak, named and converted as the thing's declaration says
(`thing.properties.datastreams`), before the feed's file is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc import units
from ioc.catalogue import UNCLASSIFIED, Catalogue
from ioc.domain.intake import DatastreamSpec
from ioc.domain.location import Place
from ioc.domain.thing import Declaration, Fault, ThingState
from ioc.storage import things

Db = Connection[tuple[Any, ...]]


class Placed(NamedTuple):
    """A declaration with its row in the file, and where that is."""

    row: int
    thing: Declaration
    kind: str
    place: Place | None
    exact_commune: bool  # the file names it


class Counted(NamedTuple):
    """How many things a file made and changed."""

    made: int
    changed: int


class Listed(NamedTuple):
    """A thing as a list on a terminal shows it."""

    feed: str
    external_id: str
    name: str
    state: str
    datastreams: int
    continued_by: list[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a device that is now an alias had sent as a thing of its own."""

    thing: int
    observations: int


_STANDING: Final = """
select u.n, t.state, a.thing_id is not null
from unnest(%s::text[], %s::text[]) with ordinality as u (feed, device, n)
left join thing t on t.feed = u.feed and t.external_id = u.device
left join thing_alias a on a.feed = u.feed and a.external_id = u.device
"""

_PUT: Final = """
insert into thing (feed, external_id, name, short_name, kind, state, properties, admitted_at,
                   admitted_by)
values (%s, %s, %s, %s, %s, 'admitted', jsonb_build_object('datastreams', %s::jsonb), now(), %s)
on conflict (feed, external_id) do update set name = excluded.name,
  short_name = excluded.short_name, kind = excluded.kind, state = 'admitted',
  properties = thing.properties || excluded.properties,
  admitted_at = coalesce(thing.admitted_at, excluded.admitted_at),
  admitted_by = coalesce(thing.admitted_by, excluded.admitted_by)
returning id, xmax = 0
"""

_RECLASSIFY: Final = """
update datastream d set property = %(property)s, unit = %(unit)s, valid_min = %(low)s,
  valid_max = %(high)s,
  code = case when exists (
    select from datastream o where o.thing_id = d.thing_id and o.code = %(property)s)
    then d.code else %(property)s end
where d.id = %(id)s
"""


# By its id in the same feed, else as feed/id.
_PARENT: Final = """
select id from thing
where state <> 'retired' and ((feed = %(feed)s and external_id = %(name)s)
  or (feed = split_part(%(name)s, '/', 1)
      and external_id = substr(%(name)s, strpos(%(name)s, '/') + 1)))
order by feed = %(feed)s and external_id = %(name)s desc limit 1
"""
_HANGS_ON: Final = """
with recursive up (id) as (
  select %(lower)s::integer
  union select t.parent_id from thing t join up on t.id = up.id where t.parent_id is not null)
select exists (select from up where id = %(upper)s)
"""


def put(conn: Db, placed: Sequence[Placed], known: Catalogue, *, by: str) -> Counted | list[Fault]:
    """Declare things in the caller's transaction; or return every reason why not all can be.

    The caller rolls back then.
    """
    found = _refused(conn, placed)
    made = 0
    ids: list[int] = []
    for one in placed:
        declared = one.thing
        streams = {name: _as_json(spec) for name, spec in declared.datastreams.items()}
        row = conn.execute(
            _PUT,
            (
                declared.feed,
                declared.external_id,
                declared.name,
                declared.short_name,
                one.kind,
                Jsonb(streams),
                by,
            ),
        ).fetchone()
        assert row is not None
        made += row[1]
        ids.append(row[0])
        if one.place is not None:
            _place(conn, row[0], one.place, exact=one.exact_commune)
        found += _classify(conn, one, row[0], known)
    for one, thing in zip(placed, ids, strict=True):
        found += _attach(conn, one, thing)
    things.announce(conn)
    return found or Counted(made, len(placed) - made)


def _refused(conn: Db, placed: Sequence[Placed]) -> list[Fault]:
    columns = [[p.thing.feed for p in placed], [p.thing.external_id for p in placed]]
    found = []
    for number, state, alias in conn.execute(_STANDING, columns):
        one = placed[number - 1]
        if alias:
            found.append(Fault(one.row, "id", "is_alias", one.thing.external_id))
        elif state == ThingState.RETIRED:
            found.append(Fault(one.row, "id", "retired", one.thing.external_id))
    return found


def _place(conn: Db, thing: int, place: Place, *, exact: bool) -> None:
    row = things.location_row(thing, place)
    conn.execute(things.SEED_LOCATIONS, [[cell] for cell in row])
    if exact:
        conn.execute("update location set commune_how = 'boundary' where thing_id = %s", (thing,))


def _attach(conn: Db, one: Placed, thing: int) -> list[Fault]:
    """Hang a thing on its parent, once every thing of the file is there."""
    name = one.thing.parent
    if name is None:
        return []
    parent = conn.execute(_PARENT, {"feed": one.thing.feed, "name": name}).fetchone()
    if parent is None:
        return [Fault(one.row, "parent", "no_parent", name)]
    loop = conn.execute(_HANGS_ON, {"lower": parent[0], "upper": thing}).fetchone()
    if loop is not None and loop[0]:
        return [Fault(one.row, "parent", "parent_loop", name)]
    conn.execute(
        "update thing set parent_id = %s, parent_learned = false where id = %s",
        (parent[0], thing),
    )
    return []


def _as_json(spec: DatastreamSpec) -> dict[str, str | float]:
    fields = {
        "property": spec.property,
        "unit": spec.unit,
        "min": spec.valid_min,
        "max": spec.valid_max,
    }
    return {name: value for name, value in fields.items() if value is not None}


def spec_of(declared: Mapping[str, Any]) -> DatastreamSpec:
    """Return a datastream's declaration as `properties` holds it."""
    return DatastreamSpec(
        declared.get("property"), declared.get("unit"), declared.get("min"), declared.get("max")
    )


def _classify(conn: Db, one: Placed, thing: int, known: Catalogue) -> list[Fault]:
    """Name what has spoken before; a history in another unit or of another property stays."""
    rows = conn.execute(
        "select id, name, sent_unit, property from datastream where thing_id = %s order by id",
        (thing,),
    ).fetchall()
    found = []
    for stream, name, sent, has in rows:
        spec = one.thing.datastreams.get(name)
        if spec is None or spec.property is None:
            continue
        unit = known[spec.property].unit
        change = _change(sent or spec.unit or "", unit)
        as_it_was = change is not None and (has == spec.property or change == (1.0, 0.0))
        if has not in (UNCLASSIFIED, spec.property) or change is None or not as_it_was:
            found.append(Fault(one.row, "datastreams", "has_history", name))
            continue
        low, high = (
            None if limit is None else limit * change[0] + change[1]
            for limit in (spec.valid_min, spec.valid_max)
        )
        if has == spec.property:
            conn.execute(
                "update datastream set valid_min = %s, valid_max = %s where id = %s",
                (low, high, stream),
            )
        else:
            values = {"id": stream, "property": spec.property, "unit": unit}
            conn.execute(_RECLASSIFY, values | {"low": low, "high": high})
    return found


def _change(sent: str, wanted: str) -> tuple[float, float] | None:
    """Return factor and offset; None where there is no way."""
    try:
        change = units.conversion(sent or None, wanted)
    except units.UnitError:
        return None
    return (1.0, 0.0) if change is None else (change.factor, change.offset)


def standing(conn: Db, feed: str, device: str) -> tuple[int, ThingState] | None:
    """Return a device's own thing and its state; locks it for the caller's transaction."""
    row = conn.execute(
        "select id, state from thing where feed = %s and external_id = %s for update",
        (feed, device),
    ).fetchone()
    return None if row is None else (row[0], ThingState(row[1]))


def kept(conn: Db, feed: str, device: str) -> Kept | None:
    """Return what a device sent as a thing of its own; None when it never did."""
    row = conn.execute(
        "select t.id, coalesce(sum(m.n), 0) from thing t"
        " left join datastream d on d.thing_id = t.id"
        " left join observation_minute m on m.datastream_id = d.id"
        " where t.feed = %s and t.external_id = %s group by t.id",
        (feed, device),
    ).fetchone()
    return None if row is None else Kept(row[0], int(row[1]))


def listed(conn: Db, feed: str | None, *, pending: bool, limit: int) -> list[Listed]:
    """Return up to `limit` things by feed and id, retired ones left out."""
    rows = conn.execute(
        "select t.feed, t.external_id, t.name, t.state,"
        " (select count(*) from datastream d where d.thing_id = t.id),"
        " array(select a.external_id from thing_alias a where a.thing_id = t.id order by a.made_at)"
        " from thing t where (%(feed)s::text is null or t.feed = %(feed)s)"
        " and t.state = any(%(states)s) order by t.feed, t.external_id limit %(limit)s",
        {
            "feed": feed,
            "states": ["pending"] if pending else ["pending", "admitted"],
            "limit": limit,
        },
    ).fetchall()
    return [Listed(*row) for row in rows]
