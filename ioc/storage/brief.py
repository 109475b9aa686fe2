"""What the leaders' brief reads, as scripts: the web awaits them, the scheduled brief blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString

from ioc.catalogue import UNCLASSIFIED
from ioc.domain.brief import (
    Commune,
    Given,
    Report,
    Spell,
    Standing,
    Window,
    Worst,
    counts,
    moments,
)
from ioc.domain.instant import DAY, Micros, from_datetime, to_datetime
from ioc.domain.intake import STATUS
from ioc.storage.script import Script

MOST_SPELLS: Final = 50_000  # a province-wide outage; beyond it the trend is about the newest
CHARTED: Final = 3  # the worst that are open get a chart in a report
MOST_WORST: Final = 200  # what a report lists at most

_SPELLS: Final[LiteralString] = (
    "select a.severity, coalesce((select min(e.event_time) from alert_event e"
    "  where e.alert_id = a.id and e.kind = 'RAISE'), a.raised_at), a.closed_at, a.handling_due,"
    " case when a.handling in ('closed', 'rejected') then a.handled_at end"
    " from alert a where a.mask is null and (a.closed_at is null or a.closed_at > %(since)s"
    "  or a.handling_due is not null and (a.handling not in ('closed', 'rejected')"
    "   or a.handled_at > %(since)s)) order by a.raised_at desc limit %(most)s"
)
# A thing is silent when one of its measured datastreams that ever spoke is; of one without any, one
# of the others (ioc.web.picture judges the present the same way). A minute is known by its begin.
_SILENT: Final[LiteralString] = (
    "with heard as (select m.at, d.thing_id,"
    "  d.name <> %(status)s and d.property <> %(unclassified)s as measured,"
    "  (select max(minute) from observation_minute o where o.datastream_id = d.id"
    "   and o.minute <= m.at) + make_interval(secs => d.stale_after_s + 60) < m.at as silent"
    "  from unnest(%(at)s::timestamptz[]) as m (at) cross join datastream d"
    "  join thing t on t.id = d.thing_id where t.state = 'admitted'),"
    " judged as (select at, thing_id, coalesce(bool_or(silent) filter (where measured),"
    "  bool_or(silent)) as silent from heard group by 1, 2)"
    " select at, count(*) from judged where silent group by 1"
)
_COMMUNES: Final[LiteralString] = (
    "select l.commune_code, min(l.commune_name), min(a.severity), count(*),"
    " bool_or(a.acked_at is null) from alert a join location l on l.thing_id = a.thing_id"
    " where a.closed_at is null and a.active and a.mask is null and l.commune_code is not null"
    " group by 1"
)
_WORST: Final[LiteralString] = (
    "select a.id, a.thing_id, d.code, t.name, t.short_name, l.commune_name,"
    " v.definition #>> '{name,vi}', case when d.code = d.property then p.name_vi else d.name end,"
    " p.kind, p.states, d.unit, p.decimals, a.severity, a.active, a.stale, a.simulated,"
    " nullif(a.result, 'NaN'), a.limit_value, v.definition ->> 'op',"
    " v.definition ->> 'legal_ref', a.raised_at, a.returned_at, a.acked_at,"
    " coalesce(u.display_name, a.acked_by), coalesce(w.display_name, a.assignee), a.handling,"
    " a.handling_due, a.closed_at, nullif(a.peak, 'NaN'), r.note from alert a"
    " join thing t on t.id = a.thing_id join datastream d on d.id = a.datastream_id"
    " join observed_property p on p.code = d.property"
    " join rule_version v on v.rule_id = a.rule_id and v.version = a.rule_version"
    " left join location l on l.thing_id = t.id left join app_user u on u.username = a.acked_by"
    " left join app_user w on w.username = a.assignee"
    " left join lateral (select e.payload ->> 'note' as note from alert_event e"
    "  where e.alert_id = a.id and e.kind = 'DIRECTION'"
    "  order by e.recorded_at desc limit 1) r on true"
)
_OPEN: Final[LiteralString] = (
    " where a.closed_at is null and a.mask is null order by a.severity, a.active desc,"
    " a.acked_at is not null, a.raised_at desc, a.id limit %(most)s"
)
_WITHIN: Final[LiteralString] = (
    " where a.mask is null and a.severity <= 2 and a.raised_at < %(until)s"
    " and (a.closed_at is null or a.closed_at >= %(since)s)"
    " order by a.severity, a.raised_at desc, a.id limit %(most)s"
)


def spells(now: Micros) -> Script[tuple[list[Spell], Micros | None]]:
    """Return the alerts of the days that trends look at, and when the centre began to watch."""
    since = to_datetime(moments(now)[0])
    rows = yield _SPELLS, {"since": since, "most": MOST_SPELLS}
    found = [
        Spell(severity, from_datetime(begin), _micros(end), _micros(due), _micros(handled))
        for severity, begin, end, due, handled in rows
    ]
    began = yield "select min(created_at) from thing", ()
    return found, _micros(began[0][0])


def silent(at: Sequence[Micros]) -> Script[list[int]]:
    """Return how many things were silent at each instant; a look-up for each datastream."""
    instants = [to_datetime(one) for one in at]
    rows = yield _SILENT, {"status": STATUS, "unclassified": UNCLASSIFIED, "at": instants}
    found: dict[datetime, int] = dict(rows)
    return [found.get(one, 0) for one in instants]


def standing(most: int) -> Script[Standing]:
    """Return what is open, the `most` urgent first."""
    worst = yield _WORST + _OPEN, {"most": most}
    communes = yield _COMMUNES, ()
    levels = yield (
        (
            "select severity, count(*), count(*) filter (where acked_at is null) from alert"
            " where closed_at is null and mask is null group by 1"
        ),
        (),
    )
    simulated = yield (
        "select exists (select 1 from thing where simulated and state = 'admitted')",
        (),
    )
    return Standing(
        [Worst(*row) for row in worst],
        [Commune(*row) for row in communes],
        {row[0]: (row[1], row[2]) for row in levels},
        bool(simulated[0][0]),
    )


def within(since: Micros, until: Micros) -> Script[list[Worst]]:
    """Return the critical and high alerts that were open at any time of a period."""
    values = {"since": to_datetime(since), "until": to_datetime(until), "most": MOST_WORST}
    rows = yield _WORST + _WITHIN, values
    return [Worst(*row) for row in rows]


def raised_by_day(since: Micros, until: Micros, zone: str) -> Script[list[tuple[str, int, int]]]:
    """Return (ISO date of the province, severity, raises) of a period, but for days without any."""
    rows = yield (
        (
            "select ((e.event_time at time zone %(zone)s)::date)::text,"
            " coalesce((e.payload ->> 'severity')::integer, a.severity), count(*)"
            " from alert_event e join alert a on a.id = e.alert_id where e.kind = 'RAISE'"
            " and e.event_time >= %(since)s and e.event_time < %(until)s"
            " group by 1, 2 order by 1, 2"
        ),
        {"zone": zone, "since": to_datetime(since), "until": to_datetime(until)},
    )
    return [(row[0], row[1], row[2]) for row in rows]


def directions(since: Micros, until: Micros) -> Script[list[Given]]:
    """Return the directions of a period, oldest first."""
    rows = yield (
        (
            "select e.event_time, coalesce(u.display_name, e.actor), t.name, e.payload ->> 'note'"
            " from alert_event e join alert a on a.id = e.alert_id"
            " join thing t on t.id = a.thing_id left join app_user u on u.username = e.actor"
            " where e.kind = 'DIRECTION'"
            " and e.recorded_at >= %(since)s and e.recorded_at < %(until)s"
            " order by e.recorded_at limit %(most)s"
        ),
        {"since": to_datetime(since), "until": to_datetime(until), "most": MOST_WORST},
    )
    return [Given(*row) for row in rows]


def past(thing: int, code: str, now: Micros) -> Script[Sequence[float | None]]:
    """Return a datastream's last 24 hours as 48 means; None without a good value."""
    since = to_datetime(Micros(now - DAY))
    rows = yield (
        (
            "select floor(extract(epoch from o.minute - %(since)s) / 1800)::integer,"
            " sum(o.sum) / nullif(sum(o.n_good), 0) from observation_minute o"
            " join datastream d on d.id = o.datastream_id where d.thing_id = %(thing)s"
            " and d.code = %(code)s and o.minute >= %(since)s and o.minute < %(until)s group by 1"
        ),
        {"since": since, "until": to_datetime(now), "thing": thing, "code": code},
    )
    found: dict[int, float | None] = dict(rows)
    return [found.get(index) for index in range(48)]


def report(window: Window, now: Micros, zone: str) -> Script[Report]:
    """Return everything a report says, as of `now`."""
    since, until = from_datetime(window.since), from_datetime(window.until)
    found, began = yield from spells(now)
    quiet = yield from silent(moments(now))
    standing_now = yield from standing(CHARTED)
    days = yield from raised_by_day(since, until, zone)
    pasts = []
    for row in standing_now.worst:
        values = yield from past(row.thing, row.code, now)
        pasts.append(values)
    return Report(
        window=window,
        made=to_datetime(now),
        counts=counts(found, quiet, now, began),
        levels=standing_now.levels,
        raises={(day, severity): n for day, severity, n in days},
        alerts=(yield from within(since, until)),
        open_now=standing_now.worst,
        pasts=pasts,
        directions=(yield from directions(since, until)),
        simulated=standing_now.simulated,
    )


def _micros(moment: datetime | None) -> Micros | None:
    return None if moment is None else from_datetime(moment)
