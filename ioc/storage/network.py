"""The network and the hamlets as layers and registry have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, LiteralString

from ioc.domain.coverage import Hamlet, Signal, signal_of
from ioc.domain.location import Point
from ioc.domain.network.plan import Node, Plan, Site, SiteKind, Way
from ioc.domain.wkb import parts
from ioc.storage.script import Rows, Script

# Kinds of a node, marks folded away, that mean: what reaches it is connected.
_CORES: Final = frozenset({"core", "loi", "nut loi", "trung tam", "noc", "ttdl"})
_THINGS: Final = {"network": SiteKind.TSLCD, "bts": SiteKind.BTS, "camera": SiteKind.CAMERA}
_OPERATORS: Final = {"viettel": "Viettel", "vnpt": "VNPT", "mobifone": "MobiFone"}

_VERSION: Final[LiteralString] = """
select coalesce((select string_agg(layer || number, ',' order by layer) from (
    select layer, max(number) as number from layer_import
    where layer in ('duct', 'fibre_route', 'node', 'tslcd_point', 'bts', 'camera', 'hamlet')
    group by layer) i), '')
  || ':' || (select count(*) || ':' ||
    coalesce(sum(hashtext(concat_ws('|', t.id, t.external_id, t.name, l.lon, l.lat))), 0)
    from thing t join location l on l.thing_id = t.id
    where t.state = 'admitted' and t.kind in ('network', 'bts', 'camera'))
"""
_FEATURES: Final[LiteralString] = """
select layer, code, name, shape, properties, coalesce(commune_code, ''),
  coalesce(commune_name, '') from layer_feature
where until is null and layer = any (%s) order by layer, code
"""
_SITES: Final[LiteralString] = """
select t.id, t.external_id, t.kind, t.name, l.lon, l.lat, coalesce(l.commune_code, ''),
  coalesce(l.commune_name, '') from thing t join location l on l.thing_id = t.id
where t.state = 'admitted' and t.kind in ('network', 'bts', 'camera') order by t.id
"""


def version() -> Script[str]:
    """Return a word that changes when anything the network is made of does."""
    rows = yield _VERSION, ()
    return str(rows[0][0])


def plan() -> Script[Plan]:
    """Return the network; a measured thing is a site, alone or as the row that has its code."""
    names = ["duct", "fibre_route", "node", *SiteKind]
    rows = yield _FEATURES, (names,)
    things = yield _SITES, ()
    by_layer: dict[str, Rows] = {name: [] for name in names}
    for layer, *row in rows:
        by_layer[layer].append(tuple(row))
    return Plan(
        tuple(_ways(by_layer["duct"])),
        tuple(_ways(by_layer["fibre_route"])),
        tuple(_nodes(by_layer["node"])),
        tuple(_sites(by_layer, things)),
    )


def hamlets() -> Script[list[Hamlet]]:
    """Return the hamlets, in the order of their codes."""
    rows = yield _FEATURES, (["hamlet"],)
    return [
        Hamlet(
            code,
            name,
            at,
            properties.get("commune_code") or commune,
            commune_name or str(properties.get("commune_name") or ""),
            _signal(properties.get("coverage")),
            _whole(properties.get("population")),
            properties.get("power"),
            tuple(
                (title, _signal(properties[f"coverage_{key}"]))
                for key, title in _OPERATORS.items()
                if properties.get(f"coverage_{key}") is not None
            ),
        )
        for _, code, name, shape, properties, commune, commune_name in rows
        for at in _points(shape)
    ]


def masts() -> Script[list[Point]]:
    """Return where base stations stand, by layer and registry."""
    rows = yield _FEATURES, (["bts"],)
    things = yield _SITES, ()
    found = [at for row in rows for at in _points(row[3])]
    return found + [(lon, lat) for _, _, kind, _, lon, lat, *_ in things if kind == "bts"]


def _ways(rows: Rows) -> Iterator[Way]:
    for code, name, shape, properties, *_ in rows:
        lines = [part for part in parts(bytes(shape)) if len(part) > 1]
        start, end = (str(properties.get(key) or "") for key in ("from_node", "to_node"))
        for n, line in enumerate(lines):
            many = "" if len(lines) == 1 else f"/{n + 1}"
            first, last = n == 0, n == len(lines) - 1
            yield Way(f"{code}{many}", name, line, start if first else "", end if last else "")


def _nodes(rows: Rows) -> Iterator[Node]:
    for code, name, shape, properties, *_ in rows:
        for at in _points(shape):
            yield Node(code, name, at, fold(str(properties.get("kind") or "")) in _CORES)


def _sites(by_layer: Mapping[str, Rows], things: Rows) -> Iterator[Site]:
    """Yield the rows of the layers, then the things that no row is the place of."""
    known = {row[1]: row for row in things}
    seen: set[str] = set()
    for kind in SiteKind:
        for code, name, shape, _, commune, commune_name in by_layer[kind]:
            thing = known.get(code)
            for at in _points(shape):
                seen.add(code)
                number = None if thing is None else thing[0]
                yield Site(code, kind, name, at, commune, commune_name, number)
    for number, code, kind, name, lon, lat, commune, commune_name in things:
        if code not in seen:
            yield Site(code, _THINGS[kind], name, (lon, lat), commune, commune_name, number)


def _points(shape: bytes) -> Iterable[Point]:
    return [part[0] for part in parts(bytes(shape)) if len(part) == 1]


def _signal(said: object) -> Signal:
    return signal_of(fold("" if said is None else str(said)))


def _whole(said: Any) -> int | None:  # noqa: ANN401  what JSON holds
    return int(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def fold(text: str) -> str:
    """Return a text without marks and capitals."""
    bare = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(c for c in bare if not unicodedata.combining(c)).strip()
