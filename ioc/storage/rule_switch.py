"""Rules switched off and on by people; the evaluator ends what is open of one that is off.

A critical rule takes two people: the first asks, and what was asked stands in the rule's own row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from ioc.domain.instant import Micros, to_datetime
from ioc.storage.script import Script

_STATE: Final[LiteralString] = (
    "select r.enabled, r.off_asked_by, r.off_asked_at, r.off_reason, v.definition -> 'levels',"
    " (select count(*) from alert a where a.rule_id = r.id and a.closed_at is null and a.active)"
    " from rule r join rule_version v on v.rule_id = r.id and v.version = r.current_version"
    " where r.id = %s for update of r"
)
_SWITCH: Final[LiteralString] = (
    "update rule set enabled = %s, origin = 'ui', off_asked_by = null, off_asked_at = null,"
    " off_reason = null, updated_at = now() where id = %s"
)
_ASK: Final[LiteralString] = (
    "update rule set off_asked_by = %s, off_asked_at = %s, off_reason = %s where id = %s"
)


@dataclass(frozen=True, slots=True)
class Switch:
    """How a rule stands: on or off, who asked for off, how many alerts of it are on."""

    enabled: bool
    asked_by: str | None
    asked_at: datetime | None
    reason: str | None
    critical: bool
    open: int


def state(rule: str) -> Script[Switch | None]:
    """Lock a rule and return how it stands; None: there is no such one."""
    rows = yield _STATE, (rule,)
    if not rows:
        return None
    enabled, by, at, reason, levels, on = rows[0]
    return Switch(enabled, by, at, reason, _critical(levels), on)


def switch(rule: str, *, on: bool) -> Script[None]:
    """Switch a rule; from now on it belongs to the people, so no file switches it back."""
    yield _SWITCH, (on, rule)


def ask_off(rule: str, actor: str, reason: str, now: Micros) -> Script[None]:
    """Note that somebody wants a critical rule off."""
    yield _ASK, (actor, to_datetime(now), reason, rule)


def _critical(levels: Any) -> bool:  # noqa: ANN401  JSON
    return any(level.get("severity") == "critical" for level in levels or ())
