"""What people must be told, written with the change itself: who gets it is decided here.

`put` runs in the caller's transaction, so news exists exactly when the alert's change does. What
becomes of a row afterwards is the dispatcher's (`ioc.storage.notifications`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec
import structlog
from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb

from ioc import policies
from ioc.domain import policy
from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import Notice
from ioc.domain.errors import ConfigError
from ioc.domain.grouping import Why
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.notification import Facts
from ioc.domain.policy import CALLS, Told
from ioc.policies import Arranged, NotifyFile, Target
from ioc.storage.alerts import document
from ioc.storage.script import Rows, Script, run, run_async

log: Final = structlog.get_logger()

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

ZONE: Final = "Asia/Ho_Chi_Minh"  # the whole country's, without summer time
WEBPUSH: Final = "webpush"
ASSIGNED: Final = "assigned"  # stands where a row names its policy

# ---------------------------------------------------------------- the arrangement


def sync_plan(conn: Db, file: NotifyFile, actor: str) -> bool:
    """Make `file` the plan that holds; a new version only when it says something else."""
    with conn.transaction():
        conn.execute("lock table notify_plan in share row exclusive mode")
        row = conn.execute(
            "select definition from notify_plan order by version desc limit 1"
        ).fetchone()
        if row is not None and row[0] == file.definition():
            return False
        conn.execute(
            "insert into notify_plan (definition, created_by) values (%s, %s)",
            (Jsonb(file.definition()), actor),
        )
    return True


_PLAN: Final[LiteralString] = (
    "select definition::text from notify_plan order by version desc limit 1"
)


def plan(conn: Db) -> Arranged | None:
    """Return the plan that holds; None when there is none or this version cannot read it."""
    return _arranged(conn.execute(_PLAN).fetchone())


def _arranged(row: tuple[Any, ...] | None) -> Arranged | None:
    if row is None:
        return None
    try:
        return policies.parse(row[0], ZONE)
    except ConfigError as error:  # alerts are recorded all the same, and marked as told to nobody
        log.warning("notify_plan_unreadable", reason=str(error))
        return None


# ---------------------------------------------------------------- news


class _Row(NamedTuple):
    """One target's share of one notice."""

    notice: str
    alert: UUID
    channel: str
    target: str
    policy: str


class _Written(NamedTuple):
    """What one call writes."""

    notices: list[tuple[Notice, Facts, Why | None]]
    rows: list[_Row]


_FACTS: Final[LiteralString] = (
    "select a.id, a.severity, a.rule_id, a.rule_version, t.short_name, t.name, t.kind,"
    " d.property, d.unit, a.result, a.limit_value, a.peak, l.commune_code, l.commune_name, l.lon,"
    " l.lat, a.raised_at, a.returned_at, a.acked_by, a.late, a.corrected, a.assignee, a.simulated"
    " from alert a join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " left join location l on l.thing_id = t.id where a.id = any(%s)"
)
# Few rules and properties stand behind many alerts: a definition is unpacked once, not for each.
_RULES: Final[LiteralString] = (
    "select rule_id, version, definition #>> '{name,vi}', definition #>> '{name,en}',"
    " definition ->> 'op', definition ->> 'legal_ref', definition #>> '{operator_action,vi}',"
    " definition #>> '{operator_action,en}' from rule_version where (rule_id, version) in"
    " (select * from unnest(%s::text[], %s::integer[]))"
)
_PROPERTIES: Final[LiteralString] = (
    "select code, name_vi, name_en, decimals, case when kind = 'category' then states end"
    " from observed_property where code = any(%s)"
)
_TOLD: Final[LiteralString] = (
    "select distinct n.alert_id, n.occurrence, o.channel, o.target, o.policy from outbox o"
    " join notice n on n.key = o.notice where n.alert_id = any(%s) and o.withheld is null"
    " order by o.target"
)
_BROWSERS: Final[LiteralString] = "select owner, id from push_subscription order by id"
_NOTICE: Final[LiteralString] = (
    "insert into notice (key, alert_id, occurrence, kind, n, severity, rule_id, area, facts,"
    " withheld, noticed_at) select *, %s from json_to_recordset(%s::json) as x (key text,"
    " alert_id uuid, occurrence integer, kind text, n integer, severity smallint, rule_id text,"
    " area text, facts jsonb, withheld text) on conflict do nothing"
)
_ROW: Final[LiteralString] = (
    "insert into outbox (dedup_key, notice, alert_id, channel, target, policy, not_before,"
    " created_at) select notice || ':' || target, notice, alert, channel, target, policy, %s, %s"
    " from json_to_recordset(%s::json) as x (notice text, alert uuid, channel text, target text,"
    " policy text) on conflict do nothing"
)


