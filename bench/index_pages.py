"""What the environment's pages cost: the slider of `/indices` and a station's month as PDF."""

from __future__ import annotations

import http.client
import json
import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

from bench.ingest_rig import Services
from bench.machine import BenchError, say
from ioc import limits
from ioc import settings as configuration
from ioc.storage import legal_limits, users
from tests.integration.web_site import PASSWORD, Client, Site, running

Db = Connection[tuple[Any, ...]]
RUNS: Final = 3
PATIENCE_S: Final = 120
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_PREFIX: Final = "bench-index-pages:"
# A week of indices: computing 84,000 of them is measured by the late hour, not here.
_WEEK: Final = """
with o as (
  insert into observation (datastream_id, phenomenon_time, result, quality, flags, received, writer,
    batch_no)
  select d.id, h, 20 + (d.id * 37 + extract(epoch from h)::bigint / 3600 * (3 + d.id %% 5)) %% 260,
    0, 0, h, w.id, 1
  from datastream d, generate_series(date_trunc('hour', now()) - interval '167 hours',
    date_trunc('hour', now()), '1 hour') h, ingest_writer w
  where d.property = 'vn_aqi_hour' and w.client_id = 'ioc-indices'
  on conflict do nothing returning datastream_id, phenomenon_time)
insert into index_detail (datastream_id, phenomenon_time, sub_indices, coverage)
select datastream_id, phenomenon_time, '{}', 1 from o on conflict do nothing
""".replace("%%", "%")
_PLACES: Final = """
insert into location (thing_id, lon, lat, commune_how, outline)
select id, 106.5 + id %% 31 / 31.0, 10.7 + id %% 47 / 31.0, 'none', 'inside' from thing
on conflict do nothing
""".replace("%%", "%")
# The month before this one: six pollutants, 720 hours, 5 min messages, some hours beyond.
_MONTH: Final = """
insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last, last_time)
select d.id, h, 12, 12, 12 * v, v, v, v, h
from datastream d, generate_series(date_trunc('month', now()) - interval '1 month 1 day',
  date_trunc('month', now()), '1 hour') h,
  lateral (select 20 + (d.id * 7 + extract(epoch from h)::bigint / 3600 * 13) %% 60 as v) x
where d.thing_id = %(thing)s and not d.derived on conflict do nothing
"""
_MINUTES: Final = """
insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last, last_time)
select d.id, m, 1, 1, 20, 20, 20, 20, m
from datastream d, generate_series(date_trunc('month', now()) - interval '1 month 1 day',
  date_trunc('month', now()), '5 minutes') m
where d.thing_id = %(thing)s and not d.derived on conflict do nothing
"""
_STEPS: Final = """() => {
  const {state, show} = window.IOC, found = [];
  for (let frame = 0; frame < state.frames.count; frame += 1) {
    show(frame);
    document.body.offsetHeight; // what the step moved is laid out within the step's time
    found.push(performance.now() - state.began);
  }
  return found;
}"""
_READY: Final = (
    "Boolean(window.IOC && window.IOC.map && window.IOC.map.loaded() && window.IOC.state.frames)"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each step of the slider; seconds of answers and reports; their sizes."""

    steps_ms: list[float]
    answer_s: list[float]
    answer_kb: int
    pdf_s: list[float]
    pdf_kb: int


def measure(conn: Db, url: str, known: Services) -> Measured:
    """Serve what the database holds, with a week and a month put beside it, and use it."""
    given = configuration.load(
        {"IOC_DATABASE_URL": url, "IOC_REDIS_URL": known.redis, "IOC_REDIS_PREFIX": _PREFIX}
    )
    thing = _fill(conn, given.config_dir)
    with running(given) as site:
        client = Client(site.port)
        client.login("bench")
        answers, size = _timed(client, "/desk/indices")
        say(f"a week of stations: {answers} s, {size} kB packed")
        month = conn.execute("select to_char(now() - interval '1 month', 'YYYY-MM')").fetchone()
        assert month
        path = f"/desk/station/{thing}/report?format=pdf&month={month[0]}"
        reports, weight = _timed(client, path)
        say(f"a month as PDF: {reports} s, {weight} kB")
        return Measured(_slide(site, client), answers, size, reports, weight)


def _fill(conn: Db, config: Path) -> int:
    users.put_user(
        conn, username="bench", display_name="bench", role="environment", password=PASSWORD
    )
    conn.execute(_WEEK)
    conn.execute(_PLACES)
    legal_limits.seed(conn, limits.load(config / "limits"))
    row = conn.execute("select min(id) from thing").fetchone()
    assert row
    for text in (_MONTH, _MINUTES):
        conn.execute(text, {"thing": row[0]})
    conn.execute("analyze")
    return int(row[0])


def _timed(client: Client, path: str) -> tuple[list[float], int]:
    runs, size = [], 0
    for _ in range(RUNS):
        begin = time.perf_counter()
        answer = client.ask("GET", path, headers={"Accept-Encoding": "gzip"})
        runs.append(round(time.perf_counter() - begin, 3))
        if answer.status != 200:
            raise BenchError(f"{path}: {answer.status} {answer.body[:200]!r}")
        size = len(answer.body) // 1024
    return runs, size


def _body(client: Client, path: str) -> bytes:
    """Return an answer, however long a busy machine takes: the figure says so."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path, headers=client.credentials() | {"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise BenchError(f"{path}: {answer.status} {body[:200]!r}")
    return body


def _slide(site: Site, client: Client) -> list[float]:
    """Return the milliseconds of every step of a week in a browser; [] without one."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  a tool of the tests

    program = next((path for path in map(shutil.which, _BROWSERS) if path), None)
    if program is None:
        return []
    origin = f"http://127.0.0.1:{site.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN")
        context.add_cookies(
            [{"name": k, "value": v, "url": origin} for k, v in client.cookies.items()]
        )
        page = context.new_page()
        page.goto(f"{origin}/indices")
        until = time.monotonic() + 120
        while not page.evaluate(_READY) and time.monotonic() < until:
            page.wait_for_timeout(200)
        steps: list[float] = page.evaluate(_STEPS)
        browser.close()
    say(json.dumps({"steps": len(steps), "median_ms": statistics.median(steps)}))
    return [round(step, 2) for step in steps]
