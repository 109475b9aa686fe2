"""A month of minutes for the rule pages, and people of the environment department."""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection

from ioc.storage import users
from tests.integration.web_site import PASSWORD

Db = Connection[tuple[Any, ...]]
FIRST: Final = "moi-truong"
SECOND: Final = "moi-truong-2"
# Every fifth day for three hours the value stands near 160; else it waves around 40 with noise.
_MONTH: Final = (
    "insert into observation (datastream_id, phenomenon_time, result, quality, flags, received,"
    " writer, batch_no) select %(ds)s, at, round((40 + 12 * sin(extract(epoch from at) / 20000)"
    " + ((hashint8(extract(epoch from at)::bigint) %% 1000) / 1000.0 * 3)"
    " + case when (extract(epoch from now() - at)::bigint / 60) %% 7200 between 600 and 779"
    "  then 110 else 0 end)::numeric, 2)::float8, 0, 0, at, 1, 1"
    " from generate_series(date_trunc('minute', now()) - make_interval(mins => %(minutes)s),"
    " date_trunc('minute', now()), interval '1 minute') as at"
)
MONTH_MINUTES: Final = 30 * 1440


def month(conn: Db, datastream: int, minutes: int = MONTH_MINUTES) -> None:
    """Write a value for each minute: 6 clear episodes of three hours in 30 days."""
    conn.execute(_MONTH, {"ds": datastream, "minutes": minutes})


def staff(conn: Db) -> None:
    """Create two people who may edit rules."""
    for name, shown in ((FIRST, "Trần Thị Mỹ Duyên"), (SECOND, "Đặng Nguyễn Hoàng Phúc")):
        users.put_user(
            conn, username=name, display_name=shown, role="environment", password=PASSWORD
        )