def put(conn: Db, notices: Sequence[Notice], now: Micros) -> None:
    """Write what people must be told, in the caller's transaction; repeating it changes nothing.

    One row for each notice and target of the policies that match at `now`; a return, and all that
    is no call, goes to whoever was told of the occurrence before. Of a simulated alert, or where
    nobody is named, only the notice is written, with the reason.
    """
    if notices:
        run(conn, _putting(notices, now))


async def put_async(conn: AsyncDb, notices: Sequence[Notice], now: Micros) -> None:
    """Write what people must be told, as `put` does."""
    if notices:
        await run_async(conn, _putting(notices, now))


def _putting(notices: Sequence[Notice], now: Micros) -> Script[None]:
    ids = list({notice.alert for notice in notices})
    found = yield _PLAN, ()
    arranged = _arranged(found[0] if found else None)
    known = yield _FACTS, (ids,)
    versions = list({(row[2], row[3]) for row in known})
    rules = yield _RULES, ([rule for rule, _ in versions], [version for _, version in versions])
    properties = yield _PROPERTIES, (list({row[7] for row in known}),)
    told = yield _TOLD, (ids,)
    browsers = (yield _BROWSERS, ()) if _pushes(arranged) else []
    book = _Book.of(known, rules, properties)
    written = _written(notices, now, (arranged, book, told, browsers))
    yield _NOTICE, (to_datetime(now), document(_noticed(*one) for one in written.notices))
    if written.rows:
        rows = document(row._asdict() for row in written.rows)
        yield _ROW, (to_datetime(now), to_datetime(now), rows)


@dataclass(frozen=True, slots=True)
class _Book:
    """What messages say of some alerts, as rows by their keys."""

    alerts: Mapping[UUID, tuple[Any, ...]]
    rules: Mapping[tuple[str, int], tuple[Any, ...]]
    properties: Mapping[str, tuple[Any, ...]]

    @classmethod
    def of(cls, alerts: Rows, rules: Rows, properties: Rows) -> _Book:
        return cls(
            {row[0]: row for row in alerts},
            {(row[0], row[1]): row[2:] for row in rules},
            {row[0]: row[1:] for row in properties},
        )

    def facts(self, notice: Notice, now: Micros) -> Facts:
        (_, severity, rule, version, place, thing, thing_kind, code, unit, result, limit, peak,
         commune, commune_name, lon, lat, raised, returned, acked_by, late, corrected,
         assignee, _) = self.alerts[notice.alert]  # fmt: skip
        rule_vi, rule_en, op, legal_ref, action_vi, action_en = self.rules[rule, version]
        property_vi, property_en, decimals, states = self.properties[code]
        return Facts(
            key=notice.key,
            alert=str(notice.alert),
            occurrence=notice.occurrence,
            kind=notice.kind,
            severity=Severity(severity),
            rule=rule,
            rule_vi=rule_vi,
            rule_en=rule_en,
            place=place,
            thing=thing,
            thing_kind=thing_kind,
            observed_property=code,
            property_vi=property_vi,
            property_en=property_en,
            unit=unit,
            decimals=decimals,
            result=result,
            limit=limit,
            op=op or ">",
            peak=peak,
            commune=commune,
            commune_name=commune_name,
            lon=lon,
            lat=lat,
            legal_ref=legal_ref,
            action_vi=action_vi or "",
            action_en=action_en or "",
            raised_at=from_datetime(raised),
            returned_at=None if returned is None else from_datetime(returned),
            acked_by=acked_by,
            assignee=assignee,
            late=late,
            corrected=corrected,
            noticed_at=now,
            state=_word(states, result),
        )

    def simulated(self, notice: Notice) -> bool:
        return bool(self.alerts[notice.alert][-1])


def _word(states: Mapping[str, float] | None, result: float) -> str | None:
    """Return the name of a category's number."""
    return next((name for name, value in (states or {}).items() if value == result), None)


