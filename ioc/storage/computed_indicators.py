"""Indicators that the centre counts itself, for the day that has just ended.

Each query returns (value, what it was counted from, the whole); no row or no whole: no figure,
so that a province without cameras has no uptime of 100 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection

from ioc.domain.indicator import How
from ioc.storage import indicators
from ioc.storage.indicators import Figure

Db = Connection[tuple[Any, ...]]

_ONLINE: Final = 0  # DeviceState's code
# A status is sent when it changes and again now and then: an hour counts as it ended.
_STATE_HOURS: Final[LiteralString] = """
select count(*) filter (where h.last = %(online)s), count(*)
from thing t join datastream d on d.thing_id = t.id and d.property = %(property)s
join observation_hour h on h.datastream_id = d.id
where t.kind = %(kind)s and t.state = 'admitted' and h.hour >= %(since)s and h.hour < %(until)s
  and h.last is not null and h.last not in (3, 4, 5)
"""
# Disabled, maintenance and unknown (3, 4, 5) are no hour in which it should have worked.

_BTS: Final[LiteralString] = """
select coalesce((select features from layer_version where layer = 'bts' and current),
  (select nullif(count(*), 0) from thing where kind = 'bts' and state = 'admitted')), null
"""
_LIVE: Final[LiteralString] = """
select count(*) filter (where exists (select from datastream d
  join observation_hour h on h.datastream_id = d.id and h.hour >= %(since)s
  and h.hour < %(until)s where d.thing_id = t.id)), count(*)
from thing t where t.state = 'admitted' and t.kind <> 'indicator' and t.created_at < %(until)s
"""
_AQI_DAYS: Final[LiteralString] = """
select count(*) filter (where o.result <= 100), count(*)
from datastream d join observation o on o.datastream_id = d.id
where d.derived and d.property = 'vn_aqi_day' and o.phenomenon_time > %(month_ago)s
  and o.phenomenon_time <= %(until)s and o.result < 'infinity'
"""
_METHODS: Final[Mapping[str, tuple[LiteralString, Mapping[str, Any]]]] = {
    "bts_count": (_BTS, {}),
    "bts_online_pct": (_STATE_HOURS, {"kind": "bts", "property": "bts_status"}),
    "points_online_pct": (_STATE_HOURS, {"kind": "network", "property": "network_status"}),
    "camera_uptime_pct": (_STATE_HOURS, {"kind": "camera", "property": "camera_status"}),
    "aqi_good_days_pct": (_AQI_DAYS, {}),
    "sources_live_pct": (_LIVE, {}),
}
_SETTLE: Final = timedelta(minutes=10)  # after midnight, until the day's last hour is built


def compute(conn: Db, zone: str, now: datetime) -> int:
    """Count what is missing for the day that ended last; return how many figures were put."""
    here = ZoneInfo(zone)
    day = ((now - _SETTLE).astimezone(here) - timedelta(days=1)).date()
    todo = conn.execute(
        "select id, method from indicator i where how = 'computed' and not retired"
        " and not exists (select from indicator_value where indicator = i.id and at = %s)",
        (day,),
    ).fetchall()
    found = [figure for code, method in todo if (figure := _figure(conn, code, method, day, here))]
    with conn.transaction():
        return indicators.put(conn, found, indicators.CENTRE) if found else 0


def _figure(conn: Db, code: str, method: str, day: date, zone: ZoneInfo) -> Figure | None:
    query, values = _METHODS[method]
    since = datetime(day.year, day.month, day.day, tzinfo=zone)
    until = since + timedelta(days=1)
    month_ago = until - timedelta(days=30)
    span = {"since": since, "until": until, "month_ago": month_ago, "online": _ONLINE}
    row = conn.execute(query, {**span, **values}).fetchone()
    if row is None or row[0] is None or row[1] == 0:
        return None
    count, whole = row
    value = float(count) if whole is None else 100 * count / whole
    detail = {"method": method, "count": count, "whole": whole}
    return Figure(code, day, value, How.COMPUTED, detail)
