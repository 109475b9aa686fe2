"""From the outbox to a channel: what waits for a target, what was decided, what became of it.

Deciding and sending are two short steps. Whoever sends holds the row's lock until the answer is
written, so a process that dies gives its message free at once; it is then sent again under the
same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import ALL, URGENT, Decision, Digest, Group, Item, Recent, Why
from ioc.domain.instant import SECOND, Micros, from_datetime, to_datetime
from ioc.domain.notification import Attempt, Delivered, Due, Earlier
from ioc.domain.policy import CALLS
from ioc.domain.storm import WINDOW
from ioc.storage.evaluation import CONSUMER
from ioc.storage.outbox import facts_from

Db = Connection[tuple[Any, ...]]

# One look at one target. The memory for so many is 10 MB; a longer queue takes another look.
MOST: Final = 20_000
_DECIDING: Final = 7_501_007  # any number nobody else uses for locks of two keys
_LAG: Final = 1 * SECOND  # what came in since then nobody can have evaluated, on a busy machine
_CALLS: Final = sorted(kind.value for kind in CALLS)
ATTEMPTS_KEPT: Final = 500  # characters of an answer or a reason that are worth keeping

# ---------------------------------------------------------------- deciding


def targets(conn: Db) -> list[str]:
    """Return the targets for which something waits undecided."""
    rows = conn.execute(
        "with recursive one as ((select target from outbox where decided_at is null"
        " order by target limit 1) union all select (select o.target from outbox o"
        " where o.decided_at is null and o.target > one.target order by o.target limit 1)"
        " from one where one.target is not null) select target from one where target is not null"
    ).fetchall()
    return [row[0] for row in rows]


def lock(conn: Db, target: str) -> bool:
    """Take a target for this transaction; False while another dispatcher decides for it."""
    row = conn.execute(
        "select pg_try_advisory_xact_lock(%s, hashtext(%s))", (_DECIDING, target)
    ).fetchone()
    return row is not None and bool(row[0])


_WAITING: Final[LiteralString] = (
    "select o.id, n.alert_id::text, n.occurrence, n.kind, n.severity, n.area, n.rule_id,"
    " n.noticed_at, (a.acked_at is not null or not a.active),"
    " exists (select 1 from outbox e where e.alert_id = o.alert_id and e.target = o.target"
    " and e.id < o.id and e.decided_at is not null and e.sent_at is null and not e.dead"
    " and e.withheld is null),"
    " t.parent_id is not null and (v.definition ->> 'input' = 'no_data' or p.states ? 'offline')"
    " from outbox o join notice n on n.key = o.notice join alert a on a.id = n.alert_id"
    " left join thing t on t.id = a.thing_id left join rule_version v on v.rule_id = a.rule_id"
    " and v.version = a.rule_version left join datastream d on d.id = a.datastream_id"
    " left join observed_property p on p.code = d.property"
    " where o.target = %s and o.decided_at is null order by o.id limit %s"
)


def waiting(conn: Db, target: str) -> list[Item]:
    """Return what waits undecided for a target, in the order in which it was written."""
    rows = conn.execute(_WAITING, (target, MOST)).fetchall()
    return [
        Item(
            id=row[0],
            alert=row[1],
            occurrence=row[2],
            kind=Kind(row[3]),
            severity=Severity(row[4]),
            area=row[5],
            rule=row[6],
            noticed_at=from_datetime(row[7]),
            answered=row[8],
            blocked=row[9],
            led=bool(row[10]),
        )
        for row in rows
    ]


# All that were told something in the window or are to be; each target is one step in an index.
_TARGETS: Final[LiteralString] = (
    "with recursive one as ((select target from outbox where digest is null"
    " order by target limit 1) union all select (select o.target from outbox o"
    " where o.digest is null and o.target > one.target order by o.target limit 1)"
    " from one where one.target is not null) select count(*) from one where target is not null"
    " and (exists (select from outbox o where o.target = one.target and o.decided_at is null)"
    " or exists (select from outbox o where o.target = one.target and o.digest is null"
    " and o.decided_at > %s))"
)
_BEHIND: Final[LiteralString] = (
    "select from consumer_offset o where o.consumer = %s and exists (select from ingest_batch b"
    " where b.writer = o.writer and b.batch_no > o.batch_no and b.committed_at < %s) limit 1"
)


def recent(conn: Db, target: str, now: Micros) -> Recent:
    """Return what was decided for a target in the last window, and the raises of each area."""
    since = to_datetime(Micros(now - WINDOW))
    singles = conn.execute(
        "select n.severity = 1 and n.kind = any(%s), count(*) from outbox o"
        " join notice n on n.key = o.notice where o.target = %s and o.decided_at > %s"
        " and o.digest is null and o.withheld is null group by 1",
        (_CALLS, target, since),
    ).fetchall()
    digests = conn.execute(
        "select payload ->> 'area', payload ->> 'rule', max(decided_at), count(*) from outbox"
        " where target = %s and decided_at > %s and digest is null and notice is null"
        " and payload ? 'rule'"
        " group by 1, 2",
        (target, since),
    ).fetchall()
    raises = conn.execute(
        "select area, count(*) from notice where kind = 'RAISE' and noticed_at > %s"
        " and withheld is distinct from 'simulated' group by area",
        (since,),
    ).fetchall()
    by_urgency: dict[bool, int] = dict(singles)
    newest = {Group(area, rule): from_datetime(at) for area, rule, at, _ in digests}
    row = conn.execute(_TARGETS, (since,)).fetchone()
    behind = conn.execute(_BEHIND, (CONSUMER, to_datetime(Micros(now - _LAG)))).fetchone()
    return Recent(
        urgent_singles=by_urgency.get(True, 0),
        quiet_singles=by_urgency.get(False, 0),
        digests=newest,
        n_digests=sum(n for _, rule, _, n in digests if rule != URGENT.rule),
        raises=dict(raises),
        n_lists=sum(n for area, rule, _, n in digests if (area, rule) == ALL),
        targets=row[0] if row else 1,
        behind=behind is not None,
    )


def decided(conn: Db, target: str, channel: str, decision: Decision, now: Micros) -> None:
    """Write a decision, in the caller's transaction."""
    at = to_datetime(now)
    for why in {one.why for one in decision.withheld}:
        ids = [one.item.id for one in decision.withheld if one.why is why]
        withhold(conn, ids, why, now)
    if decision.singles:
        conn.execute(
            "update outbox set decided_at = %s, not_before = %s where id = any(%s)",
            (at, at, [item.id for item in decision.singles]),
        )
    for digest in decision.digests:
        _write_digest(conn, (target, channel), digest, now)


