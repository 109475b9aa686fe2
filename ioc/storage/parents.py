"""What a thing speaks through (its gateway, recorder, bridge), as messages tell it.

A parent that a person declared stays; one that was learned follows what is told. Alerts of a thing
whose parent is down are masked, so a thing that moved must not stay with the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from psycopg import Connection

from ioc.domain.intake import Sighting

Db = Connection[tuple[Any, ...]]
Named = tuple[str, str]  # feed, device's own id

_DECLARED: Final = -1  # no thing's number

_TELL: Final = """
with recursive up (id) as (
  select %(parent)s::integer
  union select t.parent_id from thing t join up on t.id = up.id where t.parent_id is not null)
update thing set parent_id = %(parent)s, parent_learned = true
where id = %(thing)s and (parent_id is null or parent_learned)
  and not exists (select from up where id = %(thing)s)
"""


class Parents:
    """What was told last of each thing. Not for several threads: the writer owns it."""

    def __init__(self, known: Iterable[tuple[int, int | None, bool]] = ()) -> None:
        """Begin with (thing, parent, learned) as the database has them."""
        self._told = {
            thing: parent if learned else _DECLARED
            for thing, parent, learned in known
            if parent is not None
        }

    def learn(
        self, conn: Db, sightings: Mapping[Named, Sighting], *things: Mapping[Named, int]
    ) -> dict[int, int]:
        """Store what is news, and return it for `keep`; a parent nobody has heard of waits."""
        news = dict(self._news(sightings, things))
        for thing, parent in news.items():
            conn.execute(_TELL, {"thing": thing, "parent": parent})
        return news

    def keep(self, news: Mapping[int, int]) -> None:
        """Remember what a committed transaction stored."""
        self._told |= news

    def _news(
        self, sightings: Mapping[Named, Sighting], things: Iterable[Mapping[Named, int]]
    ) -> Iterator[tuple[int, int]]:
        for named, sight in sightings.items():
            if sight.parent is None:
                continue
            thing, parent = (
                next((known[name] for known in things if name in known), None)
                for name in (named, (named[0], sight.parent))
            )
            if thing is None or parent is None:
                continue
            if self._told.get(thing) not in (parent, _DECLARED):
                yield thing, parent