_Read = tuple[Arranged | None, _Book, Rows, Rows]  # plan, facts, told before, browsers


def _written(notices: Sequence[Notice], now: Micros, read: _Read) -> _Written:
    arranged, book, told_rows, browsers = read
    told: dict[tuple[UUID, int], dict[str, _Row]] = {}
    for alert, occurrence, channel, target, name in told_rows:
        held = told.setdefault((alert, occurrence), {})
        held[target] = _Row("", alert, channel, target, name)
    found = _Written([], [])
    address = None if arranged is None else _Addresses(arranged, browsers, now)
    for notice in notices:
        facts = book.facts(notice, now)
        before = told.setdefault((notice.alert, notice.occurrence), {})
        why = _why_nobody(arranged, simulated=book.simulated(notice))
        if why is None and address is not None:
            rows = address.rows(notice, facts, before)
            why = None if rows else Why.NOBODY
            found.rows.extend(rows)
            before.update((one.target, one) for one in rows)
        found.notices.append((notice, facts, why))
    return found


def _why_nobody(arranged: Arranged | None, *, simulated: bool) -> Why | None:
    if simulated:
        return Why.SIMULATED
    return Why.NO_PLAN if arranged is None else None


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Whom a plan names at one moment; what a policy may ask decides, so it is asked once each."""

    arranged: Arranged
    browsers: Rows
    now: Micros
    _known: dict[policy.Facts, tuple[Told, ...]] = field(default_factory=dict)

    def rows(self, notice: Notice, facts: Facts, before: Mapping[str, _Row]) -> list[_Row]:
        """Return a row for everybody who is told: those whom policies name, those told before.

        That an alert was given to somebody is told to that person alone.
        """
        if notice.kind is Kind.ASSIGN:
            return self._assigned(notice, facts.assignee or "")
        found: dict[str, _Row] = {}
        if notice.kind in CALLS:
            for told in self._told(notice, facts):
                for row in self._of(notice, told):
                    found[row.target] = row
        if notice.kind is not Kind.RAISE:
            for target, row in before.items():
                found.setdefault(target, row._replace(notice=notice.key))
        return list(found.values())

    def _assigned(self, notice: Notice, name: str) -> list[_Row]:
        """Return the rows of the targets that are this person: by name, person or account."""
        return [
            row
            for target in self.arranged.targets.values()
            if name and name.casefold() in _called(target)
            for row in self._of(notice, Told(target.name, ASSIGNED))
        ]

    def _told(self, notice: Notice, facts: Facts) -> tuple[Told, ...]:
        asked = policy.Facts(
            facts.severity,
            facts.thing_kind,
            facts.commune,
            facts.rule,
            notice.n if notice.kind is Kind.ESCALATE else 0,
        )
        if asked not in self._known:
            self._known[asked] = self.arranged.plan.resolve(asked, self.now)
        return self._known[asked]

    def _of(self, notice: Notice, told: Told) -> Iterable[_Row]:
        """Return one row of a target; of web push one a browser, so each has its own retries."""
        target = self.arranged.targets[told.target]
        if target.channel != WEBPUSH:
            return [_Row(notice.key, notice.alert, target.channel, target.name, told.policy)]
        return [
            _Row(notice.key, notice.alert, WEBPUSH, f"{target.name}#{number}", told.policy)
            for owner, number in self.browsers
            if owner == target.address
        ]


def _called(target: Target) -> set[str]:
    """Return what the person behind a target is called; browsers are known by their account."""
    names = {target.name.casefold(), target.person.casefold()}
    if target.channel == WEBPUSH and isinstance(target.address, str):
        names.add(target.address.casefold())
    return names


def _pushes(arranged: Arranged | None) -> bool:
    return arranged is not None and any(
        target.channel == WEBPUSH for target in arranged.targets.values()
    )


def facts_from(stored: str) -> Facts:
    """Return the facts that were stored with a notice; what a newer version added is left out."""
    return msgspec.json.decode(stored, type=Facts)


def _noticed(notice: Notice, facts: Facts, why: Why | None) -> dict[str, object]:
    return {
        "key": notice.key,
        "alert_id": notice.alert,
        "occurrence": notice.occurrence,
        "kind": notice.kind.value,
        "n": notice.n,
        "severity": int(facts.severity),
        "rule_id": facts.rule,
        "area": facts.area,
        "facts": facts,
        "withheld": why,
    }
