"""What is on the map by name, and what is known of one place: search, things, their alerts.

Words are folded by the database's `search_fold`: no marks, no case. Each word of the question is
the beginning of a word of the name, so an index without trigrams answers.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ioc.domain.naming import searchable as fold
from ioc.web.database import Database, Db
from ioc.web.identity import limits
from ioc.web.queries.scope import ALERT_WITHIN, FEATURE_WITHIN, WITHIN

MOST_WORDS: Final = 8  # more tell nothing new, and each costs an index scan
MOST_FOUND: Final = 50
_ALERTS: Final = 20  # of one place: the newest
_OLD: Final = re.compile(r"[,;\n]|\s+và\s+")


@dataclass(frozen=True, slots=True)
class Found:
    """One place. `kind`: thing, feature or commune; `key`: the thing's id or the code."""

    kind: str
    layer: str
    key: str
    name: str
    detail: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A commune as its published layer has it; `words`: its names and those it had, folded."""

    code: str
    name: str
    old: str
    words: tuple[str, ...]
    lon: float
    lat: float


class PlaceQueries:
    """The reading half of the map."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._units: tuple[str, tuple[Unit, ...]] = ("", ())  # of a version of `communes`

    async def search(self, text: str, limit: int) -> list[Found]:
        """Return places whose names have all words of `text`, the likeliest first."""
        words = fold(text).split()[:MOST_WORDS]
        if not words:
            return []
        async with self._database.connection() as conn:
            units = await self._communes(conn)
            found = [_found(unit) for unit in units if _fits(unit, words)][:limit]
            rows = await _search(conn, words, limit)
        found = [*(one for one in rows if one.kind == "thing"), *found]
        found += [one for one in rows if one.kind == "feature"]
        asked = " ".join(words)
        found.sort(key=lambda one: _rank(one, asked))
        return found[:limit]

    async def things(self) -> list[tuple[Any, ...]]:
        """Return (id, code, name, kind, commune) of every admitted thing with a place."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select t.id, t.external_id, t.name, t.kind, l.commune_name from thing t"
                " join location l on l.thing_id = t.id where t.state = 'admitted'"
                + WITHIN
                + " order by t.id",
                limits(),
            )
            return await cursor.fetchall()

    async def alerts(self, thing: int) -> list[dict[str, Any]]:
        """Return the newest alerts of a thing, open ones first."""
        async with self._database.connection() as conn:
            cursor = await conn.execute(
                "select a.id, r.name, a.severity, a.active, a.acked_at is not null, a.raised_at,"
                " a.closed_at from alert a join rule r on r.id = a.rule_id"
                " where a.thing_id = %(thing)s"
                + ALERT_WITHIN
                + " order by a.closed_at is not null, a.raised_at desc limit %(limit)s",
                {"thing": thing, "limit": _ALERTS} | limits(),
            )
            names = ("id", "name", "severity", "active", "acked", "raised", "closed")
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

    async def _communes(self, conn: Db) -> tuple[Unit, ...]:
        """Return the communes as published, read once for each version."""
        cursor = await conn.execute(
            "select version from layer_version where layer = 'communes' and current"
        )
        row = await cursor.fetchone()
        version = "" if row is None else str(row[0])
        if version != self._units[0]:
            cursor = await conn.execute(
                "select body from layer_version where layer = 'communes' and version = %s",
                (version,),
            )
            body = await cursor.fetchone()
            self._units = (version, _read(bytes(body[0])) if body else ())
        return self._units[1]


async def _search(conn: Db, words: list[str], limit: int) -> list[Found]:
    query = " & ".join(f"{word}:*" for word in words)
    cursor = await conn.execute(
        "with asked as (select to_tsquery('simple', %(query)s) as q),"
        " hit as (select id from thing, asked where words @@ q and state = 'admitted'"
        "  union select thing_id from thing_alias, asked where search_words(external_id) @@ q"
        "  union select thing_id from location, asked"
        "   where search_words(coalesce(commune_name, '')) @@ q limit %(most)s)"
        " (select 'thing', t.kind, t.id::text, t.name, concat_ws(' · ', t.external_id,"
        "   l.commune_name), l.lon, l.lat"
        "  from hit join thing t using (id) join location l on l.thing_id = t.id"
        "  where t.state = 'admitted'" + WITHIN + "  order by not"
        "   (t.words @@ (select q from asked)), length(t.name), t.name limit %(limit)s)"
        " union all"
        " (select 'feature', layer, code, name, concat_ws(' · ', code, commune_name),"
        "   (center(bounds))[0], (center(bounds))[1] from layer_feature f, asked"
        "  where until is null and layer <> 'communes' and search_words(code || ' ' || name || ' '"
        "   || coalesce(properties ->> 'old_names', '') || ' ' || coalesce(commune_name, '')) @@ q"
        + FEATURE_WITHIN
        + "  limit %(limit)s)",
        {"query": query, "limit": limit, "most": MOST_FOUND * 4} | limits(),
    )
    return [Found(*row) for row in await cursor.fetchall()]


def _read(body: bytes) -> tuple[Unit, ...]:
    features = orjson.loads(gzip.decompress(body))["features"]
    return tuple(_unit(feature) for feature in features)


def _unit(feature: dict[str, Any]) -> Unit:
    told = feature["properties"]
    code, name = str(told.get("code") or feature.get("id") or ""), str(told.get("name") or "")
    old = ", ".join(part.strip() for part in _OLD.split(str(told.get("old_names") or "")) if part)
    lon, lat = _middle(feature["geometry"]["coordinates"])
    return Unit(code, name, old, tuple(fold(f"{code} {name} {old}").split()), lon, lat)


def _middle(coordinates: Any) -> tuple[float, float]:  # noqa: ANN401  nested as GeoJSON has it
    """Return the middle of what the coordinates span."""
    lons, lats, left = [], [], [coordinates]
    while left:
        one = left.pop()
        if one and isinstance(one[0], int | float):
            lons.append(one[0])
            lats.append(one[1])
        else:
            left.extend(one)
    return (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2


def _fits(unit: Unit, words: list[str]) -> bool:
    return all(any(own.startswith(word) for own in unit.words) for word in words)


def _found(unit: Unit) -> Found:
    return Found("commune", "communes", unit.code, unit.name, unit.old, unit.lon, unit.lat)


def _rank(one: Found, asked: str) -> tuple[bool, bool, bool, bool, int]:
    """Return the order: the very code, a name that begins so or has it whole, what lives, short."""
    name = fold(one.name)
    exact = asked in (fold(one.key), fold(one.detail.partition(" · ")[0]))
    return (
        not exact,
        not name.startswith(asked),
        f" {asked}" not in f" {name}",
        one.kind == "feature",
        len(name),
    )
