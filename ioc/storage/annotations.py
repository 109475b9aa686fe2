"""Notes of people at a stretch of a thing's past: added, and taken back; never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.storage.script import Script

MOST: Final = 200  # of one chart; more would hide it


@dataclass(frozen=True, slots=True)
class Annotation:
    """One note; `code` None: about the whole thing."""

    id: int
    code: str | None
    since: datetime
    until: datetime
    words: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody writes down about a thing, or about one of its datastreams."""

    thing: int
    code: str | None
    since: datetime
    until: datetime
    words: str


def listed(thing: int, since: datetime, until: datetime) -> Script[list[Annotation]]:
    """Return the notes that touch a stretch, oldest first."""
    rows = yield (
        (
            "select a.id, d.code, a.since, a.until, a.words, a.created_at, a.created_by"
            " from annotation a left join datastream d on d.id = a.datastream_id"
            " where a.thing_id = %s and a.removed_at is null and a.since <= %s and a.until >= %s"
            " order by a.since, a.id limit %s"
        ),
        (thing, until, since, MOST),
    )
    return [Annotation(*row) for row in rows]


def add(note: Note, by: str) -> Script[int | None]:
    """Write a note; None where there is no such datastream."""
    rows = yield (
        (
            "insert into annotation (thing_id, datastream_id, since, until, words, created_by)"
            " select t.id, d.id, %(since)s, %(until)s, %(words)s, %(by)s from thing t"
            " left join datastream d on d.thing_id = t.id and d.code = %(code)s"
            " where t.id = %(thing)s and (%(code)s::text is null or d.id is not null) returning id"
        ),
        {
            "since": note.since,
            "until": note.until,
            "words": note.words,
            "by": by,
            "code": note.code,
            "thing": note.thing,
        },
    )
    return rows[0][0] if rows else None


def remove(thing: int, note: int, by: str) -> Script[bool]:
    """Take a note back; False when there is none, or another has written it."""
    rows = yield (
        (
            "update annotation set removed_at = now(), removed_by = %(by)s where id = %(id)s"
            " and thing_id = %(thing)s and created_by = %(by)s and removed_at is null returning id"
        ),
        {"by": by, "id": note, "thing": thing},
    )
    return bool(rows)
