"""The simulated network and hamlets as layers, where nobody has imported any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from struct import pack
from typing import Any, Final

import msgspec
from psycopg import Connection

from ioc.demo import fibre, hamlets
from ioc.demo.geography import Geography
from ioc.demo.province import Unit
from ioc.domain.layer import Feature, LayerImport, Published
from ioc.domain.location import Point, Province
from ioc.domain.wkb import parts
from ioc.storage.features import Shelf

Db = Connection[tuple[Any, ...]]

NOTE: Final = "dữ liệu mô phỏng"
BY: Final = "seed"


def seed_layers(conn: Db, number: int, geography: Geography, units: Sequence[Unit]) -> None:
    """Fill the layers of the network; one that has ever had an import is left alone."""
    home, shelf = geography.province, Shelf(conn)
    made = fibre.build(number, home.seats, units)
    masts = [(u.place.lon, u.place.lat) for u in units if u.kind == "bts"]
    offices = [u for u in units if u.kind == "network"]
    rows = {
        "duct": [_line(home, duct) for duct in made.ducts],
        "fibre_route": [_line(home, cable) for cable in made.cables],
        "node": [_point(home, n.code, n.name, n.at, {"kind": n.kind}) for n in made.nodes],
        "tslcd_point": [
            _point(home, u.external_id, u.name, (u.place.lon, u.place.lat), {}) for u in offices
        ],
        "hamlet": [_hamlet(home, one) for one in hamlets.build(number, home, masts)],
    }
    for layer, features in rows.items():
        if shelf.standing(layer).number == 0:
            _put(shelf, layer, features)


def _put(shelf: Shelf, layer: str, features: Sequence[Feature]) -> None:
    things = shelf.things()
    facts = {"file": NOTE, "counts": {"read": len(features), "added": len(features)}}
    shelf.commit(
        LayerImport(layer, 0, tuple(features), (), _published(features, things), BY, "", {}, facts)
    )


def _line(home: Province, line: fibre.Line) -> Feature:
    numbers = b"".join(pack("<2d", *at) for at in line.points)
    shape = pack("<BII", 1, 2, len(line.points)) + numbers
    told: dict[str, object] = {"from_node": line.start, "to_node": line.end}
    if line.laying:
        told |= {"laying": line.laying, "cores": line.cores}
    else:
        told |= {"kind": "cống bể"}
    return _feature(home, line.code, line.name, shape, line.points, told)


def _point(home: Province, code: str, name: str, at: Point, told: Mapping[str, object]) -> Feature:
    return _feature(home, code, name, pack("<BI2d", 1, 1, *at), (at,), told)


def _hamlet(home: Province, one: hamlets.Hamlet) -> Feature:
    told = {
        "population": one.population,
        "households": one.households,
        "power": one.power,
        "coverage": one.coverage,
        **{
            f"coverage_{name}": signal
            for name, signal in zip(hamlets.OPERATORS, one.by_operator, strict=True)
        },
    }
    return _point(home, one.code, one.name, one.at, told)


def _feature(
    home: Province,
    code: str,
    name: str,
    shape: bytes,
    points: Iterable[Point],
    told: Mapping[str, object],
) -> Feature:
    lons, lats = zip(*points, strict=True)
    bounds = (min(lons), min(lats), max(lons), max(lats))
    middle = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    seat = home.place(*middle).commune
    properties = {k: v for k, v in told.items() if v != ""} | {"note": NOTE}
    body = msgspec.json.encode(properties, order="sorted")
    digest = blake2b(shape + body + name.encode(), digest_size=16).digest()
    code_of, name_of = (None, None) if seat is None else (seat.code, seat.name)
    how = "none" if seat is None else "nearest_seat"
    return Feature(code, name, shape, bounds, body, code_of, name_of, how, digest)


def _published(features: Sequence[Feature], things: Mapping[str, int]) -> Published:
    """Return the layer as the map fetches it; its source is named as what it is."""
    made = [
        {
            "type": "Feature",
            "id": things.get(row.code)
            or int.from_bytes(blake2b(row.code.encode(), digest_size=6).digest()),
            "geometry": _geometry(row.shape),
            "properties": {
                "code": row.code,
                "name": row.name,
                **msgspec.json.decode(row.properties),
                "commune_code": row.commune_code,
                "commune_name": row.commune_name,
                "commune_how": row.commune_how,
            },
        }
        for row in sorted(features, key=lambda row: row.code)
    ]
    document = {"type": "FeatureCollection", "attribution": NOTE, "features": made}
    body = msgspec.json.encode(document)
    return Published(sha256(body).hexdigest()[:16], body, len(made), NOTE)


def _geometry(shape: bytes) -> dict[str, object]:
    (line,) = parts(shape)
    if len(line) == 1:
        return {"type": "Point", "coordinates": line[0]}
    return {"type": "LineString", "coordinates": line}
