"""Uploaded map files: the `layer_job` rows whose argument has an `upload`.

A row's way: waiting -> running (a look at the file) -> asking -> waiting -> running (taken in) ->
done; a person may end it anywhere before that. The worker calls the blocking functions, the web
runs the scripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.layer import LayerJob
from ioc.storage.layers import IMPORT_LEASE_S
from ioc.storage.script import Script

Db = Connection[tuple[Any, ...]]

MOST_OPEN: Final = 20  # files that wait for somebody: as many as a department sends in a week
KEPT_DAYS: Final = 7  # a file nobody said yes or no to


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file as its job has it."""

    id: int
    state: str
    stage: str | None
    argument: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error: str | None
    by: str
    at: datetime
    finished: datetime | None
    stop: bool


# ---------------------------------------------------------------- of the worker


def progress(conn: Db, job: LayerJob, stage: str) -> bool:
    """Note the stage, renew the lease; False when the job is to end or is somebody else's."""
    row = conn.execute(
        "update layer_job set stage = %s, lease_until = now() + make_interval(secs => %s)"
        " where id = %s and state = 'running' and attempts = %s returning stop",
        (stage, IMPORT_LEASE_S, job.id, job.attempts),
    ).fetchone()
    return row is not None and not row[0]


def answer(
    conn: Db, job: LayerJob, result: Mapping[str, object], preview: bytes, refused: bytes
) -> None:
    """Let the job ask a person, with what the look at the file found."""
    conn.execute(
        "update layer_job set state = case when stop then 'cancelled' else 'asking' end,"
        " stage = null, lease_until = null, attempts = 0, error = null, result = %s,"
        " preview = %s, refused = %s, finished_at = case when stop then now() end"
        " where id = %s and state = 'running' and attempts = %s",
        (Jsonb(dict(result)), preview or None, refused or None, job.id, job.attempts),
    )


def cancelled(conn: Db, job: LayerJob) -> None:
    """End a job whose stop somebody asked for."""
    conn.execute(
        "update layer_job set state = 'cancelled', stage = null, lease_until = null,"
        " finished_at = now() where id = %s and state = 'running' and attempts = %s",
        (job.id, job.attempts),
    )


def kept(conn: Db) -> frozenset[str]:
    """Return the files that open jobs need; jobs that nobody answered end here."""
    conn.execute(
        "update layer_job set state = 'cancelled', finished_at = now() where state = 'asking'"
        " and created_at < now() - make_interval(days => %s)",
        (KEPT_DAYS,),
    )
    rows = conn.execute(
        "select argument ->> 'upload' from layer_job where argument ? 'upload'"
        " and state in ('waiting', 'running', 'asking')"
    )
    return frozenset(row[0] for row in rows)


# ---------------------------------------------------------------- of the web


def add(argument: Mapping[str, object], by: str) -> Script[int | None]:
    """Add a job that looks at a file; None when too many wait for somebody already."""
    yield "select pg_advisory_xact_lock(hashtext('layer_upload'))", ()
    rows = yield (
        (
            "insert into layer_job (kind, argument, created_by)"
            " select 'import', %s, %s where (select count(*) from layer_job"
            "  where argument ? 'upload' and state in ('waiting', 'running', 'asking')) < %s"
            " returning id"
        ),
        (Jsonb(dict(argument)), by, MOST_OPEN),
    )
    return int(rows[0][0]) if rows else None


def listed() -> Script[list[Upload]]:
    """Return the newest uploads, results without their long lists."""
    rows = yield (
        (
            "select id, state, stage, argument, result - 'refused', error, created_by,"
            " created_at, finished_at, stop from layer_job where argument ? 'upload'"
            " order by id desc limit 30"
        ),
        (),
    )
    return [Upload(*row) for row in rows]


def one(job: int) -> Script[Upload | None]:
    """Return an upload with all that was found."""
    rows = yield (
        (
            "select id, state, stage, argument, result, error, created_by, created_at, finished_at,"
            " stop from layer_job where id = %s and argument ? 'upload'"
        ),
        (job,),
    )
    return Upload(*rows[0]) if rows else None


def look_again(job: int, choices: Mapping[str, object]) -> Script[bool]:
    """Look at the file once more with other choices; False where the job does not ask."""
    rows = yield (
        (
            "update layer_job set state = 'waiting', argument = argument || %s, preview = null"
            " where id = %s and argument ? 'upload' and state = 'asking' returning id"
        ),
        (Jsonb({**choices, "dry_run": True, "yes": False, "based_on": None}), job),
    )
    return bool(rows)


def confirm(job: int, by: str) -> Script[str | None]:
    """Let the file be taken in as it was shown; return its layer, None where nothing was.

    The number of the layer's import goes along: what was shown is a difference to just that.
    """
    rows = yield (
        (
            "update layer_job set state = 'waiting', argument = argument || jsonb_build_object("
            "  'dry_run', false, 'yes', true, 'by', %s::text, 'based_on', result -> 'based_on')"
            " where id = %s and argument ? 'upload' and state = 'asking'"
            " and result ->> 'outcome' = 'dry_run' returning result ->> 'layer'"
        ),
        (by, job),
    )
    return str(rows[0][0]) if rows else None


def cancel(job: int) -> Script[bool]:
    """End a job now, or ask its worker to; False where it is over already."""
    rows = yield (
        (
            "update layer_job set stop = true,"
            " state = case when state = 'running' then state else 'cancelled' end,"
            " finished_at = case when state = 'running' then null else now() end"
            " where id = %s and argument ? 'upload' and state in ('waiting', 'running', 'asking')"
            " returning id"
        ),
        (job,),
    )
    return bool(rows)


def preview(job: int) -> Script[bytes | None]:
    """Return the gzipped GeoJSON of the file, None where there is none."""
    rows = yield "select preview from layer_job where id = %s and argument ? 'upload'", (job,)
    return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def refused(job: int) -> Script[bytes | None]:
    """Return the CSV file of the rows that were not taken, None where there is none."""
    rows = yield "select refused from layer_job where id = %s and argument ? 'upload'", (job,)
    return bytes(rows[0][0]) if rows and rows[0][0] is not None else None


def undo(layer: str, by: str) -> Script[int]:
    """Ask the worker to bring back what the layer was before its last import."""
    rows = yield (
        ("insert into layer_job (kind, argument, created_by) values ('undo', %s, %s) returning id"),
        (Jsonb({"layer": layer, "by": by}), by),
    )
    return int(rows[0][0])


def undone(job: int) -> Script[tuple[str, str | None] | None]:
    """Return state and error of an undo."""
    rows = yield "select state, error from layer_job where id = %s and kind = 'undo'", (job,)
    return (str(rows[0][0]), rows[0][1]) if rows else None
