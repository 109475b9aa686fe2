"""Dead letters tried again on somebody's wish, beside the messages that come meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from psycopg import Connection

from ingest.feeds import Source
from ingest.grading import Grader
from ingest.preparing import Preparer
from ingest.retry import Letters, Retried, retry
from ingest.store import FAILURES, registry
from ioc.settings import Settings
from ioc.storage import dead_letters, letter_retries
from ioc.storage.batches import Recorder, Standby

Db = Connection[tuple[Any, ...]]
Sources = Mapping[str, Source]

log = structlog.get_logger()


class _Cancelled(Exception):  # noqa: N818  the way out of a loop, no fault
    """Somebody pressed "stop"."""


class _Ending(Exception):  # noqa: N818
    """The process ends: the rest waits for the next one."""


def run(settings: Settings, sources: Sources, letters: Letters) -> Retried:
    """Try letters again with a writer of its own. Raises Standby while another retry runs."""
    name = f"{settings.ingest.client_id}-retry"
    made = registry(settings, sources)
    recorder = Recorder(settings.database_url, name, made, Grader, letters=False)
    try:
        return retry(Preparer(sources), letters, recorder.commit, FAILURES.refused)
    finally:
        recorder.close()


def work(conn: Db, settings: Settings, sources: Sources, ending: Callable[[], bool]) -> None:
    """Work through the retry that waits longest, if there is one; every end is noted with it."""
    found = letter_retries.take(conn)
    if found is None:
        return
    number, feed = found
    log.info("letters_retry_begins", feed=feed, retry=number)
    if feed not in sources:
        letter_retries.finish(conn, number, "failed", "no_file")
        return

    def mark(outcomes: Sequence[tuple[int, str | None]]) -> None:
        if not letter_retries.progress(conn, number, outcomes):
            raise _Cancelled
        if ending():
            raise _Ending

    letters = Letters(partial(dead_letters.waiting, conn, feed), mark)
    try:
        done = run(settings, sources, letters)
    except _Cancelled:
        letter_retries.finish(conn, number, "cancelled")
    except (_Ending, Standby):
        letter_retries.finish(conn, number, "waiting")
    else:
        letter_retries.finish(conn, number, "done")
        log.info("letters_retried", feed=feed, taken=done.taken, refused=done.refused)