def withhold(conn: Db, ids: Sequence[int], why: Why, now: Micros) -> None:
    """Mark rows as not to be sent, with the reason."""
    conn.execute(
        "update outbox set decided_at = %s, withheld = %s where id = any(%s)",
        (to_datetime(now), why, list(ids)),
    )


def _write_digest(conn: Db, address: tuple[str, str], digest: Digest, now: Micros) -> None:
    target, channel = address
    at = to_datetime(now)
    row = conn.execute(
        "insert into outbox (dedup_key, channel, target, payload, not_before, decided_at,"
        " created_at) values ('digest:' || %s || ':' || %s, %s, %s, %s, %s, %s, %s) returning id",
        (
            target,
            str(digest.items[0].id),  # each row is in one digest, so its first one names it
            channel,
            target,
            Jsonb({"area": digest.group.area, "rule": digest.group.rule}),
            at,
            at,
            at,
        ),
    ).fetchone()
    assert row is not None
    conn.execute(
        "update outbox set decided_at = %s, digest = %s where id = any(%s)",
        (at, row[0], [item.id for item in digest.items]),
    )


# ---------------------------------------------------------------- sending


_TAKE: Final[LiteralString] = (
    "select o.id, o.dedup_key, o.channel, o.target, o.attempts, o.created_at,"
    " o.payload ->> 'area', o.payload ->> 'rule', o.notice, o.payload ? 'exercise' from outbox o"
    " where o.decided_at is not null and o.sent_at is null and not o.dead and o.digest is null"
    " and o.withheld is null and o.not_before <= %s and not exists (select 1 from notify_target t"
    " where t.name = o.target and t.paused_until > %s)"
    " order by o.not_before, o.id limit 1 for update of o skip locked"
)
_EARLIER: Final[LiteralString] = (
    "select o.dedup_key, o.created_at from outbox o join notice n on n.key = o.notice"
    " join notice m on m.key = %s where o.target = %s and o.id < %s and n.alert_id = m.alert_id"
    " and n.occurrence = m.occurrence and o.sent_at is not null and o.digest is null order by o.id"
)


