"""Things, their feeds, observed properties and places, as configuration and people declare them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from ioc.catalogue import Catalogue
from ioc.domain.intake import DatastreamSpec, FeedSpec
from ioc.domain.location import Place

Db = Connection[tuple[Any, ...]]
Named = tuple[str, str]  # feed, device's own id

SHORT: Final = 32  # characters of a name on the wall
CHANGED: Final = "ioc_registry"  # the channel on which writers hear that they must read again


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
    datastreams: Mapping[str, DatastreamSpec]  # by raw name; each of one property at most once
    simulated: bool = False


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

SEED_LOCATIONS: Final = """
insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how, outline)
select * from unnest(%s::int[], %s::float8[], %s::float8[], %s::text[], %s::text[], %s::text[],
  %s::text[]) as u
on conflict (thing_id) do update set lon = excluded.lon, lat = excluded.lat,
  commune_code = excluded.commune_code, commune_name = excluded.commune_name,
  commune_how = excluded.commune_how, outline = excluded.outline, updated_at = now()
"""

_SEED_DATASTREAMS: Final = """
insert into datastream (thing_id, name, sent_unit, code, property, unit, expected_period_s,
                        stale_after_s, valid_min, valid_max)
select u.thing, u.name, u.sent, u.property, u.property, p.unit, u.period, u.stale, u.low, u.high
from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[],
  %s::float8[], %s::float8[]) as u (thing, name, sent, property, period, stale, low, high)
join observed_property p on p.code = u.property
on conflict (thing_id, name, sent_unit) do update set property = excluded.property,
  unit = excluded.unit, expected_period_s = excluded.expected_period_s,
  stale_after_s = excluded.stale_after_s, valid_min = excluded.valid_min,
  valid_max = excluded.valid_max
"""


def announce(conn: Db) -> None:
    """Tell the writers, with the caller's commit, to read the registry again."""
    conn.execute("select pg_notify(%s, '')", (CHANGED,))


def upsert_feeds(conn: Db, feeds: Iterable[FeedSpec]) -> None:
    """Make the `feed` rows agree with the feed files; rows of feeds without a file stay."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            _FEED,
            [(f.name, f.title_vi, f.title_en, f.expected_period_s, f.simulated) for f in feeds],
        )


def upsert_properties(conn: Db, catalogue: Catalogue) -> int:
    """Make `observed_property` agree with the catalogue; return how many it holds."""
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
                for code, p in catalogue.items()
            ],
        )
    return len(catalogue)


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
            location_row(ids[s.feed, s.external_id], s.place) for s in seeds if s.place is not None
        ]
        conn.execute(SEED_LOCATIONS, _columns(located, 7))
        streams = [
            (
                ids[s.feed, s.external_id],
                name,
                spec.unit or "",
                spec.property,
                s.expected_period_s,
                s.stale_after_s,
                spec.valid_min,
                spec.valid_max,
            )
            for s in seeds
            for name, spec in s.datastreams.items()
        ]
        conn.execute(_SEED_DATASTREAMS, _columns(streams, 8))
        announce(conn)
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


def location_row(thing: int, place: Place) -> tuple[Any, ...]:
    """Return the row of `location` for a thing."""
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
