"""`ioc things`: declare, admit, replace and list things: all or nothing, audited, told to all.

A running ingest hears of a change with its commit and acts on it from its next batch on; screens
hear by Redis, or within a minute where Redis is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from pathlib import Path
from typing import Any, Final, get_args

import psycopg
import redis

from ingest import feeds
from ioc import catalogue, geography, things_file
from ioc.domain.errors import ConfigError, Refusal
from ioc.domain.location import Province
from ioc.domain.thing import Declaration, Fault, Kind, Known, Objection, ThingState
from ioc.live import state
from ioc.settings import Settings
from ioc.storage import audit, declared, pool, thing_alias, things
from ioc.storage.declared import Placed
from ioc.text import say

Db = psycopg.Connection[tuple[Any, ...]]
Say = Callable[[str], None]

MOST_FAULTS: Final = 100  # lines on a terminal; the first hundred show what is wrong
MOST_LISTED: Final = 10_000


class _DryRun(Exception):  # noqa: N818  the way out of a transaction
    """Nothing of this is kept."""


def load(settings: Settings, path: Path, *, by: str, dry_run: bool, tell: Say) -> bool:
    """Import a file; False, with every reason told, when something in it is wrong.

    Raises ConfigError when it is no such file.
    """
    sources = feeds.load(settings.config_dir / "feeds")
    properties = catalogue.load(settings.config_dir / "catalog")
    read = things_file.read(path, Known(sources, get_args(Kind), properties))
    province = geography.province()
    found = [
        _placed(row, thing, sources[thing.feed].spec.kind, province)
        for row, thing in zip(read.rows, read.things, strict=True)
    ]
    faults = [*read.faults, *(one for one in found if isinstance(one, Fault))]
    placed = [one for one in found if isinstance(one, Placed)]
    made = updated = 0
    if not faults:
        with _changing(settings, dry_run=dry_run) as conn:
            things.upsert_feeds(conn, [source.spec for source in sources.values()])
            done = declared.put(conn, placed, properties, by=by)
            if isinstance(done, list):
                faults = done
                raise _DryRun
            made, updated = done
            audit.record(conn, audit.Entry(by, "things.import", path.name, done._asdict()))
    for fault in faults[:MOST_FAULTS]:
        tell(things_file.explain(fault))
    if faults:
        tell(say("things.refused", count=len(faults)))
        return False
    tell(say("things.would_import" if dry_run else "things.imported", made=made, changed=updated))
    if not dry_run:
        _tell_screens(settings, tell)
    return True


def _placed(row: int, thing: Declaration, kind: str, province: Province) -> Placed | Fault:
    kind = thing.kind or kind
    if thing.lon is None or thing.lat is None:
        if thing.commune is not None:
            return Fault(row, "commune", "commune_alone", thing.commune)
        return Placed(row, thing, kind, None, exact_commune=False)
    place = province.place(thing.lon, thing.lat)
    if thing.commune is None:
        return Placed(row, thing, kind, place, exact_commune=False)
    seat = next((seat for seat in province.seats if seat.code == thing.commune), None)
    if seat is None:
        return Fault(row, "commune", "no_commune", thing.commune)
    return Placed(row, thing, kind, changed(place, commune=seat), exact_commune=True)


def replace(settings: Settings, feed: str, devices: tuple[str, str], *, by: str, tell: Say) -> None:
    """Let the second device continue the history of the first; Refusal with the reason."""
    old, new = devices
    with _changing(settings) as conn:
        done = thing_alias.replace(conn, feed, old, new, by=by)
        if isinstance(done, Objection):
            raise Refusal(say(f"replacement.{done}"))
        before = declared.kept(conn, feed, new)
        detail = {"feed": feed, "old": old, "new": new, "retired": before and before.thing}
        audit.record(conn, audit.Entry(by, "thing.replace", str(done), detail))
    tell(say("things.replaced", old=old, new=new, thing=done))
    if before is not None:
        tell(say("things.kept_apart", new=new, thing=before.thing, count=before.observations))
    _tell_screens(settings, tell)


def admit(
    settings: Settings, feed: str, devices: Sequence[str], *, name: str | None, by: str, tell: Say
) -> bool:
    """Admit pending things; False, with every reason told, when one of them is not pending."""
    if name is not None and len(devices) != 1:
        raise Refusal(say("things.one_name"))
    faults = []
    with _changing(settings) as conn:
        for device in dict.fromkeys(devices):
            found = declared.standing(conn, feed, device)
            if found is None or found[1] is not ThingState.PENDING:
                why = "unknown" if found is None else found[1]
                faults.append(say(f"things.not_{why}", device=device))
                continue
            short = None if name is None else name[: things.SHORT].rstrip()
            things.admit(conn, found[0], by=by, name=name, short_name=short)
            detail = {"feed": feed, "device": device}
            audit.record(conn, audit.Entry(by, "thing.admit", str(found[0]), detail))
        if faults:
            raise _DryRun
    for fault in faults:
        tell(fault)
    if faults:
        tell(say("things.refused", count=len(faults)))
        return False
    tell(say("things.admitted_count", count=len(set(devices))))
    _tell_screens(settings, tell)
    return True


def show(settings: Settings, feed: str | None, *, pending: bool, tell: Say) -> None:
    """List things, a line each, columns apart by tabs."""
    with pool.connect_or_refuse(settings.database_url, name="cli") as conn:
        rows = declared.listed(conn, feed, pending=pending, limit=MOST_LISTED)
    for row in rows:
        cells = [row.feed, row.external_id, say(f"things.{row.state}"), str(row.datastreams)]
        tell("\t".join([*cells, row.name, " ".join(row.continued_by)]).rstrip())
    if not rows:
        tell(say("things.none"))


@contextmanager
def _changing(settings: Settings, *, dry_run: bool = False) -> Iterator[Db]:
    """Lend a connection for one transaction; nothing is kept after a _DryRun."""
    try:
        with pool.connect_or_refuse(settings.database_url, name="cli") as conn, conn.transaction():
            yield conn
            if dry_run:
                raise _DryRun  # noqa: TRY301  rolls the transaction back
    except _DryRun:
        pass
    except psycopg.errors.UndefinedTable as error:
        raise ConfigError("the database has no tables yet: run `ioc migrate`") from error


def _tell_screens(settings: Settings, tell: Say) -> None:
    if not settings.redis_url:
        tell(say("things.screens_later"))
        return
    client = state.connect(settings.redis_url)
    try:
        state.Live(client, settings.redis_prefix).registry_changed()
    except redis.RedisError:
        tell(say("things.screens_later"))
    finally:
        client.close()