def take(conn: Db, now: Micros) -> Due | None:
    """Lock the next message that is due, for the caller's transaction; None when there is none."""
    at = to_datetime(now)
    row = conn.execute(_TAKE, (at, at)).fetchone()
    if row is None:
        return None
    id_, key, channel, target, attempts, created, area, rule, notice, exercise = row
    if notice is None:
        lines = conn.execute(
            "select n.facts::text from outbox o join notice n on n.key = o.notice"
            " where o.digest = %s order by o.id",
            (id_,),
        ).fetchall()
        earlier: list[tuple[Any, ...]] = []
    else:
        lines = conn.execute("select facts::text from notice where key = %s", (notice,)).fetchall()
        earlier = conn.execute(_EARLIER, (notice, target, id_)).fetchall()
    return Due(
        id=id_,
        key=key,
        channel=channel,
        target=target,
        attempts=attempts,
        made_at=from_datetime(created),
        group=Group(area, rule) if notice is None and not exercise else None,
        facts=tuple(facts_from(line[0]) for line in lines),
        earlier=tuple(Earlier(key, from_datetime(at)) for key, at in earlier),
        exercise=exercise,
    )


def record(conn: Db, due: Due, attempt: Attempt) -> None:
    """Write what became of a message and of a digest's lines, in the transaction that took it."""
    settled, at = attempt.settled, to_datetime(attempt.at)
    conn.execute(
        "update outbox set attempts = attempts + 1, sent_at = %(sent)s, dead = %(dead)s,"
        " last_error = %(error)s, not_before = %(next)s where id = %(id)s or digest = %(id)s",
        {
            "id": due.id,
            "sent": at if settled.sent else None,
            "dead": settled.dead,
            "error": settled.reason and settled.reason[:ATTEMPTS_KEPT],
            "next": at if settled.retry_at is None else to_datetime(settled.retry_at),
        },
    )
    if settled.retry_at is not None:  # what else is due there would only fail as well
        conn.execute(
            "insert into notify_target (name, paused_until) values (%s, %s)"
            " on conflict (name) do update set paused_until = excluded.paused_until",
            (due.target, to_datetime(settled.retry_at)),
        )
    _log(conn, due, attempt)


def _log(conn: Db, due: Due, attempt: Attempt) -> None:
    receipt = attempt.receipt
    outcome = "dead" if attempt.settled.dead else "later"
    if isinstance(receipt, Delivered):
        outcome, detail = "delivered", receipt.receipt
    else:
        detail = receipt.reason
    conn.execute(
        "insert into notify_log (outbox_id, dedup_key, channel, target, attempt, at, took_ms,"
        " outcome, detail) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            due.id,
            due.key,
            due.channel,
            due.target,
            due.attempts + 1,
            to_datetime(attempt.at),
            attempt.took * 1000 // SECOND,
            outcome,
            detail[:ATTEMPTS_KEPT],
        ),
    )


# ---------------------------------------------------------------- browsers


class Subscription(NamedTuple):
    """A browser that asked for web push."""

    endpoint: str
    p256dh: str
    auth: str


def subscribe(conn: Db, owner: str, browser: Subscription) -> None:
    """Keep a browser's subscription; the same endpoint again replaces its keys and owner."""
    conn.execute(
        "insert into push_subscription (owner, endpoint, p256dh, auth) values (%s, %s, %s, %s)"
        " on conflict (endpoint) do update set owner = excluded.owner,"
        " p256dh = excluded.p256dh, auth = excluded.auth",
        (owner, *browser),
    )


def subscription(conn: Db, number: int) -> Subscription | None:
    """Return a browser's subscription; None when it is gone."""
    row = conn.execute(
        "select endpoint, p256dh, auth from push_subscription where id = %s", (number,)
    ).fetchone()
    return None if row is None else Subscription(*row)


def subscriptions(conn: Db, owner: str) -> list[Subscription]:
    """Return the browsers of one owner."""
    rows = conn.execute(
        "select endpoint, p256dh, auth from push_subscription where owner = %s order by id",
        (owner,),
    ).fetchall()
    return [Subscription(*row) for row in rows]


def unsubscribe(conn: Db, number: int) -> None:
    """Forget a browser whose push service says that it is gone."""
    conn.execute("delete from push_subscription where id = %s", (number,))
