"""Everything people change about rules: role and regulation checked, approved by two, audited."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.clock import Clock
from ioc.domain.errors import ConfigError, Refusal
from ioc.domain.instant import SECOND, to_datetime
from ioc.domain.permission import Action
from ioc.rules import definition, trial
from ioc.rules.definition import RuleFile
from ioc.rules.trial import Pace
from ioc.storage import audit, rule_versions
from ioc.storage.rule_versions import Head, NewVersion, Version
from ioc.text import say
from ioc.web.commands import NotFoundError, Notifier
from ioc.web.database import Database, Db
from ioc.web.identity import Identity, Kind, require
from ioc.web.queries.rehearsal import Rehearsed
from ioc.web.queries.rules import StationRow
from ioc.web.rule_desk import RuleDesk

MOST_TRIED: Final = 8  # stations a save is tried on, the looked-at one first: about two seconds
_NUL: Final = "\\u0000"
_MINUTE_S: Final = 60
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 48  # leaves room for a number behind it
_EMPTY: Final = frozenset({"", "…"})
_RESERVED: Final = frozenset({"new", "preview", "history", "context"})  # addresses of their own


class RuleRefusedError(Refusal):
    """A rule may not be saved; `reasons` are words for its author."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class RuleChangedError(Refusal):
    """Somebody else saved the rule meanwhile."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author wants in force: the rule, the unit its numbers were typed in, and from where.

    `base` is the version it was made from, None for a new rule; `datastream` the station it was
    looked at with; `reason` why it may be louder than it should be.
    """

    rule: Mapping[str, Any]
    unit: str
    base: int | None
    datastream: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a rule: its version, approved or waiting."""

    id: str
    version: int
    state: str


class RuleCommands:
    """The writing half of the rule pages."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        notifier: Notifier,
        desk: RuleDesk,
        zone: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._desk = desk
        self._zone = ZoneInfo(zone)

    async def save(self, draft: Draft, *, address: str | None = None) -> Done:
        """Write a new version; in force at once, unless a second person must agree.

        Raises ForbiddenError, RuleRefusedError, RuleChangedError, DatabaseAwayError.
        """
        who = require(Action.EDIT_RULE)
        rule = read(draft.rule)
        self._check(rule, draft.unit)
        stations = await self._stations(rule, draft)
        tried = await self._try(rule, stations)
        reason = (draft.reason or "").strip() or None
        if any(one.needs_reason for one in tried) and reason is None:
            raise RuleRefusedError(say("rules.refused.loud"))
        async with self._database.connection() as conn, conn.transaction():
            await rule_versions.lock(conn)
            head = await rule_versions.head(conn, rule.id)
            if draft.base is None:
                rule, head = await _named(conn, rule), None
            elif head is None or head.current != draft.base:
                raise RuleChangedError(rule.id)
            done = await self._write(conn, rule, head, who, (reason, _rehearsal(tried)), address)
        await self._notifier.notify("rule")
        return done

    async def rollback(
        self, key: str, number: int, reason: str, *, address: str | None = None
    ) -> Done:
        """Write an earlier version again, as a new one. Raises as `save` does."""
        who = require(Action.EDIT_RULE)
        if not reason.strip():
            raise RuleRefusedError(say("rules.refused.no_reason"))
        async with self._database.connection() as conn, conn.transaction():
            await rule_versions.lock(conn)
            head = await rule_versions.head(conn, key)
            found = await rule_versions.version(conn, key, number)
            if head is None or found is None or found.state != "approved":
                raise NotFoundError(f"{key} {number}")
            rule = read(found.definition)
            known = self._desk.book.properties.get(rule.observed_property)
            self._check(rule, "" if known is None else known.unit)
            told = (reason.strip(), found.rehearsal)
            done = await self._write(conn, rule, head, who, told, address)
        await self._notifier.notify("rule")
        return done

    async def decide(
        self, key: str, number: int, *, approve: bool, address: str | None = None
    ) -> Done:
        """Put a waiting version in force, or lay it aside; its author cannot, and no program can.

        Raises ForbiddenError, RuleRefusedError, NotFoundError, DatabaseAwayError.
        """
        who = require(Action.EDIT_RULE)
        async with self._database.connection() as conn, conn.transaction():
            await rule_versions.lock(conn)
            found = await rule_versions.version(conn, key, number)
            if found is None or found.state != "waiting":
                raise NotFoundError(f"{key} {number}")
            if found.created_by == who.actor or who.kind is not Kind.SESSION:
                raise RuleRefusedError(say("rules.refused.four_eyes"))
            done = await _decided(conn, found, who, approve=approve, address=address)
        await self._notifier.notify("rule")
        return done

    def _check(self, rule: RuleFile, unit: str) -> None:
        today = to_datetime(self._clock.now()).astimezone(self._zone).date()
        reasons = [*_lacking(rule), *self._desk.book.refusals(rule, unit, today)]
        if reasons:
            raise RuleRefusedError(*reasons)

    async def _stations(self, rule: RuleFile, draft: Draft) -> list[StationRow]:
        """Return the stations to try the rule on; refuse where it binds none, or another unit."""
        found = await self._desk.queries.stations(rule.observed_property)
        bound = [s for s in found if rule.selector.takes(s.feed, s.kind, s.external_id)]
        if not bound:
            raise RuleRefusedError(say("rules.refused.stations"))
        other = next((one for one in bound if one.unit != draft.unit), None)
        if other is not None:
            unit = other.unit or "–"
            raise RuleRefusedError(say("rules.refused.station_unit", station=other.name, unit=unit))
        bound.sort(key=lambda one: one.datastream != draft.datastream)
        return bound[:MOST_TRIED]

    async def _try(self, rule: RuleFile, stations: Sequence[StationRow]) -> list[Rehearsed]:
        first, rest = stations[0], stations[1:]
        tried = [await self._desk.rehearsals.rehearse(first, rule)]
        return tried + [await self._desk.rehearsals.rehearse(one, rule, keep=False) for one in rest]

    async def _write(
        self,
        conn: Db,
        rule: RuleFile,
        head: Head | None,
        who: Identity,
        told: tuple[str | None, Mapping[str, Any] | None],
        address: str | None,
    ) -> Done:
        reason, rehearsal = told
        number = 1 if head is None else head.newest + 1
        approved = not _critical(rule.definition(), {} if head is None else head.definition)
        new = NewVersion(
            rule=rule.id,
            name=rule.title,
            definition=rule.definition(),
            actor=who.actor,
            approved=approved,
            reason=reason,
            rehearsal=rehearsal,
        )
        await rule_versions.write(conn, new, number)
        state = "approved" if approved else "waiting"
        before = None if head is None else dict(head.definition)
        detail = {"version": number, "state": state, "reason": reason, "from": before}
        entry = audit.Entry(
            who.actor, "rule.save", rule.id, {**detail, "to": rule.definition()}, address
        )
        await audit.record_async(conn, entry)
        return Done(rule.id, number, state)


