"""From a message to a screen and to people: how soon one raise is seen, what 10,000 at once do.

Figures of `bench.alerts`. The screen is a client of `/live` in this process: what it reads is what
a browser reads; the drawing, some 10 to 20 ms, is `bench.live`'s.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from bench.alert_rig import (
    FEEDS,
    LIMIT,
    PROPERTIES,
    SPARE,
    TARGETS,
    THINGS,
    Centre,
    body,
    centre,
    messages,
    publish,
    wait,
)
from bench.ingest_rig import Services
from bench.machine import percentile, say
from bench.report import Figure, Report

GOALS: Final[dict[str, tuple[str, float | None]]] = {
    "raise_on_screen_p50_ms": ("ms", 150),
    "raise_on_screen_p95_ms": ("ms", 400),
    "storm_recorded_s": ("s", None),
    "storm_on_screen_s": ("s", None),
    "storm_told_s": ("s", 10),
    "storm_lost": ("alerts", 0),
    "storm_notifications": ("messages", 50),
    "storm_list_p95_ms": ("ms", 1000),
    "storm_silence_s": ("s", 5),
}
RATE: Final = 1000.0  # messages a second in the background
STORM: Final = len(FEEDS) * THINGS * len(PROPERTIES)
CALM: Final = 20.0  # a value that breaches nothing
PATIENCE_S: Final = 180.0


def measure(report: Report, where: Services, *, quick: bool) -> None:
    """Measure both on one centre: probes first, then everything at once."""
    probes = 30 if quick else len(FEEDS) * SPARE
    with centre(where) as made:
        report.calibration["screen"] = "a client of /live; a browser's drawing is not in it"
        report.calibration["alert_load"] = (
            f"{len(FEEDS) * len(PROPERTIES) * 20} rules, {STORM} datastreams, 20 rules match each,"
            f" {RATE:.0f} messages a second, {probes} raises"
        )
        _probe(report, made, probes)
        _storm(report, made, STORM // 10 if quick else STORM)


# ---------------------------------------------------------------- one raise


def _probe(report: Report, made: Centre, number: int) -> None:
    """Raise one alert every tenth of a second into the traffic of a province."""
    stop = threading.Event()
    late: list[float] = []
    background = threading.Thread(target=_traffic, args=(made, stop, late))
    background.start()
    time.sleep(2.0)  # the load is there before the first probe
    sent: dict[tuple[int, str], float] = {}
    for n in range(number):
        place, feed = divmod(n, len(FEEDS))
        thing = made.things[FEEDS[feed]][THINGS + place]
        stamp = time.time()
        value = body(PROPERTIES[0], LIMIT + 1, int(stamp * 1e6))
        publish(made.ingest.mqtt, [(f"{FEEDS[feed]}/d{THINGS + place:06d}/data", value)])
        sent[thing, PROPERTIES[0]] = stamp
        time.sleep(0.1)
    wait("every raise on the screen", lambda: sent.keys() <= made.screen.seen.keys(), PATIENCE_S)
    stop.set()
    background.join()
    took = [(made.screen.seen[key] - at) * 1000 for key, at in sent.items()]
    for share in (0.5, 0.95):
        _add(report, f"raise_on_screen_p{share * 100:.0f}_ms", percentile(took, share))
    report.calibration["publisher_late_ms"] = round(max(late, default=0.0), 1)


def _traffic(made: Centre, stop: threading.Event, late: list[float]) -> None:
    places = list(messages(STORM))
    turn = 0
    while not stop.is_set():
        now = int(time.time() * 1e6)
        part = [places[(turn + n) % STORM] for n in range(int(RATE / 2))]
        turn += len(part)
        bodies = [(topic, body(name, CALM + turn % 7, now)) for topic, name in part]
        late.append(publish(made.ingest.mqtt, bodies, RATE))


# ---------------------------------------------------------------- ten thousand


def _storm(report: Report, made: Centre, number: int) -> None:
    """Let `number` datastreams breach at once and follow each of them to its end."""
    wait("calm", _calm(made), PATIENCE_S)
    before, keys = made.count(), len(made.sink.keys)
    posted = len(made.sink.posted)
    made.screen.silent_s = 0.0
    stop, lists = threading.Event(), list[float]()
    reader = threading.Thread(target=_read_list, args=(made, stop, lists))
    reader.start()
    begun = time.monotonic()
    now = int(time.time() * 1e6)
    publish(made.ingest.mqtt, [(t, body(name, LIMIT + 9, now)) for t, name in messages(number)])
    goals = {
        "storm_recorded_s": lambda: made.count() - before >= number,
        "storm_on_screen_s": lambda: made.screen.total >= before + number,
        "storm_told_s": lambda: len(made.sink.keys) - keys >= number * len(TARGETS),
    }
    for key, done in goals.items():
        wait(key, done, PATIENCE_S)
        _add(report, key, time.monotonic() - begun)
    stop.set()
    reader.join()
    _add(report, "storm_lost", float(number - (made.count() - before)))
    _add(report, "storm_notifications", float(len(made.sink.posted) - posted))
    _add(report, "storm_list_p95_ms", percentile(lists, 0.95))
    _add(report, "storm_silence_s", made.screen.silent_s)
    report.calibration["storm"] = f"{number} raises, {len(TARGETS)} targets, ten percent critical"


def _calm(made: Centre) -> Any:  # noqa: ANN401  a condition
    def calm() -> bool:
        row = made.ingest.conn.execute(
            "select count(*) from outbox where decided_at is not null and sent_at is null"
            " and withheld is null and digest is null"
        ).fetchone()
        return row is not None and row[0] == 0

    return calm


def _read_list(made: Centre, stop: threading.Event, took: list[float]) -> None:
    """Read the alert list again and again, as somebody does who works with it."""
    client = made.client()
    while not stop.is_set():
        stop.wait(0.2)
        begun = time.monotonic()
        try:
            answer = client.get("/api/v1/alerts?limit=50")
        except OSError:  # a refusal is no answer in time: the figure has fewer of them
            continue
        if answer.status == 200:
            took.append((time.monotonic() - begun) * 1000)


def _add(report: Report, key: str, value: float) -> None:
    unit, goal = GOALS[key]
    report.figures[key] = Figure([round(value, 3)], unit, goal, at_least=False)
    say(f"  {key} = {value:.4g} {unit}")
