"""The database as `ioc check` sees it: server, clock, schema, and the disk it will need."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from ioc.clock import Clock
from ioc.doctor.finding import Finding, ok, unset, warning, wrong
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, from_datetime
from ioc.settings import Settings
from ioc.storage import audit, migrate, pool
from ioc.text import say

MAX_SKEW_S: Final = 2.0  # beyond it ages on the wall are visibly wrong
MIN_POSTGRES: Final = 150_000
OLD_BACKUP_DAYS: Final = 8  # a weekly one, and a day to notice that it failed
# Bytes on disk of one row with indexes and maps; a minute's page is kept half empty for updates.
# Measured on PostgreSQL 17 with TimescaleDB 2.19, 1 M values in batches of 200 from 1,000 streams:
#   python -m bench.disk --url postgresql://postgres@…
ROW_BYTES: Final = 127
MINUTE_BYTES: Final = 242
HOUR_BYTES: Final = 142

# Rows kept when retention has its first victim. TimescaleDB drops whole chunks, so there the
# property that is kept longest decides for all.
_ROWS: Final = """
select
  coalesce(sum(86400 / d.expected_period_s * case when %s then longest else p.raw_days end), 0),
  coalesce(sum(least(1440, 86400 / d.expected_period_s) * p.minute_days), 0),
  coalesce(sum(least(24, 86400 / d.expected_period_s) * p.hour_days), 0)
from datastream d join observed_property p on p.code = d.property,
  (select max(raw_days) longest from observed_property) l
"""


class Disk(NamedTuple):
    """Bytes; `free` is None where the server's disk cannot be seen from here."""

    needed: float
    used: int
    free: int | None


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Examine the database; what follows from a fault already named is left out."""
    if not settings.database_url:
        yield unset("database", "IOC_DATABASE_URL")
        return
    try:
        with pool.connect(settings.database_url, name="check") as conn:
            yield from _examine(conn, settings, clock)
    except psycopg.Error as error:
        yield wrong("database", " ".join(str(error).split()), "database_remedy")


def _examine(conn: migrate.Db, settings: Settings, clock: Clock) -> Iterator[Finding]:
    server = migrate.server(conn)
    yield judge_server(server)
    yield _skew(conn, clock)
    schema = _schema(conn)
    if schema is not None:
        yield schema
        return
    yield ok("migrations", str(len(migrate.available())))
    yield _chain(conn)
    yield _backup(conn, clock)
    yield judge_disk(_disk(conn, settings, chunks=server.timescaledb is not None))


def _chain(conn: migrate.Db) -> Finding:
    """Verify every seal of the audit."""
    found = audit.verify(conn)
    if found.broken or found.unsealed:
        detail = say("check.audit_broken", line=found.broken or "–", unsealed=found.unsealed)
        return wrong("audit", detail, "audit_remedy")
    return ok("audit", say("check.audit_whole", n=found.sealed, head=found.head[:16]))


def _backup(conn: migrate.Db, clock: Clock) -> Finding:
    """Find the last backup that was completed; `ioc backup` leaves a line in the audit."""
    row = conn.execute("select max(at) from audit where action = 'backup.made'").fetchone()
    if row is None or row[0] is None:
        return warning("backup", say("check.backup_never"), "backup_remedy")
    days = (clock.now() - from_datetime(row[0])) / SECOND / 86_400
    return judge_backup(days)


def judge_backup(days: float) -> Finding:
    """Judge the age of the last backup."""
    detail = say("check.backup_detail", days=f"{days:.1f}".replace(".", ","))
    if days > OLD_BACKUP_DAYS:
        return warning("backup", detail, "backup_remedy")
    return ok("backup", detail)


def judge_server(server: migrate.Server) -> Finding:
    """Judge version and edition: plain PostgreSQL works, an old one does not."""
    shown = f"PostgreSQL {server.version // 10000}.{server.version % 10000}"
    if server.version < MIN_POSTGRES:
        return wrong("database", shown, "postgres_remedy")
    if server.timescaledb is None:
        return warning("database", shown, "timescaledb_remedy")
    return ok("database", f"{shown}, TimescaleDB {server.timescaledb} ({server.licence})")


def _skew(conn: migrate.Db, clock: Clock) -> Finding:
    before = clock.now()
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    # Half of the way there and back: a slow line is no wrong clock.
    skew = abs((before + clock.now()) / 2 - from_datetime(row[0])) / SECOND
    shown = f"{skew:.2f} s"
    return wrong("clock", shown, "clock_remedy") if skew > MAX_SKEW_S else ok("clock", shown)


def _schema(conn: migrate.Db) -> Finding | None:
    try:
        waiting = ", ".join(migration.name for migration in migrate.pending(conn))
    except ConfigError as error:
        return wrong("migrations", str(error), "version_remedy")
    return wrong("migrations", waiting, "migrations_remedy") if waiting else None


def _disk(conn: migrate.Db, settings: Settings, *, chunks: bool) -> Disk:
    """Forecast the size at the end of retention from the datastreams' periods."""
    row = conn.execute(_ROWS, (chunks,)).fetchone()
    used = conn.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    assert used is not None
    raw, minutes, hours = (float(count) for count in row)
    needed = raw * ROW_BYTES + minutes * MINUTE_BYTES + hours * HOUR_BYTES
    return Disk(needed, used[0], _free(conn, settings))


def _free(conn: migrate.Db, settings: Settings) -> int | None:
    """Return the free bytes of the server's disk when it is this machine's."""
    if not _local(conn.info.host):
        return None
    try:
        row = conn.execute("show data_directory").fetchone()
        where = Path(row[0]) if row else settings.data_dir
    except psycopg.errors.InsufficientPrivilege:  # the centre's own folder stands in
        where = settings.data_dir
    places = (where, settings.data_dir, settings.config_dir)
    return shutil.disk_usage(next(place for place in places if place.exists())).free


def _local(host: str) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def judge_disk(disk: Disk) -> Finding:
    """Warn before retention would fill the disk; what is stored already needs no further room."""
    need = f"{disk.needed / 1e9:.1f}"
    if disk.free is None:
        return ok("disk", say("check.disk_far", need=need))
    detail = say("check.disk_detail", need=need, free=f"{disk.free / 1e9:.1f}")
    if disk.needed - disk.used > disk.free:
        return warning("disk", detail, "disk_remedy")
    return ok("disk", detail)
