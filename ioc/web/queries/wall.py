"""What the wall's pages read beside the live state: the air and water, the network, the flood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString

from ioc.domain.flood import BEGINS_ABOVE
from ioc.domain.legal_limit import LegalLimit
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

MOST_WORST: Final = 8
MOST_DOWN: Final = 8
# The one regulation that holds for every station of the kind, without a permit of its own.
_AMBIENT: Final = "QCVN 05:2023/BTNMT"

# Means over the window that the limit names: one value never breaks the limit of a day.
_MEANS: Final[LiteralString] = (
    """
select t.id, t.name, t.short_name, l.commune_name, p.code, p.name_vi, p.decimals, d.unit, w.seconds,
  case w.function when 'max' then m.high when 'sum' then m.total else m.total / m.n end, m.low,
  m.n, m.newest, w.low, w.high, w.basis, d.expected_period_s
from (select unnest(%(things)s::int[]) as thing, unnest(%(properties)s::text[]) as property,
    unnest(%(units)s::text[]) as unit, unnest(%(seconds)s::int[]) as seconds,
    unnest(%(functions)s::text[]) as function, unnest(%(lows)s::float8[]) as low,
    unnest(%(highs)s::float8[]) as high, unnest(%(bases)s::text[]) as basis) w
join thing t on t.state = 'admitted'
  and (w.thing = t.id or (w.thing is null and t.kind = 'environment'))
join datastream d on d.thing_id = t.id and d.property = w.property and d.unit = w.unit
join observed_property p on p.code = d.property
left join location l on l.thing_id = t.id
cross join lateral (select sum(sum) as total, sum(n_good) as n, max(max) as high, min(min) as low,
    max(last_time) as newest from observation_minute where datastream_id = d.id
    and minute > %(now)s - make_interval(secs => w.seconds) and minute <= %(now)s) m
where m.n > 0"""
    + WITHIN
)
_PERMITS: Final[LiteralString] = """
select thing_id, property, unit, coalesce(window_s, 300), coalesce(function, 'mean'), low, high,
  basis from legal_limit where (valid_from is null or valid_from <= %(day)s)
  and (valid_to is null or valid_to >= %(day)s)
"""
_DOWN: Final[LiteralString] = (
    "with newest as (select t.id, t.name, t.kind, l.commune_name, d.id as stream,"
    " (p.states ->> 'offline')::int as offline, o.result, o.phenomenon_time as time,"
    " o.phenomenon_time < %(now)s - make_interval(secs => d.stale_after_s) as silent"
    " from thing t join datastream d on d.thing_id = t.id"
    " join observed_property p on p.code = d.property and p.states ? 'offline'"
    " left join location l on l.thing_id = t.id"
    " cross join lateral (select result, phenomenon_time from observation"
    "  where datastream_id = d.id and quality = 0 order by phenomenon_time desc limit 1) o"
    " where t.state = 'admitted' and t.kind in ('network', 'bts')" + WITHIN + ")"
    " select id, name, kind, commune_name, silent, time, stream, count(*) over (partition by kind)"
    " from newest where silent or result = offline order by kind = 'bts', time limit 400"
)
_DOWN_SINCE: Final[LiteralString] = """
select s, (select min(o.phenomenon_time) from observation o where o.datastream_id = s
  and o.phenomenon_time > coalesce((select max(b.phenomenon_time) from observation b
    where b.datastream_id = s and b.phenomenon_time > %(back)s and b.result in (0, 1)), %(back)s))
