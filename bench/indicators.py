"""What the board of indicators costs: `python -m bench.indicators`. Prints JSON, exits 0.

300 indicators with ten years of months, asked over HTTP from the real web process: the board with
every verdict, and one indicator with all its figures.
"""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from typing import Any, Final

from psycopg import Connection

from bench.ingest_rig import fresh_database, services
from bench.report import Figure, Report
from ioc.storage import migrate, pool, users
from tests.integration.web_site import running, settings_for

Db = Connection[tuple[Any, ...]]

RUNS: Final = 10
_INDICATORS: Final = """
insert into indicator (id, topic, position, name_vi, name_en, unit, decimals, direction, targets,
  owner, source, how, level, period, due_days)
select 'i_' || n, 'Lĩnh vực ' || n / 60, n, 'Chỉ số ' || n, 'i', '%%', 1, 'up',
  '{"2025": 80, "2030": 100}', 'Sở', 'Báo cáo', 'upload', 'province', 'month', 15
from generate_series(1, %(indicators)s) n
"""
_FIGURES: Final = """
insert into indicator_value (indicator, at, value, how, detail, put_by)
select i.id, (date_trunc('month', now()) - m * interval '1 month')::date - 1,
  60 - m * 0.1 + (i.position * 7 + m * 3) %% 5, 'upload', '{"file": "a.xlsx", "row": 2}', 'b'
from indicator i, generate_series(0, %(months)s - 1) m
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--indicators", type=int, default=300)
    parser.add_argument("--months", type=int, default=120)
    given = parser.parse_args()
    known = services()
    told = Report("indicators")
    told.calibration = {"indicators": given.indicators, "months": given.months}
    with fresh_database(known.database) as url:
        with pool.connect(url, name="bench") as conn:
            token = _fill(conn, given.indicators, given.months)
        with running(settings_for(url, known.redis, "bench-indicators:")) as site:
            board = [_asked(site.port, token, "/desk/indicators") for _ in range(RUNS)]
            one = [_asked(site.port, token, "/desk/indicators/i_1") for _ in range(RUNS)]
    told.figures = {
        "board_s": Figure(board, "s", 1, at_least=False),
        "one_indicator_s": Figure(one, "s", 1, at_least=False),
    }
    told.emit()
    return 0


def _fill(conn: Db, indicators: int, months: int) -> str:
    migrate.run(conn)
    conn.execute(_INDICATORS, {"indicators": indicators})
    conn.execute(_FIGURES, {"months": months})
    conn.execute("analyze")
    return users.create_token(conn, kind="api", role="leader", label="bench")


def _asked(port: int, token: str, path: str) -> float:
    begin = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = line.getresponse()
    body = answer.read()
    line.close()
    if answer.status != 200 or len(body) < 1000:
        raise RuntimeError(f"{path}: {answer.status}, {len(body)} bytes")
    return round(time.perf_counter() - begin, 3)


if __name__ == "__main__":
    sys.exit(main())
