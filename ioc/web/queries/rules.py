"""What the rule pages read: rules with their versions, stations, rules that overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ioc.storage import rule_versions
from ioc.storage.rule_versions import Head, Version
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import ALERT_WITHIN, WITHIN

LOUD_DAYS: Final = 30  # alerts are counted, and rules tried, over this many days
MOST_STATIONS: Final = (
    2000  # of one property; a province has tens, its cameras' states do not count
)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in the list; `definition` is the version in force."""

    id: str
    version: int
    enabled: bool
    origin: str
    definition: Mapping[str, Any]
    created_by: str
    since: datetime
    waiting: int | None  # a version that waits for a second person
    alerts: int
    property_name: str
    unit: str
    decimals: int
    states: Mapping[str, float] | None  # of a category


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """An observed property that is measured somewhere."""

    code: str
    name: str
    unit: str
    decimals: int
    kind: str
    states: Mapping[str, int] | None
    stations: int


@dataclass(frozen=True, slots=True)
class StationRow:
    """An admitted thing's datastream of one property."""

    datastream: int
    thing: int
    feed: str
    feed_name: str
    external_id: str
    name: str
    kind: str
    unit: str
    commune: str | None
    commune_code: str | None
    lon: float | None
    lat: float | None
    observed_property: str
    expected_period_s: float
    stale_after_s: float
    category: bool
    simulated: bool

    @property
    def ref(self) -> str:
        """Return how a selector names the thing."""
        return f"{self.feed}/{self.external_id}"


@dataclass(frozen=True, slots=True)
class Detail:
    """A rule with all its versions, newest first."""

    head: Head
    versions: list[Version]


class RuleQueries:
    """The reading half of the rule pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self) -> list[RuleRow]:
        """Return every rule by name."""
        async with self._database.connection() as conn:
            return await _rules(conn)

    async def rule(self, key: str) -> Detail | None:
        """Return one rule, or None."""
        async with self._database.connection() as conn:
            head = await rule_versions.head(conn, key)
            return None if head is None else Detail(head, await rule_versions.versions(conn, key))

    async def in_force(self, key: str) -> Head | None:
        """Return where a rule stands, or None."""
        async with self._database.connection() as conn:
            return await rule_versions.head(conn, key)

    async def properties(self) -> list[PropertyRow]:
        """Return what admitted things measure, by name."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select p.code, p.name_vi, p.unit, p.decimals, p.kind, p.states, count(*)"
                " from datastream d join thing t on t.id = d.thing_id and t.state = 'admitted'"
                " join observed_property p on p.code = d.property"
                " where p.code <> 'unclassified'"
                + WITHIN
                + " group by p.code order by p.kind desc, p.name_vi",
                limits(),
            )
            return [PropertyRow(*row) for row in await cursor.fetchall()]

    async def stations(self, code: str) -> list[StationRow]:
        """Return who measures a property, by name."""
        async with self._database.connection() as conn:
            return await _stations(conn, code=code)

    async def station(self, datastream: int) -> StationRow | None:
        """Return one datastream of an admitted thing, or None."""
        async with self._database.connection() as conn:
            return next(iter(await _stations(conn, datastream=datastream)), None)

    async def of_property(self, code: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Return (version, definition) of each enabled rule of a property."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select v.version, v.definition from rule r join rule_version v"
                " on v.rule_id = r.id and v.version = r.current_version"
                " where r.enabled and v.definition ->> 'observed_property' = %s order by r.name",
                (code,),
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _rules(conn: Db) -> list[RuleRow]:
    cursor = await conn.execute(
        "select r.id, v.version, r.enabled, r.origin, v.definition, v.created_by, v.created_at,"
        " w.version, coalesce(a.n, 0),"
        " coalesce(p.name_vi, v.definition ->> 'observed_property', ''),"
        " coalesce(p.unit, ''), coalesce(p.decimals, 1),"
        " case when p.kind = 'category' then p.states end"
        " from rule r join rule_version v on v.rule_id = r.id and v.version = r.current_version"
        " left join observed_property p on p.code = v.definition ->> 'observed_property'"
        " left join lateral (select max(version) as version from rule_version"
        "  where rule_id = r.id and state = 'waiting') w on true"
        " left join (select a.rule_id, count(*) as n from alert_event e"
        "  join alert a on a.id = e.alert_id where e.kind = 'RAISE'"
        "  and e.event_time > now() - make_interval(days => %(days)s)"
        + ALERT_WITHIN
        + " group by 1) a on a.rule_id = r.id order by r.name, r.id",
        {"days": LOUD_DAYS} | limits(),
    )
    return [RuleRow(*row) for row in await cursor.fetchall()]


async def _stations(
    conn: Db, *, code: str | None = None, datastream: int | None = None
) -> list[StationRow]:
    cursor = await conn.execute(
        "select d.id, t.id, t.feed, f.title_vi, t.external_id, t.name, t.kind, d.unit,"
        " l.commune_name, l.commune_code, l.lon, l.lat, d.property, d.expected_period_s,"
        " d.stale_after_s, p.kind = 'category', t.simulated from datastream d"
        " join thing t on t.id = d.thing_id and t.state = 'admitted'"
        " join feed f on f.name = t.feed join observed_property p on p.code = d.property"
        " left join location l on l.thing_id = t.id"
        " where (%(code)s::text is null or d.property = %(code)s)"
        " and (%(ds)s::integer is null or d.id = %(ds)s)"
        + WITHIN
        + " order by t.name, d.id limit %(most)s",
        {"code": code, "ds": datastream, "most": MOST_STATIONS} | limits(),
    )
    return [StationRow(*row) for row in await cursor.fetchall()]