from unnest(%(streams)s::int[]) s
"""
_CUTS: Final[LiteralString] = (
    "select c.id, t.name, c.silent_since, c.doubted_at is not null, count(p.thing_id)"
    " from suspected_cut c join thing t on t.id = c.thing_id"
    " left join suspected_cut_point p on p.cut_id = c.id where c.ended_at is null"
    + WITHIN
    + " group by c.id, t.id order by c.silent_since limit 6"
)
_FIRST: Final[LiteralString] = (
    "select a.id::text, t.short_name, a.severity, a.raised_at, coalesce(v.definition #>>"
    " '{name,vi}', a.rule_id) from alert a join thing t on t.id = a.thing_id"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " where a.closed_at is null and a.detected_at >= %(since)s"
    + WITHIN
    + " order by a.raised_at, a.detected_at, a.id limit 1"
)


@dataclass(frozen=True, slots=True)
class Worst:
    """A mean against the limit of its window; `ratio` > 1 is beyond it."""

    thing: int
    name: str
    commune: str | None
    parameter: str
    decimals: int
    unit: str
    window_s: int
    value: float
    limit: float
    basis: str
    ratio: float
    time: datetime
    coverage: float


class WallQueries:
    """The reading half of the wall; every answer is within the scope of who asks."""

    def __init__(self, database: Database, regulations: Sequence[LegalLimit]) -> None:
        self._database = database
        self._regulations = [one for one in regulations if one.standard == _AMBIENT]

    async def worst(self, now: datetime, day: date) -> list[Worst]:
        """Return the values nearest to, or farthest beyond, their legal limits."""
        async with self._database.connection() as conn:
            claims = [tuple(row) for row in await _rows(conn, _PERMITS, {"day": day})]
            claims += [
                (None, one.observed_property, one.unit, one.averaging.length_s,
                 one.averaging.function, one.low, one.high, one.standard)
                for one in self._regulations if one.averaging and one.in_force(day)
            ]  # fmt: skip
            names = ("things", "properties", "units", "seconds", "functions", "lows", "highs",
                     "bases")  # fmt: skip
            columns = {name: [c[n] for c in claims] for n, name in enumerate(names)}
            rows = await _rows(conn, _MEANS, columns | {"now": now} | limits())
        judged = [one for row in rows if (one := _judged(row)) is not None]
        ordered = sorted(judged, key=lambda one: -one.ratio)
        # One line a station and parameter: the window that is worst.
        seen = {(one.thing, one.parameter): one for one in reversed(ordered)}
        return sorted(seen.values(), key=lambda one: -one.ratio)[:MOST_WORST]

    async def network(self, now: datetime) -> dict[str, Any]:
        """Return suspected cuts, and the points of the network that are down or silent."""
        async with self._database.connection() as conn:
            down = await _rows(conn, _DOWN, {"now": now} | limits())
            shown = [row for row in down if row[2] == "network"][:MOST_DOWN] or down[:MOST_DOWN]
            since = dict(
                await _rows(
                    conn,
                    _DOWN_SINCE,
                    {"streams": [row[6] for row in shown], "back": now - timedelta(days=7)},
                )
            )
            cuts = await _rows(conn, _CUTS, limits())
        return {
            "down": [
                {"id": i, "name": name, "kind": kind, "commune": commune, "silent": silent,
                 "since": _ms(time if silent else since.get(stream) or time)}
                for i, name, kind, commune, silent, time, stream, _ in shown
            ],
            "totals": {row[2]: row[7] for row in down},
            "communes": _most(down),
            "cuts": [
                {"id": i, "name": name, "since": _ms(begin), "doubted": doubted, "points": points}
                for i, name, begin, doubted, points in cuts
            ],
        }  # fmt: skip

    async def first_out(self, since: datetime) -> dict[str, Any] | None:
        """Return the open alert that was raised first of those found since an instant."""
        async with self._database.connection() as conn:
            rows = await _rows(conn, _FIRST, {"since": since} | limits())
        if not rows:
            return None
        key, place, severity, raised, name = rows[0]
        return {"id": key, "place": place, "severity": severity, "raised": _ms(raised),
                "name": name}  # fmt: skip


FLOOD_LIMIT: Final = BEGINS_ABOVE


def _judged(row: tuple[Any, ...]) -> Worst | None:
    (thing, _, short, commune, _, parameter, decimals, unit, seconds, value, low, n, newest,
     limit_low, limit_high, basis, period) = row  # fmt: skip
    if limit_high is not None and limit_high > 0:
        limit, ratio = limit_high, value / limit_high
    elif limit_low is not None and low is not None and low > 0:
        value, limit, ratio = low, limit_low, limit_low / low
    else:
        return None
    coverage = min(1.0, n * period / seconds)
    return Worst(thing, short, commune, parameter, decimals, unit, seconds, value, limit, basis,
                 ratio, newest, coverage)  # fmt: skip


def _most(down: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return the communes where most points are down."""
    counts: dict[str, int] = {}
    for row in down:
        if row[3]:
            counts[row[3]] = counts.get(row[3], 0) + 1
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    return [{"name": name, "n": n} for name, n in most]


async def _rows(conn: Db, query: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query, values)).fetchall()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
