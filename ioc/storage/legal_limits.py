"""The limits of stations: put from permits, read for a report with the limit of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from psycopg import Connection

from ioc.domain import legal_limit
from ioc.domain.legal_limit import Averaging, LegalLimit, Station

Db = Connection[tuple[Any, ...]]

SEEDED: Final = "config"  # who put a limit that the catalogue gave
_COLUMNS: Final[LiteralString] = """unnest(%(thing)s::int[], %(property)s::text[], %(unit)s::text[],
  %(low)s::float8[], %(high)s::float8[], %(function)s::text[], %(window)s::int[],
  %(coverage)s::real[], %(basis)s::text[], %(source)s::text[], %(confidence)s::text[],
  %(from)s::date[], %(to)s::date[]) as g (thing_id, property, unit, low, high, function, window_s,
  min_coverage, basis, source, confidence, valid_from, valid_to)"""

_PUT: Final = """
insert into legal_limit (thing_id, property, unit, low, high, function, window_s, min_coverage,
  basis, source, confidence, valid_from, valid_to, put_by)
select g.*, %(by)s from {columns}
on conflict (thing_id, property, window_s, basis, valid_from) do update set unit = excluded.unit,
  low = excluded.low, high = excluded.high, function = excluded.function,
  min_coverage = excluded.min_coverage, source = excluded.source,
  confidence = excluded.confidence, valid_to = excluded.valid_to, put_at = now(),
  put_by = excluded.put_by
""".replace("{columns}", _COLUMNS)

# New to the station: given. Given before and still as the catalogue left it: follows the catalogue.
_SEED: Final = """
with g as (select * from {columns}),
fresh as (
  insert into legal_limit_seed (thing_id, property, window_s, basis, valid_from)
  select thing_id, property, window_s, basis, valid_from from g on conflict do nothing
  returning *),
made as (
  insert into legal_limit (thing_id, property, unit, low, high, function, window_s, min_coverage,
    basis, source, confidence, valid_from, valid_to, put_by)
  select g.*, %(by)s from g where exists (select from fresh f where f.thing_id = g.thing_id
    and f.property = g.property and f.window_s is not distinct from g.window_s
    and f.basis = g.basis and f.valid_from is not distinct from g.valid_from)
  on conflict do nothing returning 1),
changed as (
  update legal_limit l set unit = g.unit, low = g.low, high = g.high, function = g.function,
    min_coverage = g.min_coverage, source = g.source, confidence = g.confidence,
    valid_to = g.valid_to, put_at = now()
  from g where l.put_by = %(by)s and l.thing_id = g.thing_id and l.property = g.property
    and l.window_s is not distinct from g.window_s and l.basis = g.basis
    and l.valid_from is not distinct from g.valid_from
    and (l.unit, l.low, l.high, l.function, l.min_coverage, l.source, l.confidence, l.valid_to)
      is distinct from
      (g.unit, g.low, g.high, g.function, g.min_coverage, g.source, g.confidence, g.valid_to)
  returning 1)
select (select count(*) from made), (select count(*) from changed)
""".replace("{columns}", _COLUMNS)


def stations(conn: Db) -> dict[str, int]:
    """Return admitted things by their device's id; an id that two feeds use names none."""
    return dict(
        conn.execute(
            "select external_id, min(id) from thing where state = 'admitted'"
            " group by 1 having count(*) = 1"
        ).fetchall()
    )


def put(conn: Db, limits: Sequence[tuple[int, LegalLimit]], by: str) -> int:
    """Put limits of things in the caller's transaction; one that is there is replaced."""
    return conn.execute(_PUT, _columns(limits, by)).rowcount


def seed(conn: Db, limits: Sequence[LegalLimit]) -> tuple[int, int]:
    """Give each station the limits of the catalogue that hold for it; (new ones, changed ones).

    Repeating it does nothing: what somebody changed, replaced or took away stays as it is.
    """
    given = list(legal_limit.seeds(limits, _measuring(conn)))
    row = conn.execute(_SEED, _columns(given, SEEDED)).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _measuring(conn: Db) -> list[Station]:
    rows = conn.execute(
        "select t.id, t.kind, t.name, t.short_name, jsonb_object_agg(d.property, d.unit)"
        " from thing t join datastream d on d.thing_id = t.id and not d.derived"
        " where t.state = 'admitted' group by t.id"
    )
    return [
        Station(thing, kind, frozenset({name, short}), measures)
        for thing, kind, name, short, measures in rows
    ]


def _columns(limits: Sequence[tuple[int, LegalLimit]], by: str) -> dict[str, Any]:
    found = [one for _, one in limits]
    return {
        "thing": [thing for thing, _ in limits],
        "property": [one.observed_property for one in found],
        "unit": [one.unit for one in found],
        "low": [one.low for one in found],
        "high": [one.high for one in found],
        "function": [one.averaging and one.averaging.function for one in found],
        "window": [one.averaging and one.averaging.length_s for one in found],
        "coverage": [one.min_coverage for one in found],
        "basis": [one.standard for one in found],
        "source": [one.source for one in found],
        "confidence": [one.confidence for one in found],
        "from": [one.valid_from for one in found],
        "to": [one.valid_to for one in found],
        "by": by,
    }


def of_station(conn: Db, thing: int) -> list[LegalLimit]:
    """Return every limit a station has or had, by parameter and beginning."""
    rows = conn.execute(
        "select id, basis, property, unit, low, high, function, window_s, min_coverage, source,"
        " confidence, valid_from, valid_to from legal_limit where thing_id = %s"
        " order by property, window_s, valid_from nulls first",
        (thing,),
    )
    return [
        LegalLimit(
            id=str(number),
            standard=basis,
            observed_property=code,
            unit=unit,
            low=low,
            high=high,
            averaging=None if function is None else Averaging(function, window),
            min_coverage=coverage,
            source=source,
            title_vi=basis,
            title_en=basis,
            confidence=confidence,
            valid_from=begins,
            valid_to=ends,
        )
        for (
            number,
            basis,
            code,
            unit,
            low,
            high,
            function,
            window,
            coverage,
            source,
            confidence,
            begins,
            ends,
        ) in rows
    ]
