"""Switching rules off and on: with a reason, audited, and a critical one by two people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ioc.clock import Clock
from ioc.domain.permission import Action
from ioc.storage import audit
from ioc.storage import rule_switch as store
from ioc.storage.script import run_async
from ioc.text import say
from ioc.web.commands import NotFoundError, Notifier
from ioc.web.database import Database
from ioc.web.identity import Identity, Kind, require
from ioc.web.rule_commands import RuleRefusedError

LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Switched:
    """How the rule stands now; `waiting`: a second person must agree; `ends`: alerts it ends."""

    id: str
    enabled: bool
    waiting: bool
    ends: int


class RuleSwitch:
    """The switch of the rule pages."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    async def switch(
        self, key: str, *, on: bool, reason: str, address: str | None = None
    ) -> Switched:
        """Switch a rule off or on. Raises ForbiddenError, RuleRefusedError, NotFoundError.

        Its open alerts end with the reason `disabled`, which their logs say.
        """
        who = require(Action.EDIT_RULE)
        told = reason.strip()[:LONGEST_REASON]
        if not told:
            raise RuleRefusedError(say("rules.refused.no_reason"))
        async with self._database.connection() as conn, conn.transaction():
            found = await run_async(conn, store.state(key))
            if found is None:
                raise NotFoundError(key)
            word = _decided(found, who, on=on)
            if word == "ask_off":
                await run_async(conn, store.ask_off(key, who.actor, told, self._clock.now()))
            elif word is not None:
                await run_async(conn, store.switch(key, on=on))
            if word is not None:
                detail = {"reason": told, "open": found.open, "asked_by": found.asked_by}
                entry = audit.Entry(who.actor, f"rule.{word}", key, detail, address)
                await audit.record_async(conn, entry)
        await self._notifier.notify("rule")
        enabled = found.enabled if word in {None, "ask_off"} else on
        return Switched(key, enabled, word == "ask_off", 0 if enabled else found.open)


def _decided(found: store.Switch, who: Identity, *, on: bool) -> str | None:
    """Return the audit's word for what is to be done; None: it stands so already."""
    if found.enabled is on:
        return None
    if on or not found.critical:
        return "switch_on" if on else "switch_off"
    if found.asked_by in {None, who.actor}:
        return "ask_off"
    if who.kind is not Kind.SESSION:
        raise RuleRefusedError(say("rules.refused.four_eyes"))
    return "switch_off"
