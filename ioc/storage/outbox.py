"""What people must be told, written with the change itself: who gets it is decided here.

`put` runs in the caller's transaction, so news exists exactly when the alert's change does. What
becomes of a row afterwards is the dispatcher's (`ioc.storage.notifications`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from ioc.policies import Arranged, NotifyFile

log: Final = structlog.get_logger()

Db = Connection[tuple[Any, ...]]
AsyncDb = AsyncConnection[tuple[Any, ...]]

ZONE: Final = "Asia/Ho_Chi_Minh"  # the whole country's, without summer time
WEBPUSH: Final = "webpush"

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

    notices: list[tuple[Notice, Facts, str | None]]
    rows: list[_Row]


_FACTS: Final[LiteralString] = (
    "select a.id, a.severity, a.rule_id, v.definition #>> '{name,vi}',"
    " v.definition #>> '{name,en}', t.short_name, t.name, t.kind, d.property, p.name_vi,"
    " p.name_en, d.unit, p.decimals, a.result, a.limit_value, v.definition ->> 'op', a.peak,"
    " l.commune_code, l.commune_name, l.lon, l.lat, v.definition ->> 'legal_ref',"
    " v.definition #>> '{operator_action,vi}', v.definition #>> '{operator_action,en}',"
    " a.raised_at, a.returned_at, a.acked_by, a.late, a.corrected, a.simulated,"
    " case when p.kind = 'category' then p.states end"
    " from alert a join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " left join location l on l.thing_id = t.id where a.id = any(%s)"
)
_TOLD: Final[LiteralString] = (
    "select distinct n.alert_id, n.occurrence, o.channel, o.target, o.policy from outbox o"
    " join notice n on n.key = o.notice where n.alert_id = any(%s) and o.withheld is null"
    " order by o.target"
)
_BROWSERS: Final[LiteralString] = "select owner, id from push_subscription order by id"
_NOTICE: Final[LiteralString] = (
    "insert into notice (key, alert_id, occurrence, kind, n, severity, rule_id, area, facts,"
    " withheld, noticed_at) select *, %s from unnest(%s::text[], %s::uuid[], %s::integer[],"
    " %s::text[], %s::integer[], %s::smallint[], %s::text[], %s::text[], %s::jsonb[], %s::text[])"
    " on conflict do nothing"
)
_ROW: Final[LiteralString] = (
    "insert into outbox (dedup_key, notice, alert_id, channel, target, policy, not_before,"
    " created_at) select notice || ':' || target, notice, alert, channel, target, policy, %s, %s"
    " from unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[])"
    " as new (notice, alert, channel, target, policy) on conflict do nothing"
)


def put(conn: Db, notices: Sequence[Notice], now: Micros) -> None:
    """Write what people must be told, in the caller's transaction; repeating it changes nothing.

    One row for each notice and target of the policies that match at `now`; a return, and all that
    is no call, goes to whoever was told of the occurrence before. Of a simulated alert, or where
    nobody is named, only the notice is written, with the reason.
    """
    if not notices:
        return
    ids = list({notice.alert for notice in notices})
    arranged = plan(conn)
    known = conn.execute(_FACTS, (ids,)).fetchall()
    told = conn.execute(_TOLD, (ids,)).fetchall()
    browsers = conn.execute(_BROWSERS).fetchall() if _pushes(arranged) else []
    written = _written(notices, now, arranged, (known, told, browsers))
    conn.execute(_NOTICE, _notice_columns(written, now))
    if written.rows:
        conn.execute(_ROW, _row_columns(written, now))


async def put_async(conn: AsyncDb, notices: Sequence[Notice], now: Micros) -> None:
    """Write what people must be told, as `put` does."""
    if not notices:
        return
    ids = list({notice.alert for notice in notices})
    arranged = _arranged(await (await conn.execute(_PLAN)).fetchone())
    known = await (await conn.execute(_FACTS, (ids,))).fetchall()
    told = await (await conn.execute(_TOLD, (ids,))).fetchall()
    browsers: list[tuple[Any, ...]] = []
    if _pushes(arranged):
        browsers = await (await conn.execute(_BROWSERS)).fetchall()
    written = _written(notices, now, arranged, (known, told, browsers))
    await conn.execute(_NOTICE, _notice_columns(written, now))
    if written.rows:
        await conn.execute(_ROW, _row_columns(written, now))


_Rows = Sequence[tuple[Any, ...]]


def _written(
    notices: Sequence[Notice],
    now: Micros,
    arranged: Arranged | None,
    read: tuple[_Rows, _Rows, _Rows],
) -> _Written:
    known, told_rows, browsers = read
    alerts = {row[0]: row for row in known}
    told: dict[tuple[UUID, int], dict[str, _Row]] = {}
    for alert, occurrence, channel, target, name in told_rows:
        held = told.setdefault((alert, occurrence), {})
        held[target] = _Row("", alert, channel, target, name)
    found = _Written([], [])
    for notice in notices:
        row = alerts[notice.alert]
        facts = _facts(notice, row, now)
        before = told.setdefault((notice.alert, notice.occurrence), {})
        why = _why_nobody(arranged, simulated=row[29])
        if why is None and arranged is not None:
            rows = _addressed(notice, facts, arranged, before, browsers)
            why = None if rows else Why.NOBODY
            found.rows.extend(rows)
            before.update((one.target, one) for one in rows)
        found.notices.append((notice, facts, why))
    return found


def _why_nobody(arranged: Arranged | None, *, simulated: bool) -> Why | None:
    if simulated:
        return Why.SIMULATED
    return Why.NO_PLAN if arranged is None else None


def _addressed(
    notice: Notice,
    facts: Facts,
    arranged: Arranged,
    before: Mapping[str, _Row],
    browsers: _Rows,
) -> list[_Row]:
    """Return a row for everybody who is told: those whom policies name, those told before."""
    found: dict[str, _Row] = {}
    if notice.kind in CALLS:
        asked = policy.Facts(
            facts.severity,
            facts.thing_kind,
            facts.commune,
            facts.rule,
            notice.n if notice.kind is Kind.ESCALATE else 0,
        )
        for told in arranged.plan.resolve(asked, facts.noticed_at):
            for row in _rows_of(notice, told, arranged, browsers):
                found[row.target] = row
    if notice.kind is not Kind.RAISE:
        for target, row in before.items():
            found.setdefault(target, row._replace(notice=notice.key))
    return list(found.values())


def _rows_of(notice: Notice, told: Told, arranged: Arranged, browsers: _Rows) -> Iterable[_Row]:
    """Return one row of a target; of web push one for each browser, so each has its own retries."""
    target = arranged.targets[told.target]
    if target.channel != WEBPUSH:
        return [_Row(notice.key, notice.alert, target.channel, target.name, told.policy)]
    return [
        _Row(notice.key, notice.alert, WEBPUSH, f"{target.name}#{number}", told.policy)
        for owner, number in browsers
        if owner == target.address
    ]


def _pushes(arranged: Arranged | None) -> bool:
    return arranged is not None and any(
        target.channel == WEBPUSH for target in arranged.targets.values()
    )


def _facts(notice: Notice, row: tuple[Any, ...], now: Micros) -> Facts:
    states: Mapping[str, float] = row[30] or {}
    words = {value: name for name, value in states.items()}
    return Facts(
        key=notice.key,
        alert=str(notice.alert),
        occurrence=notice.occurrence,
        kind=notice.kind,
        severity=Severity(row[1]),
        rule=row[2],
        rule_vi=row[3],
        rule_en=row[4],
        place=row[5],
        thing=row[6],
        thing_kind=row[7],
        observed_property=row[8],
        property_vi=row[9],
        property_en=row[10],
        unit=row[11],
        decimals=row[12],
        result=row[13],
        limit=row[14],
        op=row[15] or ">",
        peak=row[16],
        commune=row[17],
        commune_name=row[18],
        lon=row[19],
        lat=row[20],
        legal_ref=row[21],
        action_vi=row[22] or "",
        action_en=row[23] or "",
        raised_at=from_datetime(row[24]),
        returned_at=None if row[25] is None else from_datetime(row[25]),
        acked_by=row[26],
        late=row[27],
        corrected=row[28],
        noticed_at=now,
        state=words.get(row[13]),
    )


def facts_from(stored: Mapping[str, Any]) -> Facts:
    """Return the facts that were stored with a notice; what a newer version added is left out."""
    return msgspec.convert(stored, Facts)


def _notice_columns(written: _Written, now: Micros) -> list[Any]:
    rows = [
        (
            notice.key,
            notice.alert,
            notice.occurrence,
            notice.kind.value,
            notice.n,
            int(facts.severity),
            facts.rule,
            facts.area,
            msgspec.json.encode(facts).decode(),
            why,
        )
        for notice, facts, why in written.notices
    ]
    return [to_datetime(now), *map(list, zip(*rows, strict=True))]


def _row_columns(written: _Written, now: Micros) -> list[Any]:
    at = to_datetime(now)
    return [at, at, *map(list, zip(*written.rows, strict=True))]
