"""What rules cost: a backtest, a province's minute, a restart, one raise and 10,000 of them.

`python -m bench.alerts --json`, `--quick`, `--only KEY[,KEY]`. Prints JSON and exits 0 whatever it
says. Evaluation and restart are measured on a part and multiplied; `calibration` says which part,
and how long this machine takes for one plain step of the fold, which all of it is made of.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import Connection

from bench import alert_path
from bench.ingest_rig import fresh_database, services
from bench.machine import BenchError, say
from bench.report import Figure, Report
from ioc.alerting.__main__ import Database
from ioc.alerting.evaluator import Evaluator
from ioc.alerting.session import Session
from ioc.alerting.share import Store
from ioc.clock import SystemClock
from ioc.domain.alert import START, Sample, step
from ioc.domain.evaluation import Batch, Candidate, Row
from ioc.domain.instant import DAY, MINUTE, Micros, to_datetime
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import definition, trial
from ioc.rules.backtest_arrays import Arrays
from ioc.rules.definition import RuleFile
from ioc.rules.trial import Pace
from ioc.storage import history, leases, migrate, pool, rules

Db = Connection[tuple[Any, ...]]

GOALS: Final[dict[str, tuple[str, float | None]]] = {
    "backtest_cached_ms": ("ms", 50),
    "backtest_uncached_ms": ("ms", 300),
    "backtest_against_plain_fold": ("ratio", None),
    "evaluation_cores": ("cores", 0.25),
    "evaluation_us": ("µs", None),
    "restart_s": ("s", 5),  # until it judges whatever comes, all that is in alarm known again
    "restart_whole_s": ("s", None),  # until the last quiet datastream is awake, too
    **alert_path.GOALS,
}
SAMPLES: Final = 30 * 1440
STREAMS: Final = 100_000  # of a province, at one sample a minute
RULES: Final = 20  # that match each
INSTANCES: Final = 500_000
LIMITS: Final = (40.0, 60.0, 70.0, 80.0, 90.0, 100.0, 120.0)  # somebody drags the line
PACE: Final = Pace(60.0, 600.0)
NOW: Final = Micros(1_795_507_200_000_000)  # 2026-11-24T08:00Z
PART: Final = 500  # datastreams of the evaluation that are measured
ALARMED: Final = 0.02  # of the values breach their limit


def rule(number: int = 0, limit: float = 100.0) -> RuleFile:
    """Return a rule as a province has them: delays, deadband, two levels."""
    return definition.parse(
        {
            "id": f"bench-{number}",
            "name": {"vi": "b", "en": "b"},
            "observed_property": "pm25",
            "op": ">",
            "levels": [{"severity": "high", "limit": limit, "deadband": 10}],
            "on_delay": 300,
            "off_delay": 600,
            "min_samples": 2,
            "stale_after": 1800,
            "operator_action": {"vi": "b", "en": "b"},
        }
    )


def month(seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return thirty days of minutes of fine dust: a day's course, slow weather and noise."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(SAMPLES)
    slow = np.zeros(SAMPLES)
    push = rng.normal(0, 4, SAMPLES)
    for n in range(1, SAMPLES):
        slow[n] = 0.97 * slow[n - 1] + push[n]
    values = 60 + 25 * np.sin(minutes / 1440 * 2 * np.pi) + slow + rng.normal(0, 5, SAMPLES)
    return NOW - (SAMPLES - minutes) * MINUTE, values


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that something took."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


# ---------------------------------------------------------------- backtest


def backtest(report: Report, runs: int) -> None:
    """Measure a drag of the limit on history that is there, and the plain fold beside it."""
    times, values = month()
    arrays = Arrays.of(times, values, np.ones(SAMPLES, np.bool_))
    start = Micros(NOW - 30 * DAY)
    levels = [trial.levels_of(rule(limit=limit), 1, PACE) for limit in LIMITS]
    trial.run(levels[0], arrays, start, NOW)  # what an editor's session keeps

    def drag() -> float:
        return timed(lambda: [trial.run(one, arrays, start, NOW) for one in levels]) / len(levels)

    def plain() -> None:
        state = START
        for sample in arrays.samples():
            state, _ = step(state, levels[0][0], sample)

    cached = [drag() for _ in range(runs)]
    naive = [timed(plain) for _ in range(runs)]
    report.calibration["plain_step_us"] = round(min(naive) * 1000 / SAMPLES, 2)
    add(report, "backtest_cached_ms", cached)
    add(report, "backtest_against_plain_fold", [c / n for c, n in zip(cached, naive, strict=True)])


def uncached(report: Report, conn: Db, runs: int) -> None:
    """Measure the same from the database on, one of ten neighbours in the same chunks."""
    times, values = month()
    conn.execute("insert into ingest_writer (client_id) values ('bench')")
    with conn.cursor() as cursor, cursor.copy("copy observation from stdin") as copy:
        for moment, value in zip(times.tolist(), values.tolist(), strict=True):
            at = to_datetime(Micros(moment))
            for stream in range(1, 11):
                copy.write_row((stream, at, value + stream, 0, 0, at, 1, 1, None))
    conn.execute("vacuum analyze observation")
    start = Micros(NOW - 30 * DAY)
    levels = trial.levels_of(rule(), 1, PACE)

    def ask(stream: int) -> None:
        one = DatastreamId(stream)
        found = history.read(conn, [one], start, NOW)[one]
        trial.run(levels, Arrays.of(found.times, found.results, found.good), start, NOW)

    add(report, "backtest_uncached_ms", [timed(partial(ask, n)) for n in range(1, runs + 1)])


# ---------------------------------------------------------------- evaluation


class NoHistory:
    """A database that was empty until now."""

    def newest(self, *_: object) -> dict[DatastreamId, Micros]:
        return {}

    def since(self, *_: object) -> dict[DatastreamId, Any]:
        return {}


def evaluation(report: Report, runs: int, part: int) -> None:
    """Measure CPU seconds of minutes of a part of the province; multiply to the whole."""
    evaluator = Evaluator(offsets={1: 0})
    simulated = False
    everywhere = [
        Candidate(DatastreamId(n), ThingId(n), "pm25", "air", "f", str(n), simulated, 60, 1800)
        for n in range(part)
    ]
    evaluator.register([(rule(n), 1) for n in range(RULES)], everywhere)
    evaluator.bind([one.datastream for one in everywhere], {}, NoHistory())
    stretches = minutes_of(part)
    for _ in range(20):  # the windows of late data fill
        minute(evaluator, next(stretches))
    each = []
    for _ in range(runs):
        gc.collect()
        batches = [next(stretches) for _ in range(3)]
        before, begun = evaluator.samples, time.process_time()
        for one in batches:
            minute(evaluator, one)
        each.append((time.process_time() - begun) * 1e6 / (evaluator.samples - before))
    add(report, "evaluation_us", each)
    a_second = STREAMS * RULES / 60
    add(report, "evaluation_cores", [us * a_second / 1e6 for us in each])
    report.calibration["evaluation_part"] = f"{part} of {STREAMS} datastreams x {RULES} rules"


def minutes_of(part: int) -> Iterator[list[Batch]]:
    """Yield the batches of one minute after the other, 200 values each."""
    rng = np.random.default_rng(2)
    number = 0
    for n in range(1_000_000):
        breach = rng.random(part) < ALARMED
        values = np.where(breach, 130.0, rng.normal(60, 10, part)).tolist()
        rows = [
            Row(DatastreamId(d), Sample(Micros(NOW + n * MINUTE + d * 1000), value))
            for d, value in enumerate(values)
        ]
        batches = []
        for first in range(0, part, 200):
            number += 1
            batches.append(Batch(1, number, tuple(rows[first : first + 200])))
        yield batches


def minute(evaluator: Evaluator, batches: list[Batch]) -> None:
    """Evaluate as a session does: a verdict after each batch."""
    for batch in batches:
        evaluator.take(batch)
        evaluator.verdict()


# ---------------------------------------------------------------- restart


class Silent:
    """A bus that brings nothing."""

    def read(self, _timeout_s: float) -> list[Batch]:
        return []

    def registry_changed(self) -> bool:
        return False

    def tell(self, *, alerts_changed: bool) -> None:
        pass


def restart(report: Report, conn: Db, url: str, *, runs: int, instances: int) -> None:
    """Measure from a connection to live, and to all memory built, on a real database; multiply."""
    streams = instances // RULES
    now = SystemClock().now()
    fill(conn, streams, now)
    rules.sync(conn, [rule(n) for n in range(RULES)], "bench")
    live, whole = [], []
    for run in range(runs + 1):
        with pool.connect(url, name="bench") as line:
            database = Database(line, SystemClock(), f"bench-{run}")
            leases.join(line, database.name)
            store = Store(database, database, database, database, database)
            session = Session(store, database, Silent(), SystemClock().now)
            gc.collect()
            took = timed(session.settle)
            live.append(took / 1000 * INSTANCES / instances)
            built = sum(len(share.evaluator.bounds) for share in session.shares)
            while any(share.evaluator.asleep for share in session.shares):
                took += timed(session.turn)
            whole.append(took / 1000 * INSTANCES / instances)
            leases.leave(line, database.name)
            bounds = sum(len(share.evaluator.bounds) for share in session.shares)
            say(f"  {built} instances in {live[-1]:.2f} s, {bounds} in {whole[-1]:.2f} s, scaled")
    add(report, "restart_s", live[1:])  # the first one writes states
    add(report, "restart_whole_s", whole[1:])
    report.calibration["restart_part"] = f"{instances} of {INSTANCES} instances"


def fill(conn: Db, streams: int, now: Micros) -> None:
    """Register datastreams with an hour of minutes each; 2 % are in alarm."""
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind)"
        " values ('pm25', 'b', 'b', 'µg/m³', 'quantity') on conflict do nothing"
    )
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values ('f', 'f', 'f', 60)"
    )
    conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind, state) select 'f', n, n,"
        " n, 'environment', 'admitted' from generate_series(1, %s) n",
        (streams,),
    )
    conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) select id, 'v', 'pm25', 'pm25', 'µg/m³', 60, 1800 from thing"
    )
    conn.execute("truncate observation")
    conn.execute(
        "insert into ingest_batch (writer, batch_no, committed_at, n_messages, n_inserted,"
        " n_absorbed, n_corrected, n_refused)"
        " values (1, 1, now() - interval '2 hours', 1, 1, 0, 0, 0)"
    )
    conn.execute(
        "insert into observation select d.id, t, case when d.id %% 50 = 0 then 130 else"
        " 50 + 20 * random() end, 0, 0, t, 1, 1 from datastream d, generate_series("
        " %(now)s::timestamptz - interval '1 hour', %(now)s, interval '1 minute') t",
        {"now": to_datetime(now)},
    )
    conn.execute("vacuum analyze")


# ---------------------------------------------------------------- the command


def add(report: Report, key: str, values: list[float]) -> None:
    unit, goal = GOALS[key]
    report.figures[key] = Figure([round(v, 4) for v in values], unit, goal, at_least=False)
    say(f"  {key} = {min(values):.4g} … {max(values):.4g} {unit}")


def measure(*, quick: bool, asked: set[str]) -> Report:
    """Measure what is asked for."""
    report = Report("alerts")
    runs = 2 if quick else 5
    backtest(report, runs)
    if asked & {"evaluation_us", "evaluation_cores"}:
        evaluation(report, runs, PART // 10 if quick else PART)
    if asked & {"backtest_uncached_ms", "restart_s", "restart_whole_s"}:
        with (
            fresh_database(services().database) as url,
            psycopg.connect(url, autocommit=True) as conn,
        ):
            migrate.run(conn)
            uncached(report, conn, runs)
            if asked & {"restart_s", "restart_whole_s"}:
                instances = 2_000 if quick else 50_000
                restart(report, conn, url, runs=runs, instances=instances)
    if asked & alert_path.GOALS.keys():
        alert_path.measure(report, services(), quick=quick)
    report.figures = {key: one for key, one in report.figures.items() if key in asked}
    return report


def main() -> int:
    """Measure; 1 without services."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="the only form there is")
    words.add_argument("--quick", action="store_true", help="small counts: does it run at all?")
    words.add_argument("--only", default="", help="figures, with commas between")
    given = words.parse_args()
    asked = {key for key in given.only.split(",") if key}
    if asked - GOALS.keys():
        words.error(f"{', '.join(sorted(asked - GOALS.keys()))}: not one of {', '.join(GOALS)}")
    try:
        measure(quick=given.quick, asked=asked or set(GOALS)).emit()
    except BenchError as error:
        sys.stderr.write(f"bench.alerts: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
