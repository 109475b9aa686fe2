"""Suspected cuts: who is silent, what stands, and the one alert about each, in one transaction.

The process axis of such an alert is `suspected_cut`, not `alert_state`: that table is the fold's
checkpoint, and an evaluator that found a row in it for which history holds no sample would take the
alert for one that has ended under a new rule, and end it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection

from ioc.domain.alert import Kind
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change
from ioc.domain.evaluation import Announcement, Peak, Verdict
from ioc.domain.instant import Micros, from_datetime, to_datetime
from ioc.domain.intake import DatastreamSpec, FeedSpec
from ioc.domain.levels import Rules
from ioc.domain.location import Place
from ioc.domain.network.watch import Standing, Why
from ioc.domain.observation import DatastreamId, ThingId
from ioc.storage import things, verdict
from ioc.storage.script import Script

Db = Connection[tuple[Any, ...]]

FEED: Final = "suspected-cuts"
KIND: Final = "fibre"
PROPERTY: Final = "points_lost"
RULE: Final = "fibre-cut"
LOOK_BACK: Final = timedelta(days=1)  # what has been silent for longer is no news
NEVER_S: Final = 10.0 * 365 * 86400  # nothing is expected of a stretch of cable
_LOCK: Final = 7_501_016  # one looks for cuts at a time
_NO_PARTITION: Final[Mapping[int, int]] = {}  # no evaluator's: offsets are not touched

# A point speaks through its status. What does not send counts as silent only while at least half of
# its feed is heard: a feed that is gone says nothing about cables.
_HEARING: Final[LiteralString] = """
with newest as (
  select t.id as thing, t.feed, d.id as stream, o.phenomenon_time as time,
    o.result in ((p.states ->> 'online')::int, (p.states ->> 'degraded')::int) as well,
    o.result = (p.states ->> 'offline')::int as down,
    o.phenomenon_time < %(now)s - make_interval(secs => d.stale_after_s) as stale
  from thing t join datastream d on d.thing_id = t.id
  join observed_property p on p.code = d.property and p.states ? 'offline' and p.states ? 'online'
  cross join lateral (select phenomenon_time, result from observation
    where datastream_id = d.id and phenomenon_time > %(now)s - %(back)s and flags & 18 <> 18
    order by phenomenon_time desc limit 1) o
  where t.id = any(%(things)s) and t.state = 'admitted'
), feeds as (
  select feed, count(*) filter (where not stale) * 2 >= count(*) as alive from newest group by feed
), judged as (
  select n.*, n.down or (n.stale and n.well and f.alive) as silent
  from newest n join feeds f using (feed)
)
select thing, silent, well and not stale, time, case when silent then (
    select max(phenomenon_time) from observation o join datastream d on d.id = o.datastream_id
    join observed_property p on p.code = d.property
    where o.datastream_id = stream and phenomenon_time > %(now)s - %(back)s
      and result in ((p.states ->> 'online')::int, (p.states ->> 'degraded')::int)) end, stream
from judged where silent or (well and not stale)
"""
_FIRST_DOWN: Final[LiteralString] = """
select u.stream, (select min(phenomenon_time) from observation
    where datastream_id = u.stream and phenomenon_time > u.after)
from unnest(%s::int[], %s::timestamptz[]) as u (stream, after)
"""
_STANDING: Final[LiteralString] = """
select c.id, c.segments, c.doubted_at, c.thing_id, d.id, t.simulated, t.name,
  c.opened_at, (select a.id from alert a where a.thing_id = c.thing_id and a.closed_at is null),
  array_agg(p.thing_id), array_agg(p.silent_since)
from suspected_cut c join suspected_cut_point p on p.cut_id = c.id
join thing t on t.id = c.thing_id join datastream d on d.thing_id = t.id and d.property = %s
where c.ended_at is null group by c.id, d.id, t.id order by c.id
"""
_SPENT: Final[LiteralString] = """
select p.thing_id, p.silent_since from suspected_cut c
join suspected_cut_point p on p.cut_id = c.id
where c.why = 'answered' and c.ended_at > %s
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """By thing: silent since when, and heard last when."""

    silent: Mapping[int, Micros]
    answers: Mapping[int, Micros]


@dataclass(frozen=True, slots=True)
class Known:
    """A suspicion as stored; its points are things."""

    standing: Standing
    subject: Subject
    name: str
    opened: datetime
    alert: UUID | None  # None: answered and closed while the cut is still suspected


@dataclass(frozen=True, slots=True)
class Opening:
    """A suspicion to be stored: the stretch, its place, and the things it explains."""

    segments: tuple[str, ...]
    name: str
    place: Place
    points: Mapping[int, Micros]


