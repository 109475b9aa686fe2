"""The limits of stations: put from permits, read for a report with the limit of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from ioc.domain.legal_limit import Averaging, LegalLimit

Db = Connection[tuple[Any, ...]]

_PUT: Final = """
insert into legal_limit (thing_id, property, unit, low, high, function, window_s, min_coverage,
  basis, source, confidence, valid_from, valid_to, put_by)
select * from unnest(%(thing)s::int[], %(property)s::text[], %(unit)s::text[], %(low)s::float8[],
  %(high)s::float8[], %(function)s::text[], %(window)s::int[], %(coverage)s::real[],
  %(basis)s::text[], %(source)s::text[], %(confidence)s::text[], %(from)s::date[], %(to)s::date[],
  %(by)s::text[])
on conflict (thing_id, property, window_s, basis, valid_from) do update set unit = excluded.unit,
  low = excluded.low, high = excluded.high, function = excluded.function,
  min_coverage = excluded.min_coverage, source = excluded.source,
  confidence = excluded.confidence, valid_to = excluded.valid_to, put_at = now(),
  put_by = excluded.put_by
"""


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
    found = [one for _, one in limits]
    columns = {
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
        "by": [by] * len(found),
    }
    return conn.execute(_PUT, columns).rowcount


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
