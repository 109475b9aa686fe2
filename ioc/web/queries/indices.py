"""VN_AQI and VN_WQI as they are published: with everything the decisions make mandatory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ioc.domain import aqi, surface_water, wqi
from ioc.domain.indices import SHARE, Derived, Kind
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

_KINDS: Final = {
    Derived.AQI_HOUR: Kind.AIR,
    Derived.AQI_DAY: Kind.AIR,
    Derived.WQI: Kind.WATER,
}


# The same hour and the same validity as the index that is missing.
_HOUR_MEANS: Final = """
select d.thing_id, d.property, p.name_vi, h.sum / h.n_good
from unnest(%(things)s::int[], %(hours)s::timestamptz[]) as k (thing_id, hour)
join datastream d on d.thing_id = k.thing_id and not d.derived
  and d.property = any(%(properties)s)
join observed_property p on p.code = d.property and p.unit = d.unit
join observation_hour h on h.datastream_id = d.id and h.hour = k.hour and h.n_good > 0
  and h.n_good >= %(share)s * greatest(1, floor(3600 / d.expected_period_s))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The station an index is about; `source` is the title of its feed."""

    thing_id: int
    name: str
    short_name: str
    lon: float | None
    lat: float | None
    source: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class IndexRow:
    """The newest index of one derived datastream. `time`: the end of its hour or day."""

    place: Place
    datastream_id: int
    of: Derived
    time: datetime
    index: int | None
    sub_indices: Mapping[str, float]
    dominant: str | None
    coverage: float
    reason: str | None
    stale_after_s: float
    weighted: bool = False  # of VN_WQI: group IV counts twice
    surface: surface_water.Graded | None = None  # of a river without VN_WQI: its QCVN 08 class
    surface_names: tuple[str, ...] = ()  # of the parameters that decide it

    @property
    def kind(self) -> Kind:
        return _KINDS[self.of]

    @property
    def category(self) -> aqi.Category | wqi.Category | None:
        if self.index is None:
            return None
        category = aqi.category if self.kind is Kind.AIR else wqi.category
        return category(self.index)

    @property
    def category_key(self) -> str | None:
        """Return the key of the category's words in ioc/text."""
        return self.category and f"{self._index}.category.{self.category}"

    @property
    def reason_key(self) -> str | None:
        """Return the key of the words that say why there is no index."""
        if self.of is Derived.AQI_DAY and self.reason == aqi.Missing.NO_DATA:
            return "indices.day_no_data"  # a day has no NowCast, which the other words explain
        return self.reason and f"{self._index}.missing.{self.reason}"

    @property
    def _index(self) -> str:
        return "aqi" if self.kind is Kind.AIR else "wqi"

    def is_old(self, now: datetime) -> bool:
        """Tell whether the next one should have come by now."""
        return now - self.time > timedelta(seconds=self.stale_after_s)


@dataclass(frozen=True, slots=True)
class Past:
    """One index of the past; None: there was none, and `reason` says why."""

    of: Derived
    time: datetime
    index: int | None
    reason: str | None


class IndexQueries:
    """Indices of stations, within the scope of who asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, *, after: int, limit: int) -> tuple[list[IndexRow], int | None]:
        """Return the newest indices of up to `limit` stations with an id above `after`.

        With the last station's id, None at the end.
        """
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select t.id from thing t where t.id > %(after)s and t.state = 'admitted'"
                " and exists (select from index_station where thing_id = t.id)"
                + WITHIN
                + " order by t.id limit %(limit)s",
                {"after": after, "limit": limit} | limits(),
            )
            things = [row[0] for row in await cursor.fetchall()]
            return await _read(conn, things), things[-1] if len(things) == limit else None

    async def station(self, thing_id: int) -> list[IndexRow]:
        """Return the newest indices of one station; [] where it has none or is out of scope."""
        async with self._database.connection() as conn:
            return await _read(conn, [thing_id])

    async def past(self, thing_id: int, since: datetime) -> list[Past]:
        """Return the indices of a station since an instant, the oldest first."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select d.property, i.phenomenon_time, nullif(o.result, 'NaN'), i.reason"
                " from thing t join datastream d on d.thing_id = t.id and d.derived"
                " join index_detail i on i.datastream_id = d.id"
                " left join observation o on o.datastream_id = d.id"
                "  and o.phenomenon_time = i.phenomenon_time and o.phenomenon_time > %(since)s"
                " where t.id = %(thing)s and t.state = 'admitted'"
                " and i.phenomenon_time > %(since)s" + WITHIN + " order by 1, 2",
                {"thing": thing_id, "since": since} | limits(),
            )
            return [
                Past(Derived(of), time, None if result is None else round(result), reason)
                for of, time, result, reason in await cursor.fetchall()
            ]


async def _read(conn: Db, things: list[int]) -> list[IndexRow]:
    cursor = await conn.execute(
        "select t.id, t.name, t.short_name, l.lon, l.lat, f.title_vi, t.simulated, d.id,"
        " d.property, i.phenomenon_time, nullif(o.result, 'NaN'), i.sub_indices, i.dominant,"
        " i.coverage, i.reason, d.stale_after_s, coalesce(s.weighted, false)"
        " from thing t join datastream d on d.thing_id = t.id and d.derived"
        " join feed f on f.name = t.feed left join location l on l.thing_id = t.id"
        " left join index_station s on s.thing_id = t.id and s.kind = 'water'"
        " and d.property = 'vn_wqi'"
        " cross join lateral (select * from index_detail where datastream_id = d.id"
        "  order by phenomenon_time desc limit 1) i"
        " left join observation o on o.datastream_id = d.id"
        "  and o.phenomenon_time = i.phenomenon_time"
        " where t.state = 'admitted' and t.id = any(%(things)s)"
        + WITHIN
        + " order by t.id, array_position(%(order)s, d.property)",
        {"things": things, "order": [str(of) for of in Derived]} | limits(),
    )
    rows = [_row(row) for row in await cursor.fetchall()]
    bare = [row for row in rows if row.of is Derived.WQI and row.index is None]
    if not bare:
        return rows
    graded = await _surface(conn, bare)
    return [replace(row, **graded.get(row.datastream_id, {})) for row in rows]


async def _surface(conn: Db, rows: list[IndexRow]) -> dict[int, dict[str, Any]]:
    """Return the QCVN 08 class of rivers at the hour for which they have no VN_WQI."""
    cursor = await conn.execute(
        _HOUR_MEANS,
        {
            "things": [row.place.thing_id for row in rows],
            "hours": [row.time - timedelta(hours=1) for row in rows],
            "properties": list(surface_water.PROPERTIES),
            "share": SHARE,
        },
    )
    found: dict[int, dict[str, tuple[str, float]]] = {}
    for thing, code, name, mean in await cursor.fetchall():
        found.setdefault(thing, {})[code] = (name, mean)
    made: dict[int, dict[str, Any]] = {}
    for row in rows:
        own = found.get(row.place.thing_id, {})
        graded = surface_water.graded({code: mean for code, (_, mean) in own.items()})
        if graded is not None:
            names = tuple(own[code][0] for code in graded.by)
            made[row.datastream_id] = {"surface": graded, "surface_names": names}
    return made


def _row(row: tuple[Any, ...]) -> IndexRow:
    place, stream, of, time, result = Place(*row[:7]), row[7], row[8], row[9], row[10]
    index = None if result is None else round(result)
    return IndexRow(place, stream, Derived(of), time, index, *row[11:])