def lock(conn: Db) -> bool:
    """Take the right to look for cuts until the transaction ends; False: another has it."""
    row = conn.execute("select pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    return row is not None and bool(row[0])


def heard(points: Sequence[int], now: Micros) -> Script[Heard]:
    """Return who is silent and who answers among these things."""
    at = to_datetime(now)
    rows = yield _HEARING, {"now": at, "back": LOOK_BACK, "things": list(points)}
    well = {thing: from_datetime(time) for thing, _, answers, time, _, _ in rows if answers}
    last = {
        stream: (thing, answer)
        for thing, silent, _, _, answer, stream in rows
        if silent and answer is not None
    }
    first = yield _FIRST_DOWN, (list(last), [answer for _, answer in last.values()])
    since = {last[stream][0]: from_datetime(begin or last[stream][1]) for stream, begin in first}
    return Heard(since, well)


def standing() -> Script[list[Known]]:
    """Return the suspicions that stand."""
    rows = yield _STANDING, (PROPERTY,)
    return [
        Known(
            Standing(
                number,
                tuple(segments),
                dict(zip(points, map(from_datetime, since), strict=True)),
                None if doubted is None else from_datetime(doubted),
            ),
            Subject(DatastreamId(stream), ThingId(thing), simulated),
            name,
            opened,
            alert,
        )
        for (
            number, segments, doubted, thing, stream, simulated, name, opened, alert, points, since,
        ) in rows
    ]  # fmt: skip


def spent(conn: Db, now: Micros) -> set[tuple[int, Micros]]:
    """Return the silences that guesses which fell had explained."""
    rows = conn.execute(_SPENT, (to_datetime(now) - LOOK_BACK,))
    return {(thing, from_datetime(since)) for thing, since in rows}


def doubt(conn: Db, number: int, since: Micros | None) -> None:
    """Note that a suspicion is in doubt, or no longer."""
    moment = None if since is None else to_datetime(since)
    conn.execute("update suspected_cut set doubted_at = %s where id = %s", (moment, number))


def join(conn: Db, known: Known, points: Mapping[int, Micros]) -> None:
    """Add points to a suspicion; the alert's peak is how many they ever were."""
    _points(conn, known.standing.id, points)
    subject, count = known.subject, len(known.standing.points) + len(points)
    peak = Peak(RULE, subject.datastream, float(count), max(points.values()))
    verdict.commit(conn, Verdict(peaks=[peak]), _NO_PARTITION, max(points.values()))


def end(conn: Db, known: Known, why: Why, rules: Rules, now: Micros) -> None:
    """End a suspicion and its alert: from the same commit on nothing is held back by it."""
    conn.execute(
        "update suspected_cut set ended_at = %s, why = %s where id = %s",
        (to_datetime(now), why.value, known.standing.id),
    )
    change = Change(Kind.RTN, now, 0.0)
    said = Announcement(rules[0], known.subject, change)
    verdict.commit(conn, Verdict(announcements=[said]), {}, now)


def open_(conn: Db, made: Opening, rules: Rules, now: Micros) -> None:
    """Store a suspicion and raise its alert, or nothing of it."""
    row = conn.execute(
        "select bool_and(simulated) from thing where id = any(%s)", (list(made.points),)
    ).fetchone()
    simulated = bool(row and row[0])
    thing = _stretch(conn, made, simulated=simulated)
    row = conn.execute(
        "insert into suspected_cut (thing_id, segments, silent_since, opened_at)"
        " values (%s, %s, %s, %s) returning id",
        (thing, list(made.segments), to_datetime(_first(made)), to_datetime(now)),
    ).fetchone()
    assert row is not None
    _points(conn, row[0], made.points)
    stream = conn.execute(
        "select id from datastream where thing_id = %s and property = %s", (thing, PROPERTY)
    ).fetchone()
    assert stream is not None
    count = float(len(made.points))
    rule = next((one for one in rules if one.breached(count)), rules[-1])
    change = Change(Kind.RAISE, _first(made), count, severity=rule.severity, limit=rule.limit)
    subject = Subject(DatastreamId(stream[0]), ThingId(thing), simulated)
    said = Announcement(rule, subject, change)
    verdict.commit(conn, Verdict(announcements=[said]), _NO_PARTITION, now)


def _first(made: Opening) -> Micros:
    return min(made.points.values())


def _points(conn: Db, number: int, points: Mapping[int, Micros]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into suspected_cut_point (cut_id, thing_id, silent_since) values (%s, %s, %s)",
            [(number, thing, to_datetime(since)) for thing, since in points.items()],
        )


def _stretch(conn: Db, made: Opening, *, simulated: bool) -> int:
    """Return the thing that stands for a stretch of cable, registering it the first time."""
    spec = DatastreamSpec(PROPERTY, None, None, None)
    feed = FeedSpec(
        name=FEED,
        title_vi="Nghi đứt cáp",
        title_en="Suspected cuts",
        kind=KIND,
        expected_period_s=NEVER_S,
        stale_after_s=NEVER_S,
        simulated=False,
        datastreams={PROPERTY: spec},
    )
    things.upsert_feeds(conn, [feed])
    return things.upsert_thing(
        conn,
        things.ThingSeed(
            feed=FEED,
            external_id=made.segments[0][:200],
            name=made.name,
            short_name=made.name[: things.SHORT],
            kind=KIND,
            place=made.place,
            expected_period_s=NEVER_S,
            stale_after_s=NEVER_S,
            datastreams={PROPERTY: spec},
            simulated=simulated,
        ),
    )
