"""The registry: feeds, observed properties, things, where they lie, their datastreams.

`Registry` is the writer's memory of it: (feed, device's id, property) -> datastream.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from psycopg import Connection

from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.intake import FeedSpec, Key, PropertySpec, Sighting
from ioc.domain.location import Outline, Place
from ioc.settings import read_yaml

Db = Connection[tuple[Any, ...]]
Named = tuple[str, str]  # feed, device's own id
Placer = Callable[[float, float], Place]

SHORT: Final = 32  # characters of a name on the wall


class Property(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of config/catalog/properties.yaml."""

    name_vi: str
    name_en: str
    unit: str
    kind: Literal["quantity", "category"] = "quantity"
    states: dict[str, int] | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 1
    raw_days: Annotated[int, msgspec.Meta(gt=0)] = 90
    minute_days: Annotated[int, msgspec.Meta(gt=0)] = 730
    hour_days: Annotated[int, msgspec.Meta(gt=0)] = 3650


class Ref(NamedTuple):
    """A datastream and the range in which its sensor is right."""

    id: int
    valid_min: float | None
    valid_max: float | None


@dataclass(frozen=True, slots=True)
class ThingSeed:
    """A known thing with everything it measures, admitted at once."""

    feed: str
    external_id: str
    name: str
    short_name: str
    kind: str
    place: Place | None
    expected_period_s: float
    stale_after_s: float
    properties: Mapping[str, PropertySpec]
    simulated: bool = False


@dataclass(slots=True)
class Learned:
    """What one transaction added to the registry; kept by `Registry.keep` after its commit."""

    things: dict[Named, int] = field(default_factory=dict)
    refs: dict[Key, Ref] = field(default_factory=dict)
    created: int = 0
    full: set[Named] = field(default_factory=set)  # no room for another pending thing
    misplaced: dict[Named, PayloadError] = field(default_factory=dict)
    placed: set[Named] = field(default_factory=set)


class Registry:
    """What the writer knows by heart. One owner: the thread that writes."""

    def __init__(
        self, feeds: Mapping[str, FeedSpec], place: Placer, *, pending_per_feed: int
    ) -> None:
        self._feeds = feeds
        self._place = place
        self._pending_per_feed = pending_per_feed
        self._things: dict[Named, int] = {}
        self._unplaced: set[Named] = set()
        self.refs: dict[Key, Ref] = {}

    def load(self, conn: Db) -> None:
        """Read everything again: at each new connection and after things were deleted."""
        rows = conn.execute(_ALL).fetchall()
        self._things = {(feed, name): thing for feed, name, thing, *_ in rows}
        self._unplaced = {(feed, name) for feed, name, _, placed, *_ in rows if not placed}
        self.refs = {
            (feed, name, code): Ref(ref, low, high)
            for feed, name, _, _, code, ref, low, high in rows
            if ref is not None
        }

    def learn(self, conn: Db, missing: set[Key], sightings: Mapping[Named, Sighting]) -> Learned:
        """Create what is missing inside the caller's transaction.

        Keys that are in the answer neither as `refs` nor by a thing in `full` have a property
        that the catalogue does not know.
        """
        learned = Learned()
        if missing:
            names = sorted({key[:2] for key in missing} - self._things.keys())
            self._create(conn, names, sightings, learned)
            known = self._things | learned.things
            wanted = [key for key in sorted(missing) if key[:2] in known]
            learned.refs = self._datastreams(conn, wanted, known)
        self._locate(conn, sightings, learned)
        return learned

    def keep(self, learned: Learned) -> None:
        """Remember what a committed transaction created."""
        self._things |= learned.things
        self.refs |= learned.refs
        self._unplaced |= learned.things.keys()
        self._unplaced -= learned.placed

    def _create(
        self,
        conn: Db,
        names: Sequence[Named],
        sightings: Mapping[Named, Sighting],
        learned: Learned,
    ) -> None:
        room: dict[str, int] = {}
        for name in names:
            spec = self._feeds[name[0]]
            if not spec.admit:
                left = room.get(spec.name)
                if left is None:
                    left = self._pending_per_feed - count_pending(conn, spec.name)
                if left <= 0 and not _exists(conn, name):
                    learned.full.add(name)
                    continue
                room[spec.name] = left - 1
            sight = sightings.get(name)
            label = (sight.label if sight else None) or name[1]
            learned.things[name], new = _insert(conn, spec, name[1], label)
            learned.created += new

    def _datastreams(
        self, conn: Db, keys: Sequence[Key], known: Mapping[Named, int]
    ) -> dict[Key, Ref]:
        found: dict[Key, Ref] = {}
        for key in keys:
            feed, name, code = key
            spec = self._feeds[feed]
            row = conn.execute(
                _DATASTREAM,
                {
                    "thing": known[feed, name],
                    "property": code,
                    "unit": spec.properties.get(code, PropertySpec()).unit,
                    "period": spec.expected_period_s,
                    "stale": spec.stale_after_s,
                    "low": spec.properties.get(code, PropertySpec()).valid_min,
                    "high": spec.properties.get(code, PropertySpec()).valid_max,
                },
            ).fetchone()
            if row is not None:
                found[key] = Ref(*row)
        return found

    def _locate(self, conn: Db, sightings: Mapping[Named, Sighting], learned: Learned) -> None:
        """Store a position for things that have none; an operator's position is never moved."""
        for name, sight in sightings.items():
            thing = learned.things.get(name)
            if thing is None and name in self._unplaced:
                thing = self._things.get(name)
            if thing is None or sight.lon is None or sight.lat is None:
                continue
            try:
                place = self._place(sight.lon, sight.lat)
            except PayloadError as error:
                learned.misplaced[name] = error
                continue
            conn.execute(_LOCATION, _location(thing, place))
            learned.placed.add(name)
            if place.outline is Outline.OUTSIDE:
                learned.misplaced[name] = PayloadError(
                    "location_outside", f"lon {sight.lon}, lat {sight.lat}"
                )