def read(written: Mapping[str, Any]) -> RuleFile:
    """Return a rule that a page or a program sent; RuleRefusedError says what is wrong."""
    if _NUL in json.dumps(written):  # no text of PostgreSQL holds one
        raise RuleRefusedError(say("rules.refused.malformed", error="NUL"))
    try:
        rule = definition.parse({"id": "draft", **written})
        if rule.input == "value" and rule.window is not None:
            trial.window_of(rule, Pace(_MINUTE_S, _MINUTE_S))
    except ConfigError as error:
        raise RuleRefusedError(say("rules.refused.malformed", error=error)) from error
    return rule


def _lacking(rule: RuleFile) -> list[str]:
    texts = {
        "name": rule.name,
        "cause": rule.cause,
        "consequence": rule.consequence,
        "action": rule.operator_action,
    }
    return [
        say(f"rules.missing_{name}").capitalize() + "."
        for name, words in texts.items()
        if words is None or words.vi.strip() in _EMPTY
    ]


def _critical(*definitions: Mapping[str, Any]) -> bool:
    """Tell whether any has a critical level: to set one and to drop one takes two people."""
    return any(
        level.get("severity") == "critical"
        for one in definitions
        for level in one.get("levels", ())
    )


async def _named(conn: Db, rule: RuleFile) -> RuleFile:
    """Return a new rule under an id that nobody has, made from its name."""
    plain = unicodedata.normalize("NFD", rule.title.lower().replace("đ", "d"))
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    slug = _NOT_SLUG.sub("-", letters).strip("-")[:_LONGEST_SLUG].strip("-") or "rule"
    key, n = slug, 1
    while key in _RESERVED or await rule_versions.head(conn, key) is not None:
        n += 1
        key = f"{slug}-{n}"
    return msgspec.structs.replace(rule, id=key)


async def _decided(
    conn: Db, found: Version, who: Identity, *, approve: bool, address: str | None
) -> Done:
    name = found.definition["name"]["vi"]
    await rule_versions.decide(conn, found, who.actor, approved=approve, name=name)
    action = "rule.approve" if approve else "rule.reject"
    detail = {"version": found.version, "by": found.created_by}
    await audit.record_async(conn, audit.Entry(who.actor, action, found.rule, detail, address))
    return Done(found.rule, found.version, "approved" if approve else "rejected")


def _rehearsal(tried: Sequence[Rehearsed]) -> dict[str, Any]:
    """Return what is kept of a save's trial."""
    first = tried[0].result
    return {
        "stations": len(tried),
        "count": sum(one.result.count for one in tried),
        "seconds": sum(one.result.total for one in tried) // SECOND,
        "days": (first.end - first.start) // (86400 * SECOND),
        "worst_hour": max(one.worst_hour for one in tried),
    }
