"""What people do to alerts, in one transaction each: row locked, decided, written, logged.

Each order is a script (ioc.storage.script) for `give` or `give_async`. None means that there is no
such alert; OrderError is raised when the alert does not take the command as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from ioc.domain import operator
from ioc.domain.announcement import Alert, Draft, Notice, Outcome, settle
from ioc.domain.errors import ForbiddenError
from ioc.domain.instant import Micros
from ioc.domain.operator import Step, Word
from ioc.domain.permission import Action
from ioc.storage import masks, outbox
from ioc.storage.alerts import COLUMNS, WRITE, append, entry_to_row, from_row, to_row
from ioc.storage.script import AsyncDb, Db, Script, run, run_async

_ONE: Final[LiteralString] = (
    "select " + COLUMNS + " from alert where id = %s for update"  # noqa: S608  our own constant
)


@dataclass(frozen=True, slots=True)
class Done:
    """The alert as it stands after a command, and what people must be told of it."""

    alert: Alert
    notices: tuple[Notice, ...] = ()


def give(conn: Db, order: Script[Done | None], now: Micros) -> Alert | None:
    """Give an order in one transaction, what it tells included; None: no such alert."""
    with conn.transaction():
        done = run(conn, order)
        outbox.put(conn, () if done is None else done.notices, now)
    return None if done is None else done.alert


async def give_async(conn: AsyncDb, order: Script[Done | None], now: Micros) -> Alert | None:
    """Give an order, as `give` does."""
    async with conn.transaction():
        done = await run_async(conn, order)
        await outbox.put_async(conn, () if done is None else done.notices, now)
    return None if done is None else done.alert


def acknowledge(key: UUID, actor: str, now: Micros, note: str = "") -> Script[Done | None]:
    """Take responsibility; repeating it changes nothing."""
    return (yield from _order(key, now, lambda a: operator.acknowledge(a, actor, now, note)))


def comment(key: UUID, actor: str, note: str, now: Micros) -> Script[Done | None]:
    """Append a note."""
    return (yield from _order(key, now, lambda a: operator.comment(a, actor, note, now)))


def direct(key: UUID, actor: str, word: Word, now: Micros) -> Script[Done | None]:
    """Append a leader's word."""
    return (yield from _order(key, now, lambda a: operator.direct(a, actor, word, now)))


def assign(key: UUID, actor: str, assignee: str | None, now: Micros) -> Script[Done | None]:
    """Give the alert to somebody, or to nobody."""
    return (yield from _order(key, now, lambda a: operator.assign(a, actor, assignee, now)))


def close(key: UUID, actor: str, now: Micros) -> Script[Done | None]:
    """Close what is over."""
    return (yield from _order(key, now, lambda a: operator.close(a, actor, now)))


def reset(key: UUID, actor: str, now: Micros) -> Script[Done | None]:
    """Let go of a latched alert."""
    return (yield from _order(key, now, lambda a: operator.reset(a, actor, now)))


def take_step(
    key: UUID, step: Step, actor: str, now: Micros, may: Callable[[Action], bool]
) -> Script[Done | None]:
    """Take the handling one step on; ForbiddenError when the actor may not take this one."""

    def command(alert: Alert) -> Outcome:
        needed = operator.needed(alert, step.to)
        if not may(needed):
            raise ForbiddenError(f"{actor} may not {needed}")
        return operator.take_step(alert, step, actor, now)

    return (yield from _order(key, now, command))


def shelve(
    key: UUID, actor: str, lasting: int, reason: str, now: Micros, *, one_shot: bool = False
) -> Script[Done | None]:
    """Put the alarm on the shelf; a shelf it has is replaced."""
    alert = yield from _locked(key)
    if alert is None:
        return None
    mask = operator.shelf(alert, actor, lasting, reason, now, one_shot=one_shot)
    yield from masks.lift_shelves(alert.rule_id, alert.datastream, actor, now)
    yield from masks.put(mask)
    return (yield from _settled(alert, actor, now))


def unshelve(key: UUID, actor: str, now: Micros) -> Script[Done | None]:
    """Take the alarm from the shelf; what it held back is told."""
    alert = yield from _locked(key)
    if alert is None:
        return None
    lifted = yield from masks.lift_shelves(alert.rule_id, alert.datastream, actor, now)
    return (yield from _settled(alert, actor, now)) if lifted else Done(alert)


def _order(key: UUID, now: Micros, command: Callable[[Alert], Outcome]) -> Script[Done | None]:
    alert = yield from _locked(key)
    if alert is None:
        return None
    return (yield from _written(alert, command(alert), now))


def _locked(key: UUID) -> Script[Alert | None]:
    rows = yield _ONE, (key,)
    return from_row(rows[0]) if rows else None


def _settled(alert: Alert, actor: str, now: Micros) -> Script[Done]:
    """Look at the alert's masks again, and write what that changes."""
    if alert.closed_at is not None:
        return Done(alert)
    board = yield from masks.in_force(now)
    known = yield from masks.facts([alert.datastream])
    target = masks.target(known, alert.rule_id, alert.datastream, alert.thing)
    draft = Draft(alert, now)
    settle(draft, board.over(target, alert.severity, now), actor)
    return (yield from _written(alert, draft.outcome, now))


def _written(alert: Alert, outcome: Outcome, now: Micros) -> Script[Done]:
    for changed in outcome.alerts:
        yield WRITE, to_row(changed)
    for entry in outcome.entries:
        yield append(entry), entry_to_row(entry, now)
    return Done(outcome.alerts[-1] if outcome.alerts else alert, outcome.notices)