_ALL: Final = """
select t.feed, t.external_id, t.id, l.thing_id is not null, d.property, d.id, d.valid_min,
  d.valid_max
from thing t left join location l on l.thing_id = t.id left join datastream d on d.thing_id = t.id
"""

_THING: Final = """
insert into thing (feed, external_id, name, short_name, kind, state, simulated, admitted_at,
                   admitted_by)
values (%(feed)s, %(external_id)s, %(name)s, %(short_name)s, %(kind)s,
        case when %(admit)s then 'admitted' else 'pending' end, %(simulated)s,
        case when %(admit)s then now() end, case when %(admit)s then 'feed' end)
on conflict (feed, external_id) do nothing
returning id
"""

_DATASTREAM: Final = """
with made as (
  insert into datastream (thing_id, property, unit, expected_period_s, stale_after_s, valid_min,
                          valid_max)
  select %(thing)s, p.code, coalesce(%(unit)s::text, p.unit), %(period)s, %(stale)s,
    %(low)s::float8, %(high)s::float8
  from observed_property p where p.code = %(property)s
  on conflict (thing_id, property) do nothing
  returning id, valid_min, valid_max)
select id, valid_min, valid_max from made
union all
select id, valid_min, valid_max from datastream
where thing_id = %(thing)s and property = %(property)s
limit 1
"""

_LOCATION: Final = """
insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how, outline)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (thing_id) do update set lon = excluded.lon, lat = excluded.lat,
  commune_code = excluded.commune_code, commune_name = excluded.commune_name,
  commune_how = excluded.commune_how, outline = excluded.outline, updated_at = now()
"""

_FEED: Final = """
insert into feed (name, title_vi, title_en, expected_period_s, simulated)
values (%s, %s, %s, %s, %s)
on conflict (name) do update set title_vi = excluded.title_vi, title_en = excluded.title_en,
  expected_period_s = excluded.expected_period_s, simulated = excluded.simulated,
  updated_at = now()
where (feed.title_vi, feed.title_en, feed.expected_period_s, feed.simulated) is distinct from
      (excluded.title_vi, excluded.title_en, excluded.expected_period_s, excluded.simulated)
"""

_PROPERTY: Final = """
insert into observed_property (code, name_vi, name_en, unit, kind, states, decimals, raw_days,
                               minute_days, hour_days)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (code) do update set name_vi = excluded.name_vi, name_en = excluded.name_en,
  unit = excluded.unit, kind = excluded.kind, states = excluded.states,
  decimals = excluded.decimals, raw_days = excluded.raw_days,
  minute_days = excluded.minute_days, hour_days = excluded.hour_days
"""

_SEED_THINGS: Final = """
insert into thing (feed, external_id, name, short_name, kind, state, simulated, admitted_at,
                   admitted_by)
select u.*, now(), 'seed' from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
  %s::text[], %s::bool[]) as u
on conflict (feed, external_id) do update set name = excluded.name,
  short_name = excluded.short_name, kind = excluded.kind, state = excluded.state,
  simulated = excluded.simulated, admitted_at = coalesce(thing.admitted_at, excluded.admitted_at),
  admitted_by = coalesce(thing.admitted_by, excluded.admitted_by)
returning feed, external_id, id
"""

_SEED_LOCATIONS: Final = """
insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how, outline)
select * from unnest(%s::int[], %s::float8[], %s::float8[], %s::text[], %s::text[], %s::text[],
  %s::text[]) as u
on conflict (thing_id) do update set lon = excluded.lon, lat = excluded.lat,
  commune_code = excluded.commune_code, commune_name = excluded.commune_name,
  commune_how = excluded.commune_how, outline = excluded.outline, updated_at = now()
"""

