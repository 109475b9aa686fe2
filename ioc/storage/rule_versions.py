"""Rules as people edit them on screen: versions that may wait for a second person.

`rule.current_version` is the one in force; what waits or was rejected is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

Db = AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a rule, whether in force or not."""

    rule: str
    version: int
    definition: Mapping[str, Any]
    state: str  # waiting, approved, rejected
    created_by: str
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    rehearsal: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a rule stands: the version in force, the newest one, what is in force."""

    id: str
    current: int
    newest: int
    enabled: bool
    origin: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is written; `approved` False waits for a second person."""

    rule: str
    name: str
    definition: Mapping[str, Any]
    actor: str
    approved: bool
    reason: str | None
    rehearsal: Mapping[str, Any] | None


async def lock(conn: Db) -> None:
    """Let one edit at a time through: two would both write the next version."""
    await conn.execute("lock table rule in share row exclusive mode")


async def head(conn: Db, rule: str) -> Head | None:
    """Return where a rule stands, or None."""
    cursor = await conn.execute(
        "select r.id, r.current_version, (select max(version) from rule_version"
        "  where rule_id = r.id), r.enabled, r.origin, v.definition from rule r"
        " join rule_version v on v.rule_id = r.id and v.version = r.current_version"
        " where r.id = %s",
        (rule,),
    )
    row = await cursor.fetchone()
    return None if row is None else Head(*row)


async def versions(conn: Db, rule: str) -> list[Version]:
    """Return a rule's versions, newest first."""
    cursor = await conn.execute(
        "select rule_id, version, definition, state, created_by, created_at, decided_by,"
        " decided_at, reason, rehearsal from rule_version where rule_id = %s"
        " order by version desc",
        (rule,),
    )
    return [Version(*row) for row in await cursor.fetchall()]


async def version(conn: Db, rule: str, number: int) -> Version | None:
    """Return one version, or None."""
    return next((one for one in await versions(conn, rule) if one.version == number), None)


async def write(conn: Db, new: NewVersion, number: int) -> None:
    """Write version `number`; in force at once when it is approved.

    A rule that does not exist yet stays switched off until its first version is approved.
    """
    await conn.execute(
        "insert into rule (id, name, enabled, current_version, origin)"
        " values (%(id)s, %(name)s, %(approved)s, %(number)s, 'ui') on conflict (id) do nothing",
        {"id": new.rule, "name": new.name, "approved": new.approved, "number": number},
    )
    await conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by, state, reason,"
        " rehearsal) values (%s, %s, %s, %s, %s, %s, %s)",
        (
            new.rule,
            number,
            Jsonb(dict(new.definition)),
            new.actor,
            "approved" if new.approved else "waiting",
            new.reason,
            None if new.rehearsal is None else Jsonb(dict(new.rehearsal)),
        ),
    )
    if new.approved:
        await _put_in_force(conn, new.rule, number, new.name)


async def decide(conn: Db, found: Version, actor: str, *, approved: bool, name: str) -> None:
    """Put a waiting version in force or lay it aside."""
    await conn.execute(
        "update rule_version set state = %s, decided_by = %s, decided_at = now()"
        " where rule_id = %s and version = %s",
        ("approved" if approved else "rejected", actor, found.rule, found.version),
    )
    if approved:
        await _put_in_force(conn, found.rule, found.version, name)


async def _put_in_force(conn: Db, rule: str, number: int, name: str) -> None:
    """Make a version the current one; from now on the rule belongs to the people, not to a file."""
    await conn.execute(
        "update rule set current_version = %s, name = %s, enabled = true, origin = 'ui',"
        " updated_at = now() where id = %s",
        (number, name, rule),
    )
    # A version older than the one in force has nothing left to wait for.
    await conn.execute(
        "update rule_version set state = 'rejected', decided_at = now()"
        " where rule_id = %s and version < %s and state = 'waiting'",
        (rule, number),
    )
