"""A week of one index of all stations in one compact answer: the frames of a time slider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ioc.domain.indices import ZONE_HOURS, Derived
from ioc.domain.instant import HOUR, Micros
from ioc.web.database import Database
from ioc.web.identity import limits
from ioc.web.queries.scope import WITHIN

DAYS: Final = 7
MOST_STATIONS: Final = 2000  # a province has some hundred; 168 frames each are 1 MB
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400

_STATIONS: Final = """
select d.id, t.id, t.name, t.short_name, l.lon, l.lat, t.simulated
from thing t join datastream d on d.thing_id = t.id and d.derived and d.property = %(of)s
left join location l on l.thing_id = t.id
where t.state = 'admitted'
"""
_VALUES: Final = """
select i.datastream_id,
  array_agg(((extract(epoch from i.phenomenon_time) - %(first)s) / %(step)s)::int),
  array_agg(nullif(o.result, 'NaN')::int), array_agg(i.reason)
from index_detail i
left join observation o on o.datastream_id = i.datastream_id
  and o.phenomenon_time = i.phenomenon_time
  and o.phenomenon_time >= to_timestamp(%(first)s) and o.phenomenon_time <= to_timestamp(%(last)s)
where i.datastream_id = any(%(streams)s) and i.phenomenon_time >= to_timestamp(%(first)s)
  and i.phenomenon_time <= to_timestamp(%(last)s)
group by 1
"""


@dataclass(frozen=True, slots=True)
class StationFrames:
    """One station. `values`: its index in each frame; below zero -1 - n: none, for reason n.

    None: it was not computed.
    """

    thing: int
    name: str
    short_name: str
    lon: float | None
    lat: float | None
    simulated: bool
    values: list[int | None]


@dataclass(frozen=True, slots=True)
class Frames:
    """`first`: the end of the first frame's hour or day, in seconds; `step`: seconds."""

    of: Derived
    first: int
    step: int
    count: int
    reasons: tuple[str, ...]
    stations: tuple[StationFrames, ...]


class FrameQueries:
    """Frames of indices, within the scope of who asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def week(self, of: Derived, now: Micros) -> Frames:
        """Return the past 7 days up to the hour or day that is over."""
        first, step, count = span(of, now)
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                _STATIONS + WITHIN + " order by t.id limit %(most)s",
                {"of": str(of), "most": MOST_STATIONS} | limits(),
            )
            stations = await cursor.fetchall()
            asked = {
                "streams": [row[0] for row in stations],
                "first": first,
                "last": first + step * (count - 1),
                "step": step,
            }
            found = {
                row[0]: row[1:] for row in await (await conn.execute(_VALUES, asked)).fetchall()
            }
        reasons: dict[str, int] = {}
        made = tuple(_station(row, _filled(found.get(row[0]), count, reasons)) for row in stations)
        return Frames(of, first, step, count, tuple(reasons), made)


def _station(row: tuple[Any, ...], values: list[int | None]) -> StationFrames:
    thing, name, short, lon, lat, simulated = row[1:]
    return StationFrames(thing, name, short, lon, lat, simulated, values)


def span(of: Derived, now: Micros) -> tuple[int, int, int]:
    """Return the first frame's end, the step, both in seconds, and how many frames there are."""
    last = now // HOUR * _HOUR_S
    if of is not Derived.AQI_DAY:
        return last - (DAYS * 24 - 1) * _HOUR_S, _HOUR_S, DAYS * 24
    shift = ZONE_HOURS * _HOUR_S
    midnight = (last + shift) // _DAY_S * _DAY_S - shift
    return midnight - (DAYS - 1) * _DAY_S, _DAY_S, DAYS


def _filled(
    found: tuple[list[int], list[int | None], list[str | None]] | None,
    count: int,
    reasons: dict[str, int],
) -> list[int | None]:
    values: list[int | None] = [None] * count
    for place, value, reason in zip(*(found or ((), (), ())), strict=True):
        if not 0 <= place < count:
            continue
        if value is None and reason is not None:
            value = -1 - reasons.setdefault(reason, len(reasons))  # noqa: PLW2901  what stands there
        values[place] = value
    return values