_SEED_DATASTREAMS: Final = """
insert into datastream (thing_id, property, unit, expected_period_s, stale_after_s, valid_min,
                        valid_max)
select u.thing, u.property, coalesce(u.unit, p.unit), u.period, u.stale, u.low, u.high
from unnest(%s::int[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::float8[],
  %s::float8[]) as u (thing, property, unit, period, stale, low, high)
join observed_property p on p.code = u.property
on conflict (thing_id, property) do update set unit = excluded.unit,
  expected_period_s = excluded.expected_period_s, stale_after_s = excluded.stale_after_s,
  valid_min = excluded.valid_min, valid_max = excluded.valid_max
"""


def upsert_feeds(conn: Db, feeds: Iterable[FeedSpec]) -> None:
    """Make the `feed` rows agree with the feed files; rows of feeds without a file stay."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            _FEED,
            [(f.name, f.title_vi, f.title_en, f.expected_period_s, f.simulated) for f in feeds],
        )


def read_properties(path: Path) -> dict[str, Property]:
    """Read the catalogue file; ConfigError names the file and the entry."""
    try:
        return msgspec.convert(read_yaml(path), dict[str, Property])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def upsert_properties(conn: Db, path: Path) -> int:
    """Make `observed_property` agree with the catalogue file; return how many it holds."""
    found = read_properties(path)
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            _PROPERTY,
            [
                (
                    code,
                    p.name_vi,
                    p.name_en,
                    p.unit,
                    p.kind,
                    None if p.states is None else json.dumps(p.states),
                    p.decimals,
                    p.raw_days,
                    p.minute_days,
                    p.hour_days,
                )
                for code, p in found.items()
            ],
        )
    return len(found)


def upsert_things(conn: Db, seeds: Sequence[ThingSeed]) -> dict[Named, int]:
    """Create or update known things in bulk, admitted; return their ids by (feed, external id).

    Their feeds must be there (`upsert_feeds`). Properties that the catalogue lacks are left out.
    """
    with conn.transaction():
        columns = [
            (s.feed, s.external_id, s.name, s.short_name, s.kind, "admitted", s.simulated)
            for s in seeds
        ]
        rows = conn.execute(_SEED_THINGS, _columns(columns, 7)).fetchall()
        ids: dict[Named, int] = {(feed, name): thing for feed, name, thing in rows}
        located = [
            _location(ids[s.feed, s.external_id], s.place) for s in seeds if s.place is not None
        ]
        conn.execute(_SEED_LOCATIONS, _columns(located, 7))
        streams = [
            (
                ids[s.feed, s.external_id],
                code,
                spec.unit,
                s.expected_period_s,
                s.stale_after_s,
                spec.valid_min,
                spec.valid_max,
            )
            for s in seeds
            for code, spec in s.properties.items()
        ]
        conn.execute(_SEED_DATASTREAMS, _columns(streams, 7))
    return ids


def upsert_thing(conn: Db, seed: ThingSeed) -> int:
    """Create or update one known thing, admitted; return its id."""
    return upsert_things(conn, [seed])[seed.feed, seed.external_id]


def admit(
    conn: Db, thing_id: int, *, by: str, name: str | None = None, short_name: str | None = None
) -> bool:
    """Admit a pending thing, which makes its history visible; False when it was not pending."""
    done = conn.execute(
        "update thing set state = 'admitted', admitted_at = now(), admitted_by = %s,"
        " name = coalesce(%s, name), short_name = coalesce(%s, short_name)"
        " where id = %s and state = 'pending'",
        (by, name, short_name, thing_id),
    )
    return done.rowcount == 1


def count_pending(conn: Db, feed: str) -> int:
    """Return how many pending things a feed has."""
    row = conn.execute(
        "select count(*) from thing where feed = %s and state = 'pending'", (feed,)
    ).fetchone()
    return int(row[0]) if row else 0


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _exists(conn: Db, name: Named) -> bool:
    found = conn.execute("select 1 from thing where feed = %s and external_id = %s", name)
    return found.fetchone() is not None


def _insert(conn: Db, spec: FeedSpec, external_id: str, label: str) -> tuple[int, bool]:
    """Return the id of a thing and whether it is new (another writer may have been faster)."""
    row = conn.execute(
        _THING,
        {
            "feed": spec.name,
            "external_id": external_id,
            "name": label,
            "short_name": label[:SHORT].rstrip(),
            "kind": spec.kind,
            "admit": spec.admit,
            "simulated": spec.simulated,
        },
    ).fetchone()
    if row is not None:
        return row[0], True
    row = conn.execute(
        "select id from thing where feed = %s and external_id = %s", (spec.name, external_id)
    ).fetchone()
    assert row is not None
    return row[0], False


def _location(thing: int, place: Place) -> tuple[Any, ...]:
    seat = place.commune
    return (
        thing,
        place.lon,
        place.lat,
        seat.code if seat else None,
        seat.name if seat else None,
        "nearest_seat" if seat else "none",
        place.outline.value,
    )
