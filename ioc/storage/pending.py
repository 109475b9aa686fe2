"""Things that appeared by themselves: a person admits them, refuses them, or takes that back.

A refused one is retired and keeps what it sent, hidden; `thing.properties.refused` says by whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.types.json import Jsonb

from ioc.domain.location import Place
from ioc.storage.script import Script
from ioc.storage.things import CHANGED, SHORT

STALE_PERIODS: Final = 5  # as of a feed that names no limit: five lost messages are silence


@dataclass(frozen=True, slots=True)
class Admission:
    """What a person says of a pending thing; None leaves it as it came.

    `exact`: the commune was named, not guessed from the nearest seat.
    """

    id: int
    name: str | None = None
    short_name: str | None = None
    kind: str | None = None
    place: Place | None = None
    exact: bool = False
    period_s: float | None = None


def admit(given: Admission, by: str) -> Script[bool]:
    """Admit a pending thing, which makes its history visible; False when it is none."""
    rows = yield (
        (
            "update thing set state = 'admitted', admitted_at = now(), admitted_by = %(by)s,"
            " name = coalesce(%(name)s, name), kind = coalesce(%(kind)s, kind),"
            " short_name = coalesce(%(short)s, left(%(name)s, %(longest)s), short_name)"
            " where id = %(id)s and state = 'pending' returning id"
        ),
        {
            "by": by,
            "name": given.name,
            "short": given.short_name,
            "kind": given.kind,
            "longest": SHORT,
            "id": given.id,
        },
    )
    if not rows:
        return False
    if given.place is not None:
        yield from _locate(given.id, given.place, exact=given.exact)
    if given.period_s is not None:
        yield (
            (
                "update datastream set expected_period_s = %(s)s, stale_after_s = %(s)s * %(n)s"
                " where thing_id = %(id)s"
            ),
            {"s": given.period_s, "n": STALE_PERIODS, "id": given.id},
        )
    yield "select pg_notify(%s, '')", (CHANGED,)
    return True


def _locate(thing: int, place: Place, *, exact: bool) -> Script[None]:
    seat = place.commune
    how = "none" if seat is None else "boundary" if exact else "nearest_seat"
    yield (
        (
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) values (%s, %s, %s, %s, %s, %s, %s) on conflict (thing_id) do update set"
            " lon = excluded.lon, lat = excluded.lat, commune_code = excluded.commune_code,"
            " commune_name = excluded.commune_name, commune_how = excluded.commune_how,"
            " outline = excluded.outline, updated_at = now()"
        ),
        (
            thing,
            place.lon,
            place.lat,
            seat and seat.code,
            seat and seat.name,
            how,
            place.outline.value,
        ),
    )


def refuse(thing: int, by: str, reason: str) -> Script[bool]:
    """Retire a pending thing; False when it is none."""
    rows = yield (
        (
            "update thing set state = 'retired', properties = properties"
            " || jsonb_build_object('refused', %s::jsonb || jsonb_build_object('at', now()))"
            " where id = %s and state = 'pending' returning id"
        ),
        (Jsonb({"by": by, "reason": reason}), thing),
    )
    return bool(rows)


def restore(thing: int) -> Script[bool]:
    """Let a refused thing wait again; False when it was not refused."""
    rows = yield (
        (
            "update thing set state = 'pending', properties = properties - 'refused',"
            " created_at = now()"  # the wait begins anew, else retention would end it at once
            " where id = %s and state = 'retired' and properties ? 'refused' returning id"
        ),
        (thing,),
    )
    return bool(rows)
