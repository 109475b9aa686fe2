"""A station with a month behind it: hours, statuses, messages, as ingest leaves them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from ioc import catalogue
from ioc.domain.legal_limit import Averaging, LegalLimit
from ioc.settings import Settings
from ioc.storage import legal_limits, things
from tests.integration.web_site import add_thing

Db = Connection[tuple[Any, ...]]
PERIOD_S: Final = 60  # of `add_thing`
_HOURS: Final = """
insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last, last_time)
select %(stream)s, h, %(n)s, %(n)s, %(n)s * %(value)s, %(value)s, %(value)s, %(value)s, h
from generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 hour',
  '1 hour') h
on conflict (datastream_id, hour) do update set n = excluded.n, n_good = excluded.n_good,
  sum = excluded.sum, min = excluded.min, max = excluded.max;
"""
_MINUTES: Final = """
insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
select %(stream)s, m, 1, 1, 1, 1, 1, 1, m
from generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 minute',
  '15 minutes') m on conflict do nothing
"""


def last_month() -> date:
    """Return the first day of the month before this one, in Viet Nam."""
    local = datetime.now(UTC) + timedelta(hours=7)
    return (date(local.year, local.month, 1) - timedelta(days=1)).replace(day=1)


def moment(day: date, hour: float = 0) -> datetime:
    """Return an hour of a day in Viet Nam."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 7)


def station(conn: Db, settings: Settings, name: str = "kk-1") -> tuple[int, int]:
    """Create a station of PM2.5 whose hours are all built; return its and its datastream's id."""
    found = add_thing(conn, name)
    things.upsert_properties(conn, catalogue.load(settings.config_dir / "catalog"))
    conn.execute("insert into rollup_progress values ('hour', now()) on conflict do nothing")
    return found


def hours(
    conn: Db, stream: int, value: float, span: tuple[datetime, datetime], n: int = 60
) -> None:
    """Give a datastream hours of one value, and a message each quarter of an hour."""
    since, until = span
    given = {"stream": stream, "value": value, "since": since, "until": until}
    conn.execute(_HOURS, given | {"n": n})
    conn.execute(_MINUTES, given)


def status(conn: Db, stream: int, since: datetime, minutes: int, quality: int) -> None:
    """Let a datastream say for some minutes that it is calibrating (1) or out of order (2)."""
    conn.execute(
        "insert into ingest_writer (client_id, internal) values ('i', true) on conflict do nothing"
    )
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags, received,"
        " writer, batch_no) select %s, %s::timestamptz + n * interval '1 minute', 1, %s, 0, now(),"
        " w.id, 1 from generate_series(0, %s - 1) n, ingest_writer w where w.client_id = 'i'",
        (stream, since, quality, minutes),
    )


def limit(
    conn: Db, thing: int, high: float, *, hours: int | None = 24,
    valid: tuple[date | None, date | None] = (None, None),
) -> None:  # fmt: skip
    """Give a station a limit of PM2.5."""
    one = LegalLimit(
        id="",
        standard="GPMT 1",
        observed_property="pm25",
        unit="µg/m³",
        low=None,
        high=high,
        averaging=None if hours is None else Averaging("mean", hours * 3600),
        min_coverage=0.75,
        source="",
        title_vi="",
        title_en="",
        confidence="A",
        valid_from=valid[0],
        valid_to=valid[1],
    )
    legal_limits.put(conn, [(thing, one)], "lan")
