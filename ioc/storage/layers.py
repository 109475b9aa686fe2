"""Layer versions and the jobs that make them: `layer_version`, `layer_job`.

A version is immutable and named by its content; exactly one of a layer is current. Jobs are taken
by lease, so a worker that dies gives its job back when the lease ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from gzip import compress
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.layer import LayerJob, PointFeature, Published

Db = Connection[tuple[Any, ...]]

LEASE_S: Final = 60.0  # the slowest built-in layer takes a second; a dead worker is noticed soon
IMPORT_LEASE_S: Final = 900.0  # half a million rows take a minute and a half on a slow machine
MAX_ATTEMPTS: Final = 5  # what failed five times needs a person
RETRY_S: Final = 5.0  # times the attempts made: 5, 10, 15, 20 s
KEEP_VERSIONS: Final = 3  # browsers that still hold the last address find it
KEEP_JOBS_DAYS: Final = 30
_ERROR_LENGTH: Final = 500  # characters of a reason an operator reads


def enqueue(conn: Db, kind: str, argument: Mapping[str, object], by: str) -> int:
    """Add a job, or return the waiting one that asks for the same."""
    row = conn.execute(
        "with same as (select id from layer_job"
        "   where state = 'waiting' and kind = %(kind)s and argument = %(argument)s limit 1),"
        " added as (insert into layer_job (kind, argument, created_by)"
        "   select %(kind)s, %(argument)s, %(by)s where not exists (select 1 from same)"
        "   returning id)"
        " select id from same union all select id from added",
        {"kind": kind, "argument": Jsonb(dict(argument)), "by": by},
    ).fetchone()
    assert row is not None
    return int(row[0])


def request_base(conn: Db, by: str) -> None:
    """Ask for every built-in layer to be published."""
    enqueue(conn, "publish", {}, by)


def claim(conn: Db) -> LayerJob | None:
    """Lease the oldest job that waits, or whose worker let its lease end."""
    conn.execute(
        "update layer_job set state = 'failed', finished_at = now(),"
        " error = coalesce(error, 'the worker died with it each time')"
        " where state = 'running' and lease_until < now() and attempts >= %s",
        (MAX_ATTEMPTS,),
    )
    row = conn.execute(
        "update layer_job set state = 'running', attempts = attempts + 1,"
        " lease_until = now() + make_interval(secs =>"
        "   case kind when 'import' then %s else %s end)"
        " where id = (select id from layer_job where state in ('waiting', 'running')"
        "   and (lease_until is null or lease_until < now()) and attempts < %s"
        "   order by id for update skip locked limit 1)"
        " returning id, kind, argument, attempts",
        (IMPORT_LEASE_S, LEASE_S, MAX_ATTEMPTS),
    ).fetchone()
    return None if row is None else LayerJob(*row)


def finish(conn: Db, job: LayerJob, result: Mapping[str, object] | None = None) -> None:
    """Mark a job done, unless its lease went to another worker meanwhile."""
    conn.execute(
        "update layer_job set state = 'done', error = null, lease_until = null, result = %s,"
        " finished_at = now() where id = %s and state = 'running' and attempts = %s",
        (None if result is None else Jsonb(dict(result)), job.id, job.attempts),
    )


def give_back(conn: Db, job: LayerJob, error: str, *, final: bool) -> None:
    """Put a job that failed back with a growing pause; for good when `final` or tried enough."""
    over = final or job.attempts >= MAX_ATTEMPTS
    conn.execute(
        "update layer_job set state = %s, error = %s,"
        " lease_until = case when %s then null else now() + make_interval(secs => %s) end,"
        " finished_at = case when %s then now() end"
        " where id = %s and state = 'running' and attempts = %s",
        (
            "failed" if over else "waiting",
            error[:_ERROR_LENGTH],
            over,
            RETRY_S * job.attempts,
            over,
            job.id,
            job.attempts,
        ),
    )


def prune_jobs(conn: Db) -> None:
    """Drop finished jobs nobody asks about any more."""
    conn.execute(
        "delete from layer_job where finished_at < now() - make_interval(days => %s)",
        (KEEP_JOBS_DAYS,),
    )


def points(conn: Db, *, bts: bool) -> list[PointFeature]:
    """Return the admitted things that have a place: base stations, or all the others."""
    rows = conn.execute(
        "select t.id, t.kind, t.name, t.short_name, l.lon, l.lat,"
        " coalesce(t.properties ->> 'attribution', '')"
        " from thing t join location l on l.thing_id = t.id"
        " where t.state = 'admitted' and (t.kind = 'bts') = %s order by t.id",
        (bts,),
    ).fetchall()
    return [PointFeature(*row) for row in rows]


def fingerprint(conn: Db) -> str:
    """Return a word that changes when any admitted thing appears, moves, leaves or is renamed."""
    row = conn.execute(
        "select count(*)::text || ':' || coalesce(max(l.updated_at)::text, '') || ':' ||"
        " coalesce(sum(hashtext(concat_ws(chr(31), t.id, t.kind, t.name, t.short_name))), 0)::text"
        " from thing t join location l on l.thing_id = t.id where t.state = 'admitted'"
    ).fetchone()
    assert row is not None
    return str(row[0])


def lock(conn: Db, layer: str) -> None:
    """Let one writer of a layer work at a time, also where it has no row yet; until commit."""
    conn.execute("select pg_advisory_xact_lock(hashtext('layer'), hashtext(%s))", (layer,))


def put(conn: Db, layer: str, made: Published) -> bool:
    """Make a version current; False when it already is. Keeps the last KEEP_VERSIONS."""
    with conn.transaction():
        lock(conn, layer)
        if _current(conn, layer) == made.version:
            return False
        conn.execute(
            "update layer_version set current = false where layer = %s and current", (layer,)
        )
        conn.execute(
            "insert into layer_version (layer, version, body, features, attribution, bounds,"
            " geometry, overview, tiled, joined)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (layer, version) do update set current = true, created_at = now(),"
            " bounds = excluded.bounds, geometry = excluded.geometry, overview = excluded.overview,"
            " joined = excluded.joined",
            (
                layer,
                made.version,
                compress(made.body, 6, mtime=0),
                made.features,
                made.attribution,
                None if made.bounds is None else _box(*made.bounds),
                made.geometry,
                compress(made.overview, 6, mtime=0) if made.overview else None,
                made.tiled,
                made.joined,
            ),
        )
        _put_tiles(conn, layer, made)
        conn.execute(
            "delete from layer_version where layer = %(layer)s and not current and version not in"
            " (select version from layer_version where layer = %(layer)s"
            "  order by current desc, created_at desc, version limit %(keep)s)",
            {"layer": layer, "keep": KEEP_VERSIONS},
        )
    return True


def _put_tiles(conn: Db, layer: str, made: Published) -> None:
    conn.execute("delete from layer_tile where layer = %s and version = %s", (layer, made.version))
    with (
        conn.cursor() as cursor,
        cursor.copy("copy layer_tile (layer, version, z, x, y, body) from stdin") as copy,
    ):
        for (z, x, y), tile in made.tiles.items():
            copy.write_row((layer, made.version, z, x, y, tile))


def _box(west: float, south: float, east: float, north: float) -> str:
    return f"({west!r},{south!r}),({east!r},{north!r})"


def versions(conn: Db, layers: Iterable[str] | None = None) -> dict[str, str]:
    """Return the current version of each layer, of all when none are named."""
    names = None if layers is None else list(layers)
    rows = conn.execute(
        "select layer, version from layer_version"
        " where current and (%(names)s::text[] is null or layer = any (%(names)s))",
        {"names": names},
    )
    return dict(rows.fetchall())


def body(conn: Db, layer: str, version: str) -> bytes | None:
    """Return the gzipped GeoJSON of a version, None when it is not kept."""
    row = conn.execute(
        "select body from layer_version where layer = %s and version = %s", (layer, version)
    ).fetchone()
    return None if row is None else bytes(row[0])


def _current(conn: Db, layer: str) -> str | None:
    row = conn.execute(
        "select version from layer_version where layer = %s and current", (layer,)
    ).fetchone()
    return None if row is None else str(row[0])
