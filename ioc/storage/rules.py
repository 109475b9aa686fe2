"""Rules and their versions. A version is immutable; an edit is a new one.

A rule comes from a file or from the screen (`rule.origin`). Files change their own rules only: one
that was made or edited on screen belongs to the people from then on (`ioc.storage.rule_versions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg import Connection
from psycopg.types.json import Jsonb

Db = Connection[tuple[Any, ...]]


class Definition(Protocol):
    """A rule as its author wrote it."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    def definition(self) -> dict[str, Any]:
        """Return the whole of it in JSON types."""
        ...


@dataclass(frozen=True, slots=True)
class Synced:
    """Ids of what `sync` changed."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    disabled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredRule:
    """The current version of an enabled rule."""

    id: str
    version: int
    definition: Mapping[str, Any]


def sync(conn: Db, rules: Sequence[Definition], actor: str) -> Synced:
    """Make the database's rules of files exactly `rules`, in one transaction.

    A new version is written only when the definition changed; a rule that is gone is disabled,
    never deleted, since its alerts refer to it. Repeating it changes nothing. A rule that people
    made or edited on screen is left alone, also where a file holds its id.
    """
    with conn.transaction():
        # One at a time: two processes that start together would both write the next version.
        conn.execute("lock table rule in share row exclusive mode")
        known = _current(conn)
        people = _made_on_screen(conn)
        rules = [rule for rule in rules if rule.id not in people]
        added = [rule for rule in rules if rule.id not in known]
        changed = [r for r in rules if r.id in known and known[r.id][1] != r.definition()]
        for rule in added:
            _write(conn, rule, 1, actor)
        for rule in changed:
            _write(conn, rule, known[rule.id][0] + 1, actor)
        disabled = _enable_only(conn, [rule.id for rule in rules])
    return Synced(tuple(r.id for r in added), tuple(r.id for r in changed), disabled)


def bring(conn: Db, rules: Sequence[Definition], actor: str) -> tuple[str, ...]:
    """Put these rules in force whoever wrote them last; return the ids of those that changed.

    All others stay as they are. A rule that is new here belongs to people, not to the files of
    config/rules, whose absence would switch it off.
    """
    changed: list[str] = []
    with conn.transaction():
        conn.execute("lock table rule in share row exclusive mode")
        known = _current(conn)
        on = {rule.id for rule in enabled(conn)}
        for rule in rules:
            version, stored = known.get(rule.id, (0, None))
            if stored == rule.definition() and rule.id in on:
                continue
            if stored != rule.definition():
                _write(conn, rule, version + 1, actor)
            origin = "ui" if version == 0 else None
            conn.execute(
                "update rule set enabled = true, updated_at = now(),"
                " origin = coalesce(%s, origin) where id = %s",
                (origin, rule.id),
            )
            changed.append(rule.id)
    return tuple(changed)


def enabled(conn: Db) -> list[StoredRule]:
    """Return the current version of every enabled rule."""
    rows = conn.execute(
        "select r.id, v.version, v.definition from rule r"
        " join rule_version v on v.rule_id = r.id and v.version = r.current_version"
        " where r.enabled order by r.id"
    ).fetchall()
    return [StoredRule(*row) for row in rows]


def current(conn: Db, rule: str) -> tuple[StoredRule | None, bool]:
    """Return a rule's current version, None for no such rule, and whether it is in force."""
    row = conn.execute(
        "select r.id, v.version, v.definition, r.enabled from rule r"
        " join rule_version v on v.rule_id = r.id and v.version = r.current_version"
        " where r.id = %s",
        (rule,),
    ).fetchone()
    return (None, False) if row is None else (StoredRule(*row[:3]), bool(row[3]))


def _current(conn: Db) -> dict[str, tuple[int, Any]]:
    """Return (newest version, current definition); a newer version may wait for approval."""
    rows = conn.execute(
        "select r.id, (select max(version) from rule_version where rule_id = r.id), v.definition"
        " from rule r join rule_version v on v.rule_id = r.id and v.version = r.current_version"
    ).fetchall()
    return {rule: (version, definition) for rule, version, definition in rows}


def _made_on_screen(conn: Db) -> set[str]:
    return {row[0] for row in conn.execute("select id from rule where origin = 'ui'").fetchall()}


def _write(conn: Db, rule: Definition, version: int, actor: str) -> None:
    conn.execute(
        "insert into rule (id, name, current_version) values (%s, %s, %s)"
        " on conflict (id) do update set name = excluded.name,"
        " current_version = excluded.current_version, updated_at = now()",
        (rule.id, rule.title, version),
    )
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values (%s, %s, %s, %s)",
        (rule.id, version, Jsonb(rule.definition()), actor),
    )


def _enable_only(conn: Db, ids: list[str]) -> tuple[str, ...]:
    conn.execute(
        "update rule set enabled = true, updated_at = now() where id = any(%s) and not enabled",
        (ids,),
    )
    gone = conn.execute(
        "update rule set enabled = false, updated_at = now()"
        " where id <> all(%s) and enabled and origin = 'file' returning id",
        (ids,),
    ).fetchall()
    return tuple(sorted(row[0] for row in gone))
