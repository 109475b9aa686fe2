"""A whole centre for `bench.alert_path`: 1,000 rules, 10,000 datastreams, and who is told.

Broker, ingest, evaluator, dispatcher and web are the real processes; a webhook takes what is sent,
and a client of `/live` stands for the screen: it reads what a browser reads, and draws nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from bench import mqtt5
from bench.ingest_rig import Ingest, Services, copy_devices, fresh_database
from bench.line import Line
from bench.machine import ROOT, BenchError
from ioc import provision
from ioc.embedded.child import accepts
from ioc.storage import users
from tests.http_sink import Sink, sink
from tests.integration.web_site import Client, Events
from tests.services.ports import free_port

# Ten for which every value used here is plausible: what ingest doubts raises nothing.
PROPERTIES: Final = (
    "pm25", "pm10", "tsp", "cod", "noise", "rain_1h", "rain_10min", "rain_24h", "inflow",
    "outflow",
)  # fmt: skip
FEEDS: Final = tuple(f"a{n}" for n in range(5))
THINGS: Final = 200  # of a feed, ten datastreams each: 10,000 in all
SPARE: Final = 60  # more of each feed: every probe needs a datastream that is not in alarm yet
RULES_EACH: Final = 20  # of a feed and property: 1,000 in all
LIMIT: Final = 50.0  # of the one rule of the twenty that ever raises
TARGETS: Final = ("duty", "department")
COMMUNES: Final = 95
PATIENCE_S: Final = 120.0
_SEVERITIES: Final = ("critical", "high", "medium", "low")
_WORDS: Final = {"vi": "b", "en": "b"}


@dataclass
class Screen:
    """A client of `/live`: when which alert came, how long it was silent."""

    events: Events
    seen: dict[tuple[int, str], float] = field(default_factory=dict)  # (thing, property): when
    total: int = 0
    silent_s: float = 0.0  # the longest between two events
    _stop: bool = False

    def follow(self) -> None:
        """Read until the stream ends."""
        last = time.monotonic()
        while not self._stop:
            try:
                _, data = self.events.next()
            except (EOFError, OSError, ValueError, AttributeError):  # closed by the bench
                return
            now, at = time.monotonic(), time.time()
            self.silent_s, last = max(self.silent_s, now - last), now
            self._take(data.get("alerts"), at)

    def _take(self, alerts: Any, at: float) -> None:  # noqa: ANN401  JSON
        if alerts is None:
            return
        self.total = alerts["total"]
        for row in alerts["open"]:
            self.seen.setdefault((row["thing"], row["property"]), at)

    def stop(self) -> None:
        self._stop = True


@dataclass
class Centre:
    """What runs."""

    ingest: Ingest
    port: int
    token: str
    sink: Sink
    things: dict[str, list[int]]  # ids by feed, in the order of their names
    screen: Screen

    def count(self) -> int:
        """Return how many alerts are recorded."""
        row = self.ingest.conn.execute("select count(*) from alert").fetchone()
        return int(row[0]) if row else 0

    def client(self) -> Client:
        return Client(self.port, token=self.token)


@contextmanager
def centre(where: Services) -> Iterator[Centre]:
    """Run everything until the block ends."""
    with ExitStack() as stack:
        database = stack.enter_context(fresh_database(where.database))
        ingest = stack.enter_context(Ingest(database, where, feed_file=_feed_file()))
        posted = stack.enter_context(sink())
        folder = Path(ingest.environment["IOC_CONFIG_DIR"])
        _configure(folder, posted.url)
        provision.prepare(ingest.settings, demo=False)
        ingest.start()
        for feed in FEEDS:
            ingest.await_subscribed(f"{feed}/d000000/data", *PROPERTIES)
        ingest.stop()
        things = _populate(ingest)
        token = users.create_token(ingest.conn, kind="api", role="operator", label="bench")
        ingest.start()
        ingest.await_subscribed(f"{FEEDS[0]}/d000000/data", PROPERTIES[0])
        for module in ("ioc.alerting", "ioc.alerting.dispatcher"):
            stack.enter_context(process(module, ingest.environment, folder / f"{module}.log"))
        port = free_port()
        door = {"IOC_WEB_HOST": "127.0.0.1", "IOC_WEB_PORT": str(port)}
        log = folder / "web.log"
        stack.enter_context(process("ioc.web", ingest.environment | door, log))
        wait("the web process", lambda: accepts(port))
        wait("the evaluator", lambda: "evaluator_ready" in _said(folder / "ioc.alerting.log"))
        screen = Screen(stack.enter_context(Events(port, Client(port, token=token))))
        follower = threading.Thread(target=screen.follow, daemon=True)
        follower.start()
        stack.callback(screen.stop)
        yield Centre(ingest, port, token, posted, things, screen)


def messages(number: int, every: Sequence[str] = PROPERTIES) -> Iterator[tuple[str, str]]:
    """Yield (topic, property) of the first datastreams of the province, all feeds in turn."""
    for n in range(number):
        rest, feed = divmod(n, len(FEEDS))
        thing, place = divmod(rest, len(every))
        yield f"{FEEDS[feed]}/d{thing:06d}/data", every[place]


def publish(url: str, bodies: Sequence[tuple[str, bytes]], rate: float = 0.0) -> float:
    """Publish with QoS 1 at a rate (0: as fast as can be); return the latest delay in ms."""
    late = 0.0
    with Line(url) as line:
        begun = time.monotonic()
        for first in range(0, len(bodies), 10):
            if rate:
                ahead = begun + first / rate - time.monotonic()
                late = max(late, -ahead * 1000)
                time.sleep(max(0.0, ahead))
            numbered = enumerate(bodies[first : first + 10], first)
            packets = [mqtt5.publish(*one, n % mqtt5.LAST_ID + 1) for n, one in numbered]
            line.socket.sendall(b"".join(packets))
        line.await_acknowledged(len(bodies))
    return late


def body(name: str, value: float, stamp_us: int) -> bytes:
    return orjson.dumps({"t": stamp_us, name: value})


def wait(what: str, condition: Callable[[], bool], timeout: float = PATIENCE_S) -> None:
    """Wait for something. Raises BenchError."""
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            raise BenchError(f"{what} was not there within {timeout:.0f} s")
        time.sleep(0.05)


# ---------------------------------------------------------------- what it is made of


def _feed_file() -> str:
    return yaml.safe_dump(
        [
            {
                "name": feed,
                "title": _WORDS,
                "codec": "json",
                "topic": f"{feed}/{{thing}}/data",
                "expected_period_s": 60,
                "admit": True,
                "kind": "environment",
                "options": {
                    "time": "t",
                    "time_format": "epoch_us",
                    "values": {code: {"path": code} for code in PROPERTIES},
                },
            }
            for feed in FEEDS
        ]
    )


def _configure(folder: Path, url: str) -> None:
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    rules = [_rule(feed, n, k) for feed in FEEDS for n in range(10) for k in range(RULES_EACH)]
    (folder / "rules" / "bench.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    plan = {
        "targets": [{"name": name, "channel": "webhook", "address": url} for name in TARGETS],
        "policies": [{"name": "all", "tell": list(TARGETS)}],
    }
    (folder / "notify.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")


def _rule(feed: str, place: int, number: int) -> dict[str, Any]:
    """Return one rule; of the twenty that match a datastream the first raises above LIMIT."""
    severity = _SEVERITIES[min(place, 3)]  # of ten properties one is critical
    limit = 1e6 + number if number else LIMIT
    return {
        "id": f"{feed}-{PROPERTIES[place].replace('_', '-')}-{number}",
        "name": _WORDS,
        "observed_property": PROPERTIES[place],
        "selector": {"feed": feed},
        "op": ">",
        "levels": [{"severity": severity, "limit": limit}],
        "on_delay": 0,
        "off_delay": 0,
        "min_samples": 1,
        "stale_after": 3600,
        "cause": _WORDS,
        "consequence": _WORDS,
        "operator_action": _WORDS,
    }


def _populate(ingest: Ingest) -> dict[str, list[int]]:
    conn = ingest.conn
    for feed in FEEDS:
        copy_devices(conn, feed, THINGS + SPARE)
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) select id, 107, 11, (26000 + id %% %(n)s)::text, 'X ' || id %% %(n)s,"
        " 'boundary', 'inside' from thing on conflict do nothing",
        {"n": COMMUNES},
    )
    conn.execute("analyze")
    rows = conn.execute("select feed, id from thing order by feed, external_id").fetchall()
    return {feed: [number for name, number in rows if name == feed] for feed in FEEDS}


@contextmanager
def process(module: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run one of our processes until the block ends."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", module],
            env=os.environ | environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield
        if running.poll() is not None:
            last = _said(log).strip().splitlines()[-1:]
            raise BenchError(f"{module} ended: {' '.join(last)[:300]}")
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
