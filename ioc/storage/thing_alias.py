"""Devices that took the place of others: (feed, id of the new device) -> the thing it continues.

The registry looks here before it looks for a thing of that name.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

from ioc.domain.thing import Objection, Standing, ThingState, objection
from ioc.storage import things

Db = Connection[tuple[Any, ...]]
Named = tuple[str, str]  # feed, device's own id

# The alias first: a pending thing of the same id may lie beside it, retired.
_STANDING: Final = """
select t.id, t.state, found.by_alias
from (
  select a.thing_id as id, true as by_alias from thing_alias a
  where a.feed = %(feed)s and a.external_id = %(device)s
  union all
  select t.id, false from thing t where t.feed = %(feed)s and t.external_id = %(device)s
) found
join thing t on t.id = found.id
order by found.by_alias desc limit 1
for update of t"""

_RETIRE: Final = """
update thing set state = 'retired',
  properties = properties || jsonb_build_object('continued_by', %(thing)s::integer)
where feed = %(feed)s and external_id = %(new)s and state = 'pending'"""

_ALIAS: Final = """
insert into thing_alias (feed, external_id, thing_id, made_by, note)
values (%(feed)s, %(new)s, %(thing)s, %(by)s, %(note)s)"""


def all_(conn: Db) -> dict[Named, int]:
    """Return every alias: (feed, id of the new device) -> thing."""
    rows = conn.execute("select feed, external_id, thing_id from thing_alias").fetchall()
    return {(feed, device): thing for feed, device, thing in rows}


def replace(conn: Db, feed: str, old: str, new: str, *, by: str, note: str = "") -> int | Objection:
    """Let messages of `new` continue the thing of `old`; return the thing, or why it cannot be.

    A pending thing of `new` is retired with what it has sent so far: it keeps that history. Writers
    are told; from their next transaction on, what `new` sends continues the thing.
    """
    with conn.transaction():
        # A writer that just now makes a pending thing of `new` ends first, others wait for us: no
        # message can go to a thing that is made beside the alias.
        conn.execute("lock table thing in share row exclusive mode")
        have = _standing(conn, feed, old)
        why = objection(have, _standing(conn, feed, new))
        if why is not None or have.thing is None:
            return why or Objection.OLD_UNKNOWN
        values = {"feed": feed, "new": new, "thing": have.thing, "by": by, "note": note}
        conn.execute(_RETIRE, values)
        conn.execute(_ALIAS, values)
        things.announce(conn)
        return have.thing


def _standing(conn: Db, feed: str, device: str) -> Standing:
    row = conn.execute(_STANDING, {"feed": feed, "device": device}).fetchone()
    return Standing() if row is None else Standing(row[0], ThingState(row[1]), row[2])
